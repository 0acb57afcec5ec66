"""Rules of functions of one coordinate: they are relaxed to two lines."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gnomon.activations import Activation, LeakyReLU, Profile, ReLU
from gnomon.algebra.accuracy import executed
from gnomon.algebra.functions import with_settings
from gnomon.algebra.interval import Interval
from gnomon.algebra.profiles import CURVED, PROFILES
from gnomon.algebra.relaxation.lines import Lines
from gnomon.algebra.rounded.relaxed.lines import rounded_enclosing, rounded_rectified
from gnomon.algebra.rounded.relaxed.losses import most
from gnomon.algebra.rounded.relaxed.record import enclosure, fresh, record
from gnomon.algebra.rounded.relaxed.steps import bent
from gnomon.algebra.rounded.relaxed.value import RoundedRelaxed
from gnomon.algebra.rounded.rounded_interval import as_rounded
from gnomon.algebra.rounding import up
from gnomon.algebra.value import Rule

_OTHERS = {"abs", "exp", "leaky_relu", "pow", "relu", "square"}
"""Functions with rules of their own, and those whose slope is not below 2."""


def activation(function: Activation, x: RoundedRelaxed) -> RoundedRelaxed:
    """An activation function, between lines that its curvature gives; level ones if unknown."""
    if function.varying():
        return fresh("activation", function, x)
    if type(function) in {ReLU, LeakyReLU}:
        slope = function.slope if isinstance(function, LeakyReLU) else 0.0
        return _kinked(x, "activation", slope, (function, x))
    return _smooth(x, function, function.profile(), "activation", (function, x), {})


def named(name: str) -> Rule:
    """The rule of a torch function of one coordinate."""

    def rule(x: RoundedRelaxed, *settings: Any, **given: Any) -> Any:
        function = with_settings(name, settings, given)
        profile = PROFILES[name](*settings, **given)
        return _smooth(x, function, profile, name, (x, *settings), given)

    return rule


def relu(x: RoundedRelaxed) -> RoundedRelaxed:
    """max(0, x)."""
    return _kinked(x, "relu", 0.0, (x,))


def absolute(x: RoundedRelaxed) -> RoundedRelaxed:
    """|x|."""
    return _kinked(x, "abs", -1.0, (x,))


def leaky_relu(x: RoundedRelaxed, negative_slope: float = 0.01) -> RoundedRelaxed:
    """X for x ≥ 0, slope · x below."""
    return _kinked(x, "leaky_relu", negative_slope, (x, negative_slope))


def prelu(x: Any, weight: Any) -> Any:
    """X for x ≥ 0, w x below, one slope w for each channel or for all; it may be a box.

    Below 0, the largest w is the lowest of the functions in the box, and the smallest the
    highest.
    """
    if not isinstance(x, RoundedRelaxed) or isinstance(weight, RoundedRelaxed):
        return fresh("prelu", x, weight)
    given = as_rounded(weight, x.rounded)
    shape = (-1, *[1] * (x.ndim - 2)) if given.numel() > 1 else ()
    box = x.operand(_holds_zero(x.node.interval))
    ends = [end.reshape(shape) for end in given.parts]
    above, below = (rounded_rectified(end, box) for end in ends)
    lines = Lines(below.lower_slope, below.lower_offset, above.upper_slope, above.upper_offset)
    steep = given.magnitude.reshape(shape)
    return _recorded(x, enclosure("prelu", x, weight), lines, _missed(x, steep, box))


def _kinked(
    x: RoundedRelaxed, name: str, slope: float, args: tuple[Any, ...]
) -> RoundedRelaxed:
    """A function with a kink at 0: only where an interval holds it, bounds are worth work."""
    box = x.operand(_holds_zero(x.node.interval))
    low = box.lower
    kept = torch.full((), slope, dtype=low.dtype, device=low.device)
    lines = rounded_rectified(slope if slope <= 1 else kept, box)
    lost = torch.zeros_like(low)
    if slope not in {0.0, 1.0, -1.0}:
        rest = abs(slope - float(kept))
        lost = up(_missed(x, kept.abs(), box) + up(up(low.abs() * rest)))
    return _recorded(x, enclosure(name, *args), lines, lost)


def _smooth(
    x: RoundedRelaxed,
    function: Callable[[Tensor], Tensor],
    curvature: Profile | None,
    name: str,
    args: tuple[Any, ...],
    given: dict[str, Any],
) -> RoundedRelaxed:
    if curvature is None or not curvature.bends or curvature.evaluation is None:
        return fresh(name, *args, **given)
    box = x.operand()
    values = enclosure(name, *args, **given)
    lines = rounded_enclosing(function, curvature, box, values)
    lost = executed(curvature.evaluation, x.level, (box.lower, box.upper), most(values))
    return _recorded(
        x, values, lines, torch.zeros_like(box.lower) if lost is None else up(lost)
    )


def _recorded(x: RoundedRelaxed, box: Interval, lines: Lines, lost: Tensor) -> RoundedRelaxed:
    node = x.node
    step = bent(node, lines, lost)
    return record(x, box, step, settled=node.settled, independent=node.independent)


def _missed(x: RoundedRelaxed, slope: Tensor, box: Interval) -> Tensor:
    """What an execution misses slope · x by, where x < 0: its slope is rounded, too."""
    return x.level.extra(3, up(slope * box.lower.clamp_max(0).abs()))


def _holds_zero(box: Interval) -> Tensor:
    return (box.lower < 0) & (box.upper > 0)


POINTWISE: dict[str, Rule] = {
    "activation": activation,
    **{name: named(name) for name in sorted(set(CURVED) - _OTHERS)},
    "abs": absolute,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "prelu": prelu,
}
