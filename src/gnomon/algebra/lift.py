"""From sets of parameters to values of an algebra."""

from collections.abc import Mapping

from torch import Tensor

from gnomon.algebra.arithmetic import NEAREST, Arithmetic
from gnomon.algebra.interval import Ball, Exact, Interval, RelativeBox
from gnomon.algebra.value import Value
from gnomon.errors import UnsupportedOperationError
from gnomon.sets.parameters import TensorBall, TensorBox, TensorSet

Parameters = Mapping[str, Value | Tensor | TensorSet] | Mapping[str, TensorSet]
"""Values or tensors in place of parameters, by the names that `named_parameters` gives them."""


def lift(given: Value | Tensor | TensorSet, beside: Value | Tensor) -> Value | Tensor:
    """A box as an interval, a ball as a ball, in the arithmetic of the inputs.

    Args:
        given: a set, a value or a tensor in place of a parameter.
        beside: the inputs.

    Raises:
        UnsupportedOperationError: a set of another kind.
    """
    arithmetic: Arithmetic = getattr(beside, "arithmetic", NEAREST)
    if isinstance(given, TensorBox):
        return _box(given, arithmetic)
    if isinstance(given, TensorBall):
        return Ball(given.centre, given.radius, arithmetic)
    if isinstance(given, Interval) and arithmetic.outwards:
        return _outwards(given, arithmetic)
    if isinstance(given, Value | Tensor):
        return given
    raise UnsupportedOperationError(
        f"evaluate: expected boxes or balls of parameters, got {type(given).__name__}. Enclose "
        "it in one of these."
    )


def _box(given: TensorBox, arithmetic: Arithmetic) -> Interval:
    if given.share is not None and given.share <= 1:
        return RelativeBox(given.centre, given.share, arithmetic)
    if arithmetic.outwards:
        return Interval.around(given.centre, given.radius, arithmetic=arithmetic)
    return Interval.computed(given.lower, given.upper)


def _outwards(given: Interval, arithmetic: Arithmetic) -> Interval:
    """An interval with ordinary rounding as the set between its bounds, rounded outwards."""
    if given.arithmetic.outwards:
        return given
    if isinstance(given, Ball):
        return Ball(given.middle, given.reach, arithmetic)
    if isinstance(given, RelativeBox):
        return RelativeBox(given.middle, given.share, arithmetic)
    box = Interval(*given.parts, arithmetic=arithmetic, nonnegative=given.nonnegative)
    return Exact.of(box) if isinstance(given, Exact) else box


def exactly(
    parameters: Parameters, arithmetic: Arithmetic = NEAREST
) -> dict[str, Value | Tensor | TensorSet]:
    """The parameters with every box as one that is multiplied exactly: `Exact`.

    Bounds are those that interval arithmetic could reach at best, at the price of time. A ball,
    of which more is known than its box, stays a ball.

    Args:
        parameters: sets, values and tensors by name.
        arithmetic: that of the inputs, so that boxes have the ends that it gives them.
    """

    def exact(part: Value | Tensor | TensorSet) -> Value | Tensor | TensorSet:
        if isinstance(part, TensorBox):
            part = _box(TensorBox(part.centre, part.radius), arithmetic)
        return Exact.of(part) if type(part) is Interval else part

    return {name: exact(part) for name, part in parameters.items()}
