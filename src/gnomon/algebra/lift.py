"""From sets of parameters to values of an algebra."""

from collections.abc import Mapping

from torch import Tensor

from gnomon.algebra.interval import Ball, Exact, Interval, RelativeBox
from gnomon.algebra.value import Value
from gnomon.errors import UnsupportedOperationError
from gnomon.sets.parameters import TensorBall, TensorBox, TensorSet

Parameters = Mapping[str, Value | Tensor | TensorSet] | Mapping[str, TensorSet]
"""What takes the place of parameters, by the names that `named_parameters` gives them."""


def lift(given: Value | Tensor | TensorSet, beside: Value | Tensor) -> Value | Tensor:
    """A box as an interval, a ball as a ball; values and tensors as they are.

    Args:
        given: what takes the place of a parameter.
        beside: the inputs, whose algebra may enclose it in a way of its own.

    Raises:
        UnsupportedOperationError: a set of another kind.
    """
    if isinstance(beside, Value):
        given = beside.lifted(given)
    if isinstance(given, TensorBox):
        if given.share is not None and given.share <= 1:
            return RelativeBox(given.centre, given.share)
        return Interval.computed(given.lower, given.upper)
    if isinstance(given, TensorBall):
        return Ball(given.centre, given.radius)
    if isinstance(given, Value | Tensor):
        return given
    raise UnsupportedOperationError(
        f"evaluate: expected boxes or balls of parameters, got {type(given).__name__}. Enclose "
        "it in one of these."
    )


def exactly(parameters: Parameters) -> dict[str, Value | Tensor | TensorSet]:
    """The parameters with every box as one that is multiplied exactly: `Exact`.

    Bounds are those that interval arithmetic could reach at best, at the price of time. A ball,
    of which more is known than its box, stays a ball.
    """
    boxes = {
        name: Interval.computed(given.lower, given.upper)
        if isinstance(given, TensorBox)
        else given
        for name, given in parameters.items()
    }
    return {
        name: Exact.of(given) if type(given) is Interval else given
        for name, given in boxes.items()
    }
