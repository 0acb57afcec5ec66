"""Figures of verdicts, which the page of a study shows."""

from gnomon.study.report.figures.comparison import draw_comparison
from gnomon.study.report.figures.trend import draw_trend

__all__ = ["draw_comparison", "draw_trend"]
