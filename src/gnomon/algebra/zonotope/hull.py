"""Operations without an affine rule: they go through the rule of intervals, soundly."""

from collections.abc import Callable
from typing import Any

from gnomon.algebra.interval import Interval
from gnomon.algebra.zonotope.zonotope import Zonotope


def hulled(name: str) -> Callable[..., Any]:
    """The rule of a function by its interval rule.

    The result is a box: what its coordinates have in common with each other and with earlier
    values is forgotten.
    """

    def rule(*args: Any, **named: Any) -> Any:
        return through_intervals(name, *args, **named)

    return rule


def through_intervals(name: str, *args: Any, **named: Any) -> Any:
    """The function of the bounds of every affine argument."""
    found = [each for each in _flat((*args, *named.values())) if isinstance(each, Zonotope)]
    result = Interval.rules[name](
        *(_bounds(each) for each in args),
        **{key: _bounds(each) for key, each in named.items()},
    )
    if isinstance(result, tuple):
        return tuple(found[0].enclosed(each) for each in result)
    return found[0].enclosed(result)


def _bounds(argument: Any) -> Any:
    if isinstance(argument, Zonotope):
        return argument.interval
    if isinstance(argument, list | tuple):
        return type(argument)(_bounds(each) for each in argument)
    return argument


def _flat(arguments: Any) -> list[Any]:
    """The arguments, with those inside sequences."""
    found: list[Any] = []
    for each in arguments:
        found += _flat(each) if isinstance(each, list | tuple) else [each]
    return found
