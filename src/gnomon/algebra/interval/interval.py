"""Intervals: every coordinate lies between two tensors."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor

from gnomon.algebra.value import Value
from gnomon.errors import SettingError, ShapeError
from gnomon.sets.guards import known
from gnomon.sets.perturbation_set import Domain

Bound = Shaped[Tensor, "..."]


class Interval(Value):
    """All tensors t with lower ≤ t ≤ upper in every coordinate.

    What a network makes of an interval holds for each member of it and of the parameters'
    intervals: the outputs lie between `lower` and `upper`. That is true in exact arithmetic;
    each bound here is computed in floating point with ordinary rounding.

    A bound may be infinite: nothing is known on that side. Products then keep 0 · ∞ = 0, and
    say −∞ or ∞ only where something unbounded enters with a weight.

    Args:
        lower: a bound of every coordinate.
        upper: another of the same shape, nowhere below it.
        nonnegative: whether no member has a negative coordinate for a reason that is known
            without looking at the numbers; products are cheaper then.

    Attributes:
        unbounded: whether a bound may be infinite; products are dearer then.

    Raises:
        ShapeError: bounds of different shape.
        SettingError: a bound that is NaN, or a lower bound above the upper one.
    """

    lower: Bound
    upper: Bound
    nonnegative: bool
    unbounded: bool = False

    def __init__(self, lower: Bound, upper: Bound, *, nonnegative: bool = False) -> None:
        lower, upper = as_real(lower), as_real(upper)
        if lower.shape != upper.shape:
            raise ShapeError(
                f"Interval: expected bounds of one shape, got {tuple(lower.shape)} and "
                f"{tuple(upper.shape)}. Expand the smaller one."
            )
        if _disordered(lower.detach(), upper.detach()):
            wrong = (~(lower <= upper)).nonzero()[0].tolist()
            low, high = float(lower[tuple(wrong)]), float(upper[tuple(wrong)])
            raise SettingError(
                f"Interval: expected lower ≤ upper, got {low:g} and {high:g} at index {wrong}. "
                "Order the bounds, and remove NaN."
            )
        self.lower, self.upper, self.nonnegative = lower, upper, nonnegative
        self.unbounded = infinite(lower, upper)

    @staticmethod
    def computed(
        lower: Tensor, upper: Tensor, *, nonnegative: bool = False, unbounded: bool = False
    ) -> "Interval":
        """The result of a rule, whose bounds need no check.

        A bound may be NaN here (∞ − ∞): nothing is known of that coordinate, and no comparison
        with it holds.
        """
        made = Interval.__new__(Interval)
        made.lower, made.upper, made.nonnegative = lower, upper, nonnegative
        made.unbounded = unbounded
        return made

    @classmethod
    def point(cls, value: Tensor) -> "Interval":
        """The interval with one member."""
        value = as_real(value)
        return cls.computed(value, value)

    @classmethod
    def around(
        cls,
        centre: Bound,
        radius: float | int | Tensor,
        domain: Domain = None,
    ) -> "Interval":
        """All tensors at most `radius` from the centre in every coordinate, within the domain.

        Args:
            centre: inside the domain. Members around whole numbers, as images in 8 bits are,
                are real numbers too.
            radius: ≥ 0; a number or a tensor that broadcasts to the centre's shape.
            domain: the interval of every coordinate.

        Raises:
            SettingError: a negative or NaN radius, or a centre outside the domain.
            ShapeError: a radius that does not broadcast to the centre's shape.
        """
        centre = as_real(centre)
        size = torch.as_tensor(radius, dtype=centre.dtype, device=centre.device)
        unbounded = infinite(size)
        try:
            size = size.expand_as(centre)
        except RuntimeError as error:
            raise ShapeError(
                f"Interval: expected a radius that fits {tuple(centre.shape)}, got shape "
                f"{tuple(size.shape)}. Give one number per coordinate, or one for all."
            ) from error
        lower, upper = centre - size, centre + size
        if _disordered(lower.detach(), upper.detach()):
            least = float(size[~(lower <= upper)][0])
            raise SettingError(
                f"Interval: expected a radius ≥ 0 around numbers, got {least:g}, or NaN as the "
                "centre. Correct it."
            )
        if domain is None:
            return cls.computed(lower, upper, unbounded=unbounded)
        low, high = domain
        if known(lambda: not bool(((centre >= low) & (centre <= high)).all())):
            raise SettingError(
                f"Interval: expected a centre in [{low:g}, {high:g}], got "
                f"[{float(centre.min()):g}, {float(centre.max()):g}]. Rescale it, or pass the "
                "domain it has."
            )
        low_end, high_end = lower.clamp_min(low), upper.clamp_max(high)
        unbounded = unbounded and math.inf in (-low, high)
        return cls.computed(low_end, high_end, nonnegative=low >= 0, unbounded=unbounded)

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """Both bounds."""
        return (self.lower, self.upper)

    @property
    def centre(self) -> Tensor:
        """The midpoint of every coordinate."""
        return (self.lower + self.upper) / 2

    @property
    def radius(self) -> Tensor:
        """Half the width of every coordinate."""
        return (self.upper - self.lower) / 2

    @property
    def width(self) -> Tensor:
        """The distance between the bounds of every coordinate."""
        return self.upper - self.lower

    def contains(self, value: Tensor, slack: float = 0.0) -> bool:
        """Whether a tensor lies between the bounds, up to `slack`; NaN never does."""
        inside = (value >= self.lower - slack) & (value <= self.upper + slack)
        return bool(inside.all())

    def cut(self, lower: Tensor, upper: Tensor) -> "Interval":
        """The part of it between other bounds; one that is NaN says nothing.

        Where rounding makes bounds cross, its own stay.
        """
        low, high = torch.fmax(self.lower, lower), torch.fmin(self.upper, upper)
        crossed = low > high
        return Interval.computed(
            torch.where(crossed, self.lower, low),
            torch.where(crossed, self.upper, high),
            nonnegative=self.nonnegative,
        )

    def each(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A function that never falls in any coordinate, applied to both bounds.

        Several results (as of `split`) give several intervals. Whether no coordinate is
        negative is inherited: it must be so for a function that only moves or averages them.
        """
        lower = function(self.lower, *args, **kwargs)
        upper = function(self.upper, *args, **kwargs)
        facts = {"nonnegative": self.nonnegative, "unbounded": self.unbounded}
        if isinstance(lower, Tensor):
            return Interval.computed(lower, upper, **facts)
        return tuple(
            Interval.computed(low, high, **facts)
            for low, high in zip(lower, upper, strict=True)
        )

    def __repr__(self) -> str:
        return f"Interval(shape={tuple(self.shape)}, lower={self.lower}, upper={self.upper})"


def as_interval(value: Interval | Tensor | float | int, like: Tensor) -> Interval:
    """The value, or the interval with one member that a tensor or a number is."""
    if isinstance(value, Interval):
        return value
    return Interval.point(torch.as_tensor(value, dtype=like.dtype, device=like.device))


def as_real(value: Tensor) -> Tensor:
    """The tensor itself, or whole numbers in the default type, or in float64 if that is short.

    Bounds around whole numbers are none; in their own type a radius would be cut off, and sums
    would wrap round.
    """
    if value.is_floating_point() or value.is_complex():
        return value
    large = value.dtype in {torch.int32, torch.int64}
    return value.to(torch.float64 if large else torch.get_default_dtype())


def infinite(*bounds: Tensor) -> bool:
    """Whether a bound is seen to be infinite or NaN; False where numbers cannot be seen."""
    return known(lambda: not all(_is_finite(each) for each in bounds))


def extremes(ends: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The least and the greatest of several tensors, coordinate by coordinate."""
    lower, upper = ends[0], ends[0]
    for end in ends[1:]:
        lower, upper = lower.minimum(end), upper.maximum(end)
    return lower, upper


def _is_finite(bound: Tensor) -> bool:
    # A sum is several times faster than looking at each; where it overflows, no harm is done.
    return bool(bound.detach().sum().isfinite())


def _disordered(lower: Tensor, upper: Tensor) -> bool:
    """Whether a lower bound is seen to be above the upper one, or NaN."""
    if known(lambda: bool((upper - lower).amin() >= 0)):  # several times faster
        return False
    return known(lambda: not bool((lower <= upper).all()))
