"""Rules of operations that move, pick, join or average coordinates."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.functions import function_named
from gnomon.algebra.interval import Interval
from gnomon.algebra.movement import CHOOSING, DROPOUT
from gnomon.algebra.names import PERMUTING, PICKING, REPEATING, RESHAPING
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation
from gnomon.algebra.relaxation.origins import Mapped, Reshaped, leaf
from gnomon.algebra.relaxation.record import fresh, record
from gnomon.algebra.value import Rule

_COPYING = ("to", "clone", "contiguous")
_ALONG_LAST_AXES = (
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "interpolate",
)
_REDUCING = ("cumsum", "mean", "sum")


def reshaped(name: str) -> Rule:
    """The rule of a function that keeps coordinates in their order."""

    def rule(x: LinearRelaxation, *settings: Any, **named: Any) -> Any:
        box = Interval.rules[name](x.interval, *settings, **named)
        node = x.node
        if box.ndim == 0 or box.shape[0] % max(node.examples, 1):
            return fresh(name, x, *settings, **named)
        origin = Reshaped((node,), box.shape)
        return record(x, box, origin, settled=node.settled, independent=node.independent)

    return rule


def picked(name: str, *, bijective: bool = False) -> Rule:
    """The rule of a function that moves or picks coordinates, if examples stay in their order.

    Whether they do is seen from what the function makes of the examples' numbers.
    """

    def rule(x: LinearRelaxation, *settings: Any, **named: Any) -> Any:
        node, function = x.node, function_named(name)
        found = Interval.rules[name](x.interval, *settings, **named)
        numbers = _numbers(x)
        placed = function(numbers, *settings, **named)
        if isinstance(found, Interval):
            found, placed, several = (found,), (placed,), False
        else:
            several = True
        if not all(_in_order(each, node.examples) for each in placed):
            return fresh(name, x, *settings, **named)

        def part(index: int) -> Callable[[Tensor], Tensor]:
            if several:
                return lambda value: function(value, *settings, **named)[index]
            return lambda value: function(value, *settings, **named)

        results = tuple(
            record(
                x,
                box,
                Mapped((node,), part(index), box.shape, separable=bijective),
                settled=node.settled,
                independent=node.independent and bijective,
            )
            for index, box in enumerate(found)
        )
        return results if several else results[0]

    return rule


def averaged(name: str, touches_examples: Callable[..., bool]) -> Rule:
    """The rule of a function that adds coordinates of one example with fixed weights."""

    def rule(x: LinearRelaxation, *settings: Any, **named: Any) -> Any:
        if x.ndim < 2 or touches_examples(x.ndim, *settings, **named):
            return fresh(name, x, *settings, **named)
        function = function_named(name)
        box = Interval.rules[name](x.interval, *settings, **named)
        origin = Mapped(
            (x.node,), lambda v: function(v, *settings, **named), box.shape, separable=True
        )
        return record(x, box, origin, settled=x.node.independent)

    return rule


def pad(
    x: LinearRelaxation, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Any:
    """The value with coordinates added at its borders."""
    if len(pad) // 2 >= x.ndim:
        return fresh("pad", x, pad, mode=mode, value=value)
    box = Interval.rules["pad"](x.interval, pad, mode=mode, value=value)
    origin = Mapped(
        (x.node,),
        lambda v: functional.pad(v, pad, mode=mode, value=value),
        box.shape,
        separable=True,
    )
    return record(x, box, origin, settled=x.node.settled)


def joined(name: str) -> Rule:
    """The rule of `cat` or `stack`: values and tensors in a row."""
    function = function_named(name)

    def rule(tensors: Sequence[Any], dim: int = 0) -> Any:
        first = next(each for each in tensors if isinstance(each, LinearRelaxation))
        nodes = [_as_node(each, first) for each in tensors]
        axes = first.ndim + (name == "stack")
        alike = all(
            node.examples == first.node.examples and node.shape[0] == first.shape[0]
            for node in nodes
        )
        if dim % axes == 0 or not alike:
            return fresh(name, tensors, dim)
        box = Interval.rules[name]([node.interval for node in nodes], dim)
        origin = Mapped(tuple(nodes), lambda *v: function(v, dim), box.shape, separable=True)
        return record(first, box, origin, settled=all(node.settled for node in nodes))

    return rule


def copied(name: str) -> Rule:
    """The rule of a function that changes nothing but the kind of number."""

    def rule(x: LinearRelaxation, *settings: Any, **named: Any) -> Any:
        function = function_named(name)
        box = Interval.rules[name](x.interval, *settings, **named)
        origin = Mapped(
            (x.node,), lambda v: function(v, *settings, **named), box.shape, separable=True
        )
        node = x.node
        if box.dtype == x.dtype:
            return record(
                x,
                box,
                Reshaped((node,), box.shape),
                settled=node.settled,
                independent=node.independent,
            )
        return record(x, box, origin, settled=node.settled, independent=node.independent)

    return rule


def _numbers(x: LinearRelaxation) -> Tensor:
    """The number of the example that each coordinate belongs to."""
    examples = x.node.examples
    numbers = torch.arange(examples, dtype=torch.float32, device=x.device)
    return numbers.repeat_interleave(x.numel() // max(examples, 1)).reshape(x.shape)


def _in_order(numbers: Tensor, examples: int) -> bool:
    """Whether the first axis holds the examples, each as a block, in their order."""
    if numbers.ndim == 0 or numbers.shape[0] == 0 or numbers.shape[0] % examples:
        return False
    blocks = numbers.reshape(examples, -1)
    return bool((blocks == torch.arange(examples, device=numbers.device)[:, None]).all())


def _reduces_examples(
    axes: int, dim: int | Sequence[int] | None = None, *_: Any, **named: Any
) -> bool:
    if "axis" in named:
        dim = named["axis"]
    if dim is None:
        return True
    return any(each % axes == 0 for each in ([dim] if isinstance(dim, int) else dim))


def _as_node(value: Any, like: LinearRelaxation) -> Any:
    if isinstance(value, LinearRelaxation):
        return value.node
    return leaf(value if isinstance(value, Interval) else Interval.point(value.to(like.dtype)))


STRUCTURAL: dict[str, Rule] = {
    **{name: reshaped(name) for name in RESHAPING},
    **{name: picked(name, bijective=True) for name in PERMUTING},
    **{name: picked(name) for name in (*PICKING, *REPEATING)},
    **{name: copied(name) for name in _COPYING},
    **{name: averaged(name, lambda *_, **__: False) for name in _ALONG_LAST_AXES},
    **{name: averaged(name, _reduces_examples) for name in _REDUCING},
    "pad": pad,
    "cat": joined("cat"),
    "stack": joined("stack"),
    **CHOOSING,
    **DROPOUT,
}
