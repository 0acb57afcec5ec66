"""The loss of a few networks along a direction of parameters: a column for each, one scale."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gnomon.audit.topics.flatness.pictures import KINDS, as_numbers, kinds_of, shown_losses
from gnomon.audit.topics.flatness.probe import Losses
from gnomon.report.charts import (
    COLOURS,
    FAINT,
    WIDTH,
    Axis,
    Chart,
    Curve,
    Look,
    Panel,
    Rule,
    in_rows,
)
from gnomon.report.prose import wrapped

_COLUMNS = 4
_LINE = 84
"""Number of letters in titles that stand beside one another."""
_TALLEST = 10.0
"""The scale of rises ends at so many times the least of the networks' largest rises."""
_LEVEL = Axis("loss in nats", log=True, grid=True)
_RISE = Axis("rise in nats", grid=True)


def landscape_chart(named: Sequence[tuple[str, Losses]]) -> Chart:
    """Two panels for each network: its loss, and below it the rise over the network's own.

    All losses have one logarithmic scale, and all rises one linear scale: a loss that is large
    already looks flat on the first, and may rise most. A network whose loss rises very much
    more than another's leaves its panel.

    Args:
        named: the names of networks, and their losses along the direction.
    """
    blocks = math.ceil(len(named) / _COLUMNS)
    columns = math.ceil(len(named) / blocks)
    levels = [
        _panel(line, place, shown_losses, wrapped(name, _LINE // columns))
        for place, (name, line) in enumerate(named)
    ]
    rises = [
        _panel(line, place, partial(rise_of, line)) for place, (_, line) in enumerate(named)
    ]
    level = _scaled(_LEVEL, levels, math.inf)
    rise = _scaled(_RISE, rises, _tallest([line for _, line in named]))
    rows = zip(
        in_rows([replace(panel, y=level) for panel in levels], columns),
        in_rows([replace(panel, y=rise) for panel in rises], columns),
        strict=True,
    )
    return Chart(
        [row for pair in rows for row in pair],
        0.6 + 3.6 * blocks,
        1.35 * WIDTH,
        share_y="rows",
        legend=[
            (f"inputs {words}", Look(line=style))
            for place, (words, style) in enumerate(KINDS)
            if any(len(kinds_of(line)) > place for _, line in named)
        ],
    )


def middle_of(line: Losses) -> int:
    """The place of the network itself among the points of the line."""
    return int(np.argmin([abs(at) for (at,) in line.positions]))


def rise_of(line: Losses, of: Sequence[float | None]) -> NDArray[np.float64]:
    """The loss along the line less that of the network itself; NaN where it is infinite.

    Args:
        line: the direction.
        of: its losses, with inputs as they are or perturbed.
    """
    losses = as_numbers(of)
    return losses - losses[middle_of(line)]


def _panel(
    line: Losses,
    place: int,
    values: Callable[[Sequence[float | None]], NDArray[np.float64]],
    title: str = "",
) -> Panel:
    """The curves of one network, over the distance along the direction."""
    at = [distance for (distance,) in line.positions]
    colour = COLOURS[place % len(COLOURS)]
    curves = [
        Curve(at, values(losses), Look(colour, line=style, width=1.4))
        for losses, _, style in kinds_of(line)
    ]
    ends = (min(at), 0, max(at))
    if title:  # words stand below the lower panel
        across = Axis(ticks=[(tick, "") for tick in ends])
    else:
        ticks = [(tick, f"{tick:g}".replace("-", "−")) for tick in ends]
        across = Axis("distance s", ticks=ticks)
    return Panel([*curves, Rule(0, look=FAINT)], across, title=title)


def _scaled(axis: Axis, panels: Sequence[Panel], tallest: float) -> Axis:
    """The axis with ends between which all curves have a margin."""
    curves = [mark for panel in panels for mark in panel.marks if isinstance(mark, Curve)]
    heights = np.concatenate([np.asarray(curve.y, dtype=np.float64) for curve in curves])
    heights = heights[np.isfinite(heights)]
    heights = np.log(heights) if axis.log else heights
    low, high = (heights.min(), heights.max()) if len(heights) else (0.0, 0.0)
    margin = 0.05 * (high - low) or (1.0 if axis.log else 0.05)
    low, high = float(low - margin), float(high + margin)
    if axis.log:
        return replace(axis, low=math.exp(low), high=math.exp(high))
    return replace(axis, low=max(low, -tallest), high=min(high, tallest))


def _tallest(lines: Sequence[Losses]) -> float:
    """The end of the scale of rises, which one network that rises far more does not move."""
    most = [
        max(np.nanmax(rise_of(line, of), initial=0.0) for of, _, _ in kinds_of(line))
        for line in lines
    ]
    rising = [each for each in most if each > max(most) / 1000]
    return _TALLEST * min(rising, default=math.inf)
