"""How the layers and the whole network stretch and fold a neighbourhood of the data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import findings_of
from gnomon.audit.subject import Subject
from gnomon.report.picture import (
    COLOURS,
    MARKERS,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import listed, percent

TOPIC = "Change of variables"
_LEAST = 1e-6
"""Below this the axis of singular values is linear, so that it can show 0."""


def jacobian_pictures(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """What the findings about Jacobians allow to be drawn; nothing without them."""
    layered = [
        (name, each)
        for name, each in findings_of(examined, "log_det_jacobian")
        if sum("largest" in layer for layer in each.details["layers"]) > 1
    ]
    folded = dict(findings_of(examined, "singular_jacobians"))
    norms = findings_of(examined, "jacobian_norm")
    norms = [(name, each) for name, each in norms if each.value is not None]
    pictures = [_layers(layered, folded)] if layered else []
    return pictures + ([_norms(norms)] if norms else [])


def _layers(named: Sequence[tuple[str, Finding]], folded: dict[str, Finding]) -> Picture:
    """Largest and smallest singular value of each layer's Jacobian at the data."""
    with house_style():
        figure = new_figure(3.8)
        axes = figure.subplots()
        for index, (name, found) in enumerate(named):
            _draw_layers(axes, name, found.details["layers"], index)
        axes.set_yscale("symlog", linthresh=_LEAST)
        axes.axhline(1, color="#888888", linewidth=0.8)
        axes.set_ylim(bottom=0)
        axes.set_ylabel("singular values (0 at the bottom)")
        axes.tick_params(axis="x", rotation=40)
        axes.grid(axis="y")
        figure.legend(loc="outside lower center", ncols=2)
    said = listed([_folds(name, folded[name]) for name, _ in named])
    return Picture(
        key="layer-jacobians",
        topic=TOPIC,
        title="How each layer stretches and folds",
        chart=figure,
        caption="Each layer turns a small ball around an example into an ellipsoid, whose "
        "longest and shortest half-axis are drawn (medians; 90 % of the examples shaded). Of "
        f"the layers that keep the dimension the share of flat ellipsoids is {said}.",
        alt="Curves of the largest and smallest singular value of the Jacobian of each layer. "
        f"The share of singular Jacobians of layers that keep the dimension is {said}.",
        definition="layer-jacobian",
    )


def _draw_layers(axes: Axes, name: str, layers: Sequence[dict[str, Any]], index: int) -> None:
    colour, marker = COLOURS[index % 8], MARKERS[index % 8]
    names = [layer["layer"] for layer in layers]
    for key, line in (("largest", "-"), ("smallest", "--")):
        quantiles = np.array([layer.get(key, [np.nan] * 5) for layer in layers], dtype=float)
        axes.plot(
            names,
            quantiles[:, 2],
            color=colour,
            marker=marker,
            markersize=5,
            linestyle=line,
            label=f"{name}: {key}",
            clip_on=False,
        )
        axes.fill_between(
            names, quantiles[:, 0], quantiles[:, 4], color=colour, alpha=0.15, linewidth=0
        )


def _folds(name: str, found: Finding) -> str:
    if found.value is None:
        return f"not defined for {name} ({found.absent})"
    return f"{percent(found.value)} for {name}"


def _norms(named: Sequence[tuple[str, Finding]]) -> Picture:
    """How much the logits change per unit of the input, over the examples."""
    values = [np.array(found.details["largest"]) for _, found in named]
    positive = np.concatenate([each[each > 0] for each in values])
    with house_style():
        figure = new_figure(3.2)
        axes = figure.subplots()
        if len(positive):
            wide = positive.max() > 10 * positive.min()
            spaced = np.geomspace if wide else np.linspace
            edges = spaced(0.9 * positive.min(), 1.1 * positive.max(), 31)
            for index, ((name, _), each) in enumerate(zip(named, values, strict=True)):
                axes.hist(
                    each,
                    edges,
                    histtype="stepfilled",
                    color=COLOURS[index % 8],
                    edgecolor=COLOURS[index % 8],
                    alpha=0.45,
                    label=name,
                )
            # Within a decade the ticks of a logarithmic axis run into one another.
            axes.set_xscale("log" if wide else "linear")
        axes.set_xlabel("largest change of the logits per unit of the input (L2)")
        axes.set_ylabel("examples")
        axes.grid(axis="y")
        if len(named) > 1:
            figure.legend(loc="outside lower center", ncols=3)
    said = listed([f"{found.value:.3g} for {name}" for name, found in named])
    return Picture(
        key="jacobian-norms",
        topic=TOPIC,
        title="How sensitive the logits are at the data",
        chart=figure,
        caption="How many examples there are at which a small change of the input can change "
        f"the logits by so many times its size; the median is {said}.",
        alt=f"Histograms of the largest singular value of the Jacobian; the median is {said}.",
        definition="jacobian-norm",
    )
