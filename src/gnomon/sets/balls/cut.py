"""Defines the balls of all norms and their cuts with the domain."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar

import torch
from torch import Tensor

from gnomon.sets.balls.input_set import InputSet
from gnomon.sets.guards import check_domain, check_size
from gnomon.sets.perturbation_set import Domain
from gnomon.sets.rounding import shortened
from gnomon.shapes import Inputs, Mask, PerExample

_Set = TypeVar("_Set", bound=InputSet)
_Norm = TypeVar("_Norm", bound="NormSet")


@dataclass(frozen=True)
class NormSet:
    """All perturbations of one norm up to a radius; each norm makes it concrete.

    Attributes:
        radius: ≥ 0, in the data's own units.
        domain: the perturbed input stays in this interval; None leaves it free.

    Raises:
        SettingError: a negative or infinite radius, or an empty domain.
    """

    norm: ClassVar[str]
    radius: float
    domain: Domain = None

    def __post_init__(self) -> None:
        check_size(self.norm, self.radius)
        check_domain(self.norm, self.domain)

    def __str__(self) -> str:
        return f"{self.norm.lower()}:{self.radius:g}"

    def with_radius(self: _Norm, radius: float) -> _Norm:
        """Returns the same kind of set with another radius."""
        return replace(self, radius=radius)

    def with_domain(self: _Norm, domain: Domain) -> _Norm:
        """Returns the same set with another domain."""
        return replace(self, domain=domain)


@dataclass(frozen=True)
class CutBall(ABC, Generic[_Set]):
    """The ball of a norm at each centre, cut with the box lower ≤ δ ≤ upper of the domain.

    Attributes:
        centre: x, the inputs.
        ball: the set that this is around the inputs.
        lower: ≤ 0, the least perturbation of each coordinate.
        upper: ≥ 0, the greatest.
    """

    centre: Tensor
    ball: _Set
    lower: Tensor
    upper: Tensor

    @abstractmethod
    def project(self, perturbation: Inputs) -> Inputs:
        """Returns the nearest member in the Euclidean norm."""
        ...

    @abstractmethod
    def steepest(self, direction: Inputs) -> Inputs:
        """Returns the member furthest along the direction; 0 where the direction is 0."""
        ...

    def support(self, direction: Inputs) -> PerExample:
        """Returns ⟨δ, direction⟩ at the steepest member."""
        return (self.steepest(direction) * direction).flatten(1).sum(dim=1)

    def contains(self, perturbation: Inputs) -> Mask:
        """Tells for each δ whether it is a member, judged in float64 without tolerance."""
        within = self.ball.distance(perturbation) <= self.ball.radius
        if self.ball.domain is None:
            return within
        low, high = self.ball.domain
        moved = (self.centre.double() + perturbation.double()).flatten(1)
        return within & (moved >= low).all(dim=1) & (moved <= high).all(dim=1)

    def perturb(self, perturbation: Inputs) -> Inputs:
        """Returns x + δ, shortened by a few ulps where rounding made it too long."""
        return shortened(
            self.centre,
            self.project(perturbation),
            self.ball.radius,
            self.ball.distance,
            lambda inputs: into_domain(inputs, self.ball.domain),
        )


def room(inputs: Tensor, domain: Domain) -> tuple[Tensor, Tensor]:
    """Returns the least and largest perturbation that keeps each coordinate in the domain.

    An input that lies outside already is given room 0 on that side, so that 0 stays a member.
    """
    if domain is None:
        return torch.full_like(inputs, -torch.inf), torch.full_like(inputs, torch.inf)
    return (domain[0] - inputs).clamp_max(0), (domain[1] - inputs).clamp_min(0)


def into_domain(inputs: Inputs, domain: Domain) -> Inputs:
    """Returns the inputs with each coordinate moved to the domain."""
    return inputs if domain is None else inputs.clamp(*domain)
