"""Two values of an axis, seed by seed: both values of each pair, and their difference."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gnomon.report.numbers import scale_of, unit_of
from gnomon.report.picture import (
    COLOURS,
    INK,
    MARKERS,
    WIDTH,
    house_style,
    new_figure,
)
from gnomon.report.prose import shortened, wrapped
from gnomon.study.report.labels import compared, with_unit
from gnomon.study.statistics.verdict import Verdict

_MOST_PANELS = 6


def draw_comparison(verdicts: Sequence[Verdict]) -> Figure:
    """Pairs joined by lines above, their differences below; one column for each verdict.

    More than six verdicts have the differences alone, one below the other. Verdicts without
    numbers are not drawn.
    """
    drawn = [verdict for verdict in verdicts if verdict.seeds]
    with house_style():
        return _columns(drawn) if len(drawn) <= _MOST_PANELS else _differences(drawn)


def _columns(drawn: Sequence[Verdict]) -> Figure:
    figure = new_figure(4.6, max(WIDTH * 0.85, 0.9 + 1.35 * len(drawn)))
    grid = figure.subplots(
        2, len(drawn), squeeze=False, sharey="row", gridspec_kw={"height_ratios": (3, 2)}
    )
    for column, verdict in enumerate(drawn):
        _draw_pairs(grid[0, column], verdict)
        _draw_difference(grid[1, column], verdict)
        named = f"{wrapped(verdict.condition, 16)}\n" if verdict.condition else ""
        grid[0, column].set_title(f"{named}{verdict.answer}", fontsize=9.5)
    hypothesis, unit = drawn[0].hypothesis, drawn[0].unit
    grid[0, 0].set_ylabel(with_unit(hypothesis.finding, unit))
    grid[1, 0].set_ylabel(wrapped(f"difference{_in(unit)}", 18))
    return figure


def _draw_pairs(axes: Axes, verdict: Verdict) -> None:
    scale = scale_of(verdict.unit)
    for pair in scale * np.array(verdict.blocks.values):
        axes.plot([0, 1], pair, color=INK, alpha=0.3, linewidth=0.8, zorder=1)
        for place, value in enumerate(pair):
            axes.plot(place, value, ".", color=COLOURS[place], alpha=0.6, markersize=6)
    for place, mean in enumerate(verdict.means):
        beside = -0.22 if place == 0 else 1.22
        _dot(axes, beside, scale * mean.value, place)
        if mean.low is not None and mean.high is not None:
            _bar(axes, beside, scale * mean.low, scale * mean.high, COLOURS[place])
    names = [wrapped(each, 11) for each in compared(verdict)]
    axes.set_xticks([0, 1], names)
    axes.set_xlim(-0.5, 1.5)
    axes.grid(axis="y")


def _draw_difference(axes: Axes, verdict: Verdict) -> None:
    """Every seed's difference, the mean with its interval, and what is too small to matter."""
    scale, smallest = scale_of(verdict.unit), verdict.hypothesis.smallest
    first, second = (scale * np.array(verdict.blocks.values)).T
    mean = verdict.effects[0]
    axes.axhline(0, color=INK, linewidth=0.8)
    if smallest is not None:
        axes.axhspan(-scale * smallest, scale * smallest, color=INK, alpha=0.08, linewidth=0)
    axes.plot(np.zeros(len(first)), first - second, ".", color=INK, alpha=0.4, markersize=6)
    _dot(axes, 0.5, scale * mean.value, 2)
    if mean.low is not None and mean.high is not None:
        _bar(axes, 0.5, scale * mean.low, scale * mean.high, COLOURS[2])
    axes.set_xticks([0, 0.5], ["seeds", "mean"])
    axes.set_xlim(-0.35, 0.85)
    axes.grid(axis="y")


def _differences(drawn: Sequence[Verdict]) -> Figure:
    """One line for each verdict, the first at the top."""
    unit, scale = drawn[0].unit, scale_of(drawn[0].unit)
    figure = new_figure(1.0 + 0.36 * len(drawn), 1.35 * WIDTH)
    axes = figure.subplots()
    axes.axvline(0, color=INK, linewidth=0.8)
    smallest = drawn[0].hypothesis.smallest
    if smallest is not None:
        axes.axvspan(-scale * smallest, scale * smallest, color=INK, alpha=0.08, linewidth=0)
    for row, verdict in enumerate(drawn):
        first, second = (scale * np.array(verdict.blocks.values)).T
        mean = verdict.effects[0]
        axes.plot(first - second, np.full(len(first), row - 0.25), ".", color=INK, alpha=0.4)
        _dot(axes, scale * mean.value, float(row), 2)
        if mean.low is not None and mean.high is not None:
            ends = [scale * mean.low, scale * mean.high]
            axes.plot(ends, [row, row], color=COLOURS[2], linewidth=2)
        axes.text(1.015, row, verdict.answer, transform=axes.get_yaxis_transform(), va="center")
    axes.set_yticks(range(len(drawn)), [shortened(each.condition) for each in drawn])
    axes.invert_yaxis()
    first_name, second_name = compared(drawn[0])
    finding = f"{drawn[0].hypothesis.finding.replace('_', ' ')}: "
    named = finding if drawn[0].hypothesis.axis else ""
    axes.set_xlabel(f"{named}{first_name} less {second_name}{_in(unit)}")
    axes.grid(axis="x")
    return figure


def _dot(axes: Axes, x: float, y: float, colour: int) -> None:
    axes.plot(x, y, MARKERS[colour], color=COLOURS[colour], markersize=6.5, zorder=3)


def _bar(axes: Axes, x: float, low: float, high: float, colour: str) -> None:
    axes.plot([x, x], [low, high], color=colour, linewidth=2, zorder=2)


def _in(unit: str) -> str:
    """Shares differ by percentage points."""
    said = "points" if unit == "share" else unit_of(unit)
    return f" in {said}" if said else ""
