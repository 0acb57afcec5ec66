"""The network and each of its layers as a change of variables, at the data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import torch
from torch import Tensor

from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.errors import SubjectError
from gnomon.representation import (
    LayerJacobian,
    is_singular,
    layer_jacobians,
    network_singular_values,
)

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles that are kept, as shares of the examples."""
Quantiles: TypeAlias = tuple[float | None, ...]
"""The values at `LEVELS`; None where one is infinite or does not exist."""
_DRAWN = 300
"""Largest number of examples whose largest singular value is kept."""
_UNITS = {
    "log_det_jacobian": "per dimension",
    "singular_jacobians": "share",
    "jacobian_norm": "per unit of the input",
    "jacobian_condition": "ratio",
}


@dataclass(frozen=True)
class LayerStretch:
    """How a layer stretches a small neighbourhood of each example.

    Attributes:
        layer: its name.
        source: the stage that it receives.
        target: the stage that it gives.
        shape: dimensions of target and source.
        singular: the share of examples where the Jacobian is singular.
        largest: quantiles over the examples of the largest singular value.
        smallest: the same of the smallest.
        log_det: the same of log |det J|; None where the Jacobian is not square.
    """

    layer: str
    source: str
    target: str
    shape: tuple[int, int]
    singular: float
    largest: Quantiles
    smallest: Quantiles
    log_det: Quantiles | None


@dataclass(frozen=True)
class SkippedLayer:
    """A layer whose Jacobian was not computed, and `why`; the rest as in `LayerStretch`."""

    layer: str
    source: str
    target: str
    shape: tuple[int, int]
    why: str


@dataclass(frozen=True)
class LayerStretches:
    """The details of `log_det_jacobian`: the number of examples, and every layer."""

    examples: int
    layers: tuple[LayerStretch | SkippedLayer, ...]


@dataclass(frozen=True)
class NetworkStretch:
    """The details of `jacobian_norm`.

    Attributes:
        singular_values: quantiles over the examples of each singular value of the network's
            Jacobian, in descending order, in units of the logits per unit of the input.
        largest: the largest singular value at up to 300 examples.
    """

    singular_values: tuple[Quantiles, ...]
    largest: tuple[float, ...]


@dataclass(frozen=True)
class ChangeOfVariables:
    """How the network stretches, turns and folds a small neighbourhood of each example.

    Its findings, of which the first two concern the layers whose representation has the
    dimension of the one before:

    - log_det_jacobian: the median over examples and such layers of log |det J| per dimension: 0
      keeps volume, below 0 shrinks it.
    - singular_jacobians: the share of pairs of an example and such a layer at which the
      Jacobian loses rank: the layer folds the neighbourhood flat, which no later one undoes.
    - jacobian_norm: the median over examples of the largest singular value of the whole
      network's Jacobian, the most that the logits change per unit of the input.
    - jacobian_condition: the median over examples of its largest singular value divided by the
      smallest.

    Attributes:
        examples: largest number of examined examples.
        widest: layers between wider representations are left out.
    """

    topic: ClassVar[str] = "jacobians"
    names: ClassVar[tuple[str, ...]] = tuple(_UNITS)
    examples: int = 1000
    widest: int = 256

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """Returns one finding for each name."""
        order = torch.randperm(len(subject.labels), generator=generator)
        inputs = subject.inputs[order[: self.examples].sort().values]
        layers = layer_jacobians(subject.network, inputs, widest=self.widest)
        try:
            whole = network_singular_values(subject.network, inputs)
        except SubjectError:
            whole = None
        shape = (subject.data.classes, inputs[0].numel())
        return (*_of_layers(layers, len(inputs)), *_of_the_network(whole, shape))


def _of_layers(layers: Sequence[LayerJacobian], examples: int) -> tuple[Finding, ...]:
    """The findings about all pairs of an example and a layer whose Jacobian is square."""
    square = [layer for layer in layers if layer.log_det is not None]
    listed = ", ".join(layer.layer for layer in square) or "there is none"
    reason = "" if square else "no layer's representation has the dimension of the one before"
    left_out = {layer.absent: layer.layer for layer in layers if layer.absent}
    if not square and left_out:
        reasons = "; ".join(f"{layer}: {why}" for why, layer in left_out.items())
        reason = f"no layer with a computed Jacobian keeps the dimension ({reasons})"
    densities = [_log_det(layer) / layer.shape[0] for layer in square]
    pool = torch.cat(densities) if densities else torch.zeros(0)
    median = _quantile(pool, 0.5)
    folded = int(pool.isneginf().sum())
    infinite = f"{folded} of {len(pool)} Jacobians are singular, where log |det J| is −∞"
    return (
        _finding(
            "log_det_jacobian",
            median,
            f"Median of log |det J| / n over {examples} examples and the layers that "
            f"keep the dimension n ({listed}).",
            reason or infinite,
            LayerStretches(examples, tuple(_stretch(layer) for layer in layers)),
        ),
        _finding(
            "singular_jacobians",
            None if reason else folded / len(pool),
            f"Share of {len(pool)} Jacobians, of layers that keep the dimension "
            f"({listed}) at {examples} examples, whose smallest singular value is "
            "zero up to rounding.",
            reason,
        ),
    )


def _of_the_network(
    singular_values: Tensor | None, shape: tuple[int, int]
) -> tuple[Finding, ...]:
    """The findings about the whole network, from (examples, values) in descending order."""
    norm = condition = details = None
    examples, reason = 0, "the logits cannot be differentiated in the input"
    if singular_values is not None:
        examples, step = len(singular_values), -(-len(singular_values) // _DRAWN)
        largest, smallest = singular_values[:, 0], singular_values[:, -1]
        flat = is_singular(singular_values, shape)
        reason = (
            f"the network's Jacobian loses rank at {int(flat.sum())} of {examples} examples"
        )
        norm = _quantile(largest, 0.5)
        condition = _quantile(torch.where(flat, torch.inf, largest / smallest), 0.5)
        details = NetworkStretch(
            tuple(_quantiles(values) for values in singular_values.unbind(dim=1)),
            tuple(float(f"{value:.6g}") for value in largest[::step].tolist()),
        )
    median = "Median of the largest singular value of the Jacobian of the logits in the input"
    over = f"over {examples} examples."
    return (
        _finding("jacobian_norm", norm, f"{median}, {over}", reason, details),
        _finding(
            "jacobian_condition", condition, f"{median} divided by the smallest, {over}", reason
        ),
    )


def _finding(
    name: str, value: float | None, method: str, reason: str, details: object = None
) -> Finding:
    """The finding; the reason is kept where there is no value."""
    return Finding(
        probe=ChangeOfVariables.topic,
        name=name,
        value=value,
        unit=_UNITS[name],
        error=None,
        method=method,
        details=details,
        absent=reason if value is None else "",
    )


def _stretch(layer: LayerJacobian) -> LayerStretch | SkippedLayer:
    names = (layer.layer, layer.source, layer.target, layer.shape)
    if layer.singular_values is None:
        return SkippedLayer(*names, layer.absent)
    singular = is_singular(layer.singular_values, layer.shape, layer.precision)
    return LayerStretch(
        *names,
        singular=float(singular.double().mean()),
        largest=_quantiles(layer.singular_values[:, 0]),
        smallest=_quantiles(layer.singular_values[:, -1]),
        log_det=None if layer.log_det is None else _quantiles(layer.log_det),
    )


def _log_det(layer: LayerJacobian) -> Tensor:
    assert layer.log_det is not None
    return layer.log_det


def _quantiles(values: Tensor) -> Quantiles:
    return tuple(_quantile(values, level) for level in LEVELS)


def _quantile(values: Tensor, level: float) -> float | None:
    """The smallest value that a share `level` of all do not exceed; None if not finite."""
    if not len(values):
        return None
    rank = max(1, math.ceil(level * len(values)))
    value = float(values.kthvalue(rank).values)
    return value if math.isfinite(value) else None
