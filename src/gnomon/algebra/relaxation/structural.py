"""Rules of operations that move, pick, join or average coordinates."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.functions import function_named, with_settings
from gnomon.algebra.interval import Interval
from gnomon.algebra.interval.operands import as_interval
from gnomon.algebra.movement import CHOOSING, DROPOUT
from gnomon.algebra.names import PERMUTING, PICKING, REPEATING, RESHAPING
from gnomon.algebra.relaxation.backward_steps import Mapped, Reshaped
from gnomon.algebra.relaxation.forms import Origin
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation
from gnomon.algebra.relaxation.losses import Noise
from gnomon.algebra.relaxation.noise import leaf, map_noise, sum_noise
from gnomon.algebra.relaxation.recording import fresh, record
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


def picked(name: str, *, bijective: bool = False, repeating: bool = False) -> Rule:
    """The rule of a function that moves or picks coordinates, if examples stay in their order.

    That is seen from what the function makes of the examples' numbers. Coefficients of a
    coordinate that is picked several times are added.
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
                noise=_noise_of_repetition(x, part(index)) if repeating else None,
            )
            for index, box in enumerate(found)
        )
        return results if several else results[0]

    return rule


def averaged(name: str, touches_examples: Callable[..., bool]) -> Rule:
    """The rule of a function that adds coordinates of one example with fixed weights."""

    def rule(x: LinearRelaxation, *settings: Any, **named: Any) -> Any:
        afresh = x.ndim < 2 or touches_examples(x.ndim, *settings, **named)
        if afresh or _weighs_by_places(name, x, named):
            return fresh(name, x, *settings, **named)
        function = with_settings(name, settings, named)
        box = Interval.rules[name](x.interval, *settings, **named)
        noise = None
        if box.arithmetic.outwards:
            apart = x.node.examples * (x.shape[1] if name in _ALONG_LAST_AXES else 1)
            # There and back no sum has more terms; a division comes on top.
            terms = 2 + max(x.numel(), box.numel()) // max(apart, 1)
            noise = map_noise(x.node, function, terms, box.arithmetic, executed=True)
        origin = Mapped((x.node,), function, box.shape, separable=True)
        return record(x, box, origin, settled=x.node.independent, noise=noise)

    return rule


def pad(
    x: LinearRelaxation, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Any:
    """The value with coordinates added at its borders."""
    if len(pad) // 2 >= x.ndim:
        return fresh("pad", x, pad, mode=mode, value=value)
    box = Interval.rules["pad"](x.interval, pad, mode=mode, value=value)
    function = partial(functional.pad, pad=tuple(pad), mode=mode, value=value)
    noise = None
    if box.arithmetic.outwards:  # along an axis, a coordinate is there once, and in each pad
        sides = zip(pad[::2], pad[1::2], strict=True)
        times = [1 + max(left, 0) + max(right, 0) for left, right in sides]
        terms = 1 if mode == "constant" else math.prod(times)
        noise = map_noise(x.node, function, terms, box.arithmetic)
    origin = Mapped((x.node,), function, box.shape, separable=True)
    return record(x, box, origin, settled=x.node.settled, noise=noise)


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
    """The rule of a function that changes nothing but the kind of number.

    To an execution, conversion to another type is one more rounding, and what follows is
    computed in that type; bounds stay in their numbers.
    """

    def rule(x: LinearRelaxation, *settings: Any, **named: Any) -> Any:
        box, node = Interval.rules[name](x.interval, *settings, **named), x.node
        same = box.precision == x.precision
        if box.arithmetic.outwards and box.lower.device != x.device:
            return fresh(name, x, *settings, **named)
        noise = None
        before, after = (each.arithmetic.level.relative(1) for each in (x.interval, box))
        if after > before:
            noise = sum_noise((node,), box.arithmetic)
        function = with_settings(name, settings, named)
        origin: Origin = Reshaped((node,), box.shape)
        if not same:
            origin = Mapped((node,), function, box.shape, separable=True)
        kept = {"settled": node.settled, "independent": node.independent}
        return record(x, box, origin, noise=noise, **kept)

    return rule


def _noise_of_repetition(
    x: LinearRelaxation, function: Callable[[Tensor], Tensor]
) -> Noise | None:
    """The noise of sums of coefficients where a function picks a coordinate several times."""
    arithmetic = x.interval.arithmetic
    if not arithmetic.outwards:
        return None
    numbers = torch.arange(x.numel(), device=x.device).reshape(x.shape)
    terms = int(function(numbers).flatten().bincount(minlength=1).max())
    return map_noise(x.node, function, terms, arithmetic) if terms > 1 else None


def _numbers(x: LinearRelaxation) -> Tensor:
    """The number of the example that each coordinate belongs to."""
    examples = x.node.examples
    numbers = torch.arange(examples, dtype=torch.float32, device=x.device)
    return numbers.repeat_interleave(x.numel() // max(examples, 1)).reshape(x.shape)


def _in_order(numbers: Tensor, examples: int) -> bool:
    """True if the first axis holds the examples, each as a block, in their order."""
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


def _weighs_by_places(name: str, x: LinearRelaxation, named: Mapping[str, Any]) -> bool:
    """True if the weights of an average are rounded themselves, and rounding is counted."""
    exact = named.get("mode", "nearest") in {"nearest", "nearest-exact"}
    return x.interval.arithmetic.outwards and name == "interpolate" and not exact


def _as_node(value: Any, like: LinearRelaxation) -> Any:
    if isinstance(value, LinearRelaxation):
        return value.node
    return leaf(as_interval(value, like.interval))


STRUCTURAL: dict[str, Rule] = {
    **{name: reshaped(name) for name in RESHAPING},
    **{name: picked(name, bijective=True) for name in PERMUTING},
    **{name: picked(name) for name in PICKING},
    **{name: picked(name, repeating=True) for name in REPEATING},
    **{name: copied(name) for name in _COPYING},
    **{name: averaged(name, lambda *_, **__: False) for name in _ALONG_LAST_AXES},
    **{name: averaged(name, _reduces_examples) for name in _REDUCING},
    "pad": pad,
    "cat": joined("cat"),
    "stack": joined("stack"),
    **CHOOSING,
    **DROPOUT,
}
