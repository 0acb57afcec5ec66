"""Arithmetic that is rounded outwards, so that bounds hold as they are computed."""

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from gnomon.algebra.arithmetic import Arithmetic, Ends, mixed
from gnomon.algebra.rounding import (
    REAL,
    Deployed,
    Level,
    coarser,
    down,
    gamma,
    level_of,
    loses,
    outward,
    refuse_other_types,
    safe_kernels,
    scaled,
    speck,
    unit_roundoff,
    up,
)
from gnomon.errors import SettingError


@dataclass(frozen=True)
class Outward(Arithmetic):
    """Bounds that hold as they are computed, every rounding on the way to them included.

    They enclose every output of the network in real arithmetic and, at the level
    `Deployed(dtype)`, every output that an execution in numbers of that type finds, in any
    order of summation, with or without fused operations. Bounds are ±∞ where nothing is known:
    where something overflowed, or was NaN. Nothing makes them finite again.

    Assumed are IEEE arithmetic rounded to nearest, functions of the library within the errors
    that it states, and parameters that the network uses as they are: what it computes from its
    parameters alone is taken as computed, unless they are given as values.

    >>> from gnomon.algebra import Interval
    >>> box = Interval.around(torch.ones(1), 0.1, arithmetic=Outward())
    >>> bool((box + box).contains(torch.tensor([2.2], dtype=torch.float64)))
    True

    Attributes:
        level: the executions that are covered.
        dtype: of the bounds; in float64 they are hardly wider than with ordinary rounding,
            also for a network in float32.

    Raises:
        SettingError: a type other than float32 and float64.

    References:
        higham2002; section 3.1. rump1999; rump2012.
    """

    level: Level = REAL  # type: ignore[assignment] - a field in place of a property
    dtype: torch.dtype = torch.float64

    def __post_init__(self) -> None:
        unit_roundoff(self.dtype)

    def __str__(self) -> str:
        return f"rounded outwards in {str(self.dtype).removeprefix('torch.')}, {self.level}"

    @property
    def outwards(self) -> bool:
        """True."""
        return True

    @property
    def executed(self) -> bool:
        """True at the level of executions."""
        return isinstance(self.level, Deployed)

    @property
    def real(self) -> "Outward":
        """The same without allowances for executions."""
        return replace(self, level=REAL) if self.executed else self

    def at(self, level: Level) -> "Outward":
        """The same at another level."""
        return self if level == self.level else replace(self, level=level)

    def beside(self, other: Arithmetic | Tensor) -> "Outward":
        """The coarser level of two; a tensor of a coarser type makes its errors possible."""
        if isinstance(other, Tensor):
            return self.at(level_of(other, self.level))
        if not isinstance(other, Outward):
            raise mixed()
        level = coarser(self.level, other.level)
        if level is None or self.dtype != other.dtype:
            raise SettingError(
                f"Outward: expected values of one level and type, got {self.level} in "
                f"{self.dtype} and {other.level} in {other.dtype}. Make all with the same."
            )
        return self.at(level)

    def kept_in(self, dtype: torch.dtype) -> "Outward":
        """The level of executions that compute in this type from here on."""
        unit_roundoff(dtype)
        level = self.level
        return self.at(level.kept_in(dtype)) if isinstance(level, Deployed) else self

    def enclose(self, value: Tensor) -> Ends:
        """Bounds of what a program holds: the tensor, or a rounding of it to its own type."""
        kept, level = value.to(self.dtype), self.level
        rounded = isinstance(level, Deployed) and loses(value.dtype, level.dtype)
        if not (loses(value.dtype, self.dtype) or rounded):
            return kept, kept
        same = kept.to(value.dtype) == value
        lower = torch.where(same, kept, down(kept))
        upper = torch.where(same, kept, up(kept))
        if rounded:
            assert isinstance(level, Deployed)
            moved = kept.to(level.dtype).to(kept.dtype) != kept
            miss = torch.where(moved, level.extra(1, kept.abs()), torch.zeros_like(kept))
            lower, upper = outward(lower - miss, upper + miss)
        return self.known(lower, upper)

    def known(self, lower: Tensor, upper: Tensor, *, nonnegative: bool = False) -> Ends:
        """Bounds that are ±∞ where one is NaN, infinite or above all numbers of the level."""
        most = min(self.level.largest, torch.finfo(lower.dtype).max)
        finite = ((lower >= -most) & (upper <= most)).detach()
        lower = lower.clamp_min(0) if nonnegative else lower
        infinity = torch.full_like(lower, torch.inf)
        return torch.where(finite, lower, -infinity), torch.where(finite, upper, infinity)

    def down(self, x: Tensor) -> Tensor:
        """The next smaller number."""
        return down(x)

    def up(self, x: Tensor) -> Tensor:
        """The next larger number."""
        return up(x)

    def settle(
        self, lower: Tensor, upper: Tensor, terms: int = 1, size: Tensor | None = None
    ) -> Ends:
        """One number outwards, and by what the level adds for a sum of so many terms."""
        lower, upper = outward(lower, upper)
        if not self.executed or terms == 0:
            return lower, upper
        size = lower.abs().maximum(upper.abs()) if size is None else size
        miss = self.level.extra(terms, self.inflate(size))
        return outward(lower - miss, upper + miss)

    def underflow(self, lower: Tensor, upper: Tensor, products: int) -> Ends:
        """The bounds, moved by the smallest normal number and eight specks for each product."""
        lost = products * (self.level.smallest + 8 * speck(lower.dtype))
        return outward(lower - lost, upper + lost)

    def ball(self, lower: Tensor, upper: Tensor, kappa: float = 0.0) -> Ends:
        """The midpoint as rounded, and the larger distance to an end, rounded up."""
        if lower is upper:
            centre, radius = lower, torch.zeros_like(lower)
        else:
            centre = (lower + upper) / 2
            radius = self.inflate((upper - centre).maximum(centre - lower))
        if kappa == 0.0:
            return centre, radius
        return centre, self.widen(radius, centre.abs() + radius, kappa)

    def around(self, centre: Tensor, radius: Tensor) -> Ends:
        """The bounds, with the radius rounded up."""
        reach = self.inflate(radius.clamp_min(0))
        return outward(centre - reach, centre + reach)

    def share(self, terms: int, roundings: int, most: int = 1) -> float:
        """The number κ, rounded up."""
        own = most * gamma(roundings + 4, self.dtype)
        if own > 0.25:
            return math.nan
        kappa = (own + self.level.relative(terms)) / (1 - own)
        kappa *= 1 + 8 * unit_roundoff(self.dtype)
        return kappa if kappa <= 0.5 else math.nan

    def widen(self, radius: Tensor, size: Tensor, kappa: float) -> Tensor:
        """The sum, rounded up."""
        return self.inflate(radius + kappa * size)

    def lowered(self, x: Tensor, kappa: float) -> Ends:
        """The parts, each moved down by the part κ of it or more."""
        return scaled(x, -kappa), -scaled(-x, kappa)

    def raised(self, x: Tensor, kappa: float) -> Ends:
        """The parts, each moved up by the part κ of it or more."""
        return scaled(x, kappa), -scaled(-x, -kappa)

    def inflate(self, x: Tensor, terms: int = 0) -> Tensor:
        """The number x (1 + 8u), and more for a sum.

        Five roundings take at most the part 5u of sums and products of numbers that are not
        negative, and x (1 + 8u) gives more back; what underflow took is below `speck`. A sum of
        n products ≥ 0 is at most 1 / (1 − γ_n) times as large as computed; executions miss the
        part γ* of it, and (1 + γ*)² is above 1 + γ* under a square root, too.
        """
        more = 1 + 8 * unit_roundoff(x.dtype)
        if terms:
            more *= 1 + 2 * gamma(terms + 4, x.dtype)
            more *= (1 + self.level.relative(terms + 1)) ** 2
        return x * more + (1 + 2 * terms) * speck(x.dtype)

    @property
    def tiny(self) -> float:
        """The smallest normal number of the bounds' type."""
        return torch.finfo(self.dtype).tiny

    def gamma(self, terms: int) -> float:
        """The number γ_n of the bounds' type."""
        return gamma(terms, self.dtype)

    def above(self, total: Tensor, terms: int) -> Tensor:
        """The number x (1 + 2 γ_{n+3}), rounded up, and what underflow took."""
        return up(up(total * (1 + 2 * self.gamma(terms + 3))) + terms * self.tiny)

    def kernels(self, *tensors: Tensor) -> AbstractContextManager[None]:
        """No TF32, no Winograd's or Fourier's convolutions: see `safe_kernels`."""
        return safe_kernels(*tensors)

    def suits(self, network: nn.Module) -> None:
        """Refuses half precision, and a network with nothing in the level's type."""
        refuse_other_types(network, self.level)
