"""Adversaries of the parameters: random, along the gradient, and bounds.

Parameters have a first axis of replicas here (`parameters_of`): norms are over all other axes.
"""

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.errors import SettingError
from gnomon.sets.guards import check_size
from gnomon.sets.parameters import ParameterSet
from gnomon.training.adversaries.moved import Losses, MovedParameters
from gnomon.training.method import Batch
from gnomon.training.ramps import Full, Ramp
from gnomon.training.replicas.network import parameters_of

Named = Mapping[str, Tensor]
_FULL = Full()
_SMALLEST = 1e-20
"""Added to norms that are divided by, as wu2020 does; a gradient of 0 moves nothing."""


@dataclass(frozen=True)
class RandomWeights:
    """Gaussian noise on every parameter, in proportion to the length of its filter.

    A row (filter) w_i of a tensor with two axes or more gets noise N(0, (γ ‖w_i‖)²) in every
    entry, a vector w noise N(0, (γ ‖w‖)²).

    Attributes:
        size: γ ≥ 0.

    References:
        li2024.
    """

    size: float = 0.01

    def __post_init__(self) -> None:
        check_size("RandomWeights", self.size, "size")

    def __call__(
        self,
        network: nn.Module,
        losses: Losses,  # noqa: ARG002
        batch: Batch,  # noqa: ARG002
        generator: torch.Generator,
    ) -> MovedParameters:
        return MovedParameters(
            {
                name: self._noisy(each, generator)
                for name, each in parameters_of(network).items()
            }
        )

    def _noisy(self, layer: Tensor, generator: torch.Generator) -> Tensor:
        own = layer.detach()
        kept = 2 if own.dim() > 2 else 1
        axes = tuple(range(kept, own.dim()))
        length = torch.linalg.vector_norm(own, dim=axes, keepdim=True) if axes else own.abs()
        noise = torch.randn(own.shape, generator=generator, device=generator.device)
        return layer + self.size * length * noise.to(own)


@dataclass(frozen=True)
class LayerwiseAscent:
    """Adversarial weight perturbation: each weight tensor moves along its gradient.

        v_l = γ ‖w_l‖ g_l / ‖g_l‖

    g is the gradient of the mean loss, l goes over the parameters with at least two axes whose
    name has "weight" in it. With several steps each is γ / steps long. Where several processes
    share a batch, each perturbs by the gradient of its own share.

    Attributes:
        size: γ ≥ 0.
        steps: gradients, ≥ 1.
        ramp: the share of γ so far.

    References:
        wu2020, equations 8 to 10.
    """

    size: float = 0.01
    steps: int = 1
    ramp: Ramp = _FULL

    def __post_init__(self) -> None:
        check_size("LayerwiseAscent", self.size, "size")
        _check_steps("LayerwiseAscent", self.steps)

    def __call__(
        self,
        network: nn.Module,
        losses: Losses,
        batch: Batch,
        generator: torch.Generator,  # noqa: ARG002
    ) -> MovedParameters:
        length = self.size * self.ramp(batch.progress) / self.steps
        if length == 0:
            return MovedParameters()
        own, moved = parameters_of(network), None
        _check_weights("LayerwiseAscent", [n for n, each in own.items() if is_weight(n, each)])
        for _ in range(self.steps):
            slopes = slopes_of(network, losses, moved or own)
            moved = {
                name: each + length * _along(own[name].detach(), slopes[name])
                if is_weight(name, each)
                else each
                for name, each in (moved or own).items()
            }
        return MovedParameters(moved)


@dataclass(frozen=True)
class RobustAscent:
    """Robust weight perturbation: an ascent on examples that are not yet lost.

    From Δ = 0, `steps` times Δ ← Δ + η ∇ mean ℓ_i 1[ℓ_i < c]; then v = γ ‖w‖ Δ / ‖Δ‖, with
    norms over all weights (as in `LayerwiseAscent`) together.

    Attributes:
        size: γ ≥ 0.
        steps: gradients, ≥ 1.
        threshold: c; examples with a larger loss do not count.
        rate: η > 0.

    References:
        yu2022.
    """

    size: float = 0.01
    steps: int = 10
    threshold: float = 1.7
    rate: float = 0.01

    def __post_init__(self) -> None:
        check_size("RobustAscent", self.size, "size")
        _check_steps("RobustAscent", self.steps)
        if not 0 < self.rate < math.inf:
            raise SettingError(
                f"RobustAscent: expected a finite rate > 0, got {self.rate}. Use 0.01."
            )

    def __call__(
        self,
        network: nn.Module,
        losses: Losses,
        batch: Batch,  # noqa: ARG002
        generator: torch.Generator,  # noqa: ARG002
    ) -> MovedParameters:
        own = parameters_of(network)
        weights = [name for name, each in own.items() if is_weight(name, each)]
        _check_weights("RobustAscent", weights)

        def counted(parameters: Named | None) -> Tensor:
            values = losses(parameters)
            return values * (values.detach() < self.threshold)

        moved: Named = own
        for _ in range(self.steps):
            slopes = slopes_of(network, counted, moved)
            moved = {
                name: each + self.rate * slopes[name] if name in weights else each
                for name, each in moved.items()
            }
        change = {name: (moved[name] - own[name]).detach() for name in weights}
        scale = self.size * _joint({name: own[name].detach() for name in weights})
        scale = scale / (_joint(change) + _SMALLEST)
        return MovedParameters(
            {
                name: each + _times(scale, change[name]) if name in weights else each
                for name, each in own.items()
            }
        )


@dataclass(frozen=True)
class Sharpness:
    """Sharpness-aware minimisation: all parameters together move along their gradient.

        e = ρ g / ‖g‖                    with `offset` None,
        e = ρ T² g / ‖T g‖,  T = |w| + η   for parameters named weight, T = 1 for others, else.

    Attributes:
        size: ρ ≥ 0.
        offset: η of the adaptive form; None for the plain one.

    References:
        foret2021, equation 2; kwon2021, equation 8.
    """

    size: float = 0.05
    offset: float | None = None

    def __post_init__(self) -> None:
        check_size("Sharpness", self.size, "size")
        if self.offset is not None:
            check_size("Sharpness", self.offset, "offset")

    def __call__(
        self,
        network: nn.Module,
        losses: Losses,
        batch: Batch,  # noqa: ARG002
        generator: torch.Generator,  # noqa: ARG002
    ) -> MovedParameters:
        own = parameters_of(network)
        slopes = slopes_of(network, losses, own)
        scaled = {name: slopes[name] * self._scale(name, own[name]) for name in own}
        factor = self.size / (_joint(scaled) + 1e-12)
        return MovedParameters(
            {
                name: each + _times(factor, scaled[name] * self._scale(name, each))
                for name, each in own.items()
            }
        )

    def _scale(self, name: str, layer: Tensor) -> Tensor | float:
        adaptive = self.offset is not None and "weight" in name.rpartition(".")[2]
        return layer.detach().abs() + (self.offset or 0.0) if adaptive else 1.0


@dataclass(frozen=True)
class EnclosedParameters:
    """All parameters in a set, for bounds.

    Attributes:
        within: the set.
        ramp: the share of its size that is enclosed so far.
    """

    within: ParameterSet
    ramp: Ramp = _FULL

    def __call__(
        self,
        network: nn.Module,  # noqa: ARG002
        losses: Losses,  # noqa: ARG002
        batch: Batch,
        generator: torch.Generator,  # noqa: ARG002
    ) -> MovedParameters:
        size = self.within.size * self.ramp(batch.progress)
        return MovedParameters(within=self.within.with_size(size) if size > 0 else None)


def slopes_of(network: nn.Module, losses: Losses, parameters: Named) -> dict[str, Tensor]:
    """The gradient of each network's mean loss; running statistics stay as they are."""
    leaves = {name: each.detach().requires_grad_() for name, each in parameters.items()}
    replicas = len(next(iter(leaves.values())))
    with kept_statistics(network), torch.enable_grad():
        means = losses(leaves).view(replicas, -1).mean(dim=1)
        found = torch.autograd.grad(means.sum(), list(leaves.values()), materialize_grads=True)
    return dict(zip(leaves, found, strict=True))


@contextmanager
def kept_statistics(network: nn.Module) -> Generator[None, None, None]:
    """Buffers have their content again when the block ends."""
    before = [(buffer, buffer.clone()) for buffer in network.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, content in before:
                buffer.copy_(content)


def is_weight(name: str, layer: Tensor) -> bool:
    """Whether a parameter, with its axis of replicas, is the weight of a matrix or the like."""
    return "weight" in name.rpartition(".")[2] and layer.dim() > 2


def _along(layer: Tensor, slope: Tensor) -> Tensor:
    """‖w_l‖ g_l / ‖g_l‖ for each replica."""
    return _times(_length(layer) / (_length(slope) + _SMALLEST), slope)


def _length(layer: Tensor) -> Tensor:
    """The Euclidean norm of each replica's part."""
    return torch.linalg.vector_norm(layer.flatten(1), dim=1)


def _joint(layers: Named) -> Tensor:
    """The Euclidean norm of each replica's part of all tensors together."""
    lengths = torch.stack([_length(each) for each in layers.values()])
    return torch.linalg.vector_norm(lengths, dim=0)


def _times(factor: Tensor, layer: Tensor) -> Tensor:
    """Each replica's part times its factor."""
    return factor.reshape(-1, *[1] * (layer.dim() - 1)) * layer


def _check_weights(name: str, weights: Sequence[str]) -> None:
    if not weights:
        raise SettingError(
            f"{name}: expected a network with a weight of two axes or more, got none. Use SAM, "
            "which moves all parameters."
        )


def _check_steps(name: str, steps: int) -> None:
    if steps < 1:
        raise SettingError(f"{name}: expected steps ≥ 1, got {steps}. Raise it.")
