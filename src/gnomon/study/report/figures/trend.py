"""A finding along a numeric axis: the mean with its interval, and every seed."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gnomon.report.numbers import scale_of
from gnomon.report.picture import (
    COLOURS,
    INK,
    MARKERS,
    WIDTH,
    house_style,
    new_figure,
)
from gnomon.report.prose import shortened
from gnomon.study.report.labels import axis_label, with_unit
from gnomon.study.statistics.verdict import Verdict

_MOST_LINES = 4
_COLUMNS = 4
_LOG_FROM = 30.0
"""An axis whose largest value is so many times its least is drawn with equal ratios."""
_LABEL_HEIGHT = 0.062
"""Of one line of text, as a share of the height of the axes."""


def draw_trend(verdicts: Sequence[Verdict]) -> Figure:
    """The verdicts of one hypothesis: up to four in one drawing, named at the lines' ends.

    More have a small drawing each, with the same axes. Verdicts without numbers are not drawn.
    """
    drawn = [verdict for verdict in verdicts if verdict.seeds]
    with house_style():
        if len(drawn) <= _MOST_LINES:
            figure = new_figure(3.9, 1.35 * WIDTH)
            axes = figure.subplots()
            for index, verdict in enumerate(drawn):
                _draw(axes, verdict, index)
            _frame(axes, drawn)
            _name_lines(axes, drawn)
        else:
            figure = _small_ones(drawn)
    return figure


def _draw(axes: Axes, verdict: Verdict, index: int) -> None:
    colour, marker = COLOURS[index % 8], MARKERS[index % 8]
    scale = scale_of(verdict.unit)
    levels = [float(level) for level in verdict.blocks.levels]
    grid = scale * np.array(verdict.blocks.values)
    for row in grid:
        axes.plot(
            levels, row, color=colour, alpha=0.25, linewidth=0.6, marker=".", markersize=4
        )
    means = verdict.means
    low = [scale * (each.value if each.low is None else each.low) for each in means]
    high = [scale * (each.value if each.high is None else each.high) for each in means]
    axes.fill_between(levels, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        levels,
        [scale * each.value for each in means],
        color=colour,
        marker=marker,
        markersize=5,
        linewidth=2.2,
    )


def _frame(axes: Axes, drawn: Sequence[Verdict]) -> None:
    hypothesis = drawn[0].hypothesis
    levels = sorted({float(level) for each in drawn for level in each.blocks.levels})
    if levels[0] > 0 and levels[-1] / levels[0] >= _LOG_FROM:
        axes.set_xscale("log")
    elif len(levels) <= 8:
        axes.set_xticks(levels, [f"{level:g}" for level in levels])
    axes.set_xlabel(axis_label(hypothesis.axis))
    axes.set_ylabel(with_unit(hypothesis.finding, drawn[0].unit))
    axes.grid(axis="y")
    axes.margins(x=0.03)


def _name_lines(axes: Axes, drawn: Sequence[Verdict]) -> None:
    """The condition and the answer beside the last mean, moved apart where they would meet."""
    low, high = axes.get_ylim()
    ends = [
        (scale_of(verdict.unit) * verdict.means[-1].value - low) / (high - low)
        for verdict in drawn
    ]
    lines = 2 if drawn[0].condition else 1
    places = _apart(ends, 1.1 * lines * _LABEL_HEIGHT)
    for index, (verdict, place) in enumerate(zip(drawn, places, strict=True)):
        named = [shortened(verdict.condition, 22)] if verdict.condition else []
        axes.text(
            1.015,
            place,
            "\n".join([*named, verdict.answer]),
            transform=axes.transAxes,
            color=COLOURS[index % 8] if verdict.condition else INK,
            va="center",
            fontsize=9.5,
        )


def _apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Places in the same order with that gap at least, near to the wanted ones."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    placed: list[float] = []
    for index in order:
        placed.append(max(wanted[index], placed[-1] + gap) if placed else wanted[index])
    surplus = max(0.0, placed[-1] - 1.0) if placed else 0.0
    found = [0.0] * len(wanted)
    for index, place in zip(order, placed, strict=True):
        found[index] = place - surplus
    return found


def _small_ones(drawn: Sequence[Verdict]) -> Figure:
    rows = math.ceil(len(drawn) / _COLUMNS)
    figure = new_figure(0.5 + 1.75 * rows, 1.7 * WIDTH)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False, sharex=True, sharey=True)
    for axes in grid.flat[len(drawn) :]:
        axes.set_axis_off()
    for index, (axes, verdict) in enumerate(zip(grid.flat, drawn, strict=False)):
        _draw(axes, verdict, 0)
        _frame(axes, drawn)
        axes.set_xlabel("")
        axes.set_ylabel("")
        axes.set_title(f"{shortened(verdict.condition, 20)}: {verdict.answer}", fontsize=9)
        if index + _COLUMNS >= len(drawn):
            axes.tick_params(labelbottom=True)
    hypothesis = drawn[0].hypothesis
    figure.supxlabel(axis_label(hypothesis.axis), fontsize=10)
    figure.supylabel(with_unit(hypothesis.finding, drawn[0].unit), fontsize=10)
    return figure
