"""Norm balls around an input, cut with the domain of the data."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from gnomon.errors import SettingError
from gnomon.sets.perturbation_set import Domain, PerturbationSet
from gnomon.shapes import Inputs, Mask, PerExample

_ATTEMPTS_TO_ROUND_INWARDS = 8


@runtime_checkable
class InputSet(Protocol):
    """A threat: which perturbations of an input are allowed, before any input is named."""

    norm: ClassVar[str]

    @property
    def radius(self) -> float:
        """The size of the largest perturbation, in the data's own units."""
        ...

    @property
    def domain(self) -> Domain:
        """The interval that perturbed coordinates must stay in."""
        ...

    def around(self, inputs: Inputs) -> PerturbationSet:
        """The perturbations allowed at each of these inputs."""
        ...

    def with_radius(self, radius: float) -> "InputSet":
        """The same kind of set with another radius."""
        ...

    def distance(self, perturbation: Inputs) -> PerExample:
        """The norm of each perturbation, in float64."""
        ...

    def steepest(self, direction: Inputs, length: float) -> Inputs:
        """The perturbation of this norm and length that is furthest along each direction.

        Neither the radius nor the domain counts here: this is the step of steepest ascent.
        """
        ...


@dataclass(frozen=True)
class Linf:
    """All perturbations of size at most `radius` in every coordinate: ``max_i |δ_i| ≤ radius``.

    Attributes:
        radius: ≥ 0, in the data's own units.
        domain: the perturbed input stays in this interval; None leaves it free.

    Raises:
        SettingError: a negative or infinite radius, or an empty domain.
    """

    norm: ClassVar[str] = "Linf"
    radius: float
    domain: Domain = None

    def __post_init__(self) -> None:
        _check(self)

    def __str__(self) -> str:
        return f"linf:{self.radius:g}"

    def around(self, inputs: Inputs) -> "LinfBall":
        """The ball at each input; costs two tensors of the inputs' size."""
        lower, upper = _room(inputs, self.domain)
        return LinfBall(
            inputs, self, lower.clamp_min(-self.radius), upper.clamp_max(self.radius)
        )

    def with_radius(self, radius: float) -> "Linf":
        """The same kind of set with another radius."""
        return replace(self, radius=radius)

    def distance(self, perturbation: Inputs) -> PerExample:
        """The largest ``|δ_i|`` of each example, in float64."""
        return perturbation.double().abs().flatten(1).amax(dim=1)

    def steepest(self, direction: Inputs, length: float) -> Inputs:
        """The vertex length · sign(direction)."""
        return direction.sign() * length


@dataclass(frozen=True)
class L2:
    """All perturbations of Euclidean length at most `radius`: (Σ_i δ_i²)^½ ≤ radius.

    Attributes:
        radius: ≥ 0, in the data's own units.
        domain: the perturbed input stays in this interval; None leaves it free.

    Raises:
        SettingError: a negative or infinite radius, or an empty domain.
    """

    norm: ClassVar[str] = "L2"
    radius: float
    domain: Domain = None

    def __post_init__(self) -> None:
        _check(self)

    def __str__(self) -> str:
        return f"l2:{self.radius:g}"

    def around(self, inputs: Inputs) -> "L2Ball":
        """The ball at each input."""
        return L2Ball(inputs, self, *_room(inputs, self.domain))

    def with_radius(self, radius: float) -> "L2":
        """The same kind of set with another radius."""
        return replace(self, radius=radius)

    def distance(self, perturbation: Inputs) -> PerExample:
        """The Euclidean length of each example's perturbation, in float64."""
        return perturbation.double().flatten(1).norm(dim=1)

    def steepest(self, direction: Inputs, length: float) -> Inputs:
        """The vector length · direction / ‖direction‖; 0 where the direction is 0."""
        tiny = torch.finfo(direction.dtype).tiny
        return direction * _per_example(length / _length(direction).clamp_min(tiny), direction)


@dataclass(frozen=True)
class LinfBall:
    """The box lower ≤ δ ≤ upper: an L∞ ball at each centre, cut with the domain."""

    centre: Tensor
    ball: Linf
    lower: Tensor
    upper: Tensor

    def project(self, perturbation: Inputs) -> Inputs:
        """The nearest member: each coordinate moved to its interval."""
        return perturbation.clamp(self.lower, self.upper)

    def steepest(self, direction: Inputs) -> Inputs:
        """The vertex that the signs of the direction point to; 0 where the direction is 0."""
        vertex = torch.where(direction > 0, self.upper, self.lower)
        return torch.where(direction == 0, torch.zeros_like(vertex), vertex)

    def support(self, direction: Inputs) -> PerExample:
        """The sum over coordinates of the larger of the two products."""
        return (self.steepest(direction) * direction).flatten(1).sum(dim=1)

    def sample(self, generator: torch.Generator) -> Inputs:
        """Uniform in [−radius, radius] in each coordinate, then cut with the domain."""
        uniform = torch.rand(self.centre.shape, generator=generator, device=generator.device)
        uniform = uniform.to(self.centre)
        return self.project((2 * uniform - 1) * self.ball.radius)

    def contains(self, perturbation: Inputs) -> Mask:
        """Whether each δ is a member, judged in float64 without tolerance."""
        return _inside(self.centre, perturbation, self.ball)

    def perturb(self, perturbation: Inputs) -> Inputs:
        """The sum x + δ, moved by a few ulps towards x where it would leave the set.

        Where the sum is near 0 it has far smaller ulps than x and δ have, and those of δ count.
        """
        moved = _into_domain(self.centre + self.project(perturbation), self.ball.domain)
        for _ in range(_ATTEMPTS_TO_ROUND_INWARDS):
            outside = self._outside(moved)
            if not outside.any():
                return moved
            ulp = torch.nextafter(moved, self.centre)
            shorter = moved + (self.centre - moved) * torch.finfo(moved.dtype).eps
            is_nearer = (shorter - self.centre).abs() < (ulp - self.centre).abs()
            moved = torch.where(outside, torch.where(is_nearer, shorter, ulp), moved)
        return torch.where(self._outside(moved), self.centre, moved)

    def _outside(self, moved: Tensor) -> Tensor:
        """Which coordinates of x + δ are further from x than the radius."""
        return (moved.double() - self.centre.double()).abs() > self.ball.radius


@dataclass(frozen=True)
class L2Ball:
    """The Euclidean ball at each centre, cut with the box lower ≤ δ ≤ upper of the domain.

    The nearest point to v in {‖δ‖ ≤ r, lower ≤ δ ≤ upper} is clip(s v) for one s in [0, 1], and
    the point furthest along d is clip(s d) for one s ≥ 0: the multiplier of the sphere's
    constraint scales, those of the box clip. `_onto_sphere` finds s exactly, by growing the set
    of clipped coordinates.
    """

    centre: Tensor
    ball: L2
    lower: Tensor
    upper: Tensor

    def project(self, perturbation: Inputs) -> Inputs:
        """The nearest member in the Euclidean norm."""
        clipped = perturbation.clamp(self.lower, self.upper)
        too_long = _per_example(_length(clipped) > self.ball.radius, clipped)
        if not too_long.any():
            return clipped
        return torch.where(too_long, self._onto_sphere(perturbation), clipped)

    def steepest(self, direction: Inputs) -> Inputs:
        """The member furthest along the direction; 0 where the whole direction is 0."""
        return self._onto_sphere(direction)

    def support(self, direction: Inputs) -> PerExample:
        """The value ⟨δ, direction⟩ at the steepest member."""
        return (self.steepest(direction) * direction).flatten(1).sum(dim=1)

    def sample(self, generator: torch.Generator) -> Inputs:
        """Uniform in the ball (Gaussian direction, length r U^(1/n)), then cut."""
        shape, device = self.centre.shape, generator.device
        direction = torch.randn(shape, generator=generator, device=device).to(self.centre)
        share = torch.rand(shape[0], generator=generator, device=device).to(self.centre)
        length = self.ball.radius * share ** (1 / self.centre[0].numel())
        return self.project(direction * _per_example(length / _length(direction), direction))

    def contains(self, perturbation: Inputs) -> Mask:
        """Whether each δ is a member, judged in float64 without tolerance."""
        return _inside(self.centre, perturbation, self.ball)

    def perturb(self, perturbation: Inputs) -> Inputs:
        """The sum x + δ, shortened by a few ulps where rounding made it too long."""
        step = self.project(perturbation)
        moved = _into_domain(self.centre + step, self.ball.domain)
        for attempt in range(1, _ATTEMPTS_TO_ROUND_INWARDS):
            length = self.ball.distance(moved.double() - self.centre.double())
            outside = length > self.ball.radius
            if not outside.any():
                return moved
            shrink = self.ball.radius / length * (1 - torch.finfo(moved.dtype).eps * 4**attempt)
            shorter = step * _per_example(shrink, step).to(step)
            shorter = _into_domain(self.centre + shorter, self.ball.domain)
            moved = torch.where(_per_example(outside, moved), shorter, moved)
        outside = self.ball.distance(moved.double() - self.centre.double()) > self.ball.radius
        return torch.where(_per_example(outside, moved), self.centre, moved)

    def _onto_sphere(self, direction: Tensor) -> Tensor:
        """clip(s · direction) of length r, or the box's corner where even that is shorter.

        Each round solves s from the coordinates not yet clipped; s only grows, so the set of
        clipped coordinates only grows, and the loop ends after at most as many rounds as there
        are coordinates (three to five in practice).
        """
        scale = self.ball.radius / _length(direction).clamp_min(
            torch.finfo(direction.dtype).tiny
        )
        clipped_before = torch.zeros_like(direction, dtype=torch.bool)
        while True:
            scaled = direction * _per_example(scale, direction)
            member = scaled.clamp(self.lower, self.upper)
            clipped = clipped_before | (scaled != member)
            if torch.equal(clipped, clipped_before):
                return member
            clipped_before = clipped
            spent = (member.square() * clipped).flatten(1).sum(dim=1)
            free = (direction.square() * ~clipped).flatten(1).sum(dim=1)
            solved = ((self.ball.radius**2 - spent).clamp_min(0) / free).sqrt()
            scale = torch.where(free > 0, torch.maximum(solved, scale), scale)


def _check(ball: Linf | L2) -> None:
    name = type(ball).__name__
    if not (math.isfinite(ball.radius) and ball.radius >= 0):
        raise SettingError(
            f"{name}: expected a finite radius ≥ 0, got {ball.radius}. Correct it."
        )
    if ball.domain is not None and not ball.domain[0] < ball.domain[1]:
        raise SettingError(
            f"{name}: expected a domain (low, high) with low < high, got {ball.domain}. "
            "Correct it."
        )


def _room(inputs: Tensor, domain: Domain) -> tuple[Tensor, Tensor]:
    """The least and largest perturbation of each coordinate that keeps it in the domain.

    An input that lies outside already is given room 0 on that side, so that 0 stays a member.
    """
    if domain is None:
        return torch.full_like(inputs, -torch.inf), torch.full_like(inputs, torch.inf)
    return (domain[0] - inputs).clamp_max(0), (domain[1] - inputs).clamp_min(0)


def _into_domain(inputs: Tensor, domain: Domain) -> Tensor:
    return inputs if domain is None else inputs.clamp(*domain)


def _inside(centre: Tensor, perturbation: Tensor, ball: Linf | L2) -> Tensor:
    within = ball.distance(perturbation) <= ball.radius
    if ball.domain is None:
        return within
    moved = (centre.double() + perturbation.double()).flatten(1)
    return within & (moved >= ball.domain[0]).all(dim=1) & (moved <= ball.domain[1]).all(dim=1)


def _length(perturbation: Tensor) -> Tensor:
    return perturbation.flatten(1).norm(dim=1)


def _per_example(values: Tensor, like: Tensor) -> Tensor:
    """One value per example, shaped to broadcast over the axes of an example."""
    return values.reshape(-1, *[1] * (like.dim() - 1))
