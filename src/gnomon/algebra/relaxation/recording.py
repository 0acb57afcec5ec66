"""Records a step of an expression, or a box where an operation has no relaxation."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.backward_steps import Activated
from gnomon.algebra.relaxation.forms import Node, Origin
from gnomon.algebra.relaxation.intermediate_bounds import Undecided
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation
from gnomon.algebra.relaxation.lines import Lines
from gnomon.algebra.relaxation.losses import Noise
from gnomon.algebra.relaxation.noise import leaf, lines_noise
from gnomon.algebra.value import Rule


def record(
    x: LinearRelaxation,
    box: Interval,
    origin: Origin,
    *,
    settled: bool = False,
    independent: bool = False,
    noise: Noise | None = None,
) -> LinearRelaxation:
    """A value that came from x, with as many examples.

    Args:
        x: the value.
        box: bounds of the new one, in its arithmetic.
        origin: how it came from x.
        settled: as in `Node`; so are the others.
        independent: whether the coordinates vary independently.
        noise: of the step.
    """
    node = Node(
        box, origin, x.node.examples, settled=settled, independent=independent, noise=noise
    )
    return LinearRelaxation(node, x.settings)


def relaxed(
    x: LinearRelaxation,
    values: Callable[[Interval], Interval],
    relax: Callable[[Interval], Lines],
    undecided: Undecided | None = None,
    missed: Callable[[Interval, Interval], Tensor | None] | None = None,
) -> LinearRelaxation:
    """The value of a function of each coordinate, between two lines.

    Args:
        x: the argument.
        values: bounds of the function's values over an interval.
        relax: the lines around the function over an interval, true for the numbers that they
            are.
        undecided: which coordinates of x are worth better bounds.
        missed: by how much executions can miss the function, of the interval and its values.
    """
    box, node = x.operand(undecided), x.node
    lines, image, noise = relax(box), values(box), None
    if image.arithmetic.outwards:
        lost = None if missed is None else missed(box, image)
        lines, noise = lines_noise(node, lines, lost, image.arithmetic)
    if node.interval.ndim == 4:  # as rows over images are kept
        lines = lines.map(_channels_last)
    kept = {"settled": node.settled, "independent": node.independent}
    return record(x, image, Activated((node,), lines, values), noise=noise, **kept)


def _channels_last(value: Tensor) -> Tensor:
    return value.movedim(1, -1).contiguous().movedim(-1, 1)


def fresh(name: str, *args: Any, **kwargs: Any) -> Any:
    """Applies the rule of intervals: the output is a box, and forgets where it came from.

    Operands are bounded by substitution backwards first. A result without axes, which has no
    examples, is an interval.
    """
    values = [
        each for each in _flat((*args, *kwargs.values())) if isinstance(each, LinearRelaxation)
    ]
    named = {key: _plain(each) for key, each in kwargs.items()}
    result = Interval.rules[name](*(_plain(each) for each in args), **named)
    restarts = frozenset({name}).union(*(each.node.restarts for each in values))
    return _box(result, values[0], restarts)


def starting_afresh(name: str) -> Rule:
    """The rule of a function without a relaxation."""

    def rule(*args: Any, **kwargs: Any) -> Any:
        return fresh(name, *args, **kwargs)

    return rule


def _box(result: Any, like: LinearRelaxation, restarts: frozenset[str]) -> Any:
    if isinstance(result, tuple | list):
        return tuple(_box(each, like, restarts) for each in result)
    if not isinstance(result, Interval) or result.ndim == 0:
        return result
    return LinearRelaxation(leaf(result, restarts), like.settings)


def _plain(argument: Any) -> Any:
    """The argument with intervals in place of values of this algebra; new objects."""
    if isinstance(argument, LinearRelaxation):
        tight = argument.operand()
        return Interval.computed(
            *tight.parts, nonnegative=tight.nonnegative, arithmetic=tight.arithmetic
        )
    if isinstance(argument, tuple | list) and not hasattr(argument, "_fields"):
        return type(argument)(_plain(each) for each in argument)
    return argument


def _flat(arguments: Sequence[Any]) -> list[Any]:
    flat: list[Any] = []
    for argument in arguments:
        flat += _flat(argument) if isinstance(argument, tuple | list) else [argument]
    return flat
