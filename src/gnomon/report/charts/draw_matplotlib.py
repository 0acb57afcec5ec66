"""Charts drawn by Matplotlib."""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, NullLocator

from gnomon.report.charts.chart import Axis, Chart, Panel, label_of
from gnomon.report.charts.look import INK, Look
from gnomon.report.charts.marks import Bars, Curve, Histogram, Mark, Paths, Points, Rule
from gnomon.report.charts.matplotlib_marks import draw_mark, style_of

_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "gnomon",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.size": 10,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.linewidth": 0.8,
    "grid.color": INK,
    "grid.alpha": 0.13,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def house_style() -> AbstractContextManager[None]:
    """A context with the style of all reports; restores what was set before."""
    return mpl.rc_context(_SETTINGS)


def draw_matplotlib(chart: Chart) -> Figure:
    """The chart as a figure; save it inside `house_style`, too."""
    with house_style():
        figure = Figure(figsize=(chart.width, chart.height), layout="constrained")
        placed = _place_panels(figure, chart)
        for axes, panel in placed:
            _draw_panel(axes, panel)
        _name_marks(figure, chart)
        if chart.bar is not None:
            _draw_colour_bar(figure, chart)
        if chart.x_label:
            figure.supxlabel(chart.x_label, fontsize=10)
        if chart.y_label:
            figure.supylabel(chart.y_label, fontsize=10)
        engine = figure.get_layout_engine()
        if engine is not None and any(panel.equal for panel in chart.panels):
            # Square panels shrink after room was made for their titles: it is made anew.
            engine.execute(figure)
    return figure


def _place_panels(figure: Figure, chart: Chart) -> list[tuple[Axes, Panel]]:
    """Axes for each panel, without labels where a shared axis is named at another one."""
    across = math.lcm(*map(len, chart.rows))
    grid = figure.add_gridspec(len(chart.rows), across, height_ratios=chart.heights)
    placed: dict[tuple[int, int], tuple[Axes, Panel]] = {}
    for row, panels in enumerate(chart.rows):
        span = across // len(panels)
        for column, panel in enumerate(panels):
            if panel is None:
                continue
            first = next(iter(placed.values()), (None,))[0]
            beside = first if chart.share_y == "all" else placed.get((row, 0), (None,))[0]
            axes = figure.add_subplot(
                grid[row, span * column : span * (column + 1)],
                sharex=first if chart.share_x else None,
                sharey=beside if chart.share_y else None,
            )
            placed[row, column] = axes, panel
    for (row, column), (axes, _) in placed.items():
        if chart.share_x and (row + 1, column) in placed:
            axes.tick_params(labelbottom=False)
            axes.xaxis.label.set_visible(False)
        if chart.share_y and column:
            axes.tick_params(labelleft=False, which="both")
            axes.yaxis.label.set_visible(False)
    return list(placed.values())


def _draw_panel(axes: Axes, panel: Panel) -> None:
    _set_title(axes, panel)
    if not panel.shows and panel.empty:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(0.5, 0.5, panel.empty, ha="center", va="center", transform=axes.transAxes)
    else:
        for place, mark in enumerate(panel.marks):
            draw_mark(mark, axes, 2 + place / 1000)
        _set_axis(axes, panel.x, "x")
        _set_axis(axes, panel.y, "y")
    if panel.equal:
        axes.set_aspect("equal")
    if panel.side:
        axes.set_ylabel(panel.side, rotation=0, ha="right", va="center", fontsize=9.5)
    if panel.bare:
        axes.set_axis_off()
    if panel.framed:
        _frame(axes)
    if panel.legend:
        axes.legend(handles=list(_handles(panel.marks).values()))


def _set_title(axes: Axes, panel: Panel) -> None:
    size, pad = (8, 2) if panel.bare else (10, 4)
    accent: dict[str, Any] = {"color": panel.accent, "weight": "bold"} if panel.accent else {}
    axes.set_title(panel.title, fontsize=size, pad=pad, **accent)


def _frame(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_box_aspect(1)
    axes.margins(0.08)
    for side in axes.spines.values():
        side.set_visible(True)
        side.set_alpha(0.3)


def _set_axis(axes: Axes, axis: Axis, side: str) -> None:
    """Gives the axes what the chart says about one of their sides."""
    artist = axes.xaxis if side == "x" else axes.yaxis
    set_limits = axes.set_xlim if side == "x" else axes.set_ylim
    set_scale = axes.set_xscale if side == "x" else axes.set_yscale
    if axis.label:
        artist.set_label_text(axis.label)
    if axis.linear_below is not None:
        set_scale("symlog", linthresh=axis.linear_below)
    elif axis.log:
        set_scale("log")
    _set_ticks(axes, axis, side)
    set_limits(axis.low, axis.high)
    if axis.reversed:
        artist.set_inverted(True)
    if axis.grid:
        axes.grid(axis=side)  # pyright: ignore[reportArgumentType]


def _set_ticks(axes: Axes, axis: Axis, side: str) -> None:
    artist = axes.xaxis if side == "x" else axes.yaxis
    if axis.hidden:
        artist.set_ticks([])
        axes.spines["left" if side == "y" else "bottom"].set_visible(False)
    elif isinstance(axis.ticks, int):
        artist.set_major_locator(
            MaxNLocator(axis.ticks, integer=axis.integer, steps=[1, 2, 5, 10])
        )
    elif axis.ticks is not None:
        artist.set_ticks([at for at, _ in axis.ticks], [words for _, words in axis.ticks])
        artist.set_minor_locator(NullLocator())
    elif axis.integer:
        artist.set_major_locator(MaxNLocator(integer=True))
    if axis.size is not None:
        axes.tick_params(axis=side, labelsize=axis.size)  # pyright: ignore[reportArgumentType]
    if axis.angle:
        axes.tick_params(axis=side, rotation=axis.angle)  # pyright: ignore[reportArgumentType]
        for label in artist.get_ticklabels() if axis.angle < 90 else ():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")


def _name_marks(figure: Figure, chart: Chart) -> None:
    """One legend below the panels, where it has more than one entry."""
    names = chart.labels
    if not names:
        return
    marks = [mark for panel in chart.panels if not panel.legend for mark in panel.marks]
    handles = {label: _line_handle(look, label) for label, look in chart.legend}
    handles = handles | _handles(marks)
    figure.legend(
        handles=[handles[name] for name in names],
        loc="outside lower center",
        ncols=min(chart.legend_columns, len(names)),
    )


def _handles(marks: Sequence[Mark]) -> dict[str, Artist]:
    """The entries of a legend by label; of several marks with one label the first counts."""
    labelled: dict[str, Mark] = {}
    for mark in marks:
        labelled.setdefault(label_of(mark), mark)
    return {label: _handle(mark, label) for label, mark in labelled.items() if label}


def _handle(mark: Mark, label: str) -> Artist:
    if isinstance(mark, Bars):
        return _patch(mark, label)
    if isinstance(mark, Histogram):
        return Patch(color=mark.look.colour, alpha=mark.look.opacity, label=label)
    assert isinstance(mark, Curve | Points | Paths | Rule)
    look = replace(mark.look, line="") if isinstance(mark, Points) else mark.look
    return _line_handle(look, label)


def _patch(bars: Bars, label: str) -> Patch:
    if bars.open:
        return Patch(facecolor="none", edgecolor=INK, hatch="///", label=label)
    return Patch(facecolor=bars.colour, label=label)


def _line_handle(look: Look, label: str) -> Line2D:
    """Opaque, with a marker that is large enough to be recognised."""
    style = style_of(replace(look, opacity=1.0, size=max(look.size, 5.0)))
    return Line2D([], [], label=label, **style)


def _draw_colour_bar(figure: Figure, chart: Chart) -> None:
    """The colours of the first contours; all contours of a chart have the same levels."""
    assert chart.bar is not None
    filled = next(
        artist
        for axes in figure.axes
        for artist in axes.collections
        if isinstance(artist, ContourSet)
    )
    bar = figure.colorbar(filled, ax=figure.axes, orientation="horizontal", shrink=0.8)
    bar.set_ticks([at for at, _ in chart.bar.ticks], labels=[it for _, it in chart.bar.ticks])
    bar.set_label(chart.bar.label)
