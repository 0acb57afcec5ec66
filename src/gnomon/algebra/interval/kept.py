"""Rules that keep a ball of inputs: shifts, factors, and other shapes of each example."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.algebra.names import RESHAPING
from gnomon.algebra.value import Rule

_SHIFTS: dict[str, Callable[..., Tensor]] = {"add": torch.add, "sub": torch.sub}
_FACTORS: dict[str, Callable[..., Tensor]] = {"mul": torch.mul, "div": torch.div}
_KEEPING = (*RESHAPING, "clone", "contiguous")
"""They keep each example together, if their number stays."""


def keeping(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """The rules, of which those that can keep a ball do so; their bounds are the same."""
    kept = {name: _shifting(rules[name], function) for name, function in _SHIFTS.items()}
    kept |= {name: _scaling(rules[name], function) for name, function in _FACTORS.items()}
    kept |= {name: _reshaping(rules[name], getattr(Tensor, name)) for name in _KEEPING}
    return {**rules, **kept, "neg": _negating(rules["neg"])}


def _shifting(rule: Rule, function: Callable[..., Tensor]) -> Rule:
    """For c + s δ + t, and t − c − s δ: a ball is symmetric."""

    @wraps(rule)
    def shifted(x: Any, y: Any, **named: Any) -> Any:
        found = rule(x, y, **named)
        ball = _ball(x, y, found)
        if named or ball is None:
            return found
        first, second = (each.middle if each is ball else each for each in (x, y))
        return ball.moved(found, function(first, second), ball.scale)

    return shifted


def _scaling(rule: Rule, function: Callable[..., Tensor]) -> Rule:
    """For t c + t s δ, with a factor t for each coordinate or for all."""

    @wraps(rule)
    def scaled(x: Any, y: Any, **named: Any) -> Any:
        found = rule(x, y, **named)
        ball = _ball(x, y, found)
        if named or ball is None or (ball is y and function is torch.div):
            return found
        factor = y if ball is x else x
        return ball.moved(
            found, function(ball.middle, factor), function(ball.scale, factor).abs()
        )

    return scaled


def _negating(rule: Rule) -> Rule:
    @wraps(rule)
    def negated(x: Any) -> Any:
        found = rule(x)
        return x.moved(found, -x.middle, x.scale) if isinstance(x, NormBall) else found

    return negated


def _reshaping(rule: Rule, function: Callable[..., Tensor]) -> Rule:
    @wraps(rule)
    def reshaped(x: Any, *settings: Any, **named: Any) -> Any:
        found = rule(x, *settings, **named)
        if not isinstance(x, NormBall) or found.shape[:1] != x.shape[:1]:
            return found
        parts = (x.middle, x.scale.expand_as(x.middle))
        return x.moved(found, *(function(each, *settings, **named) for each in parts))

    return reshaped


def _ball(x: Any, y: Any, found: Interval) -> NormBall | None:
    """The one operand that is a ball, where the other is constant and the shape stays."""
    for ball, other in ((x, y), (y, x)):
        if isinstance(ball, NormBall) and not isinstance(other, Interval):
            return ball if found.shape == ball.shape else None
    return None
