"""Functions of one coordinate, by the facts that are known of them."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Tanh,
)
from gnomon.algebra.interval.interval import Interval, extremes, infinite
from gnomon.algebra.interval.operands import together
from gnomon.errors import UnsupportedOperationError

_NEAR = 1e-5
"""Relative, and more than rounding moves the place where torch's softplus steps down."""


def activation(function: Activation, x: Interval) -> Interval:
    """The exact range of an activation function over each coordinate's interval.

    Between two neighbouring turning points the function rises or falls, so that its extremes
    lie at the ends of the interval or at a turning point in it; a turning point outside is
    replaced by the end next to it, which is tried anyway.
    """
    if function.monotone:
        lower, upper = function(x.lower), function(x.upper)
        return Interval.computed(lower, upper, nonnegative=function.nonnegative)
    return over(function, function.turning_points, x, nonnegative=function.nonnegative)


def over(
    function: Callable[[Tensor], Tensor],
    turning_points: tuple[float, ...],
    x: Interval,
    *,
    nonnegative: bool = False,
) -> Interval:
    """The exact range of a continuous function with these turning points."""
    function = _with_limits(function) if x.unbounded else function
    first, second = function(x.lower), function(x.upper)
    lower, upper = first.minimum(second), first.maximum(second)
    for point in turning_points:
        there = function(x.lower.clamp_min(point).minimum(x.upper))
        lower, upper = lower.minimum(there), upper.maximum(there)
    return Interval.computed(lower, upper, nonnegative=nonnegative)


def gelu(x: Interval, approximate: str = "none") -> Interval:
    """The range of x Φ(x), or of its approximation by tanh, which turns elsewhere."""
    if approximate == "none":
        return activation(GELU(), x)
    return over(partial(functional.gelu, approximate=approximate), (-0.7524614220710163,), x)


def leaky_relu(x: Interval, negative_slope: float = 0.01) -> Interval:
    """The range of max(x, 0) + slope · min(x, 0), for a slope of any sign."""
    return prelu(x, x.lower.new_tensor(negative_slope))


def prelu(x: Interval | Tensor, weight: Interval | Tensor) -> Interval:
    """The range of max(x, 0) + w min(x, 0), one slope w for each channel or for all.

    It is linear in w, and in x on either side of 0: its extremes lie where w is at an end and x
    at an end or at 0.
    """
    x, slopes = together(x, weight)
    shape = (-1, *[1] * (x.ndim - 2)) if weight.numel() > 1 else ()
    places = (x.lower, x.upper, x.lower.clamp_min(0).minimum(x.upper))
    ends = [
        place.clamp_min(0) + slope.reshape(shape) * place.clamp_max(0)
        for slope in slopes.parts
        for place in places
    ]
    return Interval.computed(*extremes(ends))


def power(x: Interval, exponent: float | int) -> Interval:
    """The range of x to a whole power ≥ 1, or to any power where x ≥ 0 is known."""
    whole = float(exponent).is_integer() and exponent >= 1
    if not whole and not (x.nonnegative and exponent > 0):
        raise UnsupportedOperationError(
            f"Interval: expected a power 1, 2, 3, … or a base known to be ≥ 0, got {exponent}."
        )
    turning = (0.0,) if whole and exponent % 2 == 0 else ()
    return over(lambda v: v**exponent, turning, x, nonnegative=bool(turning) or x.nonnegative)


def reciprocal(x: Interval) -> Interval:
    """The range of 1/x; everything where x may be 0."""
    apart = (x.lower > 0) | (x.upper < 0)
    infinity = torch.full_like(x.lower, torch.inf)
    # The safe denominator keeps gradients of the branch not taken finite.
    low = torch.where(apart, x.upper, torch.ones_like(x.upper)).reciprocal()
    high = torch.where(apart, x.lower, torch.ones_like(x.lower)).reciprocal()
    lower, upper = torch.where(apart, low, -infinity), torch.where(apart, high, infinity)
    return Interval.computed(lower, upper, unbounded=infinite(lower, upper))


def softplus(x: Interval, beta: float = 1.0, threshold: float = 20.0) -> Interval:
    """The range of log(1 + exp(beta x)) / beta, and of x where beta x is above the threshold.

    Torch switches to x there, which is a step down. Where an interval may hold the step, both
    of its sides are in the range.
    """
    place = threshold / beta
    near = abs(place) * _NEAR
    smooth = partial(functional.softplus, beta=beta, threshold=math.inf)
    sides = (place, float(smooth(torch.tensor(place, dtype=torch.float64))))
    ends = x.each(partial(functional.softplus, beta=beta, threshold=threshold))
    step = (x.lower <= place + near) & (x.upper >= place - near)
    return Interval.computed(
        torch.where(step, ends.lower.clamp_max(min(sides)), ends.lower),
        torch.where(step, ends.upper.clamp_min(max(sides)), ends.upper),
    )


def _catalogued(make: Callable[..., Activation]) -> Callable[..., Interval]:
    """The rule of a torch function that an activation of the catalogue also is."""

    def rule(x: Interval, *settings: Any, **named: Any) -> Interval:
        return activation(make(*settings, **named), x)

    return rule


def _turning(name: str, *points: float) -> Callable[..., Interval]:
    """The rule of a torch function with these turning points; without one, it never falls."""
    function = getattr(functional, {"log_sigmoid": "logsigmoid"}.get(name, name), None)
    function = function or getattr(torch, name)

    def rule(x: Interval, *settings: Any, **named: Any) -> Interval:
        given = partial(_applied, function, settings, named)
        if points:
            return over(given, points, x)
        result = x.each(_with_limits(given) if x.unbounded else given)
        result.nonnegative = False
        return result

    return rule


def _applied(
    function: Callable[..., Tensor], settings: tuple[Any, ...], named: dict[str, Any], v: Tensor
) -> Tensor:
    return function(v, *settings, **named)


def _with_limits(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The function, at ±∞ by its limit where it is 0 · ∞ there, as x Φ(x) at −∞ is."""

    def limited(v: Tensor) -> Tensor:
        most, value = torch.finfo(v.dtype).max, function(v)
        return torch.where(value.isnan(), function(v.clamp(-most, most)), value)

    return limited


POINTWISE = {
    "activation": activation,
    "relu": _catalogued(ReLU),
    "elu": _catalogued(ELU),
    "selu": _catalogued(SELU),
    "silu": _catalogued(SiLU),
    "mish": _catalogued(Mish),
    "tanh": _catalogued(Tanh),
    "sigmoid": _catalogued(Sigmoid),
    "gelu": gelu,
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "pow": power,
    "square": partial(power, exponent=2),
    "reciprocal": reciprocal,
    "softplus": softplus,
    "abs": _turning("abs", 0.0),
    "hardswish": _turning("hardswish", -1.5),
    **{
        name: _turning(name)
        for name in (
            "celu",
            "clamp",
            "clamp_max",
            "clamp_min",
            "erf",
            "exp",
            "hardsigmoid",
            "hardtanh",
            "log",
            "logsigmoid",
            "log_sigmoid",
            "relu6",
            "softsign",
            "sqrt",
            "tanhshrink",
        )
    },
}
