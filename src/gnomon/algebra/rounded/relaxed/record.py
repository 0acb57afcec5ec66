"""Notes a step of an expression, or starts afresh where none is bounded."""

from collections.abc import Mapping, Sequence
from functools import wraps
from typing import Any

from torch import Tensor

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.forms import Node, Origin
from gnomon.algebra.rounded.relaxed.steps import box_node
from gnomon.algebra.rounded.relaxed.value import RoundedRelaxed
from gnomon.algebra.rounding import Level, coarser, level_of, safe_kernels
from gnomon.algebra.value import Rule
from gnomon.errors import UnsupportedOperationError


def record(
    x: RoundedRelaxed,
    box: Interval,
    origin: Origin,
    *,
    settled: bool = False,
    independent: bool = False,
) -> RoundedRelaxed:
    """A value that came from x, with as many examples."""
    node = Node(box, origin, x.node.examples, settled=settled, independent=independent)
    return RoundedRelaxed(node, x.settings, x.level)


def enclosure(name: str, *args: Any, **kwargs: Any) -> Any:
    """What rounded intervals make of a function of the bounds that are known so far."""
    return _plain(_enclosed(name, [_rounded(each) for each in args], kwargs))


def fresh(name: str, *args: Any, **kwargs: Any) -> Any:
    """What rounded intervals make of a function: its output is a box, and forgets its origin.

    Operands are bounded by substitution backwards first.
    """
    values = [each for each in _flat((*args, *kwargs.values())) if _is_value(each)]
    for each in values:
        each.operand()
    given = {key: _rounded(each) for key, each in kwargs.items()}
    return _boxes(_enclosed(name, [_rounded(each) for each in args], given), values[0])


def starting_afresh(name: str) -> Rule:
    """The rule of a function without a relaxation."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        return fresh(name, *args, **kwargs)

    return rule


def guarded(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """The rules, run with kernels whose errors are bounded, at the coarsest level of all."""

    def safe(rule: Rule) -> Rule:
        @wraps(rule)
        def run(*args: Any, **kwargs: Any) -> Any:
            with safe_kernels():
                level = _met(_level(args, kwargs), _flat((*args, *kwargs.values())))
                given = {key: _at(level, each) for key, each in kwargs.items()}
                return rule(*(_at(level, each) for each in args), **given)

        return run

    return {name: safe(rule) for name, rule in rules.items()}


def _enclosed(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    rule = Interval.rules.get(name)
    if rule is None:
        raise UnsupportedOperationError(
            f"RoundedRelaxed: expected an operation whose rounding is bounded, got {name!r}. "
            f"It knows {', '.join(sorted(Interval.rules))}."
        )
    return rule(*args, **kwargs)


def _rounded(argument: Any) -> Any:
    """The argument with rounded intervals in place of values of this algebra."""
    if isinstance(argument, RoundedRelaxed):
        return argument.rounded
    if isinstance(argument, tuple | list) and not hasattr(argument, "_fields"):
        return type(argument)(_rounded(each) for each in argument)
    return argument


def _plain(found: Any) -> Any:
    """The bounds alone."""
    if isinstance(found, tuple | list):
        return tuple(_plain(each) for each in found)
    return Interval.computed(*found.parts, nonnegative=found.nonnegative)


def _boxes(found: Any, like: RoundedRelaxed) -> Any:
    """Beginnings of new expressions; a result without axes of examples is an interval."""
    if isinstance(found, tuple | list):
        return tuple(_boxes(each, like) for each in found)
    if not isinstance(found, Interval) or found.ndim == 0:
        return found
    return RoundedRelaxed(box_node(_plain(found)), like.settings, found.arithmetic.level)


def _level(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Level:
    flat = _flat((*args, *kwargs.values()))
    return next(each.level for each in flat if isinstance(each, RoundedRelaxed))


def _at(level: Level, argument: Any) -> Any:
    """The argument, with values of this algebra that executions keep as the level says."""
    if isinstance(argument, RoundedRelaxed):
        same = argument.level == level
        return argument if same else RoundedRelaxed(argument.node, argument.settings, level)
    if isinstance(argument, tuple | list) and not hasattr(argument, "_fields"):
        return type(argument)(_at(level, each) for each in argument)
    return argument


def _met(level: Level, operands: list[Any]) -> Level:
    """The coarsest of a level and those of operands, as far as they fit."""
    for each in operands:
        if isinstance(each, Tensor):
            level = level_of(each, level)
        elif isinstance(each, RoundedRelaxed):
            level = coarser(level, each.level) or level
        elif isinstance(each, Interval):
            level = coarser(level, each.arithmetic.level) or level
    return level


def _is_value(each: Any) -> bool:
    return isinstance(each, RoundedRelaxed)


def _flat(arguments: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for each in arguments:
        found += _flat(each) if isinstance(each, tuple | list) else [each]
    return found
