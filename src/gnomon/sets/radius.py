"""Radius laws: how far a parameter may be moved, as a function of the parameter.

A law r(θ) is applied coordinate by coordinate, and can be differentiated: training against a
box ``|θ̃ − θ| ≤ r(θ)`` follows θ through the radius too. λ is the `size` of a law.
"""

import math
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.errors import SettingError
from gnomon.sets.guards import check_size

Weights = Float[Tensor, " *shape"]


@runtime_checkable
class RadiusLaw(Protocol):
    """A frozen dataclass whose fields are the settings of a law."""

    @property
    def size(self) -> float:
        """The λ ≥ 0 that the radii are proportional to."""
        ...

    def __call__(self, parameter: Weights) -> Weights:
        """The radius r(θ) ≥ 0 of each coordinate, in the shape of the parameter."""
        ...

    def with_size(self, size: float) -> "RadiusLaw":
        """The same law with another λ."""
        ...


@dataclass(frozen=True)
class Constant:
    """The radius r(θ) = λ, whatever the parameter.

    Attributes:
        size: λ ≥ 0, in units of the parameters.

    Raises:
        SettingError: λ is negative, infinite or NaN.
    """

    size: float

    def __post_init__(self) -> None:
        check_size("Constant", self.size, "size")

    def __str__(self) -> str:
        return f"constant:{self.size:g}"

    def __call__(self, parameter: Weights) -> Weights:
        """The radius λ in every coordinate."""
        return torch.full_like(parameter, self.size)

    def with_size(self, size: float) -> "Constant":
        """The same law with another λ."""
        return replace(self, size=size)


@dataclass(frozen=True)
class Relative:
    """The radius ``r(θ) = λ |θ|``: no parameter changes its sign while λ < 1.

    Attributes:
        size: λ ≥ 0, a share of the parameter.

    Raises:
        SettingError: λ is negative, infinite or NaN.
    """

    size: float

    def __post_init__(self) -> None:
        check_size("Relative", self.size, "size")

    def __str__(self) -> str:
        return f"relative:{self.size:g}"

    def __call__(self, parameter: Weights) -> Weights:
        """The radius ``λ |θ|`` of each coordinate."""
        return parameter.abs() * self.size

    def with_size(self, size: float) -> "Relative":
        """The same law with another λ."""
        return replace(self, size=size)


@dataclass(frozen=True)
class Tanh:
    """The radius r(θ) = λ tanh(s θ²) / m: small weights hardly move, large ones by λ / m.

    Since ``max_u tanh(u²) / u = 0.76327`` at u = 1.0434, this radius is at most ``λ |θ|``
    everywhere, and the box a part of the relative one, if and only if m ≥ 0.76327 √s.

    Attributes:
        size: λ ≥ 0.
        slope: s > 0, in units of θ⁻²; the radius saturates above about 1 / √s.
        divisor: m > 0; √s where it is None, which makes the box a part of the relative one.

    Raises:
        SettingError: λ is negative, infinite or NaN, or s or m is not positive and finite.
    """

    size: float
    slope: float = 10.0
    divisor: float | None = None

    def __post_init__(self) -> None:
        check_size("Tanh", self.size, "size")
        for name, value in (("slope", self.slope), ("divisor", self.divisor)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise SettingError(
                    f"Tanh: expected a finite {name} > 0, got {value}. Correct it."
                )

    def __str__(self) -> str:
        end = "" if self.divisor is None else f":{self.divisor:g}"
        return f"tanh:{self.size:g}:{self.slope:g}{end}"

    def __call__(self, parameter: Weights) -> Weights:
        """The radius λ tanh(s θ²) / m of each coordinate."""
        divisor = math.sqrt(self.slope) if self.divisor is None else self.divisor
        return (parameter.square() * self.slope).tanh() * (self.size / divisor)

    def with_size(self, size: float) -> "Tanh":
        """The same law with another λ."""
        return replace(self, size=size)


RADIUS_LAWS: dict[str, type] = {
    "constant": Constant,
    "relative": Relative,
    "tanh": Tanh,
}
"""Every law of radii by its name in a configuration."""
