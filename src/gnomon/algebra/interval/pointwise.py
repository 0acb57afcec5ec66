"""Functions of one coordinate, by the facts that are known of them."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.activations import Activation, Evaluation, PReLU, Profile
from gnomon.algebra.accuracy import enclosed
from gnomon.algebra.functions import with_settings
from gnomon.algebra.interval.interval import Interval, infinite
from gnomon.algebra.profiles import PROFILES
from gnomon.algebra.subdivision import Formula
from gnomon.errors import UnsupportedOperationError

_NEAR = 1e-5
"""Relative distance by which rounding moves the step in torch's softplus at most."""


def activation(function: Activation, x: Any) -> Interval:
    """The exact range of an activation function over each coordinate's interval.

    Where coefficients vary and f is stated to rise or to fall in each of them, it is the range
    of the lowest and the highest function. Where facts are missing, they are found: the range
    is then hardly wider than the exact one (see `Formula`).
    """
    formula = Formula(function, x)
    x = formula.argument
    pair = function.envelope() if function.varying() else (function, function)
    profiles = [profile for each in pair or () if (profile := each.profile()) is not None]
    if not profiles or (x.arithmetic.outwards and not all(p.evaluation for p in profiles)):
        return formula.range(x)
    assert pair is not None
    lower, upper = extremes_of(pair[0].formula, profiles[0], x)
    if pair[0] is not pair[1]:
        upper = extremes_of(pair[1].formula, profiles[1], x)[1]
    return _enclosed(x, lower, upper, *profiles)


def over(function: Callable[[Tensor], Tensor], profile: Profile, x: Interval) -> Interval:
    """The exact range of a continuous function with these facts."""
    return _enclosed(x, *extremes_of(function, profile, x), profile)


def extremes_of(
    function: Callable[[Tensor], Tensor], profile: Profile, x: Interval
) -> tuple[Tensor, Tensor]:
    """The least and the greatest value of a function over each interval, as computed here.

    Between two neighbouring turning points the function rises or falls, so that its extremes
    lie at the ends of the interval or at a turning point in it; a turning point outside is
    replaced by the end next to it, which is tried anyway. A turning point t that was rounded is
    δ ≤ u |t| away from the true one, where the function differs by no more than
    sup |f''| δ² / 2, far below the error that is allowed for.
    """
    function = _with_limits(function) if x.unbounded else function
    first = function(x.lower)
    second = first if x.thin else function(x.upper)
    if profile.monotone or x.thin:
        return first, second
    lower, upper = first.minimum(second), first.maximum(second)
    for point in profile.beside(x.lower).turning_points:
        value = function(x.lower.clamp_min(point).minimum(x.upper))
        lower, upper = lower.minimum(value), upper.maximum(value)
    return lower, upper


def named(name: str) -> Callable[..., Interval]:
    """The rule of a torch function by its facts."""

    def rule(x: Interval, *settings: Any, **named: Any) -> Interval:
        profile = PROFILES[name](*settings, **named)
        assert profile is not None
        return over(with_settings(name, settings, named), profile, x)

    return rule


def prelu(x: Any, weight: Any) -> Interval:
    """The range of max(x, 0) + w min(x, 0), one slope w for each channel or for all."""
    return activation(PReLU.of(weight), x)


def power(x: Interval, exponent: float | int) -> Interval:
    """The range of x to a whole power ≥ 1, or to any power where x ≥ 0 is known.

    Raises:
        UnsupportedOperationError: another exponent; with `Outward`, also one that float32 does
            not hold: a power is not continuous in it uniformly.
    """
    whole = float(exponent).is_integer() and exponent >= 1
    held = float(torch.tensor(exponent, dtype=torch.float32)) == exponent
    if not (whole or (x.nonnegative and exponent > 0)) or not (
        held or not x.arithmetic.outwards
    ):
        raise UnsupportedOperationError(
            "Interval: expected a power 1, 2, 3, … or a base known to be ≥ 0 and an exponent "
            f"that float32 holds, got {exponent}."
        )
    profile = PROFILES["pow"](exponent)
    assert profile is not None
    profile = replace(profile, nonnegative=profile.nonnegative or x.nonnegative)
    return over(lambda v: v**exponent, profile, x)


def reciprocal(x: Interval) -> Interval:
    """The range of 1/x; everything where x may be 0."""
    apart = (x.lower > 0) | (x.upper < 0)
    infinity = torch.full_like(x.lower, torch.inf)
    # The safe denominator keeps gradients of the branch not taken finite.
    low = torch.where(apart, x.upper, torch.ones_like(x.upper)).reciprocal()
    high = torch.where(apart, x.lower, torch.ones_like(x.lower)).reciprocal()
    lower, upper = torch.where(apart, low, -infinity), torch.where(apart, high, infinity)
    result = enclosed(x, lower, upper, Evaluation("reciprocal"), nonnegative=False)
    result.unbounded = infinite(*result.parts)
    return result


def softplus(x: Interval, beta: float = 1.0, threshold: float = 20.0) -> Interval:
    """The range of log(1 + exp(beta x)) / beta, and of x where beta x is above the threshold.

    Torch switches to x there, which is a step down. Where an interval may hold the step, both
    of its sides are in the range; near it, rounding decides which of them is computed. With
    `Outward`, nothing is known where exp(beta x) overflows below a large threshold.

    Raises:
        UnsupportedOperationError: beta ≤ 0 with `Outward`.
    """
    if x.arithmetic.outwards and not beta > 0:
        raise UnsupportedOperationError(
            f"Interval: expected softplus with beta > 0, got {beta}. Write it as an activation "
            "function."
        )
    place = threshold / beta
    near = abs(place) * _NEAR if math.isfinite(place) else 0.0
    smooth = partial(functional.softplus, beta=beta, threshold=math.inf)
    whole = partial(functional.softplus, beta=beta, threshold=threshold)
    lower = whole(x.lower)
    upper = lower if x.thin else whole(x.upper)
    step = (x.lower <= place + near) & (x.upper >= place - near)
    first, last = x.lower.clamp_min(place - near), x.upper.clamp_max(place + near)
    lower = torch.where(step, lower.minimum(first).minimum(smooth(first)), lower)
    upper = torch.where(step, upper.maximum(last).maximum(smooth(last)), upper)
    largest = x.arithmetic.level.largest
    if x.arithmetic.outwards and math.isfinite(largest):
        lost = x.upper.clamp_max(place + near) * beta > math.log(largest) - 1
        lost &= x.lower <= place + near
        lower, upper = (torch.where(lost, torch.nan, end) for end in (lower, upper))
    evaluation = Evaluation("softplus", beta, 1 / beta)
    return enclosed(x, lower, upper, evaluation, nonnegative=threshold >= 0 and beta > 0)


def _enclosed(x: Interval, lower: Tensor, upper: Tensor, *profiles: Profile) -> Interval:
    """The range between computed values, by what is stated of how they are computed."""
    evaluations = [each.evaluation for each in profiles if each.evaluation is not None]
    nonnegative = all(each.nonnegative for each in profiles)
    return enclosed(x, lower, upper, *evaluations, nonnegative=nonnegative)


def _with_limits(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The function, at ±∞ by its limit where it is 0 · ∞ there, as x Φ(x) at −∞ is."""

    def limited(v: Tensor) -> Tensor:
        most, value = torch.finfo(v.dtype).max, function(v)
        return torch.where(value.isnan(), function(v.clamp(-most, most)), value)

    return limited


POINTWISE: dict[str, Callable[..., Any]] = {
    **{name: named(name) for name in PROFILES},
    "activation": activation,
    "prelu": prelu,
    "pow": power,
    "square": partial(power, exponent=2),
    "reciprocal": reciprocal,
    "softplus": softplus,
}
