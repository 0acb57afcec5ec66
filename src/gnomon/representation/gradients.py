"""Measures the gradient of the loss at every weight layer and every representation.

The loss is the ordinary cross-entropy, whose gradient shrinks with the network's confidence: it
is p − e_y at the logits, p the softmax and e_y the label's unit vector, and exactly zero in
float32 where every other class's probability underflows. A small gradient everywhere says that
the network is sure; a gradient that shrinks from layer to layer says that it vanishes.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from gnomon.errors import DataError, SettingError, ShapeError, SubjectError
from gnomon.networks.predictions import device_of
from gnomon.networks.structure import Stage, stages, weight_layers
from gnomon.networks.undisturbed import undisturbed
from gnomon.objectives import Objective, cross_entropy
from gnomon.shapes import Inputs, Labels

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles over examples that describe a representation's gradient."""


@dataclass(frozen=True)
class Entries:
    """The entries of a gradient, counted and measured.

    Attributes:
        count: number of entries, at least one.
        zeros: number of entries that are exactly zero.
        vanishing: number of entries that are, in absolute value, at most the threshold times
            the largest entry of the whole network's gradient; zeros are included.
        nonfinite: number of infinite or NaN entries; they are neither zero nor vanishing.
        norm: the Euclidean norm; NaN if an entry is not finite.
        largest: the largest absolute value; NaN if an entry is not finite.
    """

    count: int
    zeros: int
    vanishing: int
    nonfinite: int
    norm: float
    largest: float

    @property
    def root_mean_square(self) -> float:
        """The norm divided by √count: the size of a typical entry."""
        return self.norm / math.sqrt(self.count)


@dataclass(frozen=True)
class LayerGradient:
    """The gradient of the mean loss with respect to what one layer learns.

    Attributes:
        name: the layer's name; "network" for the network itself.
        entries: the entries of all its parameters together.
        weight: the entries of its matrix or convolution alone; None for other layers, for a
            layer that computes its matrix from other parameters, and for a layer that shares
            its matrix with an earlier one, where it is counted.
    """

    name: str
    entries: Entries
    weight: Entries | None


@dataclass(frozen=True, eq=False)
class StageGradient:
    """The gradient of each example's loss with respect to its representation at one place.

    Attributes:
        name: the name of the stage: "input", "hidden1", …, "output".
        receiver: the weight layer that receives the representation; empty for the output.
        giver: the weight layer before it; empty for the input.
        norms: ‖∂ℓ/∂h‖₂ of each example; None if absent.
        absent: the reason why the norms are absent.
    """

    name: str
    receiver: str
    giver: str
    norms: Float[Tensor, " examples"] | None
    absent: str = ""

    @property
    def finite(self) -> Float[Tensor, " finite"]:
        """The norms that are finite."""
        norms = torch.zeros(0) if self.norms is None else self.norms
        return norms[norms.isfinite()]

    @property
    def nonfinite(self) -> int:
        """The number of examples whose norm is infinite or NaN."""
        return 0 if self.norms is None else len(self.norms) - len(self.finite)

    @property
    def zeros(self) -> int:
        """The number of examples whose gradient is exactly zero."""
        return int((self.finite == 0).sum())

    def quantiles(self, levels: Sequence[float] = LEVELS) -> tuple[float, ...]:
        """Quantiles over the examples whose norm is finite; NaN where there is none."""
        if not len(self.finite):
            return (math.nan,) * len(levels)
        wanted = torch.tensor(levels, dtype=self.finite.dtype, device=self.finite.device)
        return tuple(self.finite.quantile(wanted).tolist())


@dataclass(frozen=True, eq=False)
class LossGradients:
    """The gradients of a network's loss on a data set.

    Attributes:
        layers: the weight layers in the order of their first call, then those never called and
            whatever else has parameters (normalisations, trainable activations), in the order
            in which the network holds them.
        stages: the input and every later representation, in the order of the call.
        threshold: multiple of `largest` up to which an entry counts as vanishing.
        largest: the largest finite entry of all layers, in absolute value.
        examples: number of examples over which the loss was averaged.
    """

    layers: tuple[LayerGradient, ...]
    stages: tuple[StageGradient, ...]
    threshold: float
    largest: float
    examples: int

    @property
    def first(self) -> LayerGradient | None:
        """The weight layer that receives the input first; None without weight layers."""
        return self._named(self.stages[0].receiver)

    @property
    def last(self) -> LayerGradient | None:
        """The weight layer called last; None without weight layers."""
        return self._named(self.stages[-1].giver)

    def _named(self, name: str) -> LayerGradient | None:
        return next((layer for layer in self.layers if layer.name == name), None)


def loss_gradients(
    network: nn.Module,
    inputs: Inputs,
    labels: Labels,
    *,
    objective: Objective = cross_entropy,
    batch: int = 500,
    threshold: float = 1e-4,
) -> LossGradients:
    """The gradient of the mean loss over all examples, ∂/∂θ (1/N) Σ ℓ(f_θ(x_i), y_i).

    The result also holds, for each example, the gradient of its own loss with respect to its
    representation before every weight layer. The parameters' own `grad` is neither
    read nor written: copies of the parameters are differentiated, in evaluation mode.
    Parameters and representations that the loss does not depend on have the gradient zero.

    Args:
        network: any classifier whose logits can be differentiated.
        inputs: all the examples.
        labels: one class per example.
        objective: the loss of each example.
        batch: number of examples at a time.
        threshold: an entry vanishes at or below this multiple of the network's largest.

    Raises:
        DataError: no examples.
        ShapeError: not one label per input.
        SettingError: a threshold outside [0, 1).
        SubjectError: logits that cannot be differentiated.

    References:
        glorot2010, pascanu2013.
    """
    _check(inputs, labels, threshold)
    parts = zip(inputs.split(batch), labels.split(batch), strict=True)
    with undisturbed(network), torch.enable_grad():
        passed, sums, norms = _gather(network, parts, objective)
    means = {name: total / len(labels) for name, total in sums.items()}
    largest = max((_largest(gradient) for gradient in means.values()), default=0.0)
    return LossGradients(
        layers=_layers(network, passed, means, threshold * largest),
        stages=tuple(_stage(each, norms.get(each.name, []), inputs) for each in passed),
        threshold=threshold,
        largest=largest,
        examples=len(labels),
    )


class _Staged(nn.Module):
    """A network that returns its stages, so that `functional_call` can replace its weights."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> tuple[Stage, ...]:
        return stages(self.network, inputs)


def _check(inputs: Tensor, labels: Tensor, threshold: float) -> None:
    if not len(labels):
        raise DataError("loss_gradients: expected examples, got none. Give at least one.")
    if len(inputs) != len(labels):
        raise ShapeError(
            f"loss_gradients: expected one label per input, got {len(inputs)} inputs and "
            f"{len(labels)} labels. Give both of the same examples."
        )
    if not 0 <= threshold < 1:
        raise SettingError(
            f"loss_gradients: expected 0 ≤ threshold < 1, got {threshold}. Correct it."
        )


def _gather(
    network: nn.Module, parts: Iterable[tuple[Tensor, Tensor]], objective: Objective
) -> tuple[tuple[Stage, ...], dict[str, Tensor], dict[str, list[Tensor]]]:
    """The last batch's stages, the sums of gradients by parameter, the norms by stage."""
    copies = _copies(network)
    sums = {name: torch.zeros_like(copy, dtype=torch.float64) for name, copy in copies.items()}
    norms: dict[str, list[Tensor]] = {}
    passed: tuple[Stage, ...] = ()
    for part, wanted in parts:
        passed, losses, leaf = _run(network, copies, (part, wanted), objective)
        gradients = _differentiate(losses, [*copies.values(), leaf, *_reached(passed)])
        for name, gradient in zip(copies, gradients, strict=False):
            sums[name] += gradient
        _collect(norms, passed, gradients[len(copies) :], len(part))
    return passed, sums, norms


def _copies(network: nn.Module) -> dict[str, nn.Parameter]:
    """Copies of the parameters, as parameters, by which a weight layer is recognised."""
    return {
        name: nn.Parameter(parameter.detach().clone())
        for name, parameter in network.named_parameters()
        if parameter.is_floating_point() and parameter.numel()
    }


def _run(
    network: nn.Module,
    copies: dict[str, nn.Parameter],
    examples: tuple[Tensor, Tensor],
    objective: Objective,
) -> tuple[tuple[Stage, ...], Tensor, Tensor]:
    """The stages, the losses, and the inputs as the leaf they are differentiated at.

    The network gets a copy of the leaf, so that it may change its inputs in place.
    """
    part, labels = (each.to(device_of(network)) for each in examples)
    leaf = part.detach().clone().requires_grad_()
    weights: dict[str, Tensor] = {f"network.{name}": copy for name, copy in copies.items()}
    passed = functional_call(_Staged(network), weights, (leaf.clone(),))
    losses = objective(passed[-1].values, labels)
    if not losses.requires_grad:
        raise SubjectError(
            "loss_gradients: expected logits that can be differentiated, got logits that are "
            "cut off from inputs and weights. Remove detach() or no_grad() from the network."
        )
    return passed, losses, leaf


def _reached(passed: Sequence[Stage]) -> list[Tensor]:
    """The representations after the input that can be differentiated at."""
    return [stage.values for stage in passed[1:] if stage.values.requires_grad]


def _differentiate(losses: Tensor, wanted: Sequence[Tensor]) -> list[Tensor]:
    """Gradients of Σℓ; in evaluation mode examples do not mix: row i of ∂Σℓ/∂h is ∂ℓ_i/∂h_i."""
    gradients = cast(
        "tuple[Tensor | None, ...]",
        torch.autograd.grad(losses.sum(), wanted, allow_unused=True),
    )
    return [
        torch.zeros_like(place) if gradient is None else gradient
        for gradient, place in zip(gradients, wanted, strict=True)
    ]


def _collect(
    norms: dict[str, list[Tensor]],
    passed: Sequence[Stage],
    gradients: Sequence[Tensor],
    rows: int,
) -> None:
    """Adds the norms in float64, so that squares of small entries do not underflow to zero."""
    reached = [passed[0], *(stage for stage in passed[1:] if stage.values.requires_grad)]
    for stage, gradient in zip(reached, gradients, strict=True):
        if len(gradient) == rows:
            flat = gradient.reshape(rows, -1)
            sizes = torch.linalg.vector_norm(flat, dim=1, dtype=torch.float64)
            norms.setdefault(stage.name, []).append(sizes)


def _largest(gradient: Tensor) -> float:
    return float(gradient.abs().nan_to_num(0, posinf=0).amax())


def _layers(
    network: nn.Module, passed: Sequence[Stage], means: dict[str, Tensor], least: float
) -> tuple[LayerGradient, ...]:
    weights = weight_layers(network)
    called = [stage.giver for stage in passed[1:] if stage.giver]
    own: dict[str, dict[str, Tensor]] = {}
    for name, gradient in means.items():
        layer, computed, parameter = name.partition("parametrizations.")
        if not computed:
            layer, _, parameter = name.rpartition(".")
        own.setdefault(layer.removesuffix(".") or "network", {})[parameter] = gradient
    return tuple(
        LayerGradient(
            name,
            _entries(list(own[name].values()), least),
            _entries([own[name]["weight"]], least)
            if name in weights and "weight" in own[name]
            else None,
        )
        for name in dict.fromkeys([*called, *weights, *own])
        if name in own
    )


def _entries(gradients: Sequence[Tensor], least: float) -> Entries:
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    size = flat.abs()
    return Entries(
        count=flat.numel(),
        zeros=int((flat == 0).sum()),
        vanishing=int((size <= least).sum()),
        nonfinite=int((~flat.isfinite()).sum()),
        norm=_defined(float(torch.linalg.vector_norm(flat))),
        largest=_defined(float(size.amax())),
    )


def _defined(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def _stage(stage: Stage, norms: Sequence[Tensor], inputs: Tensor) -> StageGradient:
    place = (stage.name, stage.receiver, stage.giver)
    if not stage.values.requires_grad and stage.giver:
        return StageGradient(*place, None, "cut off from what can be differentiated")
    joined = torch.cat(list(norms)) if norms else torch.zeros(0)
    if len(joined) != len(inputs):
        return StageGradient(*place, None, "not one row for each example")
    return StageGradient(*place, joined.to(inputs.device))
