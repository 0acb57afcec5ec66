"""Sums, and functions that move, pick or average coordinates."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra import conversions
from gnomon.algebra.interval.interval import Interval, as_interval
from gnomon.algebra.interval.pointwise import reciprocal
from gnomon.algebra.interval.products import mul
from gnomon.algebra.movement import CHOOSING, DROPOUT, in_every_part
from gnomon.algebra.names import MOVING
from gnomon.errors import UnsupportedOperationError

Operand = Interval | Tensor | float | int


def add(x: Operand, y: Operand, *, alpha: float | int = 1) -> Interval:
    """The exact range of x + alpha y, of independent x and y."""
    if alpha != 1:
        y = mul(y, alpha) if isinstance(y, Interval) else alpha * y
    first, second = _both(x, y)
    return Interval.computed(
        first.lower + second.lower,
        first.upper + second.upper,
        nonnegative=first.nonnegative and second.nonnegative,
    )


def sub(x: Operand, y: Operand, *, alpha: float | int = 1) -> Interval:
    """The exact range of x − alpha y, of independent x and y."""
    return add(x, neg(y) if isinstance(y, Interval) else -y, alpha=alpha)


def neg(x: Interval) -> Interval:
    """The exact range of −x."""
    return Interval.computed(-x.upper, -x.lower)


def div(x: Operand, y: Operand) -> Interval:
    """The exact range of x / y; everything where y may be 0."""
    first, second = _both(x, y)
    if second.lower is second.upper:
        ends = (first.lower / second.lower, first.upper / second.lower)
        return Interval.computed(ends[0].minimum(ends[1]), ends[0].maximum(ends[1]))
    return mul(first, reciprocal(second))


def cat(tensors: Sequence[Interval | Tensor], dim: int = 0) -> Interval:
    """Intervals and tensors one after the other."""
    return _joined(torch.cat, tensors, dim)


def stack(tensors: Sequence[Interval | Tensor], dim: int = 0) -> Interval:
    """Intervals and tensors along a new axis."""
    return _joined(torch.stack, tensors, dim)


def maximum(x: Operand, y: Operand) -> Interval:
    """The exact range of the larger of two independent values."""
    first, second = _both(x, y)
    return Interval.computed(
        first.lower.maximum(second.lower),
        first.upper.maximum(second.upper),
        nonnegative=first.nonnegative or second.nonnegative,
    )


def minimum(x: Operand, y: Operand) -> Interval:
    """The exact range of the smaller of two independent values."""
    first, second = _both(x, y)
    return Interval.computed(
        first.lower.minimum(second.lower),
        first.upper.minimum(second.upper),
        nonnegative=first.nonnegative and second.nonnegative,
    )


def pad(
    x: Interval, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Interval:
    """The interval with coordinates added at its borders."""
    result = x.each(functional.pad, pad, mode=mode, value=value)
    result.nonnegative = x.nonnegative and (value or 0.0) >= 0
    return result


def interpolate(x: Interval, *settings: Any, mode: str = "nearest", **named: Any) -> Interval:
    """The interval resampled with weights that are not negative."""
    if mode not in {"nearest", "nearest-exact", "linear", "bilinear", "trilinear", "area"}:
        raise UnsupportedOperationError(
            f"Interval: expected an interpolation without negative weights, got {mode!r}."
        )
    return x.each(functional.interpolate, *settings, mode=mode, **named)


def cast(x: Interval, dtype: torch.dtype) -> Interval:
    """The exact range of a conversion to whole numbers, to bool, or to half precision."""
    lower, upper = conversions.cast(x.lower, x.upper, dtype)
    return Interval.computed(lower, upper, nonnegative=x.nonnegative)


def _both(x: Operand, y: Operand) -> tuple[Interval, Interval]:
    like = x.lower if isinstance(x, Interval) else y.lower  # type: ignore[union-attr]
    return as_interval(x, like), as_interval(y, like)


def _joined(
    function: Callable[..., Tensor], tensors: Sequence[Interval | Tensor], dim: int
) -> Interval:
    like = next(each.lower for each in tensors if isinstance(each, Interval))
    values = [as_interval(each, like) for each in tensors]
    return Interval.computed(
        function([value.lower for value in values], dim),
        function([value.upper for value in values], dim),
        nonnegative=all(value.nonnegative for value in values),
    )


def _setitem(x: Interval, index: Any, value: Operand) -> Interval:
    """The interval with some of its coordinates replaced."""
    new = as_interval(value, x.lower)
    lower, upper = x.lower.clone(), x.upper.clone()
    lower[index], upper[index] = new.lower, new.upper
    return Interval.computed(lower, upper, nonnegative=x.nonnegative and new.nonnegative)


_NEVER_FALLING = (
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d"),
    *("adaptive_max_pool1d", "adaptive_max_pool2d", "max_pool1d", "max_pool2d"),
    *("amax", "amin", "cumsum", "logsumexp", "mean", "sum"),
    *("clone", "contiguous", "detach"),
)
"""Functions that never fall in any coordinate."""

ARITHMETIC = {
    "add": add,
    "sub": sub,
    "neg": neg,
    "div": div,
    "cat": cat,
    "stack": stack,
    "maximum": maximum,
    "minimum": minimum,
    "pad": pad,
    "interpolate": interpolate,
    "setitem": _setitem,
    "cast": cast,
    **CHOOSING,
    **DROPOUT,
    **{name: in_every_part(name) for name in (*MOVING, "to", *_NEVER_FALLING)},
}
