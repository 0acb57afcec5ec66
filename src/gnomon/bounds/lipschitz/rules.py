"""Rules by which torch functions become affine maps, pointwise functions and maxima."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.activations import Activation, PReLU
from gnomon.algebra import Interval, Value
from gnomon.algebra.functions import with_settings
from gnomon.algebra.movement import DROPOUT
from gnomon.algebra.names import MOVING
from gnomon.algebra.profiles import CURVED, PROFILES
from gnomon.algebra.slope_ranges import slope_range
from gnomon.algebra.subdivision import slopes_of
from gnomon.algebra.value import Rule
from gnomon.bounds.lipschitz.expression import AffineMap, Greatest, Node, Pointwise
from gnomon.bounds.lipschitz.substitution import (
    content_of,
    function_named,
    occurrences,
    substituted,
    values_of,
)
from gnomon.bounds.lipschitz.symbol import symbol_bound
from gnomon.bounds.lipschitz.trace import Traced
from gnomon.errors import UnsupportedOperationError

_JOINING = ("cat", "stack")
_OF_ONE = ("div", "linear", "matmul", "mul")
_FREE = (
    *MOVING,
    "to",
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d"),
    *("add", "clone", "contiguous", "cumsum", "interpolate", "mean", "neg", "pad"),
    *("sub", "sum"),
)


def affine(
    name: str, spectral: Callable[..., Callable[[], float] | None] | None = None
) -> Rule:
    """The rule of a function that is affine in the values among its arguments.

    Args:
        name: of the function.
        spectral: makes a bound of its spectral norm from its arguments.
    """

    def rule(*args: Any, **named: Any) -> Any:
        values = values_of((args, named))
        if name in _OF_ONE and (
            len(occurrences((args, named))) > 1 or (name == "div" and values[0] is args[1])
        ):
            raise UnsupportedOperationError(
                f"Lipschitz bound: expected {name} of one value and a constant, got a product "
                "or quotient of two values that depend on the input."
            )
        found = content_of(name, args, named)
        several = isinstance(found, tuple | list)
        bound = None if spectral is None else spectral(*args, **named)
        results = [
            _noted(name, args, named, values, content, index if several else None, bound)
            for index, content in enumerate(found if several else (found,))
        ]
        return tuple(results) if several else results[0]

    return rule


def batch_norm(
    x: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """(x − μ) / √(v + ε) · γ + β with the running statistics."""
    if training or running_mean is None or running_var is None:
        raise UnsupportedOperationError(
            "Lipschitz bound: expected batch normalisation with running statistics, got one by "
            "those of the batch. Track running statistics."
        )
    settings = (running_mean, running_var, weight, bias, False, momentum, eps)
    return affine("batch_norm")(x, *settings)


def activation(function: Activation, x: Traced) -> Traced:
    """An activation function, by its facts, stated or found."""
    content = content_of("activation", (function, x), {})
    return _of_slopes("activation", x, content, slopes_of(function, x.interval))


def prelu(x: Traced, weight: Tensor) -> Traced:
    """The activation function max(x, 0) + w min(x, 0)."""
    return activation(PReLU.of(weight.detach()), x)


def pointwise(name: str) -> Rule:
    """The rule of a torch function of one coordinate."""

    def rule(x: Traced, *settings: Any, **named: Any) -> Any:
        profile = PROFILES[name](*settings, **named)
        if profile is None or not profile.bends:
            raise UnsupportedOperationError(
                f"Lipschitz bound: expected {name} with settings for which its slopes are "
                f"known, got {settings or named}."
            )
        content = content_of(name, (x, *settings), named)
        slopes = slope_range(with_settings(name, settings, named), profile, x.interval)
        return _of_slopes(name, x, content, slopes)

    return rule


def _of_slopes(name: str, x: Traced, content: Any, slopes: Interval) -> Traced:
    return _made(x, content, Pointwise(_part(x, name), (x.node,), slopes))


def max_pool(
    axes: int,
    x: Traced,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Traced:
    """The greatest value of each window of images."""
    if ceil_mode or return_indices:
        raise UnsupportedOperationError(
            "Lipschitz bound: expected max pooling of whole windows without indices, got "
            f"ceil_mode={ceil_mode}, return_indices={return_indices}."
        )
    size = _each(kernel_size, axes)
    step = _each(size if stride in (None, [], ()) else stride, axes)
    pads, gaps = _each(padding, axes), _each(dilation, axes)

    offsets = itertools.product(*(range(count) for count in size))
    shifts = [[place * gap for place, gap in zip(each, gaps, strict=True)] for each in offsets]

    def windows(value: Tensor, fill: float = 0.0) -> Tensor:
        around = [pad for pad in reversed(pads) for _ in range(2)]
        value = functional.pad(value, around, value=fill)
        return torch.stack([_strided(value, shift, shifts[-1], step) for shift in shifts], -1)

    name = f"max_pool{axes}d"
    content = content_of(name, (x, size, step, pads, gaps), {})
    return _greatest(name, x, content, windows)


def amax(x: Traced, dim: Any = (), keepdim: bool = False) -> Traced:
    """The greatest value along some axes."""
    chosen = [dim] if isinstance(dim, int) else list(dim) or list(range(x.ndim))
    axes = sorted(axis % x.ndim for axis in chosen)

    def windows(value: Tensor, fill: float = 0.0) -> Tensor:
        del fill
        last = list(range(value.ndim - len(axes), value.ndim))
        return value.movedim(axes, last).flatten(-len(axes))

    return _greatest("amax", x, content_of("amax", (x, axes, keepdim), {}), windows)


def adaptive_max_pool(
    axes: int, x: Traced, output_size: Any, return_indices: bool = False
) -> Traced:
    """The greatest value of whole images."""
    if return_indices or set(_each(output_size, axes)) != {1}:
        raise UnsupportedOperationError(
            "Lipschitz bound: expected adaptive max pooling to one place, got "
            f"{output_size}. Use max_pool{axes}d."
        )
    return amax(x, tuple(range(x.ndim - axes, x.ndim)), keepdim=True)


def _noted(
    name: str,
    args: Sequence[Any],
    named: Mapping[str, Any],
    values: list[Traced],
    content: Any,
    index: int | None,
    spectral: Callable[[], float] | None,
) -> Traced:
    """One result of an affine function."""

    def function(*given: Tensor) -> Tensor:
        found = substituted(values, given, function_named(name), args, named)
        return found if index is None else found[index]

    def ranges(*given: Interval) -> Interval:
        found = substituted(values, given, Interval.rules[name], args, named)
        return found if index is None else found[index]

    parents = tuple(value.node for value in values)
    part = _part(values[0], name)
    node = AffineMap(
        content.shape, part, parents, function, ranges, spectral, joins=name in _JOINING
    )
    return _made(values[0], content, node)


def _greatest(name: str, x: Traced, content: Any, windows: Callable[..., Tensor]) -> Traced:
    interval = x.interval
    lower, upper = windows(interval.lower, -torch.inf), windows(interval.upper, -torch.inf)
    possible = ~(upper < lower.amax(-1, keepdim=True)) & (upper != -torch.inf)
    return _made(
        x, content, Greatest(content.shape, _part(x, name), (x.node,), windows, possible)
    )


def _strided(
    value: Tensor, shift: Sequence[int], last: Sequence[int], step: Sequence[int]
) -> Tensor:
    """The values at one place of every window of images."""
    places = zip(value.shape[-len(shift) :], shift, last, step, strict=True)
    return value[(..., *(slice(at, size - end + at, by) for size, at, end, by in places))]


def _made(x: Traced, content: Value | Tensor, node: Node) -> Traced:
    return Traced(node, content, x.tape)


def _part(x: Traced, name: str) -> str:
    return x.tape.part or name


def _each(value: Any, axes: int) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def _matrix(x: Any, weight: Any, *_: Any, **__: Any) -> Callable[[], float] | None:
    """‖W‖₂, for a constant matrix."""
    matrix = weight if isinstance(x, Traced) else x
    if not isinstance(matrix, Tensor) or matrix.ndim != 2:
        return None
    return lambda: _largest_singular_value(matrix)


def _largest_singular_value(matrix: Tensor) -> float:
    if not bool(matrix.isfinite().all()):
        return math.nan
    return float(torch.linalg.matrix_norm(matrix.detach().double(), 2))


def _kernel(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Callable[[], float] | None:
    """The bound by the symbol, of a convolution."""
    del bias, padding
    if not isinstance(x, Traced) or not isinstance(weight, Tensor):
        return None
    axes = weight.ndim - 2
    steps, gaps = _each(stride, axes), _each(dilation, axes)
    return lambda: symbol_bound(weight, steps, gaps, groups)


def _transposed_kernel(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Callable[[], float] | None:
    """The same: its transpose is a convolution with this kernel."""
    del output_padding
    return _kernel(x, weight, bias, stride, padding, dilation, groups)


RULES: dict[str, Rule] = {
    **{name: affine(name) for name in (*_JOINING, *_FREE, "div", "mul")},
    **{name: affine(name, _matrix) for name in ("linear", "matmul")},
    **{f"conv{axes}d": affine(f"conv{axes}d", _kernel) for axes in (1, 2, 3)},
    **{
        f"conv_transpose{axes}d": affine(f"conv_transpose{axes}d", _transposed_kernel)
        for axes in (1, 2, 3)
    },
    "batch_norm": batch_norm,
    **DROPOUT,
    "activation": activation,
    **{name: pointwise(name) for name in CURVED},
    "prelu": prelu,
    "amax": amax,
    "max_pool1d": partial(max_pool, 1),
    "max_pool2d": partial(max_pool, 2),
    "adaptive_max_pool1d": partial(adaptive_max_pool, 1),
    "adaptive_max_pool2d": partial(adaptive_max_pool, 2),
}
"""Traced's rules, by the name of the function."""
