"""Charts of verdicts, which the page of a study shows."""

from gnomon.study.report.figures.comparison import comparison_chart as comparison_chart
from gnomon.study.report.figures.trend import trend_chart as trend_chart
