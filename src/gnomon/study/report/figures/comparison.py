"""Two values of an axis, seed by seed: both values of each pair, and their difference."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gnomon.report.charts import (
    COLOURS,
    WIDTH,
    Axis,
    Chart,
    Curve,
    Look,
    Mark,
    Panel,
    Paths,
    Points,
    Rule,
    Text,
    look,
    one,
    rows_named,
)
from gnomon.report.charts.look import Number
from gnomon.report.numbers import scale_of, unit_of
from gnomon.report.prose import shortened, wrapped
from gnomon.study.report.labels import compared, with_unit
from gnomon.study.statistics.estimates import Estimate
from gnomon.study.statistics.verdict import Verdict

_MOST_PANELS = 6
"""Maximum number of verdicts that have a column of panels each."""
_ZERO = Look(width=0.8)
_SEED = Look(marker="o", line="", size=3.5, opacity=0.4)
_PAIR = Look(width=0.8, opacity=0.3)
_TOO_SMALL = Look(line="", opacity=0.45)
"""Look of the band in which differences do not matter."""
_MEAN = 2
"""Place of the look of a mean difference."""


def comparison_chart(verdicts: Sequence[Verdict]) -> Chart:
    """Pairs joined by lines above, their differences below; one column for each verdict.

    More than six verdicts have the differences alone, one below the other. Verdicts without
    numbers are left out.
    """
    drawn = [verdict for verdict in verdicts if verdict.seeds]
    return _columns(drawn) if len(drawn) <= _MOST_PANELS else _differences(drawn)


def _columns(drawn: Sequence[Verdict]) -> Chart:
    return Chart(
        [[_pairs(verdict) for verdict in drawn], [_difference(verdict) for verdict in drawn]],
        height=4.6,
        width=max(WIDTH * 0.85, 0.9 + 1.35 * len(drawn)),
        share_y="rows",
        heights=(3, 2),
    )


def _pairs(verdict: Verdict) -> Panel:
    """Both values of every seed, joined, and the two means beside them."""
    pairs = scale_of(verdict.unit) * verdict.blocks.values
    marks: list[Mark] = [Paths([list(enumerate(pair)) for pair in pairs], _PAIR)]
    for place, (values, mean) in enumerate(zip(pairs.T, verdict.means, strict=True)):
        dots = Look(COLOURS[place], "o", "", size=3.5, opacity=0.6)
        marks.append(Points([place] * len(values), values, dots))
        marks += _mean(mean, verdict, place, at=(-0.22, 1.22)[place])
    condition = f"{wrapped(verdict.condition, 16)}\n" if verdict.condition else ""
    names = [wrapped(name, 11) for name in compared(verdict)]
    return Panel(
        marks,
        Axis(low=-0.5, high=1.5, ticks=list(enumerate(names))),
        Axis(with_unit(verdict.hypothesis.finding, verdict.unit), grid=True),
        title=f"{condition}{verdict.answer}",
    )


def _difference(verdict: Verdict) -> Panel:
    """Every seed's difference, the mean with its interval, and what is too small to matter."""
    differences = _differences_of(verdict)
    marks: list[Mark] = [Rule(0, "y", _ZERO)]
    if verdict.hypothesis.smallest is not None:
        least = scale_of(verdict.unit) * verdict.hypothesis.smallest
        marks.append(Curve([-0.35, 0.85], [0, 0], _TOO_SMALL, band=([-least] * 2, [least] * 2)))
    marks.append(Points([0] * len(differences), differences, _SEED))
    marks += _mean(verdict.effects[0], verdict, _MEAN, at=0.5)
    return Panel(
        marks,
        Axis(low=-0.35, high=0.85, ticks=[(0, "seeds"), (0.5, "mean")]),
        Axis(wrapped(f"difference{_in(verdict.unit)}", 18), grid=True),
    )


def _differences(drawn: Sequence[Verdict]) -> Chart:
    """A chart with one line for each verdict, the first at the top."""
    first = drawn[0]
    marks: list[Mark] = [Rule(0, "x", _ZERO)]
    if first.hypothesis.smallest is not None:
        least, ends = scale_of(first.unit) * first.hypothesis.smallest, len(drawn) - 0.4
        marks.append(Curve([-least, least], [0, 0], _TOO_SMALL, band=([-0.6] * 2, [ends] * 2)))
    for row, verdict in enumerate(drawn):
        differences = _differences_of(verdict)
        marks.append(Points(differences, [row - 0.25] * len(differences), _SEED))
        marks += _mean(verdict.effects[0], verdict, _MEAN, at=row, upright=False)
        marks.append(Text(1.015, row, verdict.answer, of_panel="x", anchor="left"))
    one_name, other_name = compared(first)
    finding = f"{first.hypothesis.finding.replace('_', ' ')}: " if first.hypothesis.axis else ""
    panel = Panel(
        marks,
        Axis(f"{finding}{one_name} less {other_name}{_in(first.unit)}", grid=True),
        rows_named(Axis(), [shortened(verdict.condition) for verdict in drawn]),
    )
    return one(panel, 1.0 + 0.36 * len(drawn), 1.35 * WIDTH)


def _differences_of(verdict: Verdict) -> NDArray[np.float64]:
    first, second = scale_of(verdict.unit) * verdict.blocks.values.T
    return first - second


def _mean(
    mean: Estimate, verdict: Verdict, place: int, at: Number, *, upright: bool = True
) -> list[Mark]:
    """A mean with its interval, at a place of the other axis."""
    scale, style = scale_of(verdict.unit), look(place)
    ends = [mean.value] if mean.low is None or mean.high is None else [mean.low, mean.high]
    line = [(at, scale * end) if upright else (scale * end, at) for end in ends]
    x, y = (at, scale * mean.value) if upright else (scale * mean.value, at)
    marker = Look(style.colour, style.marker, "", size=7.5)
    return [Paths([line], Look(style.colour, width=2)), Points([x], [y], marker)]


def _in(unit: str) -> str:
    """The unit of a difference: shares differ by percentage points."""
    unit = "points" if unit == "share" else unit_of(unit)
    return f" in {unit}" if unit else ""
