"""Colours, lines and markers: one style for every chart, whoever draws it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

INK = "#1d2129"
"""Colour of text and axes: dark in a PNG, the colour of the surrounding text in an SVG."""
COLOURS = (
    "#2a7fc1",
    "#d9600b",
    "#12966f",
    "#a7599b",
    "#b08500",
    "#5b6bd6",
    "#c2436a",
    "#6d7f8b",
)
"""Colours that colour-blind readers tell apart (after Okabe and Ito), legible on white and on
black."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Markers, one for each colour, so that nothing depends on colour alone."""

Number = float | int
"""A plain number."""
Line = Literal["", "-", "--", ":", "-."]
"""Solid, dashed, dotted, dash-dotted, or no line."""


@dataclass(frozen=True)
class Look:
    """The colour, the line and the marker of a mark.

    Attributes:
        colour: a colour in hexadecimal digits.
        marker: one of `MARKERS`, "x", "+" or "." for a dot; empty for none.
        line: how points are joined.
        width: of the line, in points.
        size: diameter of a marker, in points.
        hollow: draws the outline of a marker only.
        opacity: from 0 (invisible) to 1.
    """

    colour: str = INK
    marker: str = ""
    line: Line = "-"
    width: Number = 1.5
    size: Number = 5.0
    hollow: bool = False
    opacity: Number = 1.0


LINE = Look()
"""Look of a line that belongs to no subject."""
DOT = Look(marker="o", line="")
"""Look of a point that belongs to no subject."""
FILL = Look(COLOURS[0], width=0.8, opacity=0.75)
"""Look of a filled shape that belongs to no subject."""
FAINT = Look(width=0.8, opacity=0.35, line=":")
"""Look of a reference line."""


def look(place: int) -> Look:
    """The look of the subject at that place, counted from 0; the eight looks repeat.

    >>> look(1).colour == look(9).colour == COLOURS[1]
    True
    """
    return Look(COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)])


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """A look for each name, in the order of first mention.

    >>> [each.marker for each in looks_of(["relu", "tanh", "relu"]).values()]
    ['o', 's']
    """
    return {name: look(place) for place, name in enumerate(dict.fromkeys(names))}
