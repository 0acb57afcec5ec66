"""Decision regions as they are drawn in every figure of a plane."""

from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray
from scipy import ndimage

from gnomon.report.picture import COLOURS, INK
from gnomon.report.prose import shortened
from gnomon.representation.boundary import DecisionBoundary

_Parts = tuple[NDArray[np.int32], int]
_LETTER = 0.016
"""Half the width of a letter in a label, as a share of the window's width."""


def draw_regions(axes: Axes, boundary: DecisionBoundary) -> None:
    """Fills each region in the colour of its class; lines where two classes meet."""
    x_low, x_high, y_low, y_high = boundary.plane.window
    classes, lead = boundary.classes.cpu().numpy(), boundary.lead.cpu().numpy()
    lead = np.ma.masked_invalid(np.minimum(lead, 1e30))
    rows, columns = classes.shape
    x, y = np.linspace(x_low, x_high, columns), np.linspace(y_low, y_high, rows)
    present = [label for label, share in enumerate(boundary.shares) if share]
    colours = colours_of(boundary)
    for label in present:
        # Minus the lead of the other class: the two meet where both are zero.
        signed = np.ma.where(classes == label, lead, -lead)
        top = 2 * float(signed.max()) + 1
        axes.contourf(x, y, signed, levels=[0, top], colors=[colours[label]], alpha=0.22)
    # Whatever borders the last class borders another one, whose lines are drawn.
    lines = [line.cpu().numpy() for label in present[:-1] for line in boundary.polylines[label]]
    axes.add_collection(LineCollection(lines, colors=INK, linewidths=0.9, alpha=0.8))
    axes.set_xlim(x_low, x_high)
    axes.set_ylim(y_low, y_high)


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


def name_regions(
    axes: Axes, boundary: DecisionBoundary, names: tuple[str, ...], taken: NDArray[np.float64]
) -> None:
    """Writes the class into each part of a region that has room for it.

    The place is the point of the part furthest from its edge, from the window's edge, and from
    the points `taken`, (points, 2).
    """
    classes = boundary.classes.cpu().numpy()
    rows, columns = classes.shape
    x_low, x_high, y_low, y_high = boundary.plane.window
    free = _away_from(taken, boundary)
    for label in np.unique(classes[classes >= 0]):
        text = shortened(names[label], 14)
        parts, count = cast("_Parts", ndimage.label(classes == label))
        for part in range(1, count + 1):
            room = _distance_to_edge((parts == part) & free)
            row, column = np.unravel_index(int(room.argmax()), room.shape)
            if room[row, column] < columns * max(_LETTER * len(text), 0.03):
                continue
            axes.text(
                x_low + (x_high - x_low) * column / (columns - 1),
                y_low + (y_high - y_low) * row / (rows - 1),
                text,
                ha="center",
                va="center",
                fontsize=10,
                color=INK,
            )


def _distance_to_edge(region: NDArray[np.bool_]) -> NDArray[np.float64]:
    """In points of the grid; the window's edge counts."""
    found = ndimage.distance_transform_edt(np.pad(region, 1))
    return cast("NDArray[np.float64]", found)[1:-1, 1:-1]


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
