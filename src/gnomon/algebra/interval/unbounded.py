"""Intervals without finite bounds: 0 · ∞ = 0, and ∞ only where it can be reached."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.interval.interval import Interval, infinite
from gnomon.algebra.value import Rule

_REACHING = {"div", "exp", "log"}
"""Functions with infinite values at finite arguments, or at large ones in floating point.

Bounds that are rounded outwards are not marked: nothing makes an infinite one finite again.
"""


def heeding(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """The rules; their results are marked as unbounded where an argument was, or they are."""
    return {name: _heeding(rule, name in _REACHING) for name, rule in rules.items()}


def collapsed(box: Interval) -> Interval:
    """The box with every infinite end moved to the other end, or to 0 where both are infinite.

    A bound of a product that is finite is attained at the ends that stay.
    """
    zero = torch.zeros_like(box.lower)
    low, high = box.lower.isfinite(), box.upper.isfinite()
    lower = torch.where(low, box.lower, torch.where(high, box.upper, zero))
    upper = torch.where(high, box.upper, torch.where(low, box.lower, zero))
    return Interval.computed(lower, upper, nonnegative=box.nonnegative)


def reaching(
    multiply: Callable[[Tensor, Tensor], Tensor], x: Interval, w: Interval
) -> tuple[Tensor, Tensor]:
    """Masks of the outputs of a sum of products that reach −∞, and that reach ∞.

    A term does where one factor has an infinite end and the other a member other than 0 of the
    right sign; the sum of 0s and 1s counts such terms. NaN is taken as infinite.
    """
    down, up = _signs(x), _signs(w)
    falling = ((down[0], up[3]), (down[1], up[2]), (down[3], up[0]), (down[2], up[1]))
    rising = ((down[1], up[3]), (down[0], up[2]), (down[3], up[1]), (down[2], up[0]))
    lows, highs = ([multiply(a, b) for a, b in pairs] for pairs in (falling, rising))
    return sum(lows[1:], lows[0]) > 0.5, sum(highs[1:], highs[0]) > 0.5


def opened(box: Interval, down: Tensor, up: Tensor) -> Interval:
    """The box without a lower or an upper bound where it has none."""
    lower = box.lower.masked_fill(down, -torch.inf)
    upper = box.upper.masked_fill(up, torch.inf)
    return Interval.computed(lower, upper, nonnegative=box.nonnegative, unbounded=True)


def times(a: Tensor, b: Tensor) -> Tensor:
    """The coordinatewise product of ends, with 0 · ∞ = 0."""
    nothing = (a == 0) | (b == 0)
    first, second = (end.masked_fill(nothing & ~end.isfinite(), 0) for end in (a, b))
    return first * second


def _heeding(rule: Rule, reaching: bool) -> Rule:
    @wraps(rule)
    def heeded(*args: Any, **named: Any) -> Any:
        outcome = rule(*args, **named)
        results = outcome if isinstance(outcome, tuple) else (outcome,)
        if _any_unbounded((*args, *named.values())):
            for result in results:
                result.unbounded = True
        elif reaching:
            for result in results:
                result.unbounded = not result.arithmetic.outwards and infinite(*result.parts)
        return outcome

    return heeded


def _any_unbounded(arguments: Any) -> bool:
    return any(
        each.unbounded
        if isinstance(each, Interval)
        else isinstance(each, list | tuple) and _any_unbounded(each)
        for each in arguments
    )


def _signs(box: Interval) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where it has no lower bound, no upper bound, negative members, positive members."""
    low, high = box.lower, box.upper
    facts = (~(low > -torch.inf), ~(high < torch.inf), ~(low >= 0), ~(high <= 0))
    first, second, third, fourth = (fact.to(low.dtype) for fact in facts)
    return first, second, third, fourth
