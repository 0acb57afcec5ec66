"""The arithmetic of bounds: the places in a rule where rounding enters."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.algebra.rounding import REAL, Level
from gnomon.errors import UnsupportedOperationError

Ends = tuple[Tensor, Tensor]
"""Two tensors of one shape: a lower and an upper bound, or a centre and a radius."""


@dataclass(frozen=True, repr=False)
class Arithmetic:
    """The arithmetic in which rules compute bounds; this one adds nothing to them.

    A rule is written once, as if its bounds were computed exactly, and names the places where
    rounding enters. There `NEAREST`, the one instance of this class, returns its arguments and
    launches no kernel, so that bounds are true in exact arithmetic; `Outward` moves them by a
    proven bound of the error.

    >>> from gnomon.algebra import Interval
    >>> print(Interval(torch.zeros(1), torch.ones(1)).arithmetic)
    rounded to nearest
    """

    def __str__(self) -> str:
        return "rounded to nearest"

    def __repr__(self) -> str:
        return "NEAREST"

    @property
    def outwards(self) -> bool:
        """True if bounds hold as they are computed, rounding included."""
        return False

    @property
    def level(self) -> Level:
        """The executions of a network that bounds cover."""
        return REAL

    @property
    def executed(self) -> bool:
        """True if bounds also cover executions in floating point, not real arithmetic alone."""
        return False

    @property
    def real(self) -> "Arithmetic":
        """The same without allowances for executions."""
        return self

    def beside(self, other: "Arithmetic | Tensor") -> "Arithmetic":
        """The arithmetic of what a value and another, or a tensor, make together.

        Raises:
            SettingError: two that do not fit.
            UnsupportedOperationError: bounds that were rounded to nearest beside others.
        """
        if isinstance(other, Arithmetic) and other.outwards:
            raise mixed()
        return self

    def kept_in(self, dtype: torch.dtype) -> "Arithmetic":
        """The arithmetic of what executions convert to float32 or float64."""
        del dtype
        return self

    def enclose(self, value: Tensor) -> Ends:
        """Bounds of a tensor, in the numbers that bounds are kept in; one tensor if exact."""
        return value, value

    def known(self, lower: Tensor, upper: Tensor, *, nonnegative: bool = False) -> Ends:
        """The bounds, opened to ±∞ where they say nothing true."""
        del nonnegative
        return lower, upper

    def down(self, x: Tensor) -> Tensor:
        """A number below the exact result of one operation, from the result as rounded."""
        return x

    def up(self, x: Tensor) -> Tensor:
        """A number above the exact result of one operation, from the result as rounded."""
        return x

    def settle(
        self, lower: Tensor, upper: Tensor, terms: int = 1, size: Tensor | None = None
    ) -> Ends:
        """Bounds that were rounded once each, moved by that and by what executions can miss.

        Args:
            lower: as computed, by one operation rounded to nearest from what is a bound.
            upper: likewise.
            terms: number of terms of the sum that the network forms; 0 for what executions
                do not compute, or miss nothing of.
            size: at least the sum of the terms' absolute values; by default the result's own.
        """
        del terms, size
        return lower, upper

    def underflow(self, lower: Tensor, upper: Tensor, products: int) -> Ends:
        """Bounds that also hold where so many products underflow, here and in executions."""
        del products
        return lower, upper

    def ball(self, lower: Tensor, upper: Tensor, kappa: float = 0.0) -> Ends:
        """A centre c and a radius r in floating point with [c − r, c + r] ⊇ [lower, upper].

        Args:
            lower: a bound.
            upper: another.
            kappa: the part κ of |c| + r that is added to r.
        """
        del kappa
        return (lower + upper) / 2, (upper - lower) / 2

    def around(self, centre: Tensor, radius: Tensor) -> Ends:
        """Bounds of all numbers at most `radius` ≥ 0 from the centre."""
        return centre - radius, centre + radius

    def share(self, terms: int, roundings: int, most: int = 1) -> float:
        """The part κ of its magnitude by which a sum is widened before it is computed.

        κ = (k γ_m + γ*_n) / (1 − k γ_m), with γ of the numbers that are computed in, for m
        roundings, and γ* of the level, for n terms. NaN, so that nothing is known, where it
        would be above 1/2.

        Args:
            terms: n, of the sum that the network forms.
            roundings: m, at most so many for each term of the sum that is computed here.
            most: k, how much larger than the network's the computed sum's magnitude can be.
        """
        del terms, roundings, most
        return 0.0

    def widen(self, radius: Tensor, size: Tensor, kappa: float) -> Tensor:
        """A number above r + κ s for r, s ≥ 0."""
        del size, kappa
        return radius

    def lowered(self, x: Tensor, kappa: float) -> Ends:
        """The positive part of x, at most (1 − κ) as large, and the negative, (1 + κ)."""
        del kappa
        return x.clamp_min(0), x.clamp_max(0)

    def raised(self, x: Tensor, kappa: float) -> Ends:
        """The positive part of x, at least (1 + κ) as large, and the negative, (1 − κ)."""
        return self.lowered(x, kappa)

    def inflate(self, x: Tensor, terms: int = 0) -> Tensor:
        """A number above what x ≥ 0 would be, had its last five operations been exact.

        Args:
            x: as computed.
            terms: number of terms of a sum of products ≥ 0 that it is, or is the square root
                of; it is then also above what executions miss of a sum of that magnitude.
        """
        del terms
        return x

    @property
    def tiny(self) -> float:
        """The most that one operation loses by underflow."""
        return 0.0

    def gamma(self, terms: int) -> float:
        """The part of Σ |terms| by which a sum of so many terms can be wrong as computed."""
        del terms
        return 0.0

    def above(self, total: Tensor, terms: int) -> Tensor:
        """A number above a sum of so many products ≥ 0, from the sum as computed."""
        del terms
        return total

    def kernels(self, *tensors: Tensor) -> AbstractContextManager[None]:
        """The context in which each sum of products is rounded one operation at a time."""
        del tensors
        return nullcontext()

    def suits(self, network: nn.Module) -> None:
        """Refuses a network in other numbers than those of the executions that are covered.

        Raises:
            SettingError: such a network.
        """


NEAREST = Arithmetic()
"""Ordinary rounding."""


def mixed() -> UnsupportedOperationError:
    """The error of bounds of two arithmetics that meet."""
    return UnsupportedOperationError(
        "Interval: expected values of one arithmetic, got bounds that are rounded to nearest "
        "beside bounds that are rounded outwards. Make inputs and parameters with the same."
    )
