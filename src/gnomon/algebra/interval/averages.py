"""Sums and averages over axes and windows, and interpolation."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.rounding import Deployed, speck, unit_roundoff
from gnomon.algebra.value import Rule
from gnomon.errors import UnsupportedOperationError


def average(x: Interval, function: Callable[[Tensor], Tensor], terms: int) -> Interval:
    """The range of sums of so many coordinates with weights 0, 1 or 1/m.

    With rounding, every l is replaced by l − κ |l| or less for the lower bound: with m = n + 2
    roundings of each term the computed sum is at most Σ (l − κ |l|) + γ (1 + κ) Σ |l|, that is
    at most Σ l − γ* Σ |l| if κ (1 − γ) ≥ γ + γ*. An execution's inputs are those of x, whose
    sum misses γ* Σ |x_i| ≥ γ* |Σ x_i|; since x − κ |x| rises with x, the least is at l.
    """
    arithmetic = x.arithmetic
    if not arithmetic.outwards:
        return x.each(function)
    kappa = arithmetic.share(terms + 2, terms + 2)
    low = function(x.lower - (kappa * x.lower.abs() + speck(x.precision)))
    high = function(x.upper + (kappa * x.upper.abs() + speck(x.precision)))
    lost = 2 * terms * arithmetic.level.smallest
    return x.settle(low - lost, high + lost, 0, nonnegative=x.nonnegative)


def total(x: Interval, dim: Any = None, keepdim: bool = False) -> Interval:
    """The range of the sum over some axes, or all."""
    return average(x, partial(_reduced, torch.sum, dim, keepdim), _count(x, dim))


def mean(x: Interval, dim: Any = None, keepdim: bool = False) -> Interval:
    """The range of the mean over some axes, or all."""
    return average(x, partial(_reduced, torch.mean, dim, keepdim), _count(x, dim))


def cumsum(x: Interval, dim: int) -> Interval:
    """The range of the sums of all coordinates up to each, along an axis."""
    return average(x, lambda v: v.cumsum(dim), x.shape[dim])


def pooled(
    function: Callable[..., Tensor], x: Interval, kernel_size: Any, *args: Any, **named: Any
) -> Interval:
    """The range of the averages over windows."""
    sizes = [kernel_size] * _axes(function) if isinstance(kernel_size, int) else kernel_size
    terms = math.prod(list(sizes) * (_axes(function) // len(sizes)))
    return average(x, lambda v: function(v, kernel_size, *args, **named), terms)


def adaptively_pooled(
    function: Callable[..., Tensor], x: Interval, output_size: Any
) -> Interval:
    """The range of the averages over windows, none of which has more than all places."""
    terms = x.shape[-_axes(function) :].numel()
    return average(x, lambda v: function(v, output_size), terms)


def interpolate(
    x: Interval,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    **named: Any,
) -> Interval:
    """The interval resampled with weights that are not negative.

    Where rounding is counted: an average over an area has windows of whole coordinates. In
    linear modes, a place i in the input is a number computed from its place in the output with
    at most four roundings, and so misses at most 8 u (n + 1) for n coordinates along its axis;
    the interpolated function of i is continuous, and its slope is at most 2 max |x|. In
    nearest modes a place is rounded down; where programs that multiply or divide, in float32
    or float64, find different ones, the range is that of all.

    Raises:
        UnsupportedOperationError: a mode with negative weights.
    """
    settings = {"size": size, "scale_factor": scale_factor, "mode": mode, **named}
    resample = partial(functional.interpolate, align_corners=align_corners, **settings)
    if mode == "area":
        return average(x, resample, x.shape[2:].numel())
    if mode in {"linear", "bilinear", "trilinear"}:
        between = average(x, resample, 2 ** (x.ndim - 2))
        return _shifted(between, x) if x.arithmetic.outwards else between
    if mode not in {"nearest", "nearest-exact"}:
        raise UnsupportedOperationError(
            f"Interval: expected an interpolation without negative weights, got {mode!r}."
        )
    nearest = x.each(resample)
    if not x.arithmetic.outwards:
        return nearest
    factors = None if named.get("recompute_scale_factor") else scale_factor
    return _nearest(x, nearest.shape, factors, 0.5 if mode == "nearest-exact" else 0.0)


def _shifted(between: Interval, x: Interval) -> Interval:
    """An interpolation whose places in the input were rounded, and may be by an execution."""
    level = x.arithmetic.level
    unit = max(unit_roundoff(x.precision), level.unit if isinstance(level, Deployed) else 0.0)
    axes = tuple(range(2, x.ndim))
    astray = 16 * unit * sum(x.shape[axis] + 1 for axis in axes)
    miss = x.arithmetic.inflate(astray * x.magnitude.amax(axes, keepdim=True))
    return between.settle(
        between.lower - miss, between.upper + miss, 0, nonnegative=between.nonnegative
    )


def _nearest(x: Interval, shape: torch.Size, factors: Any, middle: float) -> Interval:
    """The coordinates at the nearest places, by every way in which a program finds them."""
    lower, upper = x.parts
    for axis, new in enumerate(shape[2:], start=2):
        size = x.shape[axis]
        given = factors[axis - 2] if isinstance(factors, Sequence) else factors
        factor = Fraction(given) if given else Fraction(new, size)
        places = _places(new, factor, middle).clamp(0, size - 1).to(x.device)
        first, last = places.amin(dim=0), places.amax(dim=0)
        lower = lower.index_select(axis, first).minimum(lower.index_select(axis, last))
        upper = upper.index_select(axis, first).maximum(upper.index_select(axis, last))
    return x.made(lower, upper, nonnegative=x.nonnegative)


def _places(new: int, factor: Fraction, middle: float) -> Tensor:
    """Where programs round (i + middle) / factor down to: ways × new places."""
    exact = [math.floor((i + Fraction(middle)) / factor) for i in range(new)]
    ways = [torch.tensor(exact)]
    for dtype in (torch.float32, torch.float64):
        place = torch.arange(new, dtype=dtype) + middle
        divisor, scale = (
            torch.tensor(float(number), dtype=dtype) for number in (factor, 1 / factor)
        )
        quotients = (place / divisor, place * scale, place * divisor.reciprocal())
        ways += [quotient.floor().long() for quotient in quotients]
    return torch.stack(ways)


def _reduced(function: Callable[..., Tensor], dim: Any, keepdim: bool, v: Tensor) -> Tensor:
    return function(v) if dim is None else function(v, dim, keepdim=keepdim)


def _count(x: Interval, dim: Any) -> int:
    axes = range(x.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    return math.prod(x.shape[axis] for axis in axes)


def _axes(function: Callable[..., Tensor]) -> int:
    """The number of axes over which a pooling function averages."""
    return int(function.__name__[-2])


AVERAGES: dict[str, Rule] = {
    "sum": total,
    "mean": mean,
    "cumsum": cumsum,
    "interpolate": interpolate,
    **{
        name: partial(pooled, getattr(functional, name))
        for name in ("avg_pool1d", "avg_pool2d")
    },
    **{
        name: partial(adaptively_pooled, getattr(functional, name))
        for name in ("adaptive_avg_pool1d", "adaptive_avg_pool2d")
    },
}
