"""A Euclidean ball around one tensor of parameters."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.errors import SettingError, ShapeError
from gnomon.seeds import ensure
from gnomon.sets.guards import known
from gnomon.sets.lengths import length, unit
from gnomon.sets.parameters.tensor_set import Weights
from gnomon.sets.rounding import shortened


@dataclass(frozen=True, eq=False)
class TensorBall:
    """All θ̃ with ‖θ̃ − θ‖₂ ≤ r, where the norm is that of all entries.

    Attributes:
        centre: θ.
        radius: r ≥ 0, one number.

    Raises:
        ShapeError: a radius that is not one number.
        SettingError: a radius that is negative, or anything infinite or NaN.
    """

    centre: Tensor
    radius: Tensor

    def __post_init__(self) -> None:
        if self.radius.shape != ():
            raise ShapeError(
                f"TensorBall: expected one radius, got shape {tuple(self.radius.shape)}. Give "
                "one number for the whole tensor."
            )
        if known(lambda: not self._is_ball()):
            raise SettingError(
                "TensorBall: expected a finite centre and a finite radius ≥ 0, got radius "
                f"{float(self.radius.detach()):g} and a centre of length "
                f"{float(self.centre.detach().norm()):g}. Check the parameters."
            )

    def project(self, value: Weights) -> Weights:
        """The nearest member: on the ray from θ, shortened to the radius."""
        step = value - self.centre
        share = (self.radius / _positive(_length(step))).clamp_max(1)
        inside = self._distance(value) <= self.radius.double()
        return torch.where(inside, value, self._reached(step * share))

    def steepest(self, direction: Weights) -> Weights:
        """The member θ + r direction / ‖direction‖; θ where the direction is 0."""
        return self._reached(unit(direction[None])[0] * self.radius)

    def support(self, direction: Weights) -> Float[Tensor, ""]:
        """The sum ⟨θ, direction⟩ + r ‖direction‖."""
        return (self.centre * direction).sum() + self.radius * _length(direction)

    def sample(self, generator: torch.Generator | None = None) -> Weights:
        """Uniform in the ball: a Gaussian direction, the length r U^(1/n)."""
        generator = ensure(generator)
        direction = self._gaussian(generator)
        uniform = torch.rand((), generator=generator, device=generator.device)
        reach = self.radius * uniform.to(self.centre) ** (1 / max(self.centre.numel(), 1))
        return self._reached(direction / _positive(direction.norm()) * reach)

    def vertex(self, generator: torch.Generator | None = None) -> Weights:
        """Uniform on the sphere, whose points are the extreme ones of a ball."""
        generator = ensure(generator)
        return self.steepest(self._gaussian(generator))

    def contains(self, value: Weights) -> bool:
        """Tells whether a tensor is at most r away, in float64."""
        return bool(self._distance(value) <= self.radius.double())

    def detach(self) -> "TensorBall":
        """The same ball as a constant."""
        return TensorBall(self.centre.detach(), self.radius.detach())

    def _reached(self, step: Tensor) -> Tensor:
        """θ + step, which is a little shorter where rounding would lead it outside."""
        radius = self.radius.detach().double()
        rows = shortened(self.centre.reshape(1, -1), step.reshape(1, -1), radius, _lengths)
        return rows.reshape(self.centre.shape)

    def _distance(self, value: Tensor) -> Tensor:
        return (value.detach().double() - self.centre.detach().double()).norm()

    def _gaussian(self, generator: torch.Generator) -> Tensor:
        shape, device = self.centre.shape, generator.device
        return torch.randn(shape, generator=generator, device=device).to(self.centre)

    def _is_ball(self) -> bool:
        radius = self.radius.detach()
        finite = self.centre.detach().isfinite().all() & (radius < torch.inf)
        return bool(finite & (radius >= 0))


def _length(values: Tensor) -> Tensor:
    return length(values[None])[0]


def _lengths(rows: Tensor) -> Tensor:
    return rows.detach().double().norm(dim=1)


def _positive(length: Tensor) -> Tensor:
    """The length, or the smallest positive number in place of 0."""
    return length.clamp_min(torch.finfo(length.dtype).tiny)
