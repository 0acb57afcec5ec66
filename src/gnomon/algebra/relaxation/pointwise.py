"""Rules of functions of one coordinate: they are relaxed to two lines."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from gnomon.activations import Activation, LeakyReLU, ReLU
from gnomon.algebra.curvature import FUNCTIONS, Curvature, curvature_of
from gnomon.algebra.functions import with_settings
from gnomon.algebra.interval import Interval
from gnomon.algebra.interval.operands import as_interval
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation
from gnomon.algebra.relaxation.lines import Lines, enclosing, level, rectified
from gnomon.algebra.relaxation.losses import most
from gnomon.algebra.relaxation.recording import fresh, relaxed
from gnomon.algebra.rounded.accuracy import Called, executed
from gnomon.algebra.rounded.pointwise import called_as, called_by
from gnomon.algebra.value import Rule


def activation(function: Activation, x: LinearRelaxation) -> LinearRelaxation:
    """An activation function, between lines that its curvature gives; level ones if unknown."""

    def values(box: Interval) -> Interval:
        return Interval.rules["activation"](function, box)

    if type(function) in {ReLU, LeakyReLU}:
        slope = function.slope if isinstance(function, LeakyReLU) else 0.0
        return _kinked(x, values, slope)
    return _smooth(x, function, curvature_of(function), values, partial(called_by, function))


def named(name: str) -> Rule:
    """The rule of a torch function of one coordinate."""

    def rule(x: LinearRelaxation, *settings: Any, **given: Any) -> LinearRelaxation:
        function = with_settings(name, settings, given)
        curvature = FUNCTIONS[name](*settings, **given)

        def values(box: Interval) -> Interval:
            return Interval.rules[name](box, *settings, **given)

        called = partial(called_as, name, *settings, **given)
        return _smooth(x, function, curvature, values, called)

    return rule


def relu(x: LinearRelaxation) -> LinearRelaxation:
    """max(0, x)."""
    return _kinked(x, Interval.rules["relu"], 0.0)


def leaky_relu(x: LinearRelaxation, negative_slope: float = 0.01) -> LinearRelaxation:
    """X for x ≥ 0, slope · x below."""
    if negative_slope == 0:
        return relu(x)
    values = partial(Interval.rules["leaky_relu"], negative_slope=negative_slope)
    return _kinked(x, values, negative_slope)


def prelu(x: Any, weight: Any) -> Any:
    """X for x ≥ 0, w x below, one slope w for each channel or for all; it may be a box.

    Below 0, the largest w is the lowest of the functions in the box, and the smallest the
    highest.
    """
    if not isinstance(x, LinearRelaxation) or isinstance(weight, LinearRelaxation):
        return fresh("prelu", x, weight)
    shape = (-1, *[1] * (x.ndim - 2)) if weight.numel() > 1 else ()
    values = partial(Interval.rules["prelu"], weight=weight)
    slopes = as_interval(weight, x.interval)
    ends = [end.reshape(shape) for end in slopes.ends]

    def relax(box: Interval) -> Lines:
        above, below = rectified(ends[0], box), rectified(ends[-1], box)
        return Lines(
            below.lower_slope, below.lower_offset, above.upper_slope, above.upper_offset
        )

    def missed(box: Interval, _: Interval) -> Tensor:
        return _missed_slope(box, slopes.magnitude.reshape(shape))

    if slopes.thin:
        return relaxed(x, values, partial(rectified, ends[0]), _bent, missed)
    return relaxed(x, values, relax, _bent, missed)


def _bent(known: Interval) -> Tensor:
    """Where an interval holds the kink at 0."""
    return (known.lower < 0) & (known.upper > 0)


def _kinked(
    x: LinearRelaxation, values: Callable[[Interval], Interval], slope: float
) -> LinearRelaxation:
    """A function with a kink at 0: only where an interval holds it, bounds are worth work."""

    def missed(box: Interval, _: Interval) -> Tensor | None:
        kept = box.lower.new_tensor(slope)
        if slope in {0.0, 1.0, -1.0}:
            return None
        up, rest = box.arithmetic.up, abs(slope - float(kept))
        return up(_missed_slope(box, kept.abs()) + up(up(box.lower.abs() * rest)))

    line = slope if slope <= 1 else x.interval.lower.new_tensor(slope)
    return relaxed(x, values, partial(rectified, line), _bent, missed)


def _smooth(
    x: LinearRelaxation,
    function: Callable[[Tensor], Tensor],
    curvature: Curvature | None,
    values: Callable[[Interval], Interval],
    called: Callable[[], Called],
) -> LinearRelaxation:
    """A function between lines that its curvature gives, or level ones."""
    if curvature is None:
        return relaxed(x, values, lambda box: level(values(box)))

    def missed(box: Interval, image: Interval) -> Tensor | None:
        return executed(called(), box.arithmetic.level, (box.lower, box.upper), most(image))

    relax = partial(enclosing, function, curvature, values=values)
    return relaxed(x, values, relax, missed=missed)


def _missed_slope(box: Interval, slope: Tensor) -> Tensor:
    """By how much executions miss slope · x, where x < 0: its slope is rounded, too."""
    arithmetic = box.arithmetic
    size = arithmetic.up(slope * box.lower.clamp_max(0).abs())
    return arithmetic.level.extra(3, size)


POINTWISE: dict[str, Rule] = {
    "activation": activation,
    **{name: named(name) for name in FUNCTIONS},
    "relu": relu,
    "leaky_relu": leaky_relu,
    "prelu": prelu,
}
