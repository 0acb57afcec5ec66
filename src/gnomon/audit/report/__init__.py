"""The report of an audit, and its figures."""

from gnomon.audit.report.report import write_report

__all__ = ["write_report"]
