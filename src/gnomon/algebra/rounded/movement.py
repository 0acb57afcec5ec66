"""Functions that are exact in floating point, and averages over windows."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.movement import CHOOSING, CONVERTING, DROPOUT, MOVING, in_every_part
from gnomon.algebra.rounded.arithmetic import (
    add,
    average,
    cat,
    converted,
    cumsum,
    div,
    interpolate,
    maximum,
    mean,
    minimum,
    neg,
    pad,
    stack,
    sub,
    total,
)
from gnomon.algebra.rounded.kept import as_kept
from gnomon.algebra.rounded.rounded_interval import RoundedInterval


def pooled(
    function: Callable[..., Tensor],
    x: RoundedInterval,
    kernel_size: Any,
    *args: Any,
    **named: Any,
) -> RoundedInterval:
    """The range of the averages over windows."""
    axes = 2 if function.__name__.endswith("2d") else 1
    sizes = [kernel_size] * axes if isinstance(kernel_size, int) else list(kernel_size)
    terms = 1
    for size in sizes * (axes // len(sizes)):
        terms *= size
    return average(x, lambda v: function(v, kernel_size, *args, **named), terms)


def adaptively_pooled(
    function: Callable[..., Tensor], x: RoundedInterval, output_size: Any
) -> RoundedInterval:
    """The range of the averages over windows, none of which has more than all places."""
    axes = 2 if function.__name__.endswith("2d") else 1
    return average(x, lambda v: function(v, output_size), x.shape[-axes:].numel())


def picked(
    function: Callable[..., Tensor], x: RoundedInterval, *args: Any, **named: Any
) -> Any:
    """The range of the largest or least coordinate of several, which is one of them."""
    found = x.each(function, *args, **named)
    return RoundedInterval.computed(
        found.lower, found.upper, x.level, nonnegative=x.nonnegative
    )


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
    "sum": total,
    "mean": mean,
    "cumsum": cumsum,
    **dict.fromkeys(CONVERTING, converted),
    "float": partial(converted, dtype=torch.float32),
    "double": partial(converted, dtype=torch.float64),
    "type_as": as_kept,
    **CHOOSING,
    **DROPOUT,
    **{
        name: partial(pooled, getattr(functional, name))
        for name in ("avg_pool1d", "avg_pool2d")
    },
    **{
        name: partial(adaptively_pooled, getattr(functional, name))
        for name in ("adaptive_avg_pool1d", "adaptive_avg_pool2d")
    },
    **{
        name: partial(picked, getattr(functional, name))
        for name in (
            "adaptive_max_pool1d",
            "adaptive_max_pool2d",
            "max_pool1d",
            "max_pool2d",
        )
    },
    **{name: partial(picked, getattr(Tensor, name)) for name in ("amax", "amin")},
    **{name: in_every_part(name) for name in (*MOVING, "clone", "contiguous", "detach")},
}
