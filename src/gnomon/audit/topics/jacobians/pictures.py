"""Pictures of how layers and the whole network stretch and fold a neighbourhood of the data."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, Named, findings_of
from gnomon.audit.topics.jacobians.probe import LEVELS, LayerStretch, SkippedLayer
from gnomon.report.charts import (
    Axis,
    Curve,
    Histogram,
    Look,
    Mark,
    Panel,
    Rule,
    looks_of,
    numbers,
    one,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import listed, percent

TOPIC = "Change of variables"
_LEAST = 1e-6
"""Below this the axis of singular values is linear, so that it can show 0."""


def jacobian_pictures(examined: Examined) -> list[Picture]:
    """The pictures that the findings about Jacobians allow; none without them."""
    layered = [
        (name, finding)
        for name, finding in findings_of(examined, "log_det_jacobian")
        if sum(isinstance(layer, LayerStretch) for layer in finding.details.layers) > 1
    ]
    folded = dict(findings_of(examined, "singular_jacobians"))
    norms = findings_of(examined, "jacobian_norm", known=True)
    pictures = [_layers(layered, folded)] if layered else []
    return pictures + ([_norms(norms)] if norms else [])


def _layers(named: Named, folded: Mapping[str, Finding]) -> Picture:
    """Largest and smallest singular value of each layer's Jacobian at the data."""
    looks = looks_of(name for name, _ in named)
    curves = [
        curve
        for name, finding in named
        for curve in _curves(name, finding.details.layers, looks[name])
    ]
    folds = listed([_folds(name, folded[name]) for name, _ in named])
    panel = Panel(
        [Rule(1, "y", Look("#888888", width=0.8)), *curves],
        Axis(angle=40),
        Axis("singular values (0 at the bottom)", low=0, linear_below=_LEAST, grid=True),
    )
    return Picture(
        key="layer-jacobians",
        topic=TOPIC,
        title="How each layer stretches and folds",
        chart=one(panel, 3.8),
        caption="Each layer turns a small ball around an example into an ellipsoid, whose "
        "longest and shortest half-axis are drawn (medians; 90 % of the examples shaded). Of "
        f"the layers that keep the dimension the share of flat ellipsoids is {folds}.",
        alt="Curves of the largest and smallest singular value of the Jacobian of each layer. "
        f"The share of singular Jacobians of layers that keep the dimension is {folds}.",
        definition="layer-jacobian",
    )


def _curves(name: str, layers: Sequence[LayerStretch | SkippedLayer], look: Look) -> list[Mark]:
    names = [layer.layer for layer in layers]
    marks: list[Mark] = []
    for key, style in (("largest", look), ("smallest", replace(look, line="--"))):
        low, _, middle, _, high = zip(
            *(getattr(layer, key, [None] * len(LEVELS)) for layer in layers), strict=True
        )
        marks.append(Curve(names, middle, style, f"{name}: {key}", band=(low, high)))
    return marks


def _folds(name: str, finding: Finding) -> str:
    if finding.value is None:
        return f"not defined for {name} ({finding.absent})"
    return f"{percent(finding.value)} for {name}"


def _norms(named: Named) -> Picture:
    """How much the logits change per unit of the input, over the examples."""
    values = [numbers(finding.details.largest) for _, finding in named]
    positive = np.concatenate([each[each > 0] for each in values])
    # Within a decade the ticks of a logarithmic axis run into one another.
    wide = len(positive) > 0 and positive.max() > 10 * positive.min()
    spaced = np.geomspace if wide else np.linspace
    edges = spaced(0.9 * positive.min(), 1.1 * positive.max(), 31) if len(positive) else None
    histograms = [
        Histogram(edges, np.histogram(each, edges)[0], replace(look, opacity=0.45), name)
        for each, (name, look) in zip(
            values, looks_of(name for name, _ in named).items(), strict=True
        )
        if edges is not None
    ]
    medians = listed([f"{finding.value:.3g} for {name}" for name, finding in named])
    panel = Panel(
        histograms,
        Axis("largest change of the logits per unit of the input (L2)", log=bool(wide)),
        Axis("examples", grid=True),
    )
    return Picture(
        key="jacobian-norms",
        topic=TOPIC,
        title="How sensitive the logits are at the data",
        chart=one(panel, 3.2, legend_columns=3),
        caption="How many examples there are at which a small change of the input can change "
        f"the logits by so many times its size; the median is {medians}.",
        alt=f"Histograms of the largest singular value of the Jacobian; the median is "
        f"{medians}.",
        definition="jacobian-norm",
    )
