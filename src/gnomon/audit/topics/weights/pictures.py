"""Pictures of the weight matrices of a network, and of how their entries are distributed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, findings_of
from gnomon.audit.subject import Subject
from gnomon.report.charts import (
    WIDTH,
    Axis,
    Chart,
    Histogram,
    Image,
    Look,
    Mark,
    Panel,
    Scale,
    in_rows,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, shortened
from gnomon.representation.weights import weight_matrices

_MOST_LAYERS = 9
"""Largest number of matrices in one picture."""
_MOST_CELLS = 64
"""Longer sides are drawn in blocks: smaller cells could not be seen."""
_MOST_ENTRIES = 1_000_000
"""So many entries of a matrix decide its colours; they are taken evenly."""
_FIRST = Look(width=1.1, line="--")
"""The look of the weights of the first snapshot."""


def weights_of(examined: Examined) -> list[Picture]:
    """For each subject its weight matrices as heatmaps, above the histograms of their entries.

    A histogram's bars have the colours of the heatmap above them: it is the colour bar too.
    """
    return [
        _picture(subject, finding, shown)
        for subject, audit in examined
        for _, finding in findings_of([(subject, audit)], "frobenius_norm")
        if (shown := _shown(finding))
    ]


def layer_name(parameter: str, length: int = 18) -> str:
    """The name of a layer as readers want it: "linear1" for the parameter "linear1.weight"."""
    return shortened(parameter.removesuffix(".weight"), length)


def _shown(finding: Finding) -> list[str]:
    """The matrices that are drawn: the first few of those that have entries."""
    layers = finding.details["layers"]
    return [name for name, layer in layers.items() if min(layer["shape"])][:_MOST_LAYERS]


def _picture(subject: Subject, finding: Finding, shown: list[str]) -> Picture:
    layers, weights = finding.details["layers"], weight_matrices(subject.network)
    columns = min(3, len(shown))
    scales = {name: _scale(weights[name].matrix) for name in shown}
    matrices = in_rows(
        [_matrix(name, layers[name], weights[name].matrix, scales[name]) for name in shown],
        columns,
    )
    entries = in_rows(
        [_entries(layers[name]["histogram"], scales[name]) for name in shown], columns
    )
    rows = [row for pair in zip(matrices, entries, strict=True) for row in pair]
    first = _first(finding)
    legend = [("as examined", Look(width=1)), (f"snapshot of epoch {first}", _FIRST)]
    return Picture(
        key=f"weights-{file_stem(subject.name)}",
        topic="Weights",
        title=f"Weight matrices of {subject.name}",
        chart=Chart(
            rows,
            0.5 + 2.5 * len(matrices),
            1.25 * WIDTH,
            heights=[1.7, 1] * len(matrices),
            legend=legend if first is not None else [],
        ),
        caption=_caption(subject.name, finding, shown),
        alt=f"Heatmaps of {len(shown)} weight matrices of {subject.name}, each above the "
        f"histogram of its entries.{_moved(finding, first)}",
        definition="weight-matrix",
        wide=True,
    )


def _matrix(name: str, layer: Mapping[str, Any], matrix: Tensor, scale: Scale) -> Panel:
    height, width = layer["shape"]
    none = Axis(ticks=())
    cells = Image(_blocks(matrix), scale, square=False)
    return Panel([cells], none, none, f"{layer_name(name)}\n{height} × {width}")


def _blocks(matrix: Tensor) -> NDArray[np.float64]:
    """The matrix; where a side is too long to be drawn, sums of blocks over √(their size).

    So independent entries look the same whether drawn alone or in blocks.
    """
    height, width = (min(side, _MOST_CELLS) for side in matrix.shape)
    image = matrix.cpu().double()[None, None]
    size = matrix.numel() / (height * width)
    return adaptive_avg_pool2d(image, (height, width))[0, 0].numpy() * size**0.5


def _scale(matrix: Tensor) -> Scale:
    """Colours for all but the largest half per cent, so that one weight pales no others."""
    step = -(-matrix.numel() // _MOST_ENTRIES)
    sizes = matrix.flatten()[::step].abs().cpu().double().numpy()
    limit = float(np.quantile(sizes, 0.995)) or 1.0
    return Scale("RdBu", -limit, limit)


def _entries(histogram: Mapping[str, Any], scale: Scale) -> Panel:
    """The heatmap's colours under an outline of the examined and of the first weights."""
    limit = histogram["limit"]
    last, first = histogram["last"], histogram["first"] or []
    width = _bin_width(last)
    last, first = _coarse(last, width), _coarse(first, width)
    edges = np.linspace(-limit, limit, len(last) + 1)
    marks: list[Mark] = [Histogram(edges, last, Look(width=0.9), scale=scale)]
    if first:
        marks.append(Histogram(edges, first, _FIRST, filled=False))
    ticks = [(-limit, f"−{limit:.2g}"), (0, "0"), (limit, f"{limit:.2g}")]
    return Panel(
        marks,
        Axis(low=-1.1 * limit, high=1.1 * limit, ticks=ticks),
        Axis(low=0, high=1.05 * max(*last, *first), hidden=True),
    )


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
    """A sentence on the matrix that training has moved furthest."""
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
