"""Notes a step of an expression: exactly, or as a fresh box where it has no relaxation."""

from collections.abc import Callable, Sequence
from typing import Any

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.forms import Node, Origin
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation
from gnomon.algebra.relaxation.lines import Lines
from gnomon.algebra.relaxation.origins import Activated, leaf
from gnomon.algebra.relaxation.settling import Undecided
from gnomon.algebra.value import Rule


def record(
    x: LinearRelaxation,
    box: Interval,
    origin: Origin,
    *,
    settled: bool = False,
    independent: bool = False,
) -> LinearRelaxation:
    """A value that came from x, with as many examples."""
    node = Node(box, origin, x.node.examples, settled=settled, independent=independent)
    return LinearRelaxation(node, x.settings)


def relaxed(
    x: LinearRelaxation,
    values: Callable[[Interval], Interval],
    relax: Callable[[Interval], Lines],
    undecided: Undecided | None = None,
    missed: object = None,
) -> LinearRelaxation:
    """The value of a function of each coordinate, between two lines."""
    del missed
    box, node = x.operand(undecided), x.node
    lines = relax(box)
    if node.interval.ndim == 4:  # as rows over images are kept
        lines = lines.map(lambda part: part.movedim(1, -1).contiguous().movedim(-1, 1))
    origin = Activated((node,), lines, values)
    return record(x, values(box), origin, settled=node.settled, independent=node.independent)


def fresh(name: str, *args: Any, **kwargs: Any) -> Any:
    """What intervals make of a function: its output is a box, and forgets where it came from.

    Operands are bounded by substitution backwards first. A result without axes, which has no
    examples, is an interval.
    """
    values = [
        each for each in _flat((*args, *kwargs.values())) if isinstance(each, LinearRelaxation)
    ]
    given = {key: _plain(each) for key, each in kwargs.items()}
    found = Interval.rules[name](*(_plain(each) for each in args), **given)
    return _box(found, values[0])


def starting_afresh(name: str) -> Rule:
    """The rule of a function without a relaxation."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        return fresh(name, *args, **kwargs)

    return rule


def _box(found: Any, like: LinearRelaxation) -> Any:
    if isinstance(found, tuple | list):
        return tuple(_box(each, like) for each in found)
    if not isinstance(found, Interval) or found.ndim == 0:
        return found
    return LinearRelaxation(leaf(found), like.settings)


def _plain(argument: Any) -> Any:
    """The argument with intervals in place of values of this algebra; new objects."""
    if isinstance(argument, LinearRelaxation):
        tight = argument.operand()
        return Interval.computed(*tight.parts, nonnegative=tight.nonnegative)
    if isinstance(argument, tuple | list) and not hasattr(argument, "_fields"):
        return type(argument)(_plain(each) for each in argument)
    return argument


def _flat(arguments: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for each in arguments:
        found += _flat(each) if isinstance(each, tuple | list) else [each]
    return found
