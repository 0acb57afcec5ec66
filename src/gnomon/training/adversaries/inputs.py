"""Adversaries of the inputs: random, a gradient attack, bounds, and an attack with bounds."""

import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from gnomon.attacks import GaussianNoise, UniformNoise
from gnomon.attacks.climb import Climb
from gnomon.attacks.inputs.noise import Noise
from gnomon.errors import SettingError
from gnomon.objectives import cross_entropy, kl_divergence
from gnomon.sets import Box, InputSet, Linf
from gnomon.sets.guards import check_size
from gnomon.shapes import Inputs
from gnomon.training.adversaries.moved import MovedInputs
from gnomon.training.method import Batch
from gnomon.training.ramps import Full, Ramp

_NOISE = GaussianNoise(0.1)
_FULL = Full()
_OBJECTIVES = {"cross_entropy": cross_entropy, "kl_divergence": kl_divergence}


@dataclass(frozen=True)
class RandomInputs:
    """Fresh noise on every input.

    Attributes:
        noise: its kind and size.
    """

    noise: Noise = _NOISE

    def __call__(
        self,
        network: nn.Module,  # noqa: ARG002
        batch: Batch,
        generator: torch.Generator,
    ) -> MovedInputs:
        return MovedInputs(self.noise(batch.inputs, batch.domain, generator))


@dataclass(frozen=True)
class AttackedInputs:
    """The points where an ascent of the loss ends.

    The network is in evaluation mode while it is searched: no dropout, and running statistics
    that a search does not move (pang2021 finds that this serves training no worse).

    Attributes:
        within: the set; where it has no domain, that of the data is taken.
        steps: gradient steps, ≥ 1.
        relative_step: length of a step divided by the radius; None means 2.5 / steps, at most
            1.
        random_start: starts at a random member of the set instead of at 0.
        objective: what is driven up: the cross-entropy, or the divergence KL(p ‖ p̂) from the
            answer at the unperturbed inputs.
        ramp: the share of the radius that is allowed so far.
    """

    within: InputSet
    steps: int = 10
    relative_step: float | None = None
    random_start: bool = True
    objective: Literal["cross_entropy", "kl_divergence"] = "cross_entropy"
    ramp: Ramp = _FULL

    def __post_init__(self) -> None:
        self._climb()

    def __call__(
        self, network: nn.Module, batch: Batch, generator: torch.Generator
    ) -> MovedInputs:
        within = of_batch(self.within, self.ramp, batch)
        if within.radius == 0:
            return MovedInputs(batch.inputs)
        with searched(network):
            found = self._climb()(network, batch.inputs, batch.labels, within, generator)
        return MovedInputs(found)

    def _climb(self) -> Climb:
        objective = _OBJECTIVES[self.objective]
        return Climb(self.steps, self.relative_step, self.random_start, objective)


@dataclass(frozen=True)
class NoisyStep:
    """One step along the sign of the gradient from a point with more noise than the radius.

        x + η + α ε sign ∇ℓ(x + η),   η uniform in [−k ε, k ε]

    x + η and the result are moved into the domain, and not into the set: they may lie up to
    (k + α) ε away, which is what prevents catastrophic overfitting.

    Attributes:
        within: the L∞ set of radius ε.
        noise: k ≥ 0.
        relative_step: α > 0.

    References:
        dejorge2022, algorithm 1.
    """

    within: InputSet
    noise: float = 2.0
    relative_step: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.within, Linf):
            raise SettingError(
                f"NoisyStep: expected an L∞ set such as linf:8/255, got {self.within}. For "
                "other norms use fast_at or pgd_at."
            )
        check_size("NoisyStep", self.noise, "noise")
        if not 0 < self.relative_step < math.inf:
            raise SettingError(
                f"NoisyStep: expected a finite relative_step > 0, got {self.relative_step}. "
                "Use 1."
            )

    def __call__(
        self, network: nn.Module, batch: Batch, generator: torch.Generator
    ) -> MovedInputs:
        within = of_batch(self.within, _FULL, batch)
        wide = UniformNoise(self.noise * within.radius)
        points = wide(batch.inputs, within.domain, generator).requires_grad_()
        with searched(network):
            value = cross_entropy(network(points), batch.labels).sum()
            (slope,) = torch.autograd.grad(value, points)
        moved = points.detach() + within.steepest(slope, self.relative_step * within.radius)
        return MovedInputs(moved if within.domain is None else moved.clamp(*within.domain))


@dataclass(frozen=True)
class EnclosedInputs:
    """All inputs in a set, for bounds.

    Attributes:
        within: the set; where it has no domain, that of the data is taken.
        ramp: the share of the radius that is enclosed so far.
    """

    within: InputSet
    ramp: Ramp = _FULL

    def __call__(
        self,
        network: nn.Module,  # noqa: ARG002
        batch: Batch,
        generator: torch.Generator,  # noqa: ARG002
    ) -> MovedInputs:
        within = of_batch(self.within, self.ramp, batch)
        return MovedInputs(batch.inputs, within if within.radius > 0 else None)


@dataclass(frozen=True)
class SmallBoxes:
    """A box of τ ε around the worst point that an ascent finds within (1 − τ) ε.

    The box lies in the set of radius ε, and bounds of it are much tighter; what lies outside it
    is searched only. Where it would reach over the border of the domain it is shifted inside,
    as far as the set allows, and keeps its width: the box is as wide as 2 τ ε, or as what the
    set and the domain have in common where that is less. Balls of other norms than L∞ cannot be
    shifted in a coordinate by itself, and are cut.

    Attributes:
        within: the set of radius ε.
        share: τ in (0, 1].
        steps: of the ascent.
        relative_step: length of a step divided by (1 − τ) ε; None means 2.5 / steps, at most 1.
        ramp: the share of ε that is allowed so far.

    References:
        mueller2023.
    """

    within: InputSet
    share: float = 0.4
    steps: int = 8
    ramp: Ramp = _FULL
    relative_step: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise SettingError(
                f"SmallBoxes: expected a share in (0, 1], got {self.share}. Use 0.4."
            )
        AttackedInputs(self.within, self.steps, self.relative_step)  # refuses wrong steps

    def __call__(
        self, network: nn.Module, batch: Batch, generator: torch.Generator
    ) -> MovedInputs:
        within = of_batch(self.within, self.ramp, batch)
        if within.radius == 0:
            return MovedInputs(batch.inputs)
        box = within.with_radius(within.radius * self.share)
        rest = within.with_radius(within.radius * (1 - self.share))
        attack = AttackedInputs(rest, self.steps, self.relative_step)
        points = attack(network, batch, generator).points
        return MovedInputs(_shifted(points, batch.inputs, box, rest), box)


def _shifted(points: Inputs, inputs: Inputs, box: InputSet, rest: InputSet) -> Inputs:
    """The points moved so far that the boxes around them lie in the domain.

    In each coordinate the middle of a box [m + l, m + u] has to lie between low − l and
    high − u (in the other order the box holds the whole domain), and within the rest of the set
    around the input, which is kept where both cannot be.
    """
    if (
        box.domain is None
        or not isinstance(box, Linf | Box)
        or not isinstance(rest, Linf | Box)
    ):
        return points
    below, above = (torch.full_like(inputs, end) for end in (-1.0, 1.0))
    one, other = box.domain[0] - box.at(below), box.domain[1] - box.at(above)
    inside = points.maximum(one.minimum(other)).minimum(one.maximum(other))
    return inside.maximum(inputs + rest.at(below)).minimum(inputs + rest.at(above))


def of_batch(within: InputSet, ramp: Ramp, batch: Batch) -> InputSet:
    """The set as it is at this moment of the training, in the domain of the data."""
    if within.domain is None:
        within = within.with_domain(batch.domain)
    return within.with_radius(within.radius * ramp(batch.progress))


@contextmanager
def searched(network: nn.Module) -> Generator[None, None, None]:
    """The network in evaluation mode; afterwards each module is in the mode it was in."""
    modes = [(module, module.training) for module in network.modules()]
    try:
        network.eval()
        yield
    finally:
        for module, training in modes:
            module.training = training
