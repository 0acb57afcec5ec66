"""Mean and variance of every coordinate: a statistical bound, which is not sound."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from gnomon.algebra.interval import Ball, Interval
from gnomon.algebra.value import Value
from gnomon.errors import SettingError, ShapeError


class Moments(Value):
    """Mean m and variance v of every coordinate, when inputs and parameters vary at random.

    STATISTICAL, NOT SOUND. The outputs of a network lie within m ± κ √v for most perturbations,
    never certainly for all. Two things are assumed, and are wrong in most networks: that all
    coordinates are independent of each other (though they share inputs and weights; the
    branches of a residual join are taken to be independent as well), and that what enters an
    activation function is normally distributed. Exact are one layer of weights on independent
    inputs, and sums of independent terms.

    An interval's radius grows like the number n of terms of a sum, √v only like √n: n terms of
    radius 1 give n and √(n/3).

    Args:
        mean: m.
        variance: v ≥ 0, of the same shape.

    Attributes:
        kind: what kind of truth this is.
        centre: the mean m (`mean` is the function that averages coordinates).
        variance: v.

    Raises:
        ShapeError: mean and variance of different shape.
        SettingError: a variance that is negative or NaN.
    """

    precedence = 1
    kind: ClassVar[str] = "statistical, not sound: coordinates are taken to be independent"

    centre: Tensor
    variance: Tensor

    def __init__(self, mean: Tensor, variance: Tensor) -> None:
        if mean.shape != variance.shape:
            raise ShapeError(
                f"Moments: expected mean and variance of one shape, got {tuple(mean.shape)} "
                f"and {tuple(variance.shape)}. Expand the smaller one."
            )
        if not bool((variance >= 0).all()):
            raise SettingError(
                f"Moments: expected a variance ≥ 0, got {float(variance.detach().min()):g}. "
                "Correct it."
            )
        self.centre, self.variance = mean, variance

    @classmethod
    def computed(cls, centre: Tensor, variance: Tensor) -> "Moments":
        """The result of a rule, which needs no check."""
        made = cls.__new__(cls)
        made.centre, made.variance = centre, variance
        return made

    @classmethod
    def uniform(cls, interval: Interval) -> "Moments":
        """Moments of independent coordinates, uniform in an interval, v = radius² / 3.

        Of a Euclidean ball of radius R and n coordinates, which are uncorrelated: R² / (n + 2).
        """
        if isinstance(interval, Ball):
            spread = interval.reach**2 / (interval.numel() + 2)
            return cls.computed(interval.centre, torch.zeros_like(interval.lower) + spread)
        return cls.computed(interval.centre, interval.radius.square() / 3)

    @classmethod
    def gaussian(cls, mean: Tensor, std: Tensor | float) -> "Moments":
        """Moments of independent normal coordinates; `std` broadcasts to the mean."""
        deviation = torch.as_tensor(std, dtype=mean.dtype, device=mean.device)
        return cls(mean, deviation.square().expand_as(mean))

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """Mean and variance."""
        return (self.centre, self.variance)

    @property
    def deviation(self) -> Tensor:
        """The standard deviation √v, with gradient 0 where it is 0."""
        return root(self.variance)

    def interval(self, kappa: float = 3.0) -> Interval:
        """The interval m ± κ √v, which holds most values; NOT a bound of all.

        A normal variable leaves it with probability 0.27 % at κ = 3, any other with
        probability 1/κ² at most, if its mean and variance are right.
        """
        reach = kappa * self.deviation
        return Interval.computed(self.centre - reach, self.centre + reach)

    def each(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A function that only moves coordinates, applied to mean and variance."""
        centre = function(self.centre, *args, **kwargs)
        variance = function(self.variance, *args, **kwargs)
        if isinstance(centre, Tensor):
            return Moments.computed(centre, variance)
        return tuple(Moments.computed(m, v) for m, v in zip(centre, variance, strict=True))

    def __repr__(self) -> str:
        return f"Moments(mean={self.centre!r}, variance={self.variance!r})"


def as_moments(value: Any, like: Tensor) -> Moments:
    """The value; an interval's uniform distribution; what a tensor or number is, for sure."""
    if isinstance(value, Moments):
        return value
    if isinstance(value, Interval):
        return Moments.uniform(value)
    centre = torch.as_tensor(value, dtype=like.dtype, device=like.device)
    return Moments.computed(centre, torch.zeros_like(centre))


def root(variance: Tensor) -> Tensor:
    """The square root, with gradient 0 at 0."""
    positive = variance > 0
    safe = torch.where(positive, variance, torch.ones_like(variance))
    return torch.where(positive, safe.sqrt(), torch.zeros_like(variance))
