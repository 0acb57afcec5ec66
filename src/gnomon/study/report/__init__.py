"""The report of a study."""

from gnomon.report.results_page import Heading
from gnomon.study.report.page import write_study_report

__all__ = ["Heading", "write_study_report"]
