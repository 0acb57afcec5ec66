"""The Euclidean norm: an input may move by at most the radius."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gnomon.seeds import ensure
from gnomon.sets.balls.cut import CutBall, NormSet, room
from gnomon.sets.balls.shortest import along_ray
from gnomon.sets.lengths import scaled, unit
from gnomon.sets.rounding import per_example
from gnomon.shapes import Inputs, PerExample


@dataclass(frozen=True)
class L2(NormSet):
    """All perturbations of Euclidean length at most `radius`: (Σ_i δ_i²)^½ ≤ radius.

    See `NormSet` for the settings.

    Examples:
        >>> L2(radius=1.0).distance(torch.tensor([[3.0, -4.0]]))
        tensor([5.], dtype=torch.float64)
    """

    norm: ClassVar[str] = "L2"

    def around(self, inputs: Inputs) -> "L2Ball":
        """The ball at each input."""
        return L2Ball(inputs, self, *room(inputs, self.domain))

    def distance(self, perturbation: Inputs) -> PerExample:
        """The Euclidean length of each example's perturbation, in float64."""
        return perturbation.double().flatten(1).norm(dim=1)

    def steepest(self, direction: Inputs, length: float) -> Inputs:
        """The vector length · direction / ‖direction‖; 0 where the direction is 0."""
        return length * unit(direction)

    def shortest(self, inputs: Inputs, direction: Inputs, height: PerExample) -> Inputs:
        """The shortest δ with ⟨δ, direction⟩ ≥ height and x + δ in the domain."""
        ray = self.steepest(direction, 1.0)
        return along_ray(inputs, self.domain, ray, direction, height)

    def nearest(self, inputs: Inputs, perturbation: Inputs, length: PerExample) -> Inputs:
        """The nearest δ no longer than the length, with x + δ in the domain."""
        return _nearest(perturbation, length.to(perturbation), *room(inputs, self.domain))


@dataclass(frozen=True)
class L2Ball(CutBall[L2]):
    """The Euclidean ball at each centre, cut with the box lower ≤ δ ≤ upper of the domain.

    The nearest point to v in {‖δ‖ ≤ r, lower ≤ δ ≤ upper} is clip(s v) for one s in [0, 1], and
    the point furthest along d is clip(s d) for one s ≥ 0: the multiplier of the sphere's
    constraint scales, those of the box clip. `_onto_sphere` finds s exactly, by growing the set
    of clipped coordinates.
    """

    def project(self, perturbation: Inputs) -> Inputs:
        """The nearest member in the Euclidean norm."""
        return _nearest(perturbation, self.ball.radius, self.lower, self.upper)

    def steepest(self, direction: Inputs) -> Inputs:
        """The member furthest along the direction; 0 where the whole direction is 0."""
        return _onto_sphere(direction, self.ball.radius, self.lower, self.upper)

    def sample(self, generator: torch.Generator | None = None) -> Inputs:
        """Uniform in the ball (Gaussian direction, length r U^(1/n)), then cut."""
        generator = ensure(generator)
        shape, device = self.centre.shape, generator.device
        direction = torch.randn(shape, generator=generator, device=device).to(self.centre)
        share = torch.rand(shape[0], generator=generator, device=device).to(self.centre)
        length = self.ball.radius * share ** (1 / self.centre[0].numel())
        return self.project(direction * per_example(length / _length(direction), direction))


def _nearest(
    perturbation: Tensor, radius: float | Tensor, lower: Tensor, upper: Tensor
) -> Tensor:
    """The point of {‖δ‖ ≤ radius, lower ≤ δ ≤ upper} nearest to each perturbation."""
    clipped = perturbation.clamp(lower, upper)
    too_long = per_example(_length(clipped) > radius, clipped)
    if not too_long.any():
        return clipped
    return torch.where(too_long, _onto_sphere(perturbation, radius, lower, upper), clipped)


def _onto_sphere(
    direction: Tensor, radius: float | Tensor, lower: Tensor, upper: Tensor
) -> Tensor:
    """clip(s · direction) as long as the radius, or the box's corner where that is shorter.

    Each round solves s from the coordinates not yet clipped; s only grows, so the set of
    clipped coordinates only grows, and the loop ends after at most as many rounds as there are
    coordinates (three to five in practice).
    """
    direction, _ = scaled(direction)
    scale = radius / _length(direction).clamp_min(torch.finfo(direction.dtype).tiny)
    clipped_before = torch.zeros_like(direction, dtype=torch.bool)
    while True:
        ahead = direction * per_example(scale, direction)
        member = ahead.clamp(lower, upper)
        clipped = clipped_before | (ahead != member)
        if torch.equal(clipped, clipped_before):
            return member
        clipped_before = clipped
        spent = (member.square() * clipped).flatten(1).sum(dim=1)
        free = (direction.square() * ~clipped).flatten(1).sum(dim=1)
        solved = ((radius**2 - spent).clamp_min(0) / free).sqrt()
        scale = torch.where(free > 0, torch.maximum(solved, scale), scale)


def _length(perturbation: Tensor) -> Tensor:
    return perturbation.flatten(1).norm(dim=1)
