"""Intervals whose bounds are true as computed, rounding included."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from gnomon.algebra.interval import Ball, Interval
from gnomon.algebra.rounding import (
    REAL,
    Deployed,
    Level,
    coarser,
    level_of,
    outward,
    refuse_other_types,
    unit_roundoff,
)
from gnomon.algebra.value import Value
from gnomon.algebra.views import apart
from gnomon.errors import SettingError, UnsupportedOperationError
from gnomon.sets.parameters import TensorBall, TensorBox
from gnomon.sets.perturbation_set import Domain

Bound = Shaped[Tensor, "..."]


class RoundedInterval(Value):
    """All tensors t with lower ≤ t ≤ upper in every coordinate, rounding included.

    What a network makes of it encloses every output in real arithmetic and, at the level
    `Deployed(dtype)`, also every output computed in numbers of that type in any order of
    summation, with or without fused operations. Each rule computes with ordinary rounding and
    moves its bounds outwards by a proven bound of its own error. The bounds are best kept in
    float64, also for a network in float32: they then are hardly wider than without.

    Bounds are ±∞ where nothing is known: where something overflowed, or was NaN. Nothing makes
    them finite again, so that no certificate can follow.

    Assumed are IEEE arithmetic rounded to nearest, functions of the library within the error
    that `algebra.accuracy` allows, and parameters that the network uses as they are: what it
    computes from its parameters alone is taken as computed, unless they are given as values.

    Args:
        lower: a bound of every coordinate.
        upper: another of the same shape and type, nowhere below it.
        level: of which executions the bounds shall be true.
        nonnegative: whether no member has a negative coordinate; products are cheaper then.

    Raises:
        ShapeError: bounds of different shape.
        SettingError: a bound that is NaN, a lower bound above the upper one, or numbers that
            are neither float32 nor float64.
    """

    precedence = 2
    widens = True  # type: ignore[assignment]
    lower: Bound
    upper: Bound
    level: Level
    nonnegative: bool

    def __init__(
        self, lower: Bound, upper: Bound, *, level: Level = REAL, nonnegative: bool = False
    ) -> None:
        checked = Interval(lower, upper)
        unit_roundoff(lower.dtype)
        if lower.dtype != upper.dtype:
            raise SettingError(
                f"RoundedInterval: expected bounds of one type, got {lower.dtype} and "
                f"{upper.dtype}. Convert one."
            )
        self.assign(
            RoundedInterval.computed(
                checked.lower, checked.upper, level, nonnegative=nonnegative
            )
        )

    @staticmethod
    def computed(
        lower: Tensor, upper: Tensor, level: Level, *, nonnegative: bool = False
    ) -> "RoundedInterval":
        """The result of a rule: ±∞ where a bound is NaN, infinite or above all numbers."""
        most = min(level.largest, torch.finfo(lower.dtype).max)
        finite = ((lower >= -most) & (upper <= most)).detach()
        lower = lower.clamp_min(0) if nonnegative else lower
        infinity = torch.full_like(lower, torch.inf)
        return RoundedInterval._made(
            torch.where(finite, lower, -infinity),
            torch.where(finite, upper, infinity),
            level,
            nonnegative=nonnegative,
        )

    @staticmethod
    def _made(
        lower: Tensor, upper: Tensor, level: Level, *, nonnegative: bool = False
    ) -> "RoundedInterval":
        made = RoundedInterval.__new__(RoundedInterval)
        made.lower, made.upper = lower, upper
        made.level, made.nonnegative = level, nonnegative
        return made

    @classmethod
    def point(
        cls, value: Tensor, *, level: Level = REAL, dtype: torch.dtype = torch.float64
    ) -> "RoundedInterval":
        """The interval with one member; a number outside `dtype` is enclosed.

        Executions of the level are taken to keep a tensor of a coarser type in that.
        """
        unit_roundoff(dtype)
        level = level_of(value, level)
        kept = value.to(dtype)
        if not (_loses(value.dtype, dtype) or _stored_coarser(value.dtype, level)):
            return cls._made(kept, kept, level).held_in(value.dtype)
        lower, upper = outward(kept, kept)
        same = kept.to(value.dtype) == value
        lower, upper = torch.where(same, kept, lower), torch.where(same, kept, upper)
        if isinstance(level, Deployed) and _stored_coarser(value.dtype, level):
            miss = level.extra(1, kept.abs())
            moved = kept.to(level.dtype).to(kept.dtype) != kept
            miss = torch.where(moved, miss, torch.zeros_like(miss))
            lower, upper = outward(lower - miss, upper + miss)
        return cls.computed(lower, upper, level).held_in(value.dtype)

    @classmethod
    def around(
        cls,
        centre: Bound,
        radius: float | int | Tensor,
        domain: Domain = None,
        *,
        level: Level = REAL,
        dtype: torch.dtype = torch.float64,
    ) -> "RoundedInterval":
        """All tensors at most `radius` from the centre in every coordinate, within the domain.

        The radius is meant as the number that it is, also where the centre's type would round
        it: 2/255 is that of Python, not of float32.

        Args:
            centre: inside the domain.
            radius: ≥ 0; a number or a tensor that broadcasts to the centre's shape.
            domain: the interval of every coordinate.
            level: of which executions the bounds shall be true.
            dtype: of the bounds, float64 or float32, whatever the centre's.

        Raises:
            SettingError: a negative or NaN radius, a centre outside the domain, or other types.
            ShapeError: a radius that does not broadcast to the centre's shape.
        """
        Interval.around(centre, radius, domain)  # refuses what is not a ball
        middle, level = cls.point(centre, dtype=dtype), level_of(centre, level)
        given = torch.as_tensor(radius, device=centre.device, **_wide(radius))
        size = cls.point(given, dtype=dtype).upper
        lower, upper = outward(middle.lower - size, middle.upper + size)
        still = size.expand_as(lower) == 0
        lower = torch.where(still, middle.lower, lower)
        upper = torch.where(still, middle.upper, upper)
        if domain is not None:
            low, high = (
                cls.point(lower.new_tensor(end, **_DOUBLE), dtype=dtype) for end in domain
            )
            lower, upper = lower.maximum(low.lower), upper.minimum(high.upper)
        nonnegative = bool(domain and domain[0] >= 0)
        made = cls.computed(lower, upper, level, nonnegative=nonnegative)
        return made.held_in(centre.dtype)

    def lifted(self, given: object) -> Value:
        """A set of parameters, a value or a tensor, as this algebra encloses it.

        The ends of a box are formed here and rounded outwards; an interval is taken to be the
        set between its bounds as they are.

        Raises:
            UnsupportedOperationError: a set of another kind.
        """
        kind: dict[str, Any] = {"level": self.level, "dtype": self.precision}
        found: RoundedInterval | None = None
        if isinstance(given, RoundedInterval):
            found = given
        elif isinstance(given, Tensor):
            found = RoundedInterval.point(given, **kind)
        elif isinstance(given, TensorBox):
            found = RoundedInterval.around(given.centre, given.radius, **kind)
        elif isinstance(given, TensorBall):
            found = RoundedBall(given.centre, given.radius, **kind)
        elif isinstance(given, Ball):
            found = RoundedBall(given.middle, given.reach, **kind)
        elif isinstance(given, Interval):
            ends = [RoundedInterval.point(end, **kind) for end in given.parts]
            found = RoundedInterval.computed(
                ends[0].lower, ends[1].upper, ends[0].level, nonnegative=given.nonnegative
            )
        if found is not None:
            return found
        raise UnsupportedOperationError(
            "RoundedInterval: expected boxes, balls or intervals of parameters, got "
            f"{type(given).__name__}. Enclose it in one of these."
        )

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """Both bounds."""
        return (self.lower, self.upper)

    @property
    def stored(self) -> torch.dtype | None:
        """The type that an execution holds; bounds are kept in numbers of their own."""
        level = self.level
        held = level.dtype if isinstance(level, Deployed) else vars(self).get("_held")
        return vars(self).get("_kind", held)

    @property
    def thin(self) -> bool:
        """Whether it is known without looking at the numbers that it has one member."""
        return self.lower is self.upper

    @property
    def real(self) -> "RoundedInterval":
        """The same bounds, of which rules add nothing for executions from here on."""
        return RoundedInterval._made(self.lower, self.upper, REAL, nonnegative=self.nonnegative)

    def at(self, level: Level) -> "RoundedInterval":
        """The same bounds, as what executions of another level keep."""
        if level == self.level:
            return self
        made = apart(self)
        made.level = level
        return made

    def held_in(self, dtype: torch.dtype) -> "RoundedInterval":
        """The same value, whose members a network holds in this type, or in a real one."""
        real = dtype if dtype.is_floating_point else torch.get_default_dtype()
        vars(self)["_held"] = real
        return self

    def suits(self, network: nn.Module) -> None:
        """Refuses a network in other numbers than those of the level's executions.

        Raises:
            SettingError: a parameter or buffer in half precision, or none in the level's type.
        """
        refuse_other_types(network, self.level)

    @property
    def width(self) -> Tensor:
        """The distance between the bounds of every coordinate."""
        return self.upper - self.lower

    @property
    def magnitude(self) -> Tensor:
        """The largest absolute value of a member, in every coordinate."""
        return self.lower.abs().maximum(self.upper.abs())

    def contains(self, value: Tensor) -> bool:
        """Whether a tensor lies between the bounds; NaN never does."""
        inside = (value >= self.lower) & (value <= self.upper)
        return bool(inside.all())

    def each(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A function that moves or picks coordinates, applied to both bounds.

        Several results (as of `split`) give several intervals.
        """
        lower = function(self.lower, *args, **kwargs)
        upper = lower if self.thin else function(self.upper, *args, **kwargs)
        if isinstance(lower, Tensor):
            return RoundedInterval._made(lower, upper, self.level, nonnegative=self.nonnegative)
        return tuple(
            RoundedInterval._made(low, high, self.level, nonnegative=self.nonnegative)
            for low, high in zip(lower, upper, strict=True)
        )

    def __repr__(self) -> str:
        return (
            f"RoundedInterval(shape={tuple(self.shape)}, lower={self.lower}, "
            f"upper={self.upper}, level={self.level})"
        )


class RoundedBall(RoundedInterval):
    """All tensors whose Euclidean distance from the centre is at most r, rounding included.

    Args:
        middle: the centre.
        reach: r ≥ 0, one number.
        level: of which executions bounds shall be true.
        dtype: of the bounds.
    """

    def __init__(
        self,
        middle: Tensor,
        reach: Tensor,
        level: Level = REAL,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        box = RoundedInterval.around(middle, reach, level=level, dtype=dtype)
        vars(self).update(vars(box))
        self.middle = RoundedInterval.point(middle, level=box.level, dtype=dtype)
        self.reach = RoundedInterval.point(reach, dtype=dtype).upper


def as_rounded(value: object, like: RoundedInterval) -> RoundedInterval:
    """The value, or the interval that a tensor or a number is at this level or a coarser one.

    Raises:
        SettingError: a value of a level that does not fit, or kept in other numbers.
        UnsupportedOperationError: a value whose bounds were rounded to nearest.
    """
    if isinstance(value, RoundedInterval):
        level = coarser(value.level, like.level)
        if level is None or value.precision != like.precision:
            raise SettingError(
                f"RoundedInterval: expected values of one level and type, got {like.level} "
                f"in {like.precision} and {value.level} in {value.precision}. Make all with "
                "the same."
            )
        return value.at(level)
    if isinstance(value, Value):
        raise UnsupportedOperationError(
            f"RoundedInterval: expected rounded values and tensors, got "
            f"{type(value).__name__}, whose bounds are rounded to nearest. Give inputs and "
            "parameters as RoundedInterval."
        )
    tensor = torch.as_tensor(value, device=like.device, **_wide(value))
    return RoundedInterval.point(tensor, level=like.level, dtype=like.precision)


_DOUBLE: dict[str, Any] = {"dtype": torch.float64}


def _wide(value: object) -> dict[str, Any]:
    """Numbers of Python are doubles."""
    return {} if isinstance(value, Tensor) else _DOUBLE


def _loses(given: torch.dtype, kept: torch.dtype) -> bool:
    """Whether numbers of the first type may have to be rounded to be kept in the second."""
    if given == torch.int64:
        return True
    return kept == torch.float32 and given in {torch.float64, torch.int32}


def _stored_coarser(given: torch.dtype, level: Level) -> bool:
    """Whether what is deployed is a rounding of what is given."""
    return isinstance(level, Deployed) and _loses(given, level.dtype)
