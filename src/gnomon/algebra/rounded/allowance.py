"""What is added to computed bounds, so that they hold."""

import math

import torch
from torch import Tensor

from gnomon.algebra.rounded.rounded_interval import RoundedInterval
from gnomon.algebra.rounding import Level, gamma, outward, unit_roundoff


def share(terms: int, roundings: int, dtype: torch.dtype, level: Level, most: int) -> float:
    """The part κ of its magnitude by which a sum must be widened before it is computed.

    κ = (k γ_m + γ*_n) / (1 − k γ_m), with γ of the numbers that are computed in, for m
    roundings, and γ* of the level, for n terms. NaN, so that nothing is said, where it would
    be above 1/2.

    Args:
        terms: n, of the sum that the network forms.
        roundings: m, at most so many for each term of the sum that is computed here.
        dtype: of what is computed.
        level: of which executions the bounds shall be true.
        most: k, how much larger than the network's the computed sum's magnitude can be.
    """
    own = most * gamma(roundings + 4, dtype)
    if own > 0.25:
        return math.nan
    found = (own + level.relative(terms)) / (1 - own) * (1 + 8 * unit_roundoff(dtype))
    return found if found <= 0.5 else math.nan


def inflated(x: Tensor) -> Tensor:
    """A number above what x ≥ 0 would be, had its last five operations been exact.

    Five roundings take at most the part 5u of sums and products of numbers that are not
    negative, and x (1 + 8u) gives more back; what underflow took is below `speck`.
    """
    return x * (1 + 8 * unit_roundoff(x.dtype)) + speck(x.dtype)


def speck(dtype: torch.dtype) -> float:
    """A number far above the smallest normal one, and far below all that matters.

    Products with it are normal numbers, which processors multiply faster than others.
    """
    return torch.finfo(dtype).tiny * 2.0**20


def ball(x: RoundedInterval) -> tuple[Tensor, Tensor]:
    """A centre c and a radius r in floating point with [c − r, c + r] ⊇ x."""
    if x.thin:
        return x.lower, torch.zeros_like(x.lower)
    centre = (x.lower + x.upper) / 2
    return centre, inflated((x.upper - centre).maximum(centre - x.lower))


def settled(
    lower: Tensor,
    upper: Tensor,
    level: Level,
    terms: int,
    magnitude: Tensor | None = None,
    *,
    nonnegative: bool = False,
) -> RoundedInterval:
    """Bounds that were rounded once each, moved by that and by what an execution can miss.

    Args:
        lower: as computed, by one operation rounded to nearest from what is a bound.
        upper: likewise.
        level: of which executions they shall be true.
        terms: of the operation in the network.
        magnitude: at least the sum of their sizes; if not given, the result's own.
        nonnegative: whether no result can be negative, however it is rounded.
    """
    lower, upper = outward(lower, upper)
    if level.relative(1) > 0:
        if magnitude is None:
            magnitude = lower.abs().maximum(upper.abs())
        miss = level.extra(terms, inflated(magnitude))
        lower, upper = outward(lower - miss, upper + miss)
    return RoundedInterval.computed(lower, upper, level, nonnegative=nonnegative)
