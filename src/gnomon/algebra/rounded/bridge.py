"""Intervals whose arithmetic is `Outward`, by the rules of `RoundedInterval`."""

from collections.abc import Mapping
from functools import wraps
from typing import Any

from gnomon.algebra.arithmetic import Outward
from gnomon.algebra.interval import Interval
from gnomon.algebra.rounded.kept import met
from gnomon.algebra.rounded.rounded_interval import RoundedInterval
from gnomon.algebra.value import Rule
from gnomon.errors import UnsupportedOperationError


def bridged(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """The rules of intervals, where an operand's arithmetic is `Outward` those that round."""

    def over(name: str, rule: Rule) -> Rule:
        @wraps(rule)
        def run(*args: Any, **kwargs: Any) -> Any:
            flat = _flat((*args, *kwargs.values()))
            if not any(_outward(each) for each in flat):
                return rule(*args, **kwargs)
            rounded = RoundedInterval.rules.get(name)
            if rounded is None:
                raise UnsupportedOperationError(
                    f"Interval: expected an operation whose rounding is bounded, got {name!r}."
                )
            level = next(each.arithmetic.level for each in flat if _outward(each))
            level = met(level, [to_rounded(each) for each in flat])
            given = [_at(level, to_rounded(each)) for each in args]
            named = {key: _at(level, to_rounded(each)) for key, each in kwargs.items()}
            return from_rounded(rounded(*given, **named))

        return run

    return {name: over(name, rule) for name, rule in rules.items()}


def to_rounded(value: Any) -> Any:
    """An interval with outward arithmetic as a rounded one."""
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return type(value)(to_rounded(each) for each in value)
    if not _outward(value):
        return value
    made = RoundedInterval._made(  # noqa: SLF001
        value.lower, value.upper, value.arithmetic.level, nonnegative=value.nonnegative
    )
    vars(made).update({key: each for key, each in vars(value).items() if key == "_held"})
    return made


def from_rounded(value: Any) -> Any:
    """A rounded interval as one with outward arithmetic."""
    if isinstance(value, tuple | list):
        return tuple(from_rounded(each) for each in value)
    if not isinstance(value, RoundedInterval):
        return value
    arithmetic = Outward(value.level, value.lower.dtype)
    made = Interval.computed(value.lower, value.upper, arithmetic=arithmetic)
    made.upper = made.lower if value.thin else made.upper
    made.nonnegative = value.nonnegative
    vars(made).update({key: each for key, each in vars(value).items() if key == "_held"})
    return made


def _outward(value: Any) -> bool:
    return isinstance(value, Interval) and value.arithmetic.outwards


def _at(level: Any, value: Any) -> Any:
    return value.at(level) if isinstance(value, RoundedInterval) else value


def _flat(arguments: Any) -> list[Any]:
    result: list[Any] = []
    for each in arguments:
        result += _flat(each) if isinstance(each, tuple | list) else [each]
    return result


def lifted(self: Interval, given: Any) -> Any:
    """A set of parameters as this interval's arithmetic encloses it."""
    if not self.arithmetic.outwards:
        return given
    return from_rounded(to_rounded(self).lifted(to_rounded(given)))
