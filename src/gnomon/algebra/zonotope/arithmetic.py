"""Sums, and functions that move, pick or average coordinates."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.functions import function_named
from gnomon.algebra.interval import Interval
from gnomon.algebra.movement import CHOOSING, DROPOUT
from gnomon.algebra.names import MOVING
from gnomon.algebra.zonotope.hull import through_intervals
from gnomon.algebra.zonotope.products import mul
from gnomon.algebra.zonotope.rows import keeps_rows, spread_to
from gnomon.algebra.zonotope.symbols import spread, union
from gnomon.algebra.zonotope.zonotope import Zonotope, over_symbols

Operand = Zonotope | Interval | Tensor | float


def add(x: Any, y: Any, *, alpha: Any = 1) -> Zonotope:
    """The sum x + alpha y; symbols that both have are added, not widened."""
    if alpha != 1:
        y = y * alpha
    value, other = (x, y) if isinstance(x, Zonotope) else (y, x)
    box = Interval.rules["add"](
        *(each.box if isinstance(each, Zonotope) else each for each in (x, y))
    )
    wide = spread_to(value, box.shape)
    if wide is None:
        return through_intervals("add", x, y)
    if isinstance(other, Zonotope):
        second = spread_to(other, box.shape)
        return through_intervals("add", x, y) if second is None else _sum(wide, second, box)
    if isinstance(other, Interval):
        centre, radius = wide.centre + other.centre, wide.radius + other.radius
        return wide.but(centre=centre, radius=radius, box=box)
    return wide.but(centre=wide.centre + other, box=box)


def sub(x: Any, y: Any, *, alpha: Any = 1) -> Zonotope:
    """The difference x − alpha y: 0 where both are the same noise."""
    return add(x, -y, alpha=alpha)


def neg(x: Zonotope) -> Zonotope:
    """The set reflected at 0."""
    return mul(x, -1.0)


def cat(tensors: Sequence[Any], dim: int = 0) -> Zonotope:
    """Values one after the other; by intervals where batches are joined."""
    values = _alike(tensors)
    first = next(each for each in tensors if isinstance(each, Zonotope))
    if dim % first.ndim == 0:
        return through_intervals("cat", list(tensors), dim)
    return _joined(torch.cat, values, dim, "cat", tensors)


def stack(tensors: Sequence[Any], dim: int = 0) -> Zonotope:
    """Values along a new axis; by intervals where it stands before the batch."""
    values = _alike(tensors)
    first = next(each for each in tensors if isinstance(each, Zonotope))
    if dim % (first.ndim + 1) == 0:
        return through_intervals("stack", list(tensors), dim)
    return _joined(torch.stack, values, dim, "stack", tensors)


def pad(
    x: Zonotope, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Zonotope:
    """The value with coordinates added at its borders."""

    def bordered(v: Tensor) -> Tensor:
        return functional.pad(v, pad, mode=mode)

    if not keeps_rows(bordered, x.centre):
        return through_intervals("pad", x, pad, mode, value)
    box = Interval.rules["pad"](x.box, pad, mode, value)
    result = x.mapped(bordered, bordered, box)
    return result.but(centre=functional.pad(x.centre, pad, mode=mode, value=value))


def moving(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The rule of a linear function without negative coefficients.

    It does the same to centre, generators and radius; by intervals where it mixes examples.
    """

    def rule(x: Zonotope, *settings: Any, **named: Any) -> Any:
        def move(v: Tensor) -> Any:
            return function(v, *settings, **named)

        if not keeps_rows(move, x.centre):
            return through_intervals(name, x, *settings, **named)
        box = Interval.rules[name](x.box, *settings, **named)
        if isinstance(box, Interval):
            return x.mapped(move, move, box)
        parts = zip(
            move(x.centre), over_symbols(move, x.generators), move(x.radius), box, strict=True
        )
        return tuple(
            x.but(centre=centre, generators=generators, radius=radius, box=interval)
            for centre, generators, radius, interval in parts
        )

    return rule


def _converted(name: str) -> Callable[..., Zonotope]:
    """The rule of a function that changes in which numbers, and where, tensors are kept."""

    def rule(x: Zonotope, *settings: Any, **named: Any) -> Zonotope:
        def convert(v: Tensor) -> Tensor:
            return getattr(v, name)(*settings, **named)

        result = x.but(
            centre=convert(x.centre),
            generators=convert(x.generators),
            radius=convert(x.radius),
            box=x.box.each(convert),
        )
        return result.but(labels=x.labels.to(result.device))

    return rule


def _sum(x: Zonotope, y: Zonotope, box: Interval) -> Zonotope:
    labels = union(x.labels, y.labels)
    generators = spread(x.generators, x.labels, labels) + spread(y.generators, y.labels, labels)
    radius, most = x.radius + y.radius, max(x.most, y.most)
    return Zonotope.computed(x.centre + y.centre, generators, labels, radius, box, most)


def _alike(tensors: Sequence[Any]) -> list[Zonotope]:
    """All as affine values; those without symbols are boxes or points."""
    first = next(each for each in tensors if isinstance(each, Zonotope))
    return [
        each if isinstance(each, Zonotope) else _without_symbols(each, first)
        for each in tensors
    ]


def _without_symbols(value: Interval | Tensor, like: Zonotope) -> Zonotope:
    box = value if isinstance(value, Interval) else Interval.point(value.to(like.centre))
    none = like.generators.new_zeros(0, *box.shape)
    return like.but(
        centre=box.centre, radius=box.radius, generators=none, labels=like.labels[:0], box=box
    )


def _joined(
    function: Callable[..., Tensor],
    values: list[Zonotope],
    dim: int,
    name: str,
    tensors: Sequence[Any],
) -> Zonotope:
    labels = values[0].labels
    for value in values[1:]:
        labels = union(labels, value.labels)
    generators = [spread(value.generators, value.labels, labels) for value in values]
    bounds = [each.box if isinstance(each, Zonotope) else each for each in tensors]
    return Zonotope.computed(
        function([value.centre for value in values], dim),
        function(generators, dim if dim < 0 else dim + 1),
        labels,
        function([value.radius for value in values], dim),
        Interval.rules[name](bounds, dim),
        max(value.most for value in values),
    )


_LINEAR = (
    *("adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d"),
    *("contiguous", "cumsum", "interpolate", "mean", "sum"),
)

ARITHMETIC: dict[str, Any] = {
    "add": add,
    "sub": sub,
    "neg": neg,
    "cat": cat,
    "stack": stack,
    "pad": pad,
    **CHOOSING,
    **DROPOUT,
    **{name: _converted(name) for name in ("to", "clone", "detach")},
    **{name: moving(name, function_named(name)) for name in (*MOVING, *_LINEAR)},
    "view": moving("view", Tensor.reshape),  # of generators, which may lie otherwise
}
