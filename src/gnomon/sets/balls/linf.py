"""The maximum norm: every coordinate of an input may change by at most the radius."""

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from gnomon.seeds import ensure
from gnomon.sets.balls.cut import into_domain, is_inside, room
from gnomon.sets.balls.input_set import InputSet
from gnomon.sets.balls.shortest import along_ray
from gnomon.sets.guards import check_domain, check_size
from gnomon.sets.perturbation_set import Domain
from gnomon.sets.rounding import ATTEMPTS, per_example
from gnomon.shapes import Inputs, Mask, PerExample


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
        check_size(type(self).__name__, self.radius)
        check_domain(type(self).__name__, self.domain)

    def __str__(self) -> str:
        return f"linf:{self.radius:g}"

    def around(self, inputs: Inputs) -> "LinfBall":
        """The ball at each input; costs two tensors of the inputs' size."""
        lower, upper = room(inputs, self.domain)
        return LinfBall(
            inputs, self, lower.clamp_min(-self.radius), upper.clamp_max(self.radius)
        )

    def with_radius(self, radius: float) -> "Linf":
        """The same kind of set with another radius."""
        return replace(self, radius=radius)

    def with_domain(self, domain: Domain) -> "Linf":
        """The same set with another domain."""
        return replace(self, domain=domain)

    def distance(self, perturbation: Inputs) -> PerExample:
        """The largest ``|δ_i|`` of each example, in float64."""
        return self.sizes(perturbation).flatten(1).amax(dim=1)

    def steepest(self, direction: Inputs, length: float) -> Inputs:
        """The vertex length · sign(direction)."""
        return direction.sign() * length

    def shortest(self, inputs: Inputs, direction: Inputs, height: PerExample) -> Inputs:
        """The shortest δ with ⟨δ, direction⟩ ≥ height and x + δ in the domain."""
        return along_ray(inputs, self.domain, direction.sign(), direction, height)

    def nearest(self, inputs: Inputs, perturbation: Inputs, length: PerExample) -> Inputs:
        """The nearest δ no longer than the length, with x + δ in the domain."""
        most = per_example(length, perturbation).to(perturbation)
        lower, upper = room(inputs, self.domain)
        return perturbation.minimum(most.minimum(upper)).maximum((-most).maximum(lower))

    def sizes(self, perturbation: Inputs) -> Inputs:
        """The size ``|δ_i|`` of each coordinate, in float64."""
        return perturbation.double().abs()

    def at(self, position: Inputs) -> Inputs:
        """The δ at a position in the box, from −1 (lower side) to 1 (upper) per coordinate."""
        return position * self.radius


class Sides(InputSet, Protocol):
    """A set that constrains every coordinate by itself, before it is cut with the domain."""

    def sizes(self, perturbation: Inputs) -> Inputs:
        """The norm of each coordinate, in float64; the largest is the norm of δ."""
        ...

    def at(self, position: Inputs) -> Inputs:
        """The δ at a position in the box, from −1 (lower side) to 1 (upper) per coordinate."""
        ...


@dataclass(frozen=True)
class LinfBall:
    """The box lower ≤ δ ≤ upper: an L∞ ball, or a general box, cut with the domain."""

    centre: Tensor
    ball: Sides
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

    def sample(self, generator: torch.Generator | None = None) -> Inputs:
        """Uniform between the sides in each coordinate, then cut with the domain."""
        generator = ensure(generator, "sample")
        uniform = torch.rand(self.centre.shape, generator=generator, device=generator.device)
        uniform = uniform.to(self.centre)
        return self.project(self.ball.at(2 * uniform - 1))

    def contains(self, perturbation: Inputs) -> Mask:
        """Whether each δ is a member, judged in float64 without tolerance."""
        return is_inside(self.ball, self.centre, perturbation)

    def perturb(self, perturbation: Inputs) -> Inputs:
        """The sum x + δ, moved by a few ulps towards x where it would leave the set.

        Where the sum is near 0 it has far smaller ulps than x and δ have, and those of δ count.
        """
        moved = into_domain(self.centre + self.project(perturbation), self.ball.domain)
        for _ in range(ATTEMPTS):
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
        return self.ball.sizes(moved.double() - self.centre.double()) > self.ball.radius
