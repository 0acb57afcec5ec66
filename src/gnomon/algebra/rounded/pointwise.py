"""Functions of one coordinate: the rules of intervals whose rounding is enclosed."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from gnomon.activations import Activation
from gnomon.algebra.arithmetic import Outward
from gnomon.algebra.interval import Interval
from gnomon.algebra.interval.pointwise import POINTWISE as RULES
from gnomon.algebra.rounded.rounded_interval import RoundedInterval


def as_outward(x: RoundedInterval) -> Interval:
    """The same bounds as an interval that carries its arithmetic."""
    arithmetic = Outward(x.level, x.precision)
    made = Interval.computed(x.lower, x.upper, arithmetic=arithmetic, nonnegative=x.nonnegative)
    if x.thin:
        made.upper = made.lower
    return made


def _rule(name: str) -> Callable[..., RoundedInterval]:
    """The interval rule of this name, for values of this class."""

    def rule(*args: Any, **settings: Any) -> RoundedInterval:
        first = next(each for each in args if isinstance(each, RoundedInterval))
        box = RULES[name](*(_converted(each, first) for each in args), **settings)
        return RoundedInterval.computed(
            box.lower, box.upper, first.level, nonnegative=box.nonnegative
        )

    return rule


def _converted(argument: Any, beside: RoundedInterval) -> Any:
    if isinstance(argument, RoundedInterval):
        return as_outward(argument)
    if isinstance(argument, Activation) and argument.varying():
        return _with_intervals(argument)
    if isinstance(argument, Tensor):
        return as_outward(beside.lifted(argument))  # type: ignore[arg-type]
    return argument


def _with_intervals(function: Activation) -> Activation:
    """The activation with intervals that carry their arithmetic as coefficients."""
    for module in function.modules():
        vars(module).update(
            {
                name: as_outward(held)
                for name, held in vars(module).items()
                if isinstance(held, RoundedInterval)
            }
        )
    return function


POINTWISE = {name: _rule(name) for name in RULES if name != "softmax"}

activation, power, reciprocal, sqrt = (
    POINTWISE[name] for name in ("activation", "pow", "reciprocal", "sqrt")
)
