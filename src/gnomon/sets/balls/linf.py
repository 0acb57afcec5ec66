"""The maximum norm: every coordinate of an input may change by at most the radius."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from gnomon.seeds import ensure
from gnomon.sets.balls.cut import CutBall, NormSet, into_domain, room
from gnomon.sets.balls.input_set import InputSet
from gnomon.sets.balls.shortest import along_ray
from gnomon.sets.rounding import ATTEMPTS, per_example
from gnomon.shapes import Inputs, PerExample


@dataclass(frozen=True)
class Linf(NormSet):
    """All perturbations of size at most `radius` in every coordinate: ``max_i |δ_i| ≤ radius``.

    See `NormSet` for the settings.

    Examples:
        >>> Linf(radius=1.0).distance(torch.tensor([[3.0, -4.0]]))
        tensor([4.], dtype=torch.float64)
    """

    norm: ClassVar[str] = "Linf"

    def around(self, inputs: Inputs) -> "LinfBall":
        """The ball at each input; costs two tensors of the inputs' size."""
        lower, upper = room(inputs, self.domain)
        return LinfBall(
            inputs, self, lower.clamp_min(-self.radius), upper.clamp_max(self.radius)
        )

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
class LinfBall(CutBall[Sides]):
    """The box lower ≤ δ ≤ upper: an L∞ ball, or a general box, cut with the domain."""

    def project(self, perturbation: Inputs) -> Inputs:
        """The nearest member: each coordinate moved to its interval."""
        return perturbation.clamp(self.lower, self.upper)

    def steepest(self, direction: Inputs) -> Inputs:
        """The vertex that the signs of the direction point to; 0 where the direction is 0."""
        vertex = torch.where(direction > 0, self.upper, self.lower)
        return torch.where(direction == 0, torch.zeros_like(vertex), vertex)

    def sample(self, generator: torch.Generator | None = None) -> Inputs:
        """Uniform between the sides in each coordinate, then cut with the domain."""
        generator = ensure(generator)
        uniform = torch.rand(self.centre.shape, generator=generator, device=generator.device)
        uniform = uniform.to(self.centre)
        return self.project(self.ball.at(2 * uniform - 1))

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
        """True for coordinates of x + δ that are further from x than the radius."""
        return self.ball.sizes(moved.double() - self.centre.double()) > self.ball.radius
