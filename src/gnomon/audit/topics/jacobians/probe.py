"""The network and each of its layers as a change of variables, at the data."""

import math
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Any, ClassVar

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
"""The quantiles that are kept."""
_DRAWN = 300


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

    Details of the first: `layers`, each with layer, source, target, shape, the share of
    examples where it is `singular`, and quantiles (5, 25, 50, 75, 95 %) over the examples of
    `largest` and `smallest` singular value and of `log_det`, null where it is −∞ or does not
    exist; a layer whose Jacobian was not computed has its names alone and `why`. Of the third:
    the same quantiles of every singular value of the network's Jacobian, and the `largest` of
    up to 300 examples.

    Attributes:
        examples: so many examined examples at most.
        widest: layers between wider representations are left out.
    """

    topic: ClassVar[str] = "jacobians"
    names: ClassVar[tuple[str, ...]] = (
        "log_det_jacobian",
        "singular_jacobians",
        "jacobian_norm",
        "jacobian_condition",
    )
    examples: int = 1000
    widest: int = 256

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """One finding for each name."""
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
    """Of all pairs of an example and a layer whose Jacobian is a computed square."""
    square = [layer for layer in layers if layer.log_det is not None]
    reason = "" if square else "no layer's representation has the dimension of the one before"
    left_out = {layer.absent: layer.layer for layer in layers if layer.absent}
    if not square and left_out:
        reasons = "; ".join(f"{layer}: {why}" for why, layer in left_out.items())
        reason = f"no layer with a computed Jacobian keeps the dimension ({reasons})"
    densities = [_log_det(layer) / layer.shape[0] for layer in square]
    pool = torch.cat(densities) if densities else torch.zeros(0)
    median = _quantile(pool, 0.5)
    folded = int(pool.isneginf().sum())
    return (
        Finding(
            probe=ChangeOfVariables.topic,
            name="log_det_jacobian",
            value=median,
            unit="per dimension",
            error=None,
            method=f"Median of log |det J| / n over {examples} examples and the layers that "
            f"keep the dimension n ({_listed(square)}).",
            details={"examples": examples, "layers": [_plain(layer) for layer in layers]},
            absent=reason
            or (
                ""
                if median is not None
                else f"{folded} of {len(pool)} Jacobians are singular, where log |det J| is −∞"
            ),
        ),
        Finding(
            probe=ChangeOfVariables.topic,
            name="singular_jacobians",
            value=None if reason else folded / len(pool),
            unit="share",
            error=None,
            method=f"Share of {len(pool)} Jacobians, of layers that keep the dimension "
            f"({_listed(square)}) at {examples} examples, whose smallest singular value is "
            "zero up to rounding.",
            absent=reason,
        ),
    )


def _of_the_network(
    singular_values: Tensor | None, shape: tuple[int, int]
) -> tuple[Finding, ...]:
    if singular_values is None:
        reason = "the logits cannot be differentiated in the input"
        return _norm([], None, {}, reason), _condition([], None, reason)
    largest, smallest = singular_values[:, 0], singular_values[:, -1]
    flat = is_singular(singular_values, shape)
    condition = _quantile(torch.where(flat, torch.inf, largest / smallest), 0.5)
    step = -(-len(largest) // _DRAWN)
    details = {
        "singular_values": [_quantiles(values) for values in singular_values.unbind(dim=1)],
        "largest": [float(f"{value:.6g}") for value in largest[::step].tolist()],
    }
    reason = f"the network's Jacobian loses rank at {int(flat.sum())} of {len(flat)} examples"
    return (
        _norm(largest, _quantile(largest, 0.5), details, ""),
        _condition(largest, condition, reason if condition is None else ""),
    )


def _norm(
    examples: Sized, value: float | None, details: dict[str, Any], absent: str
) -> Finding:
    return Finding(
        probe=ChangeOfVariables.topic,
        name="jacobian_norm",
        value=value,
        unit="per unit of the input",
        error=None,
        method="Median of the largest singular value of the Jacobian of the logits in the "
        f"input, over {len(examples)} examples.",
        details=details,
        absent=absent,
    )


def _condition(examples: Sized, value: float | None, absent: str) -> Finding:
    return Finding(
        probe=ChangeOfVariables.topic,
        name="jacobian_condition",
        value=value,
        unit="ratio",
        error=None,
        method="Median of the largest singular value of the Jacobian of the logits in the "
        f"input divided by the smallest, over {len(examples)} examples.",
        absent=absent,
    )


def _plain(layer: LayerJacobian) -> dict[str, Any]:
    """As JSON values."""
    plain: dict[str, Any] = {
        "layer": layer.layer,
        "source": layer.source,
        "target": layer.target,
        "shape": list(layer.shape),
    }
    if layer.singular_values is None:
        return {**plain, "why": layer.absent}
    singular = is_singular(layer.singular_values, layer.shape, layer.precision)
    return {
        **plain,
        "singular": float(singular.double().mean()),
        "largest": _quantiles(layer.singular_values[:, 0]),
        "smallest": _quantiles(layer.singular_values[:, -1]),
        "log_det": None if layer.log_det is None else _quantiles(layer.log_det),
    }


def _log_det(layer: LayerJacobian) -> Tensor:
    assert layer.log_det is not None
    return layer.log_det


def _quantiles(values: Tensor) -> list[float | None]:
    return [_quantile(values, level) for level in LEVELS]


def _quantile(values: Tensor, level: float) -> float | None:
    """The smallest value that a share `level` of all do not exceed; None if not finite."""
    if not len(values):
        return None
    rank = max(1, math.ceil(level * len(values)))
    value = float(values.kthvalue(rank).values)
    return value if math.isfinite(value) else None


def _listed(layers: Sequence[LayerJacobian]) -> str:
    return ", ".join(layer.layer for layer in layers) or "there is none"
