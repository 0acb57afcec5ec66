"""Rules of operations that move, pick, join or average coordinates."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.functions import with_settings
from gnomon.algebra.interval import Interval
from gnomon.algebra.interval.operands import as_interval, kept_in
from gnomon.algebra.movement import CHOOSING, DROPOUT
from gnomon.algebra.names import PERMUTING, PICKING, REPEATING, RESHAPING
from gnomon.algebra.relaxation import LinearRelaxation
from gnomon.algebra.relaxation.forms import Origin
from gnomon.algebra.relaxation.linear_relaxation import Settings
from gnomon.algebra.relaxation.origins import Leaf, Mapped, Reshaped
from gnomon.algebra.rounded.relaxed.losses import floor, most
from gnomon.algebra.rounded.relaxed.record import enclosure, fresh, record
from gnomon.algebra.rounded.relaxed.steps import Affine, Lossy, box_node, step_noise
from gnomon.algebra.rounded.relaxed.value import RoundedRelaxed
from gnomon.algebra.rounding import Deployed, gamma, up
from gnomon.algebra.value import Rule
from gnomon.algebra.views import apart
from gnomon.errors import UnsupportedOperationError

_POOLING = ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "avg_pool1d", "avg_pool2d")
_REDUCING = ("cumsum", "mean", "sum")


def moved(name: str) -> Rule:
    """The rule of a function that moves or picks coordinates: `LinearRelaxation`'s is exact."""
    exact = LinearRelaxation.rules[name]

    def rule(x: RoundedRelaxed, *settings: Any, **named: Any) -> Any:
        return _wrapped(exact(_bare(x), *settings, **named), x)

    return rule


def repeated(name: str) -> Rule:
    """The rule of a function that may pick a coordinate several times.

    Their coefficients are then added, which is rounded.
    """
    exact = LinearRelaxation.rules[name]

    def rule(x: RoundedRelaxed, *settings: Any, **named: Any) -> Any:
        found = _wrapped(exact(_bare(x), *settings, **named), x)
        function = with_settings(name, settings, named)
        numbers = torch.arange(x.numel(), device=x.device).reshape(x.shape)
        terms = int(function(numbers).flatten().bincount(minlength=1).max())
        if terms > 1 and found.node.origin.parents:
            found.node.origin = _lossy(x, found.node.origin, function, terms)
        return found

    return rule


def averaged(name: str) -> Rule:
    """The rule of a function that adds coordinates of one example with fixed weights ≥ 0."""
    plain = LinearRelaxation.rules[name]

    def rule(x: RoundedRelaxed, *settings: Any, **named: Any) -> Any:
        found = plain(_bare(x), *settings, **named)
        if not isinstance(found, LinearRelaxation) or isinstance(found.node.origin, Leaf):
            return fresh(name, x, *settings, **named)
        box = enclosure(name, x, *settings, **named)
        function = with_settings(name, settings, named)
        apart = x.node.examples * (x.shape[1] if name in _POOLING else 1)
        # There and back no sum has more terms; a division comes on top.
        terms = 2 + max(x.numel(), box.numel()) // max(apart, 1)
        lost = x.level.extra(terms, _sizes(x, function, terms))
        step = _lossy(x, found.node.origin, function, terms, lost)
        return record(x, box, step, settled=x.node.independent)

    return rule


def pad(
    x: RoundedRelaxed, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Any:
    """The value with coordinates added at its borders."""
    if mode != "constant" or len(pad) // 2 >= x.ndim:
        return fresh("pad", x, pad, mode=mode, value=value)
    found = LinearRelaxation.rules["pad"](_bare(x), pad, mode=mode, value=value)
    function = partial(functional.pad, pad=tuple(pad), mode=mode, value=value)
    step = _lossy(x, found.node.origin, function, 1)
    box = enclosure("pad", x, pad, mode=mode, value=value)
    return record(x, box, step, settled=x.node.settled)


def joined(name: str) -> Rule:
    """The rule of `cat` or `stack`: values and tensors in a row."""
    exact = LinearRelaxation.rules[name]

    def rule(tensors: Sequence[Any], dim: int = 0) -> Any:
        first = next(each for each in tensors if isinstance(each, RoundedRelaxed))
        boxes = [_bare(_as_value(each, first)) for each in tensors]
        return _wrapped(exact(boxes, dim), first)

    return rule


def copied(name: str) -> Rule:
    """The rule of a function that changes at most the place: a value of its own."""

    def rule(x: RoundedRelaxed, *settings: Any, **named: Any) -> Any:
        box = enclosure(name, x, *settings, **named)
        here = box.lower.device == x.device
        return apart(x) if here else fresh(name, x, *settings, **named)

    return rule


def converted(
    x: RoundedRelaxed, device: torch.device | None = None, dtype: torch.dtype | None = None
) -> Any:
    """A conversion to float32 or float64, which to an execution is one more rounding."""
    moved = x if device is None else copied("to")(x, device=device)
    return moved if dtype is None else _kept_in(moved, dtype)


def _kept_in(x: RoundedRelaxed, dtype: torch.dtype) -> RoundedRelaxed:
    if not isinstance(x.level, Deployed):
        return x
    level = x.level.kept_in(dtype)
    if level.unit < x.level.unit:
        return RoundedRelaxed(x.node, x.settings, level)
    box = Interval.computed(*kept_in(x.rounded, dtype).parts, nonnegative=x.rounded.nonnegative)
    loss = level.extra(1, up(most(x.node.interval)))
    step = Affine((x.node,), (lambda rows: rows,), step_noise([loss], None, x.node.examples))
    found = record(x, box, step, settled=x.node.settled, independent=x.node.independent)
    return RoundedRelaxed(found.node, x.settings, level)


def _bare(x: RoundedRelaxed) -> LinearRelaxation:
    """The node, for rules that do not compute; they are not to look for better bounds."""
    return LinearRelaxation(x.node, Settings("interval", x.settings.budget))


def _wrapped(found: Any, like: RoundedRelaxed) -> Any:
    """What such a rule found; a box of which it forgot the origin begins a new expression."""
    if isinstance(found, tuple | list):
        return tuple(_wrapped(each, like) for each in found)
    if not isinstance(found, LinearRelaxation):
        return found
    node = found.node
    if isinstance(node.origin, Leaf):
        node = box_node(node.interval)
    elif node is not like.node and not isinstance(node.origin, Mapped | Reshaped):
        raise UnsupportedOperationError(
            "RoundedRelaxed: expected a step that moves coordinates, got "
            f"{type(node.origin).__name__}, whose rounding is not accounted for."
        )
    return RoundedRelaxed(node, like.settings, like.level)


def _lossy(
    x: RoundedRelaxed,
    step: Origin,
    function: Callable[[Tensor], Tensor],
    terms: int,
    lost: Tensor | None = None,
) -> Lossy:
    """The step of an affine function with weights ≥ 0; at most `terms` of them in a sum."""
    loss = up(_sizes(x, function, terms) * gamma(terms + 4, x.precision))
    constant = function(torch.zeros_like(x.node.interval.lower))
    examples = x.node.examples
    below = floor(most(x.node.interval), examples, terms + 4)
    losses = [loss] if lost is None else [loss, lost]
    return Lossy(step, step_noise(losses, constant, examples, below))


def _sizes(x: RoundedRelaxed, function: Callable[[Tensor], Tensor], terms: int) -> Tensor:
    """F(|h|), rounded up."""
    found = function(most(x.node.interval)) * (1 + 2 * gamma(terms + 4, x.precision))
    return up(up(found.abs()) + terms * torch.finfo(x.precision).tiny)


def _as_value(value: Any, like: RoundedRelaxed) -> RoundedRelaxed:
    if isinstance(value, RoundedRelaxed):
        return value
    box = as_interval(value, like.rounded)
    plain = Interval.computed(*box.parts, nonnegative=box.nonnegative)
    return RoundedRelaxed(box_node(plain), like.settings, like.level)


STRUCTURAL: dict[str, Rule] = {
    **{name: moved(name) for name in (*RESHAPING, *PERMUTING, *PICKING)},
    **{name: repeated(name) for name in REPEATING},
    **{name: averaged(name) for name in (*_POOLING, *_REDUCING)},
    "to": converted,
    **{name: copied(name) for name in ("clone", "contiguous")},
    **{name: joined(name) for name in ("cat", "stack")},
    "pad": pad,
    **CHOOSING,
    **DROPOUT,
}
