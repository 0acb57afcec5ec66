"""The loss of a few networks along a direction of parameters: a column for each, one scale."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from gnomon.audit.topics.flatness.pictures import KINDS, as_numbers, shown_losses
from gnomon.report.picture import COLOURS, INK, WIDTH, house_style, new_figure
from gnomon.report.prose import wrapped

Line = Mapping[str, Any]
"""`positions`, `loss` and `attacked_loss` (None without a set of inputs) along a direction."""

_COLUMNS = 4
_LINE = 84
"""Letters of titles that stand beside one another."""
_TALLEST = 10.0
"""The scale of rises ends at so many times the least of the networks' largest rises."""


def draw_landscape_panels(found: Sequence[tuple[str, Line]]) -> Figure:
    """Two panels for each network: its loss, and below it the rise over the network's own.

    All losses have one logarithmic scale, and all rises one linear scale: a loss that is large
    already looks flat on the first, and may rise most. A network whose loss rises very much
    more than another's leaves its panel.

    Args:
        found: the names of networks, and their losses along the direction.
    """
    blocks = math.ceil(len(found) / _COLUMNS)
    columns = math.ceil(len(found) / blocks)
    with house_style():
        figure = new_figure(0.6 + 3.6 * blocks, 1.35 * WIDTH)
        panels = figure.subplots(2 * blocks, columns, squeeze=False)
        pairs = [
            (panels[2 * block, column], panels[2 * block + 1, column])
            for block in range(blocks)
            for column in range(columns)
        ]
        for place, ((level, rise), (name, line)) in enumerate(zip(pairs, found, strict=False)):
            _draw(level, rise, line, COLOURS[place % len(COLOURS)])
            level.set_title(wrapped(name, _LINE // columns), fontsize=9.5)
        used, left = pairs[: len(found)], pairs[len(found) :]
        for axes in (each for pair in left for each in pair):
            axes.remove()
        _share(used, columns, _tallest([line for _, line in found]))
        figure.legend(handles=_handles(found), loc="outside lower center", ncols=2)
    return figure


def rise_of(line: Line, key: str) -> NDArray[np.float64]:
    """The loss along the line less that of the network itself; NaN where it is infinite."""
    losses = as_numbers(line[key])
    return losses - losses[middle_of(line)]


def middle_of(line: Line) -> int:
    """The place of the network itself among the points of the line."""
    return int(np.argmin([abs(at) for (at,) in line["positions"]]))


def _draw(level: Axes, rise: Axes, line: Line, colour: str) -> None:
    at = [place for (place,) in line["positions"]]
    level.set_xticks([min(at), 0, max(at)])
    labels = [f"{tick:g}".replace("-", "−") for tick in level.get_xticks()]
    rise.set_xticks(level.get_xticks(), labels)
    for label, side in zip(rise.get_xticklabels(), ("left", "center", "right"), strict=True):
        label.set_horizontalalignment(side)
    for key, _, style in KINDS:
        if line[key] is not None:
            for axes, values in ((level, shown_losses(line[key])), (rise, rise_of(line, key))):
                axes.plot(at, values, color=colour, linestyle=style, linewidth=1.4)


def _share(pairs: Sequence[tuple[Axes, Axes]], columns: int, tallest: float) -> None:
    """The same scales for all levels, and for all rises; words at the left and the bottom."""
    first_level, first_rise = pairs[0]
    for place, (level, rise) in enumerate(pairs):
        level.set_yscale("log")
        rise.set_xlabel("distance s")
        level.tick_params(labelbottom=False)
        for axes, first in ((level, first_level), (rise, first_rise)):
            axes.axvline(0, color=INK, alpha=0.35, linewidth=0.8, linestyle=(0, (1, 2)))
            axes.grid(axis="y")
            if axes is not first:
                axes.sharey(first)
        if place % columns:
            for axes in (level, rise):
                axes.tick_params(labelleft=False, which="both")
        else:
            level.set_ylabel("loss in nats")
            rise.set_ylabel("rise in nats")
    for first in (first_level, first_rise):
        first.autoscale_view()
    low, high = first_level.get_ylim()
    first_level.yaxis.set_major_formatter("{x:g}")
    first_level.yaxis.set_minor_formatter("{x:g}" if high < 10 * low else "")
    low, high = first_rise.get_ylim()
    first_rise.set_ylim(max(low, -tallest), min(high, tallest))


def _tallest(lines: Sequence[Line]) -> float:
    """Where the scale of rises ends: not for the sake of a network that does not rise."""
    most = [
        max(np.nanmax(rise_of(line, key), initial=0.0) for key, _, _ in KINDS if line[key])
        for line in lines
    ]
    rising = [each for each in most if each > max(most) / 1000]
    return _TALLEST * min(rising, default=math.inf)


def _handles(found: Sequence[tuple[str, Line]]) -> list[Line2D]:
    return [
        Line2D([], [], color=INK, linestyle=style, label=f"inputs {words}")
        for key, words, style in KINDS
        if any(line[key] is not None for _, line in found)
    ]
