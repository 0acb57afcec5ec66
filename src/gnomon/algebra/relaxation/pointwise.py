"""Rules of functions of one coordinate: they are relaxed to two lines."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gnomon.activations import Activation, LeakyReLU, ReLU
from gnomon.algebra.curvature import FUNCTIONS, curvature_of
from gnomon.algebra.functions import with_settings
from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation
from gnomon.algebra.relaxation.lines import Lines, enclosing, level, rectified
from gnomon.algebra.relaxation.origins import Activated
from gnomon.algebra.relaxation.record import fresh, record
from gnomon.algebra.relaxation.settling import Undecided
from gnomon.algebra.value import Rule

Relaxation = Callable[[Interval], Lines]


def activation(function: Activation, x: LinearRelaxation) -> LinearRelaxation:
    """An activation function, between lines that its curvature gives; level ones if unknown."""

    def values(box: Interval) -> Interval:
        return Interval.rules["activation"](function, box)

    if type(function) in {ReLU, LeakyReLU}:
        slope = function.slope if isinstance(function, LeakyReLU) else 0.0
        return _kinked(x, values, slope)
    curvature = curvature_of(function)
    if curvature is None:
        return _relaxed(x, values, lambda box: level(values(box)))
    return _relaxed(x, values, partial(enclosing, function, curvature))


def named(name: str) -> Rule:
    """The rule of a torch function of one coordinate."""

    def rule(x: LinearRelaxation, *settings: Any, **given: Any) -> LinearRelaxation:
        function = with_settings(name, settings, given)
        curvature = FUNCTIONS[name](*settings, **given)

        def values(box: Interval) -> Interval:
            return Interval.rules[name](box, *settings, **given)

        if curvature is None:
            return _relaxed(x, values, lambda box: level(values(box)))
        return _relaxed(x, values, partial(enclosing, function, curvature))

    return rule


def relu(x: LinearRelaxation) -> LinearRelaxation:
    """max(0, x)."""
    return leaky_relu(x, 0.0)


def leaky_relu(x: LinearRelaxation, negative_slope: float = 0.01) -> LinearRelaxation:
    """X for x ≥ 0, slope · x below."""
    values = partial(Interval.rules["leaky_relu"], negative_slope=negative_slope)
    if negative_slope == 0:
        values = Interval.rules["relu"]
    slope = negative_slope if negative_slope <= 1 else torch.tensor(negative_slope)
    return _kinked(x, values, slope)


def prelu(x: Any, weight: Any) -> Any:
    """X for x ≥ 0, w x below, one slope w for each channel or for all; it may be a box.

    Below 0, the largest w is the lowest of the functions in the box, and the smallest the
    highest.
    """
    if not isinstance(x, LinearRelaxation) or isinstance(weight, LinearRelaxation):
        return fresh("prelu", x, weight)
    shape = (-1, *[1] * (x.ndim - 2)) if weight.numel() > 1 else ()
    values = partial(Interval.rules["prelu"], weight=weight)
    if isinstance(weight, Tensor):
        return _kinked(x, values, weight.reshape(shape))
    ends = [end.reshape(shape) for end in weight.parts]

    def relax(box: Interval) -> Lines:
        above, below = (rectified(end, box) for end in ends)
        return Lines(
            below.lower_slope, below.lower_offset, above.upper_slope, above.upper_offset
        )

    return _relaxed(x, values, relax, _bent)


def _bent(known: Interval) -> Tensor:
    """Where an interval holds the kink at 0."""
    return (known.lower < 0) & (known.upper > 0)


def _kinked(
    x: LinearRelaxation, values: Callable[[Interval], Interval], slope: float | Tensor
) -> LinearRelaxation:
    """A function with a kink at 0: only where an interval holds it, bounds are worth work."""
    return _relaxed(x, values, partial(rectified, slope), _bent)


def _relaxed(
    x: LinearRelaxation,
    values: Callable[[Interval], Interval],
    relax: Relaxation,
    undecided: Undecided | None = None,
) -> LinearRelaxation:
    box, node = x.operand(undecided), x.node
    lines = relax(box)
    if node.interval.ndim == 4:  # as rows over images are kept
        lines = lines.map(_channels_last)
    origin = Activated((node,), lines, values)
    return record(x, values(box), origin, settled=node.settled, independent=node.independent)


def _channels_last(value: Tensor) -> Tensor:
    return value.movedim(1, -1).contiguous().movedim(-1, 1)


POINTWISE: dict[str, Rule] = {
    "activation": activation,
    **{name: named(name) for name in FUNCTIONS},
    "relu": relu,
    "leaky_relu": leaky_relu,
    "prelu": prelu,
}
