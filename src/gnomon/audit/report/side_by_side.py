"""The shares that a few networks reach, one below the other, with their intervals."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gnomon.audit.finding import Finding
from gnomon.report.picture import (
    COLOURS,
    MARKERS,
    WIDTH,
    house_style,
    new_figure,
)
from gnomon.report.prose import shortened

_MOST_AT_ONCE = 8


def draw_side_by_side(found: Sequence[tuple[str, Sequence[tuple[str, Finding]]]]) -> Figure:
    """One line for each finding, and there a dot for each network, with its own interval.

    Args:
        found: the titles of findings that are shares, each with the names of the networks and
            what they gave.
    """
    names = list(dict.fromkeys(name for _, rows in found for name, _ in rows))[:_MOST_AT_ONCE]
    step = 0.7 / len(names)
    with house_style():
        figure = new_figure(1.0 + (0.16 + 0.12 * len(names)) * len(found), 1.35 * WIDTH)
        axes = figure.subplots()
        for line, (_, rows) in enumerate(found):
            for name, row in rows:
                if row.value is None or name not in names:
                    continue
                place = names.index(name)
                y = line + (place - (len(names) - 1) / 2) * step
                colour = COLOURS[place]
                axes.plot(100 * row.value, y, MARKERS[place], color=colour, markersize=5.5)
                if row.error is not None:
                    axes.plot([100 * end for end in row.error], [y, y], color=colour)
        axes.set_yticks(range(len(found)), [shortened(title, 40) for title, _ in found])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.set_xlim(-2, 102)
        axes.set_xlabel("share in %, with its 95 % interval")
        axes.grid(axis="x")
        handles = [
            Line2D([], [], color=colour, marker=marker, linestyle="none", label=name)
            for colour, marker, name in zip(COLOURS, MARKERS, names, strict=False)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(4, len(names)))
    return figure
