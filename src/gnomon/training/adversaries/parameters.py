"""Adversaries of the parameters: random, along the gradient, and bounds.

Parameters have a first axis of replicas here (`parameters_of`): norms are over all other axes.
What a weight is, `gnomon.networks.weights` says: one that a layer computes, as by weight
normalisation, is perturbed as it is multiplied by, and not as what it is computed from.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.errors import SettingError
from gnomon.sets.guards import check_size
from gnomon.sets.parameters import ParameterSet
from gnomon.sets.parameters.names import own_name
from gnomon.training.adversaries.moved import Losses, MovedParameters
from gnomon.training.method import Batch
from gnomon.training.ramps import Full, Ramp
from gnomon.training.replicas.network import held_of, parameters_of, weight_names

Named = Mapping[str, Tensor]
_FULL = Full()
_SMALLEST = 1e-20
"""Added to norms that are divided by, as wu2020 does; a gradient of 0 moves nothing."""


@dataclass(frozen=True)
class RandomWeights:
    """Gaussian noise on every parameter, in proportion to the length of its filter.

    Every entry of a row (filter) w_i of a weight gets noise N(0, (γ ‖w_i‖)²), and every entry
    of another parameter b, such as a bias or the scale of a normalisation, N(0, (γ ‖b‖)²).

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
        weights = weight_names(network)
        return MovedParameters(
            {
                name: self._noisy(each, 2 if name in weights else 1, generator)
                for name, each in held_of(network).items()
            }
        )

    def _noisy(self, layer: Tensor, kept: int, generator: torch.Generator) -> Tensor:
        """With noise by the length over all axes but the first `kept`."""
        own = layer.detach()
        axes = tuple(range(kept, own.dim()))
        length = torch.linalg.vector_norm(own, dim=axes, keepdim=True) if axes else own.abs()
        noise = torch.randn(own.shape, generator=generator, device=generator.device)
        return layer + self.size * length * noise.to(own)


@dataclass(frozen=True)
class LayerwiseAscent:
    """Adversarial weight perturbation: each weight tensor moves along its gradient.

        v_l = γ ‖w_l‖ g_l / ‖g_l‖

    g is the gradient of the mean loss, l goes over the weights (`weights_of`): no bias moves,
    and no normalisation. With several steps each is γ / steps long. Where several processes
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
        own = held_of(network)
        weights = _weights("LayerwiseAscent", network, own)
        moved = own
        for _ in range(self.steps):
            slopes = slopes_of(network, losses, moved)
            steps = {
                name: length * _along(own[name].detach(), slopes[name]) for name in weights
            }
            moved = _added(moved, steps)
        return MovedParameters(moved)


@dataclass(frozen=True)
class RobustAscent:
    """Robust weight perturbation: an ascent on examples that are not yet lost.

    From v = Δ = 0, `steps` times

        Δ ← Δ + ∇ mean ℓ_i(w + v) 1[ℓ_i(w + v) < c],   v ← γ ‖w‖ Δ / ‖Δ‖,

    with norms over all weights (as in `LayerwiseAscent`) together: every gradient but the first
    is taken at the full distance. The source's step size η multiplies Δ, and v does not depend
    on it.

    Attributes:
        size: γ ≥ 0.
        steps: gradients, ≥ 1.
        threshold: c > 0; examples with a larger loss do not count. Infinite, all count.

    References:
        yu2022, algorithm 1, with the course of Δ and v of the authors' program.
    """

    size: float = 0.01
    steps: int = 10
    threshold: float = 1.7

    def __post_init__(self) -> None:
        check_size("RobustAscent", self.size, "size")
        _check_steps("RobustAscent", self.steps)
        if not self.threshold > 0:
            raise SettingError(
                f"RobustAscent: expected a threshold > 0, got {self.threshold}; no loss is "
                "smaller. Use 1.7."
            )

    def __call__(
        self,
        network: nn.Module,
        losses: Losses,
        batch: Batch,  # noqa: ARG002
        generator: torch.Generator,  # noqa: ARG002
    ) -> MovedParameters:
        if self.size == 0:
            return MovedParameters()
        own = held_of(network)
        weights = _weights("RobustAscent", network, own)

        def counted(parameters: Named | None) -> Tensor:
            values = losses(parameters)
            return values * (values.detach() < self.threshold)

        reach = self.size * _joint({name: own[name].detach() for name in weights})
        change = {name: torch.zeros_like(own[name]) for name in weights}
        moved = own
        for _ in range(self.steps):
            slopes = slopes_of(network, counted, moved)
            change = {name: change[name] + slopes[name] for name in weights}
            scale = reach / (_joint(change) + _SMALLEST)
            moved = _added(own, {name: _times(scale, each) for name, each in change.items()})
        return MovedParameters(moved)


@dataclass(frozen=True)
class Sharpness:
    """Sharpness-aware minimisation: all parameters together move along their gradient.

        e = ρ g / ‖g‖                    with `offset` None,
        e = ρ T² g / ‖T g‖,  T = |w| + η   for parameters named weight, T = 1 for others, else.

    Those named weight are those of linear layers, of convolutions and of normalisations, and
    what such a weight is computed from. Running statistics are those of the pass at θ, where
    the gradient g is taken; the pass at θ + e does not move them.

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
        slopes = slopes_of(network, losses, own, measuring=True)
        scaled = {name: slopes[name] * self._scale(name, own[name]) for name in own}
        factor = self.size / (_joint(scaled) + 1e-12)
        return MovedParameters(
            {
                name: each + _times(factor, scaled[name] * self._scale(name, each))
                for name, each in own.items()
            },
            measured=True,
        )

    def _scale(self, name: str, layer: Tensor) -> Tensor | float:
        adaptive = self.offset is not None and "weight" in own_name(name)
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


def slopes_of(
    network: nn.Module, losses: Losses, parameters: Named, *, measuring: bool = False
) -> dict[str, Tensor]:
    """The gradient of each network's mean loss.

    Args:
        network: one, or many in one.
        losses: of the batch.
        parameters: where the gradient is taken.
        measuring: whether the pass moves running statistics; else they stay as they are.
    """
    leaves = {name: each.detach().requires_grad_() for name, each in parameters.items()}
    replicas = len(next(iter(leaves.values())))
    kept = nullcontext() if measuring else kept_statistics(network)
    with kept, torch.enable_grad():
        means = losses(leaves).view(replicas, -1).mean(dim=1)
        found = torch.autograd.grad(means.sum(), list(leaves.values()), materialize_grads=True)
    return dict(zip(leaves, found, strict=True))


@contextmanager
def kept_statistics(network: nn.Module) -> Generator[None, None, None]:
    """Passes within leave buffers as they are: they move copies.

    Graphs that are made within may be differentiated afterwards.
    """
    held = [vars(module)["_buffers"] for module in network.modules()]
    before = [dict(buffers) for buffers in held]
    try:
        for buffers in held:
            copies = {k: each.clone() for k, each in buffers.items() if each is not None}
            buffers.update(copies)
        yield
    finally:
        for buffers, own in zip(held, before, strict=True):
            buffers.update(own)


def _added(parameters: Named, steps: Named) -> dict[str, Tensor]:
    """The parameters moved by the steps of those that have one."""
    return {
        name: each + steps[name] if name in steps else each for name, each in parameters.items()
    }


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


def _weights(name: str, network: nn.Module, own: Named) -> list[str]:
    """The weights among some tensors.

    Raises:
        SettingError: there are none.
    """
    known = weight_names(network)
    weights = [each for each in own if each in known]
    if not weights:
        raise SettingError(
            f"{name}: expected a network with a weight of two axes or more that is trained, "
            f"got none among {', '.join(own) or 'no parameters'}. Use SAM, which moves all "
            "parameters."
        )
    return weights


def _check_steps(name: str, steps: int) -> None:
    if not steps >= 1:
        raise SettingError(f"{name}: expected steps ≥ 1, got {steps}. Raise it.")
