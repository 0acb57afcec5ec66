"""A finding along a numeric axis: the mean with its interval, and every seed."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gnomon.report.charts import (
    INK,
    WIDTH,
    Axis,
    Chart,
    Curve,
    Mark,
    Panel,
    Text,
    in_rows,
    look,
    one,
)
from gnomon.report.numbers import scale_of
from gnomon.report.prose import shortened
from gnomon.study.report.labels import axis_label, with_unit
from gnomon.study.statistics.verdict import Verdict

_MOST_LINES = 4
"""Maximum number of verdicts in one panel."""
_COLUMNS = 4
_LOG_FROM = 30.0
"""An axis whose largest value is so many times its least is drawn with equal ratios."""
_LABEL_HEIGHT = 0.062
"""Height of one line of text, as a share of the height of the panel."""


def trend_chart(verdicts: Sequence[Verdict]) -> Chart:
    """The verdicts of one hypothesis: up to four in one panel, named at the lines' ends.

    More have a small panel each, with the same axes. Verdicts without numbers are left out.
    """
    drawn = [verdict for verdict in verdicts if verdict.seeds]
    x, y = _axes(drawn)
    if len(drawn) <= _MOST_LINES:
        curves = [curve for place, each in enumerate(drawn) for curve in _marks(each, place)]
        marks = sorted(curves, key=lambda curve: curve.band is None)  # bands below all lines
        y = replace(y, **_limits(marks))
        return one(Panel([*marks, *_names(drawn, y)], x, y), 3.9, 1.35 * WIDTH)
    panels = [
        Panel(
            _marks(verdict, 0),
            replace(x, label=""),
            replace(y, label=""),
            title=f"{shortened(verdict.condition, 20)}: {verdict.answer}",
        )
        for verdict in drawn
    ]
    return Chart(
        in_rows(panels, _COLUMNS),
        0.5 + 1.75 * math.ceil(len(drawn) / _COLUMNS),
        1.7 * WIDTH,
        share_x=True,
        share_y="all",
        x_label=x.label,
        y_label=y.label,
    )


def _marks(verdict: Verdict, place: int) -> list[Curve]:
    """The interval of the mean, a thin line for each seed, and the mean."""
    style, scale = look(place), scale_of(verdict.unit)
    thin = replace(style, marker=".", width=0.6, size=4, opacity=0.25)
    levels, means = list(verdict.blocks.levels), verdict.means
    values = [scale * mean.value for mean in means]
    low = [scale * (mean.value if mean.low is None else mean.low) for mean in means]
    high = [scale * (mean.value if mean.high is None else mean.high) for mean in means]
    return [
        Curve(levels, values, replace(style, marker="", line=""), band=(low, high)),
        *(Curve(levels, seed, thin) for seed in scale * verdict.blocks.values),
        Curve(levels, values, replace(style, width=2.2)),
    ]


def _axes(drawn: Sequence[Verdict]) -> tuple[Axis, Axis]:
    hypothesis = drawn[0].hypothesis
    levels = sorted({float(level) for verdict in drawn for level in verdict.blocks.levels})
    ratios = levels[0] > 0 and levels[-1] / levels[0] >= _LOG_FROM
    ticks = [(level, f"{level:g}") for level in levels]
    x = Axis(
        axis_label(hypothesis.axis),
        log=ratios,
        ticks=ticks if len(levels) <= 8 and not ratios else None,
    )
    return x, Axis(with_unit(hypothesis.finding, drawn[0].unit), grid=True)


def _limits(curves: Sequence[Curve]) -> dict[str, float]:
    """The ends of an axis on which all curves and bands have a margin."""
    rows = [row for curve in curves for row in (curve.y, *(curve.band or ()))]
    values = np.concatenate([np.asarray(row, dtype=np.float64) for row in rows])
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.05 * abs(low) or 1.0
    return {"low": low - margin, "high": high + margin}


def _names(drawn: Sequence[Verdict], y: Axis) -> list[Mark]:
    """The condition and the answer beside the last mean, moved apart where they would meet."""
    assert y.low is not None
    assert y.high is not None
    height = y.high - y.low
    ends = [scale_of(each.unit) * each.means[-1].value for each in drawn]
    lines = 2 if drawn[0].condition else 1
    gap = 1.1 * lines * _LABEL_HEIGHT
    places = _apart([(end - y.low) / height for end in ends], gap)
    return [
        Text(
            1.015,
            y.low + place * height,
            "\n".join(filter(None, [shortened(verdict.condition, 22), verdict.answer])),
            of_panel="x",
            anchor="left",
            size=9.5,
            colour=look(index).colour if verdict.condition else INK,
        )
        for index, (verdict, place) in enumerate(zip(drawn, places, strict=True))
    ]


def _apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Places in the same order with that gap at least, near to the wanted ones."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    placed: list[float] = []
    for index in order:
        placed.append(max(wanted[index], placed[-1] + gap) if placed else wanted[index])
    surplus = max(0.0, placed[-1] - 1.0) if placed else 0.0
    return [placed[order.index(index)] - surplus for index in range(len(wanted))]
