"""Sums and quotients, and functions that move, pick or average coordinates."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra import conversions
from gnomon.algebra.rounded.allowance import settled, share, speck
from gnomon.algebra.rounded.kept import kept_in, together
from gnomon.algebra.rounded.products import ends_of, mul, pair
from gnomon.algebra.rounded.rounded_interval import RoundedInterval, as_rounded
from gnomon.algebra.rounding import outward
from gnomon.errors import UnsupportedOperationError

Operand = Any


def add(x: Operand, y: Operand, *, alpha: float | int = 1) -> RoundedInterval:
    """The range of x + alpha y, of independent x and y: its ends are rounded once."""
    first, second = pair(x, y)
    if alpha != 1:
        second = mul(second, alpha)
    nonnegative = first.nonnegative and second.nonnegative
    return settled(
        first.lower + second.lower,
        first.upper + second.upper,
        first.level,
        1,
        nonnegative=nonnegative,
    )


def sub(x: Operand, y: Operand, *, alpha: float | int = 1) -> RoundedInterval:
    """The range of x − alpha y, of independent x and y."""
    first, second = pair(x, y)
    return add(first, neg(second), alpha=alpha)


def neg(x: RoundedInterval) -> RoundedInterval:
    """The exact range of −x."""
    return RoundedInterval.computed(-x.upper, -x.lower, x.level)


def div(x: Operand, y: Operand) -> RoundedInterval:
    """The range of x / y; everything where y may be 0. Its ends are rounded once."""
    first, second = pair(x, y)
    apart = (second.lower > 0) | (second.upper < 0)
    nan = torch.full_like(second.lower, torch.nan)
    ends = [a / torch.where(apart, b, nan) for a in ends_of(first) for b in ends_of(second)]
    lower, upper = ends[0], ends[0]
    for end in ends[1:]:
        lower, upper = lower.minimum(end), upper.maximum(end)
    # An execution may also multiply by the reciprocal.
    return settled(lower, upper, first.level, 3)


def cat(tensors: Sequence[Operand], dim: int = 0) -> RoundedInterval:
    """Intervals and tensors one after the other."""
    return _joined(torch.cat, tensors, dim)


def stack(tensors: Sequence[Operand], dim: int = 0) -> RoundedInterval:
    """Intervals and tensors along a new axis."""
    return _joined(torch.stack, tensors, dim)


def maximum(x: Operand, y: Operand) -> RoundedInterval:
    """The exact range of the larger of two independent values."""
    first, second = pair(x, y)
    return RoundedInterval.computed(
        first.lower.maximum(second.lower),
        first.upper.maximum(second.upper),
        first.level,
        nonnegative=first.nonnegative or second.nonnegative,
    )


def minimum(x: Operand, y: Operand) -> RoundedInterval:
    """The exact range of the smaller of two independent values."""
    first, second = pair(x, y)
    return RoundedInterval.computed(
        first.lower.minimum(second.lower),
        first.upper.minimum(second.upper),
        first.level,
        nonnegative=first.nonnegative and second.nonnegative,
    )


def pad(
    x: RoundedInterval, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> RoundedInterval:
    """The interval with coordinates added at its borders."""
    if mode != "constant":
        return x.each(functional.pad, pad, mode=mode)
    fill = as_rounded(float(value or 0.0), x)
    return RoundedInterval.computed(
        functional.pad(x.lower, pad, value=float(fill.lower)),
        functional.pad(x.upper, pad, value=float(fill.upper)),
        x.level,
        nonnegative=x.nonnegative and (value or 0.0) >= 0,
    )


def average(
    x: RoundedInterval, function: Callable[[Tensor], Tensor], terms: int
) -> RoundedInterval:
    """The range of sums of so many coordinates with weights 0, 1 or 1/m.

    For the lower bound every l is replaced by l − κ |l| or less: with m = n + 2 roundings of
    each term the computed sum is at most Σ (l − κ |l|) + γ (1 + κ) Σ |l|, that is at most
    Σ l − γ* Σ |l| if κ (1 − γ) ≥ γ + γ*. An execution's inputs are those of x, whose sum
    misses γ* Σ |x_i| ≥ γ* |Σ x_i|; since x − κ |x| rises with x, the least is at l.
    """
    kappa = share(terms + 2, terms + 2, x.precision, x.level, 1)
    low = function(x.lower - (kappa * x.lower.abs() + speck(x.precision)))
    high = function(x.upper + (kappa * x.upper.abs() + speck(x.precision)))
    lost = 2 * terms * x.level.smallest
    return RoundedInterval.computed(
        *outward(low - lost, high + lost), x.level, nonnegative=x.nonnegative
    )


def total(x: RoundedInterval, dim: Any = None, keepdim: bool = False) -> RoundedInterval:
    """The range of the sum over some axes, or all."""
    return average(x, lambda v: _reduced(torch.sum, v, dim, keepdim), _count(x, dim))


def mean(x: RoundedInterval, dim: Any = None, keepdim: bool = False) -> RoundedInterval:
    """The range of the mean over some axes, or all."""
    return average(x, lambda v: _reduced(torch.mean, v, dim, keepdim), _count(x, dim))


def cumsum(x: RoundedInterval, dim: int) -> RoundedInterval:
    """The range of the sums of what stands before, along an axis."""
    return average(x, lambda v: v.cumsum(dim), x.shape[dim])


def interpolate(
    x: RoundedInterval,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    **named: Any,
) -> RoundedInterval:
    """The interval with every coordinate repeated a whole number of times along each axis.

    Raises:
        UnsupportedOperationError: another mode, or sizes that are no multiples: which
            coordinate is taken, and with which weight, then is a matter of rounding.
    """
    result = x.each(
        functional.interpolate, size=size, scale_factor=scale_factor, mode=mode, **named
    )
    uneven = any(new % old for new, old in zip(result.shape, x.shape, strict=True))
    if mode not in {"nearest", "nearest-exact"} or uneven:
        raise UnsupportedOperationError(
            "RoundedInterval: expected an interpolation that repeats each coordinate a whole "
            f"number of times, got {mode!r} from {tuple(x.shape)} to {tuple(result.shape)}."
        )
    return result


def setitem(x: RoundedInterval, index: Any, value: Operand) -> RoundedInterval:
    """The interval with some of its coordinates replaced."""
    new = as_rounded(value, x)
    lower, upper = x.lower.clone(), x.upper.clone()
    lower[index], upper[index] = new.lower, new.upper
    nonnegative = x.nonnegative and new.nonnegative
    return RoundedInterval.computed(lower, upper, x.level, nonnegative=nonnegative)


def cast(x: RoundedInterval, dtype: torch.dtype) -> RoundedInterval:
    """The range of a conversion to whole numbers, to bool, or to half precision.

    A conversion never falls, so that it makes of a bound a bound of what executions get, too. A
    real number may be rounded the other way than one that float32 holds: where it matters, a
    bound is moved by the distance of two numbers of the type.
    """
    lower, upper = conversions.cast(x.lower, x.upper, dtype)
    if dtype.is_floating_point:
        kind = torch.finfo(dtype)  # whose numbers are no further apart than this:
        below, above = (kind.eps * end.abs() + kind.tiny for end in (lower, upper))
        lower = torch.where(lower > x.lower, lower - below, lower)
        upper = torch.where(upper < x.upper, upper + above, upper)
    return RoundedInterval.computed(lower, upper, x.level)


def converted(
    x: RoundedInterval, device: torch.device | None = None, dtype: torch.dtype | None = None
) -> RoundedInterval:
    """The interval itself, in float32 or float64, on another device.

    Its bounds stay in their numbers. To an execution, conversion to another type is one more
    rounding, and what follows is computed in that type.
    """
    moved = x if device is None else x.each(torch.Tensor.to, device)
    return moved if dtype is None else kept_in(moved, dtype)


def _joined(
    function: Callable[..., Tensor], tensors: Sequence[Operand], dim: int
) -> RoundedInterval:
    values = together(*tensors)
    return RoundedInterval.computed(
        function([value.lower for value in values], dim),
        function([value.upper for value in values], dim),
        values[0].level,
        nonnegative=all(value.nonnegative for value in values),
    )


def _reduced(function: Callable[..., Tensor], v: Tensor, dim: Any, keepdim: bool) -> Tensor:
    return function(v) if dim is None else function(v, dim, keepdim=keepdim)


def _count(x: RoundedInterval, dim: Any) -> int:
    axes = range(x.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return count
