"""Rules that keep a ball of inputs: shifts, factors, and other shapes of each example."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from torch import Tensor

from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.algebra.interval.operands import as_interval
from gnomon.algebra.names import RESHAPING
from gnomon.algebra.value import Rule

_KEEPING = (*RESHAPING, "clone", "contiguous")
"""Functions that keep each example together, if their number stays."""


def keeping(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """The rules, of which those that can keep a ball do so; their bounds are the same."""
    kept = {name: _shifting(rules[name]) for name in ("add", "sub")}
    kept |= {name: _scaling(rules[name]) for name in ("mul", "div")}
    kept |= {name: _reshaping(rules[name], getattr(Tensor, name)) for name in _KEEPING}
    return {**rules, **kept, "neg": _negating(rules["neg"])}


def _shifting(rule: Rule) -> Rule:
    """The rule for c + s δ + t, and t − c − s δ: a ball is symmetric."""

    @wraps(rule)
    def shifted(x: Any, y: Any, **named: Any) -> Any:
        box = rule(x, y, **named)
        ball = _ball(x, y, box)
        if named or ball is None:
            return box
        return ball.moved(box, _moved(rule, x, y, ball, box), ball.scale)

    return shifted


def _scaling(rule: Rule) -> Rule:
    """The rule for t c + t s δ, with a factor t for each coordinate or for all."""

    @wraps(rule)
    def scaled(x: Any, y: Any, **named: Any) -> Any:
        box = rule(x, y, **named)
        ball = _ball(x, y, box)
        if named or ball is None or (ball is y and rule.__name__ == "div"):
            return box
        factor = as_interval(y if ball is x else x, box).idealised
        scale = rule(ball.core.idealised.like(ball.scale), factor).magnitude
        return ball.moved(box, _moved(rule, x, y, ball, box), scale)

    return scaled


def _negating(rule: Rule) -> Rule:
    @wraps(rule)
    def negated(x: Any) -> Any:
        box = rule(x)
        return x.moved(box, rule(x.core), x.scale) if isinstance(x, NormBall) else box

    return negated


def _reshaping(rule: Rule, function: Callable[..., Tensor]) -> Rule:
    @wraps(rule)
    def reshaped(x: Any, *settings: Any, **named: Any) -> Any:
        box = rule(x, *settings, **named)
        if not isinstance(x, NormBall) or box.shape[:1] != x.shape[:1]:
            return box
        scale = function(x.scale.expand_as(x.lower), *settings, **named)
        return x.moved(box, x.core.each(function, *settings, **named), scale)

    return reshaped


def _moved(rule: Rule, x: Any, y: Any, ball: NormBall, box: Interval) -> Interval:
    """The centre after a shift or factor, with what an execution misses of any member."""
    core = rule(
        *(
            ball.core.idealised if each is ball else as_interval(each, box).idealised
            for each in (x, y)
        )
    )
    if not box.arithmetic.executed:
        return core
    return core.at(box.arithmetic).settle(core.lower, core.upper, 3, box.magnitude)


def _ball(x: Any, y: Any, box: Interval) -> NormBall | None:
    """The one operand that is a ball, where the other is constant and the shape stays."""
    for ball, other in ((x, y), (y, x)):
        if isinstance(ball, NormBall) and not isinstance(other, Interval):
            return ball if box.shape == ball.shape else None
    return None
