"""The figures of a study's report: pure functions of verdicts and results."""

from gnomon.study.report.figures.comparison import draw_comparison
from gnomon.study.report.figures.landscape_panels import draw_landscape_panels
from gnomon.study.report.figures.side_by_side import draw_side_by_side
from gnomon.study.report.figures.trend import draw_trend

__all__ = ["draw_comparison", "draw_landscape_panels", "draw_side_by_side", "draw_trend"]
