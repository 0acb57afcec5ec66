"""Dual numbers of intervals: the range of a function of one variable, and of its slope."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gnomon.activations import Activation, Profile
from gnomon.algebra.functions import with_settings
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.names import COPYING, MOVING
from gnomon.algebra.profiles import CURVED, PROFILES
from gnomon.algebra.slope_ranges import slope_range
from gnomon.algebra.value import Rule, Value
from gnomon.errors import UnsupportedOperationError

_LINEAR = (*MOVING, *COPYING, "mean", "neg", "sum", "to")
"""Functions of one value that are linear in it: they do to slopes what they do to values."""


class Dual(Value):
    """A function g(t) of one variable in an interval: the ranges of g and of g'.

    It is forward differentiation in interval arithmetic: the slope's range holds g' wherever it
    exists, and (g(s) − g(t)) / (s − t) for all s ≠ t. Every coordinate is a function of its own
    variable. Ranges are true in exact arithmetic.

    Args:
        value: the range of g.
        slope: the range of g'.

    >>> from gnomon.algebra import Interval
    >>> from gnomon.algebra.dual import Dual
    >>> t = Interval(torch.zeros(1), torch.ones(1))
    >>> square = Dual(t, Interval.point(torch.ones(1))) ** 2
    >>> square.slope
    Interval(shape=(1,), lower=tensor([0.]), upper=tensor([2.]))
    """

    precedence = 1

    def __init__(self, value: Interval, slope: Interval) -> None:
        self.value, self.slope = value, slope

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The bounds of the value."""
        return self.value.parts


def _rule(name: str, *args: Any, **named: Any) -> Any:
    return Interval.rules[name](*args, **named)


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Dual) else x


def _through(x: Dual, value: Interval, slope: Interval) -> Dual:
    """The chain rule: a function of x with these ranges of its value and its slope."""
    return Dual(value, _rule("mul", slope, x.slope))


def _added(x: Any, y: Any, *, alpha: float | int = 1) -> Dual:
    value = _rule("add", _value(x), _value(y), alpha=alpha)
    if not isinstance(y, Dual):
        return Dual(value, _spread(x.slope, value))
    slope = y.slope if alpha == 1 else _rule("mul", y.slope, alpha)
    return Dual(
        value, _rule("add", x.slope, slope) if isinstance(x, Dual) else _spread(slope, value)
    )


def _subtracted(x: Any, y: Any, *, alpha: float | int = 1) -> Dual:
    return _added(x, -y, alpha=alpha)


def _multiplied(x: Any, y: Any) -> Dual:
    """The product rule, x'y + x y'."""
    value = _rule("mul", _value(x), _value(y))
    terms = [
        _rule("mul", one.slope, _value(other))
        for one, other in ((x, y), (y, x))
        if isinstance(one, Dual)
    ]
    return Dual(value, terms[0] if len(terms) == 1 else _rule("add", *terms))


def _divided(x: Any, y: Any) -> Dual:
    if isinstance(y, Dual):
        return _multiplied(x, _reciprocal(y))
    return Dual(_rule("div", x.value, y), _rule("div", x.slope, y))


def _reciprocal(x: Dual) -> Dual:
    value = _rule("reciprocal", x.value)
    return _through(x, value, -_rule("square", value))


def _power(x: Dual, exponent: float | int) -> Dual:
    value = _rule("pow", x.value, exponent)
    if exponent == 1:
        return Dual(value, x.slope)
    return _through(x, value, _rule("mul", _rule("pow", x.value, exponent - 1), exponent))


def _logarithm(x: Dual) -> Dual:
    return _through(x, _rule("log", x.value), _rule("reciprocal", x.value))


def _root(x: Dual) -> Dual:
    value = _rule("sqrt", x.value)
    return _through(x, value, _rule("reciprocal", 2 * value))


def _extreme(name: str) -> Rule:
    """The rule of maximum or minimum: the slope of the one that is chosen, or of either."""

    def rule(x: Any, y: Any) -> Dual:
        like = x.value if isinstance(x, Dual) else y.value
        x, y = (_constant(each, like) for each in (x, y))
        first, second = (y, x) if name == "minimum" else (x, y)
        above = first.value.lower >= second.value.upper
        below = first.value.upper <= second.value.lower
        pairs = (
            (x.slope.lower, y.slope.lower, torch.minimum),
            (x.slope.upper, y.slope.upper, torch.maximum),
        )
        ends = [
            torch.where(above, one, torch.where(below, two, either(one, two)))
            for one, two, either in pairs
        ]
        return Dual(_rule(name, x.value, y.value), Interval.computed(*ends))

    return rule


def _linear(name: str) -> Rule:
    def rule(x: Dual, *settings: Any, **named: Any) -> Any:
        value = _rule(name, x.value, *settings, **named)
        slope = _rule(name, x.slope, *settings, **named)
        if isinstance(value, tuple):
            return tuple(Dual(*pair) for pair in zip(value, slope, strict=True))
        return Dual(value, slope)

    return rule


def _matrix(x: Any, y: Any) -> Dual:
    if isinstance(x, Dual) and isinstance(y, Dual):
        raise _missing("matmul of two values")
    pair = (_rule("matmul", _value(x), _value(y)), x.slope if isinstance(x, Dual) else x)
    return Dual(pair[0], _rule("matmul", pair[1], y.slope if isinstance(y, Dual) else y))


def _joined(name: str) -> Rule:
    def rule(tensors: Any, dim: int = 0) -> Dual:
        like = next(each.value for each in tensors if isinstance(each, Dual))
        duals = [_constant(each, like) for each in tensors]
        parts = ([each.value for each in duals], [each.slope for each in duals])
        return Dual(*(_rule(name, part, dim) for part in parts))

    return rule


def _named(name: str) -> Rule:
    """The rule of a torch function, by its facts."""

    def rule(x: Dual, *settings: Any, **named: Any) -> Dual:
        profile = PROFILES[name](*settings, **named)
        value = _rule(name, x.value, *settings, **named)
        if profile is None or not profile.bends or profile.slack:
            raise _missing(name)
        return _through(
            x, value, slope_range(with_settings(name, settings, named), profile, x.value)
        )

    return rule


def _prelu(x: Dual, weight: Any) -> Dual:
    """The slope is 1 above 0, w below, and anything between around 0."""
    weight = _constant(weight, x.value).value
    shape = (-1, *[1] * (x.ndim - 2)) if weight.numel() > 1 else ()
    low, high = (end.reshape(shape) for end in weight.parts)
    one, box = torch.ones_like(x.value.lower), x.value
    ends = [
        torch.where(
            box.lower >= 0, one, torch.where(box.upper <= 0, end * one, either(end, one))
        )
        for end, either in ((low, torch.minimum), (high, torch.maximum))
    ]
    return _through(x, _rule("prelu", x.value, weight), Interval.computed(*ends))


def _activation(function: Activation, x: Dual) -> Any:
    """The rule of activations: by facts, or by the formula where none are stated."""
    profile: Profile | None = None if function.varying() else function.profile()
    if profile is None:
        return function.formula(x)
    return _through(
        x, _rule("activation", function, x.value), slope_range(function, profile, x.value)
    )


def _constant(x: Any, like: Interval) -> Dual:
    """The value, or a function that does not vary."""
    if isinstance(x, Dual):
        return x
    value = x if isinstance(x, Interval) else like.like(x)
    return Dual(value, Interval.point(torch.zeros_like(value.lower)))


def _spread(slope: Interval, value: Interval) -> Interval:
    """The slope in the shape of the value, where a constant made that larger."""
    return slope if slope.shape == value.shape else slope.each(torch.broadcast_to, value.shape)


def _missing(name: str) -> UnsupportedOperationError:
    return UnsupportedOperationError(
        f"Dual: expected operations whose slopes are known, got {name}. State the facts of the "
        "activation function in its profile()."
    )


_OTHERS: dict[str, Callable[..., Any]] = {
    "activation": _activation,
    "add": _added,
    "cat": _joined("cat"),
    "div": _divided,
    "log": _logarithm,
    "matmul": _matrix,
    "maximum": _extreme("maximum"),
    "minimum": _extreme("minimum"),
    "mul": _multiplied,
    "pow": _power,
    "prelu": _prelu,
    "reciprocal": _reciprocal,
    "sqrt": _root,
    "square": lambda x: _power(x, 2),
    "stack": _joined("stack"),
    "sub": _subtracted,
}

Dual.rules = {
    **{name: _named(name) for name in CURVED},
    **{name: _linear(name) for name in _LINEAR},
    **_OTHERS,
}
