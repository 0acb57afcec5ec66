"""Marks: what a chart shows, as data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gnomon.report.charts.look import COLOURS, DOT, FAINT, FILL, INK, LINE, Look, Number

Values = Sequence[Number | None] | NDArray[Any]
"""Numbers; None and NaN are gaps."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Points joined in their order, with a band around them where one is known.

    Attributes:
        x: numbers, or names of places on an axis of names.
        y: heights, one for each x.
        look: a look without a line leaves points.
        label: in the legend; empty for none.
        band: lower and upper ends, one for each x.
        few_markers: puts a marker on a few of many points only.
    """

    x: Values | Sequence[str]
    y: Values
    look: Look = LINE
    label: str = ""
    band: tuple[Values, Values] | None = None
    few_markers: bool = False

    @property
    def named(self) -> bool:
        """True if its points stand at names instead of numbers."""
        return any(isinstance(place, str) for place in self.x)


@dataclass(frozen=True, eq=False)
class Points:
    """Markers without lines.

    Attributes:
        x: across.
        y: upwards.
        look: its size is the diameter of a marker, in points.
        label: in the legend; empty for none.
    """

    x: Values
    y: Values
    look: Look = DOT
    label: str = ""


@dataclass(frozen=True, eq=False)
class Paths:
    """Many lines of one look.

    Attributes:
        lines: points of each line, (points, 2).
        look: without markers.
        label: in the legend; empty for none.
    """

    lines: Sequence[Sequence[tuple[Number, Number]] | NDArray[Any]]
    look: Look = LINE
    label: str = ""


@dataclass(frozen=True, eq=False)
class Bars:
    """Horizontal bars from `low` to `high`, at the heights `at`.

    Attributes:
        at: heights of the bars' middles.
        low: left ends.
        high: right ends.
        colour: of the bars.
        label: in the legend; empty for none.
        open: hatches the bars instead of filling them.
    """

    at: Values
    low: Values
    high: Values
    colour: str = COLOURS[0]
    label: str = ""
    open: bool = False


@dataclass(frozen=True)
class Scale:
    """Colours for numbers.

    Attributes:
        name: of a colour map: "RdBu" (red below, blue above), "viridis".
        low: the number of the first colour; smaller ones have it, too.
        high: the number of the last colour; larger ones have it, too.
    """

    name: str
    low: Number
    high: Number


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts between edges, as an outline that may be filled.

    Attributes:
        edges: one more than there are counts.
        counts: heights.
        look: of the outline, and of the filling without a scale.
        label: in the legend; empty for none.
        filled: fills the outline.
        scale: fills each bar with the colour of its middle.
    """

    edges: Values
    counts: Values
    look: Look = FILL
    label: str = ""
    filled: bool = True
    scale: Scale | None = None


@dataclass(frozen=True, eq=False)
class Image:
    """Cells of a matrix, or the pixels of an image; the first row is at the top.

    Attributes:
        cells: (rows, columns) numbers with a scale; or red, green, blue and perhaps opacity,
            from 0 to 1, (rows, columns, 3 or 4).
        scale: colours of the numbers.
        square: keeps cells square; otherwise they fill the panel.
    """

    cells: NDArray[Any]
    scale: Scale | None = None
    square: bool = True


@dataclass(frozen=True, eq=False)
class Area:
    """Where a function on a grid is positive, in one colour.

    Attributes:
        x: columns of the grid.
        y: rows of the grid, upwards.
        heights: (rows, columns); masked where it is unknown.
        colour: of the area.
        opacity: from 0 to 1.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    heights: NDArray[Any]
    colour: str
    opacity: Number = 0.22


@dataclass(frozen=True, eq=False)
class Contours:
    """Levels of a function on a grid: filled, with a thin line between two.

    Attributes:
        x: columns of the grid.
        y: rows of the grid, upwards.
        heights: (rows, columns); NaN where it is unknown.
        levels: rising.
        scale: name of the colour map.
    """

    x: Values
    y: Values
    heights: NDArray[Any]
    levels: Values
    scale: str = "viridis"


@dataclass(frozen=True)
class Rule:
    """A reference line through the whole panel.

    Attributes:
        at: where it crosses its axis.
        axis: the axis that it crosses.
        look: of the line.
        label: in the legend; empty for none.
    """

    at: Number
    axis: Literal["x", "y"] = "x"
    look: Look = FAINT
    label: str = ""


@dataclass(frozen=True)
class Text:
    """Words on the panel.

    Attributes:
        x: in units of the axis, or of the panel (0 left, 1 right).
        y: in units of the axis, or of the panel (0 bottom, 1 top).
        text: the words.
        of_panel: the axes whose coordinate is one of the panel.
        anchor: the side of the words that stands at `x`.
        size: of the letters, in points.
        colour: of the letters.
    """

    x: Number
    y: Number
    text: str
    of_panel: Literal["", "x", "y", "xy"] = ""
    anchor: Literal["left", "center", "right"] = "center"
    size: Number = 10.0
    colour: str = INK


Mark = Curve | Points | Paths | Bars | Histogram | Image | Area | Contours | Rule | Text
"""All that a panel can show, drawn in the order in which it is listed."""


def numbers(values: Values | Sequence[str]) -> NDArray[np.float64]:
    """The values as an array; NaN where one is None.

    >>> numbers([1, None]).tolist()
    [1.0, nan]
    """
    return np.array(values, dtype=np.float64)


def percents(shares: Values) -> list[float]:
    """Shares in per cent; NaN where one is None.

    >>> percents([0.5, None])
    [50.0, nan]
    """
    return (100 * numbers(shares)).tolist()


def intervals(
    values: Sequence[Number],
    ends: Sequence[tuple[Number, Number] | None],
    at: Sequence[Number],
    look: Look,
    label: str = "",
) -> list[Mark]:
    """Points with their intervals, which lie across, at heights.

    Args:
        values: where the points are.
        ends: of the intervals; None for a value without one.
        at: heights.
        look: of points and intervals.
        label: in the legend; empty for none.
    """
    lines = [
        [(end, height) for end in pair]
        for pair, height in zip(ends, at, strict=True)
        if pair is not None
    ]
    return [Paths(lines, replace(look, marker="")), Points(values, at, look, label)]
