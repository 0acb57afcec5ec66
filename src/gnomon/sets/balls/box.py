"""Boxes: every coordinate of an input has its own interval of perturbations."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from gnomon.errors import SettingError, ShapeError
from gnomon.sets.balls.cut import room
from gnomon.sets.balls.linf import LinfBall
from gnomon.sets.balls.shortest import along_ray
from gnomon.sets.guards import check_domain, check_size
from gnomon.sets.perturbation_set import Domain
from gnomon.sets.rounding import per_example
from gnomon.shapes import Inputs, PerExample


@dataclass(frozen=True, eq=False)
class Box:
    """All perturbations with lower_i ≤ δ_i ≤ upper_i in every coordinate, times the radius.

    Its norm is the factor that the box must be multiplied by to reach δ,

        ``‖δ‖ = max_i |δ_i| / s_i`` with s_i = upper_i where δ_i > 0, else s_i = -lower_i,

    which differs between δ and −δ where the box is not symmetric. A coordinate with both sides
    0 cannot be changed; `Linf(r)` is ``Box(-r, r)``, measured in units of r.

    Attributes:
        lower: ≤ 0, in the data's own units: one number for all coordinates, or a tensor that
            broadcasts to the shape of one example (one number per feature or channel).
        upper: ≥ 0, likewise.
        domain: the perturbed input stays in this interval; None leaves it free.
        radius: ≥ 0, the factor on both sides.

    Raises:
        SettingError: not lower ≤ 0 ≤ upper, a side or radius that is infinite or NaN, or an
            empty domain.
    """

    norm: ClassVar[str] = "Box"
    lower: float | Tensor
    upper: float | Tensor
    domain: Domain = None
    radius: float = 1.0

    def __post_init__(self) -> None:
        lower, upper = torch.as_tensor(self.lower), torch.as_tensor(self.upper)
        is_box = (lower <= 0).all() & (upper >= 0).all()
        if not bool(is_box & lower.isfinite().all() & upper.isfinite().all()):
            raise SettingError(
                "Box: expected finite sides lower ≤ 0 ≤ upper, got lower in "
                f"{_range(lower)} and upper in {_range(upper)}. Give the room that each "
                "coordinate has on its two sides of the input."
            )
        check_size("Box", self.radius)
        check_domain("Box", self.domain)

    def __str__(self) -> str:
        return f"box:{self.radius:g}"

    def around(self, inputs: Inputs) -> LinfBall:
        """The box at each input, cut with the domain.

        Raises:
            ShapeError: sides that do not broadcast to the shape of one example.
        """
        least, most = room(inputs, self.domain)
        lower, upper = self._sides(inputs)
        return LinfBall(
            inputs,
            self,
            least.maximum((lower * self.radius).to(inputs)),
            most.minimum((upper * self.radius).to(inputs)),
        )

    def with_radius(self, radius: float) -> "Box":
        """The same box, multiplied by another factor."""
        return replace(self, radius=radius)

    def with_domain(self, domain: Domain) -> "Box":
        """The same set with another domain."""
        return replace(self, domain=domain)

    def distance(self, perturbation: Inputs) -> PerExample:
        """The factor that the box must be multiplied by to reach each δ, in float64."""
        return self.sizes(perturbation).flatten(1).amax(dim=1)

    def steepest(self, direction: Inputs, length: float) -> Inputs:
        """The vertex of length · box that the signs of the direction point to."""
        lower, upper = self._sides(direction)
        sides = torch.where(direction > 0, upper, lower) * (direction != 0)
        return (sides * length).to(direction)

    def shortest(self, inputs: Inputs, direction: Inputs, height: PerExample) -> Inputs:
        """The shortest δ with ⟨δ, direction⟩ ≥ height and x + δ in the domain."""
        ray = self.steepest(direction, 1.0)
        return along_ray(inputs, self.domain, ray, direction, height)

    def nearest(self, inputs: Inputs, perturbation: Inputs, length: PerExample) -> Inputs:
        """The nearest δ in length · box, with x + δ in the domain."""
        least, most = room(inputs, self.domain)
        lower, upper = (
            (side * per_example(length, perturbation)).to(perturbation)
            for side in self._sides(perturbation)
        )
        return perturbation.clamp(lower.maximum(least), upper.minimum(most))

    def sizes(self, perturbation: Inputs) -> Inputs:
        """The share of its side that each coordinate takes, in float64; ∞ on a side 0."""
        lower, upper = self._sides(perturbation)
        shares = perturbation.double().abs() / torch.where(perturbation > 0, upper, lower).abs()
        return torch.where(perturbation == 0, torch.zeros_like(shares), shares)

    def at(self, position: Inputs) -> Inputs:
        """The δ at a position in the box, from −1 (lower side) to 1 (upper) per coordinate."""
        lower, upper = self._sides(position)
        place = (lower + upper) / 2 + position * (upper - lower) / 2
        return (place * self.radius).to(position)

    def _sides(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Both sides in float64, in the shape of the inputs."""
        lower, upper = (
            torch.as_tensor(side, dtype=torch.float64, device=inputs.device)
            for side in (self.lower, self.upper)
        )
        try:
            lower, upper = (side.expand(inputs.shape[1:]) for side in (lower, upper))
        except RuntimeError as error:
            raise ShapeError(
                f"Box: expected sides that fit one example of shape {tuple(inputs.shape[1:])}, "
                f"got {tuple(lower.shape)} and {tuple(upper.shape)}. Give one number per "
                "coordinate, or one for all."
            ) from error
        return lower, upper


def _range(values: Tensor) -> str:
    return f"[{float(values.min()):g}, {float(values.max()):g}]"
