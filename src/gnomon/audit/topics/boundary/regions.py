"""Decision regions as marks, the same in every picture of a plane."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from gnomon.report.charts import COLOURS, INK, Area, Axis, Look, Mark, Paths, Text
from gnomon.report.prose import shortened
from gnomon.representation.boundary import DecisionBoundary
from gnomon.representation.plane import Plane

_Parts = tuple[NDArray[np.int32], int]
_LETTER = 0.016
"""Half the width of a letter in a label, as a share of the window's width."""
_EDGE = Look(INK, width=0.9, opacity=0.8)


def axes_of(plane: Plane, across: str = "", upwards: str = "") -> tuple[Axis, Axis]:
    """The axes of a panel that shows the window of the plane."""
    x_low, x_high, y_low, y_high = plane.window
    return Axis(across, x_low, x_high), Axis(upwards, y_low, y_high)


def regions(boundary: DecisionBoundary) -> list[Mark]:
    """Each region in the colour of its class, and lines where two classes meet."""
    x_low, x_high, y_low, y_high = boundary.plane.window
    classes, lead = boundary.classes.cpu().numpy(), boundary.lead.cpu().numpy()
    lead = np.ma.masked_invalid(np.minimum(lead, 1e30))
    rows, columns = classes.shape
    x, y = np.linspace(x_low, x_high, columns), np.linspace(y_low, y_high, rows)
    colours = colours_of(boundary)
    # Minus the lead of the other class: the two meet where both are zero.
    areas: list[Mark] = [
        Area(x, y, np.ma.where(classes == label, lead, -lead), colour)
        for label, colour in colours.items()
    ]
    # Whatever borders the last class borders another one, whose lines are drawn.
    lines = [
        line.cpu().numpy() for label in [*colours][:-1] for line in boundary.polylines[label]
    ]
    return [*areas, Paths(lines, _EDGE)]


def colours_of(boundary: DecisionBoundary) -> dict[int, str]:
    """A colour for each class in the window; those of other figures up to eight classes.

    Of more classes, those in the window take the colours in the order of their shares, so that
    the largest differ.
    """
    present = [label for label, share in enumerate(boundary.shares) if share]
    if len(boundary.shares) <= len(COLOURS):
        return {label: COLOURS[label] for label in present}
    order = sorted(present, key=lambda label: -boundary.shares[label])
    return {label: COLOURS[rank % 8] for rank, label in enumerate(order)}


def region_names(
    boundary: DecisionBoundary, names: tuple[str, ...], taken: NDArray[np.float64]
) -> list[Text]:
    """The class of each part of a region that has room for it.

    The place is the point of the part furthest from its edge, from the window's edge, and from
    the points `taken`, (points, 2).
    """
    from scipy import ndimage  # noqa: PLC0415 - slow to import

    classes = boundary.classes.cpu().numpy()
    rows, columns = classes.shape
    x_low, x_high, y_low, y_high = boundary.plane.window
    free = _away_from(taken, boundary)
    texts: list[Text] = []
    for label in np.unique(classes[classes >= 0]):
        text = shortened(names[label], 14)
        parts, count = cast("_Parts", ndimage.label(classes == label))
        for part in range(1, count + 1):
            room = _distance_to_edge((parts == part) & free)
            row, column = np.unravel_index(int(room.argmax()), room.shape)
            if room[row, column] < columns * max(_LETTER * len(text), 0.03):
                continue
            x = x_low + (x_high - x_low) * int(column) / (columns - 1)
            y = y_low + (y_high - y_low) * int(row) / (rows - 1)
            texts.append(Text(x, y, text))
    return texts


def _distance_to_edge(region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distances in points of the grid; the window's edge counts."""
    from scipy import ndimage  # noqa: PLC0415 - slow to import

    distances = ndimage.distance_transform_edt(np.pad(region, 1))
    return cast("NDArray[np.float64]", distances)[1:-1, 1:-1]


def _away_from(taken: NDArray[np.float64], boundary: DecisionBoundary) -> NDArray[np.bool_]:
    """The points of the grid that are not covered by a marker."""
    rows, columns = boundary.classes.shape
    x_low, x_high, y_low, y_high = boundary.plane.window
    x, y = np.linspace(0, 1, columns)[None, :], np.linspace(0, 1, rows)[:, None]
    free = np.ones((rows, columns), dtype=bool)
    for across, up in taken:
        away = np.hypot(
            x - (across - x_low) / (x_high - x_low), y - (up - y_low) / (y_high - y_low)
        )
        free &= away > 0.035
    return free
