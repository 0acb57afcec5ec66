"""What is added to functions of one number, so that bounds of them hold as they are computed.

How accurately programs compute functions is stated in `gnomon.algebra.library`. Bounds are
computed by PyTorch, eager; an execution by any program of its level's library.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gnomon.algebra.arithmetic import speck
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.library import TORCH, Library
from gnomon.algebra.rounding import Deployed, Level, outward, unit_roundoff


@dataclass(frozen=True)
class Called:
    """A function of the tables as a network calls it: s f(c x).

    Attributes:
        name: of f.
        inner: c, a number other than 0.
        size: |s|, of which absolute errors are a part.
        more: added to the part of the value, in units u.
    """

    name: str
    inner: float | int = 1.0
    size: float | int = 1.0
    more: float | int = 0.0

    def exact(self, library: Library) -> bool:
        """Whether no execution misses anything."""
        return self.more == 0 and all(each.exact for each in library.accuracies(self.name))

    def missed(
        self, library: Library, x: tuple[Tensor, Tensor], values: Tensor, dtype: torch.dtype
    ) -> Tensor:
        """By how much values can be missed; infinite where nothing is claimed.

        Args:
            library: that computes them.
            x: bounds of the arguments.
            values: the largest |s f(c x)| of these.
            dtype: in which numbers.
        """
        low, high = x if self.inner > 0 else (x[1], x[0])
        most = x[0].abs().maximum(x[1].abs())
        size = torch.full_like(most, torch.inf)
        for claim in reversed(library.accuracies(self.name)):
            own = (
                (claim.relative + self.more) * values
                + (claim.argument * abs(self.inner) * self.size) * most
                + claim.absolute * self.size
            )
            inside = (low * self.inner >= claim.within[0]) & (
                high * self.inner <= claim.within[1]
            )
            size = torch.where(inside, own, size)
        return 1.01 * unit_roundoff(dtype) * size + 1.01 * speck(dtype)


def executed(
    called: Called, level: Level, x: tuple[Tensor, Tensor], values: Tensor
) -> Tensor | None:
    """By how much executions of a level can miss values; None if they cannot.

    On the way, a program may multiply the argument by a number of up to 8, and overflow
    although the value does not: of larger arguments nothing is claimed.

    Args:
        called: the function.
        level: of the executions.
        x: bounds of the arguments.
        values: their largest size.
    """
    if not isinstance(level, Deployed) or called.exact(level.library):
        return None
    miss = called.missed(level.library, x, values, level.dtype)
    fits = x[0].abs().maximum(x[1].abs()) * abs(called.inner) <= level.largest / 16
    return torch.where(fits.detach(), miss, torch.full_like(miss, torch.inf))


def enclosed(
    x: Interval, values: list[Tensor], called: Called, *, nonnegative: bool = False
) -> Interval:
    """The range of a function that is extreme at some of these values, as computed.

    Real values miss the computed ones by u of the numbers computed in; an execution misses
    real values by u of its own, for arguments and values anywhere in the range. What is not
    known of x is not known of f(x), however bounded f is.

    Args:
        x: the arguments.
        values: of the function, where it may be extreme, as PyTorch computes them here.
        called: the function.
        nonnegative: whether no execution gives a negative number.
    """
    lower, upper = values[0], values[0]
    for value in values[1:]:
        lower, upper = lower.minimum(value), upper.maximum(value)
    ends, most = (x.lower, x.upper), lower.abs().maximum(upper.abs())
    misses = [executed(called, x.arithmetic.level, ends, most)]
    if not called.exact(TORCH):
        misses.append(called.missed(TORCH, ends, most, x.precision))
    for miss in misses:
        if miss is not None:
            lower, upper = outward(lower - miss, upper + miss)
    lost = torch.full_like(lower, torch.nan)
    finite = x.lower.isfinite() & x.upper.isfinite()
    return x.made(
        torch.where(finite, lower, lost),
        torch.where(finite, upper, lost),
        nonnegative=nonnegative,
    )
