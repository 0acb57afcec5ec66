"""Intervals: every coordinate lies between two tensors."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from gnomon.algebra.arithmetic import NEAREST, Arithmetic
from gnomon.algebra.rounding import Deployed
from gnomon.algebra.value import Value
from gnomon.algebra.views import apart
from gnomon.errors import SettingError, ShapeError
from gnomon.sets.guards import known
from gnomon.sets.perturbation_set import Domain

Bound = Shaped[Tensor, "..."]


class Interval(Value):
    """All tensors t with lower ≤ t ≤ upper in every coordinate.

    What a network makes of an interval holds for each member of it and of the parameters'
    intervals: the outputs lie between `lower` and `upper`. With the arithmetic `NEAREST` that
    is true in exact arithmetic, and each bound is computed with ordinary rounding; with
    `Outward` the bounds hold as they are computed.

    A bound may be infinite: nothing is known on that side. With `NEAREST`, products keep
    0 · ∞ = 0, and say −∞ or ∞ only where something unbounded enters with a weight; with
    `Outward`, nothing makes a bound finite again.

    >>> box = Interval(torch.tensor([-1.0]), torch.tensor([2.0]))
    >>> (3 * box).lower, (3 * box).upper
    (tensor([-3.]), tensor([6.]))

    Args:
        lower: a bound of every coordinate.
        upper: another of the same shape, nowhere below it.
        arithmetic: how bounds are computed from these.
        nonnegative: True if no member has a negative coordinate by construction (for example
            after ReLU); products are cheaper then.

    Attributes:
        unbounded: True if a bound may be infinite; products are dearer then.

    Raises:
        ShapeError: bounds of different shape.
        SettingError: a bound that is NaN, a lower bound above the upper one, or bounds of two
            types.
    """

    lower: Bound
    upper: Bound
    nonnegative: bool = False
    unbounded: bool = False
    arithmetic: Arithmetic = NEAREST

    def __init__(
        self,
        lower: Bound,
        upper: Bound,
        *,
        arithmetic: Arithmetic = NEAREST,
        nonnegative: bool = False,
    ) -> None:
        lower, upper = as_real(lower), as_real(upper)
        if lower.shape != upper.shape:
            raise ShapeError(
                f"Interval: expected bounds of one shape, got {tuple(lower.shape)} and "
                f"{tuple(upper.shape)}. Expand the smaller one."
            )
        if lower.dtype != upper.dtype:
            raise SettingError(
                f"Interval: expected bounds of one type, got {lower.dtype} and {upper.dtype}. "
                "Convert one."
            )
        if _disordered(lower.detach(), upper.detach()):
            wrong = (~(lower <= upper)).nonzero()[0].tolist()
            low, high = float(lower[tuple(wrong)]), float(upper[tuple(wrong)])
            raise SettingError(
                f"Interval: expected lower ≤ upper, got {low:g} and {high:g} at index {wrong}. "
                "Order the bounds, and remove NaN."
            )
        unbounded = not arithmetic.outwards and infinite(lower, upper)
        arithmetic = arithmetic.beside(lower)
        ends = arithmetic.enclose(lower)[0], arithmetic.enclose(upper)[1]
        made = Interval.computed(
            *ends, arithmetic=arithmetic, nonnegative=nonnegative, unbounded=unbounded
        )
        vars(self).update(vars(made))

    @staticmethod
    def computed(
        lower: Tensor,
        upper: Tensor,
        *,
        arithmetic: Arithmetic = NEAREST,
        nonnegative: bool = False,
        unbounded: bool = False,
    ) -> "Interval":
        """The result of a rule, whose bounds need no check.

        A bound may be NaN here (∞ − ∞): nothing is known of that coordinate, and no comparison
        with it holds; with `Outward` it becomes infinite.
        """
        assert isinstance(lower, Tensor)
        assert isinstance(upper, Tensor)
        made = Interval.__new__(Interval)
        made.lower, made.upper = arithmetic.known(lower, upper, nonnegative=nonnegative)
        made.arithmetic, made.nonnegative, made.unbounded = arithmetic, nonnegative, unbounded
        return made

    @classmethod
    def point(cls, value: Tensor, *, arithmetic: Arithmetic = NEAREST) -> "Interval":
        """The interval with one member; a number outside the bounds' type is enclosed."""
        if not arithmetic.outwards:
            value = as_real(value)
            return cls.computed(value, value)
        made = Interval.__new__(Interval)
        made.arithmetic = arithmetic.beside(value)
        made.lower, made.upper = made.arithmetic.enclose(value)
        return made.held_in(value.dtype)

    @classmethod
    def around(
        cls,
        centre: Bound,
        radius: float | int | Tensor,
        domain: Domain = None,
        *,
        arithmetic: Arithmetic = NEAREST,
    ) -> "Interval":
        """All tensors at most `radius` from the centre in every coordinate, within the domain.

        With `Outward`, the radius is meant as the number that it is, also where the centre's
        type would round it: 2/255 is that of Python, not of float32.

        Args:
            centre: inside the domain. Members around whole numbers, as images in 8 bits are,
                are real numbers too.
            radius: ≥ 0; a number or a tensor that broadcasts to the centre's shape.
            domain: the interval of every coordinate.
            arithmetic: how bounds are computed from these.

        Raises:
            SettingError: a negative or NaN radius, or a centre outside the domain.
            ShapeError: a radius that does not broadcast to the centre's shape.
        """
        box = _around(as_real(centre), radius, domain)
        if not arithmetic.outwards:
            return box
        middle = cls.point(centre, arithmetic=arithmetic.real)
        size = middle.like(radius).upper.expand_as(middle.lower)
        lower, upper = middle.arithmetic.settle(middle.lower - size, middle.upper + size, 0)
        still = size == 0
        lower = torch.where(still, middle.lower, lower)
        upper = torch.where(still, middle.upper, upper)
        if domain is not None:
            low, high = (middle.like(float(end)) for end in domain)
            lower, upper = lower.maximum(low.lower), upper.minimum(high.upper)
        box = middle.at(arithmetic.beside(centre)).made(
            lower, upper, nonnegative=box.nonnegative
        )
        return box.held_in(centre.dtype)

    def made(
        self,
        lower: Tensor,
        upper: Tensor,
        *,
        nonnegative: bool = False,
        unbounded: bool = False,
    ) -> "Interval":
        """The interval between two bounds that a rule has computed, in this arithmetic."""
        facts = {"nonnegative": nonnegative, "unbounded": unbounded}
        return Interval.computed(lower, upper, arithmetic=self.arithmetic, **facts)

    def settle(
        self,
        lower: Tensor,
        upper: Tensor,
        terms: int = 1,
        size: Tensor | None = None,
        *,
        nonnegative: bool = False,
        unbounded: bool = False,
    ) -> "Interval":
        """The interval between bounds of one rounding each; see `Arithmetic.settle`."""
        ends = self.arithmetic.settle(lower, upper, terms, size)
        return self.made(*ends, nonnegative=nonnegative, unbounded=unbounded)

    def like(self, value: object) -> "Interval":
        """A tensor or a number as the interval with one member, in this arithmetic.

        Numbers of Python are doubles: with `Outward`, one that the bounds' type does not hold
        is enclosed.
        """
        dtype: torch.dtype | None = self.precision
        if self.arithmetic.outwards:
            dtype = None if isinstance(value, Tensor) else torch.float64
        elif isinstance(value, Tensor) and value.dtype == dtype and value.device == self.device:
            made = Interval.__new__(Interval)  # the common case, in which nothing is converted
            made.lower = made.upper = value
            return made
        tensor = torch.as_tensor(value, dtype=dtype, device=self.device)
        return Interval.point(tensor, arithmetic=self.arithmetic)

    def at(self, arithmetic: Arithmetic) -> "Interval":
        """The same bounds, from which others are computed in another arithmetic."""
        if arithmetic is self.arithmetic or arithmetic == self.arithmetic:
            return self
        made = apart(self)
        made.arithmetic = arithmetic
        return made

    @property
    def idealised(self) -> "Interval":
        """The same bounds, to which rules add nothing for executions from here on."""
        return self.at(self.arithmetic.real)

    def held_in(self, dtype: torch.dtype) -> "Interval":
        """The same value, whose members a network holds in this type, or in a real one."""
        real = dtype if dtype.is_floating_point else torch.get_default_dtype()
        vars(self)["_held"] = real
        return self

    def suits(self, network: nn.Module) -> None:
        """Refuses a network in other numbers than those of the executions that are covered.

        Raises:
            SettingError: such a network.
        """
        self.arithmetic.suits(network)

    @property
    def widens(self) -> bool:
        """True if tensors are converted to the numbers of the bounds."""
        return self.arithmetic.outwards

    @property
    def stored(self) -> torch.dtype | None:
        """The type that an execution holds; bounds may be kept in numbers of their own."""
        if not self.arithmetic.outwards:
            return super().stored
        level = self.arithmetic.level
        held = level.dtype if isinstance(level, Deployed) else vars(self).get("_held")
        return vars(self).get("_kind", held)

    @property
    def thin(self) -> bool:
        """True if it is known without looking at the numbers that it has one member."""
        return self.lower is self.upper

    @property
    def ends(self) -> tuple[Tensor, ...]:
        """Both bounds; one where they are known to be the same."""
        return (self.lower,) if self.thin else (self.lower, self.upper)

    @property
    def parts(self) -> tuple[Tensor, Tensor]:
        """Both bounds."""
        return (self.lower, self.upper)

    @property
    def centre(self) -> Tensor:
        """The midpoint of every coordinate."""
        return self.lower if self.thin else (self.lower + self.upper) / 2

    @property
    def radius(self) -> Tensor:
        """Half the width of every coordinate."""
        return (self.upper - self.lower) / 2

    def ball(self, kappa: float = 0.0) -> tuple[Tensor, Tensor]:
        """A centre and a radius that hold all members; see `Arithmetic.ball`."""
        return self.arithmetic.ball(self.lower, self.upper, kappa)

    @property
    def width(self) -> Tensor:
        """The distance between the bounds of every coordinate."""
        return self.upper - self.lower

    @property
    def magnitude(self) -> Tensor:
        """The largest absolute value of a member, in every coordinate."""
        largest = self.lower.abs()
        return largest if self.thin else largest.maximum(self.upper.abs())

    def contains(self, value: Tensor, slack: float = 0.0) -> bool:
        """True if a tensor lies between the bounds, up to `slack`; NaN never does."""
        inside = (value >= self.lower - slack) & (value <= self.upper + slack)
        return bool(inside.all())

    def cut(self, lower: Tensor, upper: Tensor) -> "Interval":
        """The part of it between other bounds; one that is NaN says nothing.

        Where rounding makes bounds cross, its own stay.
        """
        low, high = torch.fmax(self.lower, lower), torch.fmin(self.upper, upper)
        crossed = low > high
        return self.made(
            torch.where(crossed, self.lower, low),
            torch.where(crossed, self.upper, high),
            nonnegative=self.nonnegative,
        )

    def each(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A function that never falls in any coordinate, applied to both bounds.

        Several results (as of `split`) give several intervals. Whether no coordinate is
        negative is inherited: it must be so for a function that only moves or averages them.
        No rounding is added: one that computes more than a choice needs `settle`.
        """
        lower = function(self.lower, *args, **kwargs)
        upper = lower if self.thin else function(self.upper, *args, **kwargs)
        if isinstance(lower, Tensor):
            return self.with_ends(lower, upper)
        return tuple(self.with_ends(low, high) for low, high in zip(lower, upper, strict=True))

    def with_ends(self, lower: Tensor, upper: Tensor) -> "Interval":
        """Other bounds, which are known to be ones as they are."""
        made = Interval.__new__(Interval)
        made.lower, made.upper, made.arithmetic = lower, upper, self.arithmetic
        made.nonnegative, made.unbounded = self.nonnegative, self.unbounded
        return made

    def __repr__(self) -> str:
        return f"Interval(shape={tuple(self.shape)}, lower={self.lower}, upper={self.upper})"


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
    """Tells whether a bound is infinite or NaN; False where numbers cannot be seen."""
    return known(lambda: not all(_is_finite(each) for each in bounds))


def extremes(ends: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """The least and the greatest of several tensors, coordinate by coordinate."""
    lower, upper = ends[0], ends[0]
    for end in ends[1:]:
        lower, upper = lower.minimum(end), upper.maximum(end)
    return lower, upper


def _around(centre: Tensor, radius: float | int | Tensor, domain: Domain) -> Interval:
    """The box with ordinary rounding, of what was checked to be one."""
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
        return Interval.computed(lower, upper, unbounded=unbounded)
    low, high = domain
    if known(lambda: not bool(((centre >= low) & (centre <= high)).all())):
        raise SettingError(
            f"Interval: expected a centre in [{low:g}, {high:g}], got "
            f"[{float(centre.min()):g}, {float(centre.max()):g}]. Rescale it, or pass the "
            "domain it has."
        )
    low_end, high_end = lower.clamp_min(low), upper.clamp_max(high)
    unbounded = unbounded and math.inf in (-low, high)
    return Interval.computed(low_end, high_end, nonnegative=low >= 0, unbounded=unbounded)


def _is_finite(bound: Tensor) -> bool:
    # A sum is several times faster than looking at each; where it overflows, no harm is done.
    return bool(bound.detach().sum().isfinite())


def _disordered(lower: Tensor, upper: Tensor) -> bool:
    """Tells whether a lower bound is seen to be above the upper one, or NaN."""
    if known(lambda: bool((upper - lower).amin() >= 0)):  # several times faster
        return False
    return known(lambda: not bool((lower <= upper).all()))
