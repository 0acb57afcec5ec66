"""The weight matrices of a network as pictures, and how their entries are distributed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.report.picture import INK, WIDTH, Picture, house_style, new_figure
from gnomon.report.prose import file_stem, shortened
from gnomon.representation.weights import weight_matrices

_MOST_LAYERS = 9
_MOST_CELLS = 64
"""Longer sides are drawn in blocks: smaller cells could not be seen."""
_MOST_ENTRIES = 1_000_000
"""So many entries of a matrix decide its colours; they are taken evenly."""


def weights_of(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """For each subject its weight matrices as heatmaps, above the histograms of their entries.

    A histogram's bars have the colours of the heatmap above them: it is the colour bar too.
    """
    return [
        _picture(subject, finding, shown)
        for subject, audit in examined
        for finding in audit.findings
        if finding.name == "frobenius_norm" and (shown := _shown(finding))
    ]


def layer_name(parameter: str, length: int = 18) -> str:
    """A parameter's name as readers want it: "linear1" for "linear1.weight"."""
    return shortened(parameter.removesuffix(".weight"), length)


def _shown(finding: Finding) -> list[str]:
    """The matrices that are drawn: the first few of those that have entries."""
    layers = finding.details["layers"]
    return [name for name, layer in layers.items() if min(layer["shape"])][:_MOST_LAYERS]


def _picture(subject: Subject, finding: Finding, shown: list[str]) -> Picture:
    layers, weights = finding.details["layers"], weight_matrices(subject.network)
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    with house_style():
        figure = new_figure(0.5 + 2.5 * rows, 1.25 * WIDTH)
        grid = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[1.7, 1] * rows)
        for axes in grid.flat:
            axes.set_axis_off()
        for index, name in enumerate(shown):
            row, column = 2 * (index // columns), index % columns
            cells, colours = _blocks(weights[name].matrix), _scale(weights[name].matrix)
            _draw_matrix(grid[row, column], cells, colours)
            height, width = layers[name]["shape"]
            grid[row, column].set_title(f"{layer_name(name)}\n{height} × {width}", pad=3)
            _draw_histogram(grid[row + 1, column], layers[name]["histogram"], colours)
        first = _first(finding)
        if first is not None:
            lines = [
                Line2D([], [], color=INK, linewidth=1, linestyle=style) for style in ("-", "--")
            ]
            names = ["as examined", f"snapshot of epoch {first}"]
            figure.legend(lines, names, loc="outside lower center", ncols=2)
    return Picture(
        key=f"weights-{file_stem(subject.name)}",
        topic="Weights",
        title=f"Weight matrices of {subject.name}",
        chart=figure,
        caption=_caption(subject.name, finding, shown),
        alt=f"Heatmaps of {len(shown)} weight matrices of {subject.name}, each above the "
        f"histogram of its entries.{_moved(finding, first)}",
        definition="weight-matrix",
        wide=True,
    )


def _blocks(matrix: Tensor) -> NDArray[np.float64]:
    """The matrix; where a side is too long to be drawn, sums of blocks over √(their size).

    So independent entries look the same whether drawn alone or in blocks.
    """
    height, width = (min(side, _MOST_CELLS) for side in matrix.shape)
    image = matrix.cpu().double()[None, None]
    size = matrix.numel() / (height * width)
    return adaptive_avg_pool2d(image, (height, width))[0, 0].numpy() * size**0.5


def _scale(matrix: Tensor) -> Normalize:
    """Colours for all but the largest half per cent, so that one weight pales no others."""
    step = -(-matrix.numel() // _MOST_ENTRIES)
    sizes = matrix.flatten()[::step].abs().cpu().double().numpy()
    limit = float(np.quantile(sizes, 0.995)) or 1.0
    return Normalize(-limit, limit, clip=True)


def _draw_matrix(axes: Axes, cells: NDArray[np.float64], colours: Normalize) -> None:
    axes.set_axis_on()
    axes.imshow(cells, cmap="RdBu", norm=colours, aspect="auto", interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_histogram(axes: Axes, histogram: dict[str, Any], colours: Normalize) -> None:
    """Filled with the heatmap's colours; outlines of the examined and of the first weights."""
    limit = histogram["limit"]
    last, first = histogram["last"], histogram["first"] or []
    width = _bin_width(last)
    last, first = _coarse(last, width), _coarse(first, width)
    edges = np.linspace(-limit, limit, len(last) + 1)
    axes.set_axis_on()
    outline = axes.stairs(
        last, edges, fill=True, facecolor="none", edgecolor=INK, linewidth=0.9
    )
    fill = axes.imshow(
        np.linspace(-limit, limit, 101)[None],
        cmap="RdBu",
        norm=colours,
        aspect="auto",
        extent=(-limit, limit, 0, max(last)),
    )
    fill.set_clip_path(outline)
    if first:
        axes.stairs(first, edges, color=INK, linewidth=1.1, linestyle="--")
    axes.set_ylim(0, 1.05 * max(*last, *first))
    axes.set_xlim(-1.1 * limit, 1.1 * limit)
    axes.set_xticks([-limit, 0, limit], [f"−{limit:.2g}", "0", f"{limit:.2g}"])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _bin_width(counts: list[int]) -> int:
    """Few entries are drawn in wider bins."""
    width = 4 if sum(counts) < 300 else 2 if sum(counts) < 1500 else 1
    return 1 if len(counts) % width else width


def _coarse(counts: list[int], width: int) -> list[int]:
    return [sum(counts[at : at + width]) for at in range(0, len(counts), width)]


def _first(finding: Finding) -> int | None:
    """The epoch of the first snapshot that could be read."""
    history = finding.details["history"]
    return history["epochs"][0] if history and history["epochs"] else None


def _caption(name: str, finding: Finding, shown: list[str]) -> str:
    every = finding.details["layers"]
    number = len(every) if len(shown) == len(every) else f"first {len(shown)} of {len(every)}"
    shapes = [each["shape"] for key, each in every.items() if key in shown]
    blocks = (
        f", sides beyond {_MOST_CELLS} in blocks"
        if any(max(shape) > _MOST_CELLS for shape in shapes)
        else ""
    )
    return (
        f"{name}: the {number} weight matrices, a row for each output and a column for each "
        f"input (blue positive, red negative, white zero, each on its own scale{blocks}), and "
        f"the distribution of their entries below.{_moved(finding, _first(finding))}"
    )


def _moved(finding: Finding, first: int | None) -> str:
    """Which matrix training has moved furthest."""
    moved = {
        name: layer["distance"]
        for name, layer in finding.details["layers"].items()
        if layer["distance"] is not None
    }
    if not moved:
        return ""
    most, least = max(moved, key=moved.__getitem__), min(moved, key=moved.__getitem__)
    return (
        f" Since epoch {first} {layer_name(most)} has moved most, by {100 * moved[most]:.0f} % "
        f"of its first Frobenius norm, and {layer_name(least)} least, by "
        f"{100 * moved[least]:.0f} %."
    )
