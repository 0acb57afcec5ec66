"""Functions that move or join coordinates. Not sound."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.moments.moments import Moments, as_moments
from gnomon.algebra.moments.pooling import (
    adaptive_avg_pool,
    avg_pool1d,
    avg_pool2d,
    max_pool,
    maximum,
    mean,
    minimum,
    total,
)
from gnomon.algebra.movement import CHOOSING, DROPOUT, in_every_part
from gnomon.algebra.names import MOVING
from gnomon.errors import UnsupportedOperationError


def cat(tensors: Sequence[Any], dim: int = 0) -> Moments:
    """Mean and variance of values one after the other."""
    return _joined(torch.cat, tensors, dim)


def stack(tensors: Sequence[Any], dim: int = 0) -> Moments:
    """Mean and variance of values along a new axis."""
    return _joined(torch.stack, tensors, dim)


def pad(
    x: Moments, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Moments:
    """Moments of the value with coordinates added at its borders; a constant does not vary."""
    return Moments.computed(
        functional.pad(x.centre, pad, mode=mode, value=value),
        functional.pad(x.variance, pad, mode=mode),
    )


def interpolate(x: Moments, *settings: Any, mode: str = "nearest", **named: Any) -> Moments:
    """Mean and variance of the value resampled by its nearest neighbours."""
    if mode not in {"nearest", "nearest-exact"}:
        raise UnsupportedOperationError(
            f"Moments: expected interpolation by nearest neighbours, got {mode!r}. Use "
            "another algebra."
        )
    return x.each(functional.interpolate, *settings, mode=mode, **named)


def _joined(function: Callable[..., Tensor], tensors: Sequence[Any], dim: int) -> Moments:
    like = next(each.centre for each in tensors if isinstance(each, Moments))
    values = [as_moments(each, like) for each in tensors]
    return Moments.computed(
        function([value.centre for value in values], dim),
        function([value.variance for value in values], dim),
    )


def _setitem(x: Moments, index: Any, value: Any) -> Moments:
    """The value with some of its coordinates replaced."""
    new = as_moments(value, x.centre)
    centre, variance = x.centre.clone(), x.variance.clone()
    centre[index], variance[index] = new.centre, new.variance
    return Moments.computed(centre, variance)


MOVEMENT: dict[str, Any] = {
    "cat": cat,
    "stack": stack,
    "pad": pad,
    "interpolate": interpolate,
    "setitem": _setitem,
    "sum": total,
    "mean": mean,
    "maximum": maximum,
    "minimum": minimum,
    "avg_pool1d": avg_pool1d,
    "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool1d": partial(adaptive_avg_pool, axes=1),
    "adaptive_avg_pool2d": partial(adaptive_avg_pool, axes=2),
    "max_pool1d": partial(max_pool, 1),
    "max_pool2d": partial(max_pool, 2),
    **CHOOSING,
    **DROPOUT,
    **{
        name: in_every_part(name)
        for name in (*MOVING, "to", "clone", "contiguous", "cumsum", "detach")
    },
}
