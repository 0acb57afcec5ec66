"""The report of a study."""

from gnomon.report.results_page import Heading as Heading
from gnomon.study.report.page import write_study_report as write_study_report
