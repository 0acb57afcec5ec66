"""The sum of sizes: an input may spend the radius on few coordinates or on many."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gnomon.seeds import ensure
from gnomon.sets.balls.cut import CutBall, NormSet, room
from gnomon.sets.balls.shortest import along_coordinates
from gnomon.sets.rounding import per_example
from gnomon.shapes import Inputs, PerExample


@dataclass(frozen=True)
class L1(NormSet):
    """All perturbations whose sizes sum to at most `radius`: ``Σ_i |δ_i| ≤ radius``.

    See `NormSet` for the settings.

    Examples:
        >>> L1(radius=1.0).distance(torch.tensor([[3.0, -4.0]]))
        tensor([7.], dtype=torch.float64)
    """

    norm: ClassVar[str] = "L1"

    def around(self, inputs: Inputs) -> "L1Ball":
        """The ball at each input."""
        return L1Ball(inputs, self, *room(inputs, self.domain))

    def distance(self, perturbation: Inputs) -> PerExample:
        """The sum of ``|δ_i|`` over each example, in float64."""
        return perturbation.double().abs().flatten(1).sum(dim=1)

    def steepest(self, direction: Inputs, length: float) -> Inputs:
        """The vertex: the whole length on the coordinate where the direction is largest."""
        flat = direction.flatten(1)
        largest = flat.abs().argmax(dim=1, keepdim=True)
        step = flat.gather(1, largest).sign() * length
        return torch.zeros_like(flat).scatter(1, largest, step).reshape(direction.shape)

    def shortest(self, inputs: Inputs, direction: Inputs, height: PerExample) -> Inputs:
        """The shortest δ with ⟨δ, direction⟩ ≥ height and x + δ in the domain."""
        return along_coordinates(inputs, self.domain, direction, height)

    def nearest(self, inputs: Inputs, perturbation: Inputs, length: PerExample) -> Inputs:
        """The nearest δ with ``Σ_i |δ_i| ≤ length`` and x + δ in the domain."""
        lengths = length.double()[:, None]
        return _nearest(perturbation, lengths, *room(inputs, self.domain))


@dataclass(frozen=True)
class L1Ball(CutBall[L1]):
    """The L1 ball at each centre, cut with the box lower ≤ δ ≤ upper of the domain.

    Let ``a_i = |v_i|``, and w_i the room of coordinate i on v's side. The nearest point to v
    has the sizes min(max(a_i − μ, 0), w_i) for one threshold μ ≥ 0, the multiplier of the sum's
    constraint, and the signs of v. The point furthest along v spends the radius on the
    coordinates in the order of a_i, on each as much as there is room. Both are computed in
    float64.

    References:
        duchi2008, figure 1, for the ball without the box.
    """

    def project(self, perturbation: Inputs) -> Inputs:
        """The nearest member in the Euclidean norm."""
        return _nearest(perturbation, self.ball.radius, self.lower, self.upper)

    def steepest(self, direction: Inputs) -> Inputs:
        """The member furthest along the direction; 0 where the direction is 0."""
        sizes, caps = _sizes_and_caps(direction, self.lower, self.upper)
        order = sizes.argsort(dim=1, descending=True, stable=True)
        wanted = caps.clamp_max(self.ball.radius).gather(1, order)
        left = (self.ball.radius - (wanted.cumsum(dim=1) - wanted)).clamp_min(0)
        spent = torch.zeros_like(sizes).scatter(1, order, wanted.minimum(left))
        return _with_signs(spent, direction)

    def sample(self, generator: torch.Generator | None = None) -> Inputs:
        """Uniform in the ball, then cut with the domain.

        With n + 1 independent exponential E_j, the sizes r E_i / Σ_j E_j of the first n and
        random signs are uniform in the ball.

        References:
            barthe2005
        """
        generator = ensure(generator)
        flat, device = self.centre.flatten(1), generator.device
        shape = (flat.shape[0], flat.shape[1] + 1)
        exponential = torch.empty(shape, device=device).exponential_(generator=generator)
        share = (exponential / exponential.sum(dim=1, keepdim=True))[:, 1:]
        signs = 2 * torch.randint(2, flat.shape, generator=generator, device=device) - 1
        return self.project(
            (self.ball.radius * share * signs).to(flat).reshape(self.centre.shape)
        )


def _nearest(
    perturbation: Tensor, radius: float | Tensor, lower: Tensor, upper: Tensor
) -> Tensor:
    """The point of {Σ ``|δ_i|`` ≤ radius, lower ≤ δ ≤ upper} nearest to each perturbation."""
    clipped = perturbation.clamp(lower, upper)
    length = clipped.double().abs().flatten(1).sum(dim=1, keepdim=True)
    too_long = per_example(length > radius, clipped)
    if not too_long.any():
        return clipped
    sizes, caps = _sizes_and_caps(perturbation, lower, upper)
    threshold = _threshold(sizes, caps, radius)
    nearest = (sizes - threshold).clamp_min(0).minimum(caps)
    return torch.where(too_long, _with_signs(nearest, perturbation), clipped)


def _sizes_and_caps(direction: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """The size of each coordinate and the room on its side, flat, in float64."""
    caps = torch.where(direction > 0, upper, -lower)
    caps = torch.where(direction == 0, torch.zeros_like(caps), caps)
    return direction.double().abs().flatten(1), caps.double().flatten(1)


def _threshold(sizes: Tensor, caps: Tensor, radius: float | Tensor) -> Tensor:
    """The μ ≥ 0 with Σ_i min(max(a_i − μ, 0), w_i) = radius, where the sum at 0 exceeds it.

    The sum is Σ_i (a_i − μ)⁺ − (a_i − w_i − μ)⁺: it falls with μ, and is linear between the
    breakpoints a_i and a_i − w_i. Going down the sorted breakpoints b_1 ≥ b_2 ≥ …, it is
    T_k − S_k μ between b_k and b_{k+1}, with S_k the slope and T_k the offset gathered so far;
    the first piece that reaches the radius is solved.
    """
    ends = torch.cat([sizes, (sizes - caps).clamp_min(0)], dim=1)
    slopes = torch.cat([torch.ones_like(sizes), -torch.ones_like(sizes)], dim=1)
    breaks, order = ends.sort(dim=1, descending=True, stable=True)
    slopes = slopes.gather(1, order)
    slope, offset = slopes.cumsum(dim=1), (slopes * breaks).cumsum(dim=1)
    following = torch.cat([breaks[:, 1:], torch.zeros_like(breaks[:, :1])], dim=1)
    reached = offset - slope * following >= radius
    reached[:, -1] = True  # at μ = 0 the sum exceeds the radius, whatever rounding says
    piece = reached.int().argmax(dim=1, keepdim=True)
    solved = (offset - radius).gather(1, piece) / slope.gather(1, piece).clamp_min(1)
    # A piece may seem to reach the radius by rounding only; then an end of it is the solution.
    return solved.clamp(following.gather(1, piece), breaks.gather(1, piece))


def _with_signs(sizes: Tensor, direction: Tensor) -> Tensor:
    return (sizes.reshape(direction.shape) * direction.sign()).to(direction)
