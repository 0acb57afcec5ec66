"""The report of a study, and of a few audits side by side."""

from gnomon.study.report.audits import audits_table, compare_audits
from gnomon.study.report.report import write_study_report

__all__ = ["audits_table", "compare_audits", "write_study_report"]
