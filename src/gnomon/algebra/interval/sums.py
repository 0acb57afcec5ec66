"""Sums and quotients, and functions that choose, join, pad or convert coordinates."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra import conversions
from gnomon.algebra.interval.interval import Interval, extremes
from gnomon.algebra.interval.operands import as_interval, kept_in, together
from gnomon.algebra.interval.products import mul
from gnomon.algebra.movement import CHOOSING, DROPOUT, in_every_part
from gnomon.algebra.names import MOVING

Operand = Interval | Tensor | float | int


def add(x: Operand, y: Operand, *, alpha: float | int = 1) -> Interval:
    """The exact range of x + alpha y, of independent x and y; its ends are rounded once."""
    first, second = together(x, y)
    if alpha != 1:
        second = mul(second, alpha)
    lower = first.lower + second.lower
    upper = lower if first.thin and second.thin else first.upper + second.upper
    nonnegative = first.nonnegative and second.nonnegative
    return first.settle(lower, upper, nonnegative=nonnegative)


def sub(x: Operand, y: Operand, *, alpha: float | int = 1) -> Interval:
    """The exact range of x − alpha y, of independent x and y; its ends are rounded once."""
    first, second = together(x, y)
    if alpha != 1:
        second = mul(second, alpha)
    lower = first.lower - second.upper
    upper = lower if first.thin and second.thin else first.upper - second.lower
    return first.settle(lower, upper)


def neg(x: Interval) -> Interval:
    """The exact range of −x."""
    lower = -x.upper
    return x.made(lower, lower if x.thin else -x.lower)


def div(x: Operand, y: Operand) -> Interval:
    """The exact range of x / y; everything where y may be 0.

    Executions may multiply by the reciprocal, so that they round three times.
    """
    first, second = together(x, y)
    if second.thin:
        ends = [end / second.lower for end in first.ends]
        return first.settle(*extremes(ends), 3)
    return mul(first, Interval.rules["reciprocal"](second))


def cat(tensors: Sequence[Interval | Tensor], dim: int = 0) -> Interval:
    """Intervals and tensors one after the other."""
    return _joined(torch.cat, tensors, dim)


def stack(tensors: Sequence[Interval | Tensor], dim: int = 0) -> Interval:
    """Intervals and tensors along a new axis."""
    return _joined(torch.stack, tensors, dim)


def maximum(x: Operand, y: Operand) -> Interval:
    """The exact range of the larger of two independent values."""
    first, second = together(x, y)
    return first.made(
        first.lower.maximum(second.lower),
        first.upper.maximum(second.upper),
        nonnegative=first.nonnegative or second.nonnegative,
    )


def minimum(x: Operand, y: Operand) -> Interval:
    """The exact range of the smaller of two independent values."""
    first, second = together(x, y)
    return first.made(
        first.lower.minimum(second.lower),
        first.upper.minimum(second.upper),
        nonnegative=first.nonnegative and second.nonnegative,
    )


def pad(
    x: Interval, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Interval:
    """The interval with coordinates added at its borders."""
    if mode != "constant":
        return x.each(functional.pad, pad, mode=mode)
    fill = value or 0.0
    borders = [fill, fill]
    if x.arithmetic.outwards:  # the number may lie between two of the bounds' type
        borders = [float(end) for end in x.like(fill).parts]
    lower, upper = (
        functional.pad(end, pad, value=border)
        for end, border in zip(x.parts, borders, strict=True)
    )
    return x.made(lower, upper, nonnegative=x.nonnegative and fill >= 0)


def cast(x: Interval, dtype: torch.dtype) -> Interval:
    """The exact range of a conversion to whole numbers, to bool, or to half precision.

    A conversion never falls, so that it makes of a bound a bound of the values of executions,
    too. A real number may be rounded the other way than one that float32 holds: where rounding
    is counted, a bound that was moved inwards is moved back by the distance of two numbers of
    the type.
    """
    lower, upper = conversions.cast(x.lower, x.upper, dtype)
    if x.arithmetic.outwards and dtype.is_floating_point:
        kind = torch.finfo(dtype)  # whose numbers are no further apart than this:
        below, above = (kind.eps * end.abs() + kind.tiny for end in (lower, upper))
        lower = torch.where(lower > x.lower, lower - below, lower)
        upper = torch.where(upper < x.upper, upper + above, upper)
    return x.made(lower, upper, nonnegative=x.nonnegative)


def converted(
    x: Interval, device: torch.device | None = None, dtype: torch.dtype | None = None
) -> Interval:
    """The interval in float32 or float64, on another device.

    Bounds that are rounded outwards stay in their numbers. To an execution, conversion to
    another type is one more rounding, and what follows is computed in that type.
    """
    if not x.arithmetic.outwards:
        return x.each(torch.Tensor.to, device=device, dtype=dtype)
    moved = x if device is None else x.each(torch.Tensor.to, device)
    return moved if dtype is None else kept_in(moved, dtype)


def _joined(
    function: Callable[..., Tensor], tensors: Sequence[Interval | Tensor], dim: int
) -> Interval:
    values = together(*tensors)
    return values[0].made(
        function([value.lower for value in values], dim),
        function([value.upper for value in values], dim),
        nonnegative=all(value.nonnegative for value in values),
    )


def _setitem(x: Interval, index: Any, value: Operand) -> Interval:
    """The interval with some of its coordinates replaced."""
    new = as_interval(value, x)
    lower, upper = x.lower.clone(), x.upper.clone()
    lower[index], upper[index] = new.lower, new.upper
    return x.made(lower, upper, nonnegative=x.nonnegative and new.nonnegative)


def _picked(name: str) -> Callable[..., Any]:
    """The rule of the largest or least of several coordinates, which is one of them."""
    rule = in_every_part(name)

    def picked(x: Interval, *settings: Any, **named: Any) -> Any:
        largest = rule(x, *settings, **named)
        return x.made(*largest.parts, nonnegative=x.nonnegative)

    return picked


PICKING = (
    *("adaptive_max_pool1d", "adaptive_max_pool2d", "max_pool1d", "max_pool2d"),
    *("amax", "amin"),
)

SUMS = {
    "add": add,
    "sub": sub,
    "neg": neg,
    "div": div,
    "cat": cat,
    "stack": stack,
    "maximum": maximum,
    "minimum": minimum,
    "pad": pad,
    "setitem": _setitem,
    "to": converted,
    "cast": cast,
    **CHOOSING,
    **DROPOUT,
    **{name: _picked(name) for name in PICKING},
    **{name: in_every_part(name) for name in (*MOVING, "clone", "contiguous", "detach")},
}
