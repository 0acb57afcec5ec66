"""Parameters that drift or break at random.

What a layer computes from other parameters, such as a normalised weight, is stored and breaks
as the computed tensor (`gnomon.networks.weights`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.attacks.parameters.outcome import Batches, ParameterOutcome
from gnomon.attacks.parameters.reading import check_batches, read, read_slopes
from gnomon.errors import SettingError
from gnomon.networks.undisturbed import undisturbed
from gnomon.networks.weights import check_finite, held_tensors, weights_of
from gnomon.objectives import Objective, scale_free_cross_entropy
from gnomon.seeds import ensure


@dataclass(frozen=True)
class GaussianFaults:
    """Adds to every parameter Gaussian noise of a standard deviation relative to its tensor.

        θ̃ = θ + σ √(mean θ_l²) u,   u ~ N(0, 1)

    Attributes:
        size: σ ≥ 0, a share of the root mean square of each tensor.
        objective: reported beside the accuracy.

    Raises:
        SettingError: a size that is negative, infinite or NaN.
    """

    size: float
    objective: Objective = scale_free_cross_entropy

    def __post_init__(self) -> None:
        if not (math.isfinite(self.size) and self.size >= 0):
            raise SettingError(
                f"GaussianFaults: expected a finite size ≥ 0, got {self.size}. Correct it."
            )

    def __call__(
        self, network: nn.Module, batches: Batches, generator: torch.Generator | None = None
    ) -> ParameterOutcome:
        """The network with one draw of noise.

        Raises:
            SubjectError: a parameter is infinite or NaN.
        """
        generator = ensure(generator)
        with undisturbed(network):
            check_batches(network, batches)
            noisy = {
                name: self._noisy(each, generator) for name, each in _stored(network).items()
            }
            reading = read(network, noisy, batches, self.objective)
        name = f"Gaussian parameters {self.size:g}"
        return ParameterOutcome(name, noisy, reading.accuracy, reading.value)

    def _noisy(self, tensor: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(tensor.shape, generator=generator, device=generator.device)
        return tensor + self.size * tensor.square().mean().sqrt() * noise.to(tensor)


@dataclass(frozen=True)
class StuckAtZero:
    """Sets a random share of all weights to zero, as dead cells of a memory are.

    Attributes:
        share: share of the entries of all weights, in [0, 1].
        objective: reported beside the accuracy.

    Raises:
        SettingError: a share outside [0, 1].
    """

    share: float
    objective: Objective = scale_free_cross_entropy

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise SettingError(
                f"StuckAtZero: expected a share in [0, 1], got {self.share}. Correct it."
            )

    def __call__(
        self, network: nn.Module, batches: Batches, generator: torch.Generator | None = None
    ) -> ParameterOutcome:
        """The network with one draw of dead weights."""
        generator = ensure(generator)
        with undisturbed(network):
            check_batches(network, batches)
            broken: dict[str, Tensor] = {}
            for name, each in weights_of(network).items():
                weight = each.value().detach()
                drawn = torch.rand(weight.shape, generator=generator, device=generator.device)
                dead = (drawn < self.share).to(weight.device)
                broken[name] = weight.masked_fill(dead, 0.0)
            reading = read(network, broken, batches, self.objective)
        name = f"{self.share:.2%} of the weights at 0"
        return ParameterOutcome(name, broken, reading.accuracy, reading.value)


@dataclass(frozen=True)
class SingleFault:
    """Replaces the parameter whose fault raises the loss most, among the likeliest.

    A broken memory cell is taken to hold −m or m, with m the largest size in its tensor. The
    loss changes by about slope × (new − old): the entries of all tensors where that may be
    largest are tried one by one, with both values.

    Attributes:
        trials: number of entries that are tried, ≥ 1.
        objective: the function to maximise.

    Raises:
        SettingError: no trials.
    """

    trials: int = 20
    objective: Objective = scale_free_cross_entropy

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise SettingError(
                f"SingleFault: expected trials ≥ 1, got {self.trials}. Raise it."
            )

    def __call__(
        self, network: nn.Module, batches: Batches, generator: torch.Generator | None = None
    ) -> ParameterOutcome:
        """The network with the worst single fault of those tried; nothing here is random.

        Raises:
            SubjectError: a parameter is infinite or NaN.
        """
        generator = ensure(generator)
        del generator
        with undisturbed(network):
            check_batches(network, batches)
            own = _stored(network)
            slopes = read_slopes(network, own, batches, self.objective).slopes
            best: ParameterOutcome | None = None
            for name, index, value in self._likeliest(own, slopes):
                changed = own[name].flatten().clone()
                changed[index] = value
                faulty = {name: changed.reshape(own[name].shape)}
                reading = read(network, faulty, batches, self.objective)
                candidate = ParameterOutcome(
                    f"one fault in {name}",
                    faulty,
                    reading.accuracy,
                    reading.value,
                    len(batches),
                )
                if best is None or _rank(candidate) < _rank(best):
                    best = candidate
        assert best is not None
        return best

    def _likeliest(
        self, own: dict[str, Tensor], slopes: Mapping[str, Tensor]
    ) -> list[tuple[str, int, float]]:
        """Tensor, place and new value where the loss may rise most."""
        entries: list[tuple[float, str, int, float]] = []
        for name, tensor in own.items():
            slope, old = slopes[name].flatten(), tensor.flatten()
            most = float(old.abs().amax())
            rises = slope.abs() * (most + old.abs())
            gain, places = rises.topk(min(self.trials, len(old)))
            entries += [
                (rise, name, place, most)
                for rise, place in zip(gain.tolist(), places.tolist(), strict=True)
            ]
        entries.sort(key=lambda each: -each[0])
        likeliest = entries[: self.trials]
        return [
            (name, place, value)
            for _, name, place, most in likeliest
            for value in (-most, most)
        ]


def _stored(network: nn.Module) -> dict[str, Tensor]:
    """All tensors that a memory would hold, as constants; finite."""
    stored = {name: each.value().detach() for name, each in held_tensors(network).items()}
    for name, tensor in stored.items():
        check_finite(name, tensor)
    return stored


def _rank(outcome: ParameterOutcome) -> tuple[float, float]:
    return (outcome.accuracy, -outcome.value)
