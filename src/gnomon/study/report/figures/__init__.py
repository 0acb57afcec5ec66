"""Charts of verdicts, which the page of a study shows."""

from gnomon.study.report.figures.comparison import comparison_chart
from gnomon.study.report.figures.trend import trend_chart

__all__ = ["comparison_chart", "trend_chart"]
