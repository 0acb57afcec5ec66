"""Marks drawn by Matplotlib."""

from dataclasses import replace
from functools import singledispatch
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize

from gnomon.report.charts.look import INK, Look
from gnomon.report.charts.marks import (
    Area,
    Bars,
    Contours,
    Curve,
    Histogram,
    Image,
    Paths,
    Points,
    Rule,
    Scale,
    Text,
    numbers,
)

_BAND = 0.18
"""Opacity of a band, as a share of its curve's."""


def style_of(look: Look) -> dict[str, Any]:
    """The look as settings of a Matplotlib line."""
    return {
        "color": look.colour,
        "marker": look.marker or "none",
        "linestyle": look.line or "none",
        "linewidth": look.width,
        "markersize": look.size,
        "markerfacecolor": "none" if look.hollow else look.colour,
        "alpha": look.opacity,
    }


@singledispatch
def draw_mark(mark: Any, axes: Axes, order: float) -> None:  # noqa: ANN401 - any kind of mark
    """Draws the mark on what has a smaller order."""
    raise AssertionError(mark, axes, order)


@draw_mark.register
def _(mark: Curve, axes: Axes, order: float) -> None:
    x: Any = mark.x if mark.named else numbers(mark.x)
    if mark.band is not None:
        low, high = (numbers(ends) for ends in mark.band)
        opacity = _BAND * mark.look.opacity
        axes.fill_between(
            x, low, high, color=mark.look.colour, alpha=opacity, linewidth=0, zorder=order
        )
    axes.plot(
        x,
        numbers(mark.y),
        zorder=order,
        markevery=0.15 if mark.few_markers else None,
        **style_of(mark.look),
    )


@draw_mark.register
def _(mark: Points, axes: Axes, order: float) -> None:
    look = mark.look
    edged = look.hollow or look.marker in {"+", "x"}
    axes.plot(
        numbers(mark.x),
        numbers(mark.y),
        zorder=order,
        markeredgewidth=look.width if edged else 0,
        **style_of(replace(look, line="")),
    )


@draw_mark.register
def _(mark: Paths, axes: Axes, order: float) -> None:
    look = mark.look
    lines = LineCollection(
        [np.asarray(line) for line in mark.lines],
        colors=look.colour,
        linewidths=look.width,
        linestyles=look.line or "none",
        alpha=look.opacity,
        zorder=order,
    )
    axes.add_collection(lines)
    axes.autoscale_view()


@draw_mark.register
def _(mark: Bars, axes: Axes, order: float) -> None:
    low = numbers(mark.low)
    open_look: dict[str, Any] = {"edgecolor": INK, "hatch": "///", "alpha": 0.5}
    axes.barh(
        numbers(mark.at),
        numbers(mark.high) - low,
        left=low,
        height=0.6,
        zorder=order,
        linewidth=0.7 if mark.open else 0,
        color="none" if mark.open else mark.colour,
        **(open_look if mark.open else {}),
    )


@draw_mark.register
def _(mark: Histogram, axes: Axes, order: float) -> None:
    edges, counts, look = numbers(mark.edges), numbers(mark.counts), mark.look
    filled = mark.filled and mark.scale is None
    if mark.scale is not None:
        colours = mpl.colormaps[mark.scale.name](
            _norm(mark.scale)((edges[1:] + edges[:-1]) / 2)
        )
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=colours, zorder=order)
    axes.stairs(
        counts,
        edges,
        fill=filled,
        color=look.colour,
        alpha=look.opacity,
        linewidth=look.width,
        linestyle=look.line,
        zorder=order,
    )


@draw_mark.register
def _(mark: Image, axes: Axes, order: float) -> None:
    scale = mark.scale
    axes.imshow(
        mark.cells,
        cmap=None if scale is None else scale.name,
        norm=None if scale is None else _norm(scale),
        aspect="equal" if mark.square else "auto",
        interpolation="none",
        vmin=0 if scale is None else None,
        vmax=1 if scale is None else None,
        zorder=order,
    )


def _norm(scale: Scale) -> Normalize:
    return Normalize(scale.low, scale.high, clip=True)


@draw_mark.register
def _(mark: Area, axes: Axes, order: float) -> None:
    top = 2 * float(mark.heights.max()) + 1
    axes.contourf(
        mark.x,
        mark.y,
        mark.heights,
        levels=[0, top],
        colors=[mark.colour],
        alpha=mark.opacity,
        zorder=order,
    )


@draw_mark.register
def _(mark: Contours, axes: Axes, order: float) -> None:
    at = numbers(mark.x), numbers(mark.y), mark.heights
    levels = numbers(mark.levels)
    axes.contourf(*at, levels=levels, cmap=mark.scale, zorder=order)
    axes.contour(
        *at, levels=levels, colors="white", linestyles="-", linewidths=0.4, zorder=order
    )


@draw_mark.register
def _(mark: Rule, axes: Axes, order: float) -> None:
    draw = axes.axvline if mark.axis == "x" else axes.axhline
    draw(mark.at, zorder=order, **style_of(mark.look))


@draw_mark.register
def _(mark: Text, axes: Axes, order: float) -> None:
    transforms = {
        "": axes.transData,
        "x": axes.get_yaxis_transform(),
        "y": axes.get_xaxis_transform(),
        "xy": axes.transAxes,
    }
    axes.text(
        mark.x,
        mark.y,
        mark.text,
        transform=transforms[mark.of_panel],
        ha=mark.anchor,
        va="center",
        fontsize=mark.size,
        color=mark.colour,
        zorder=order,
    )
