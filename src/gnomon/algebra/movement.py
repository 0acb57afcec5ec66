"""Functions that move, pick or repeat coordinates: which there are, for every algebra."""

from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.functions import function_named
from gnomon.algebra.value import Rule, Value
from gnomon.errors import UnsupportedOperationError


def in_every_part(name: str) -> Rule:
    """The rule of a function that does to the parts of a value what it does to tensors."""
    function = function_named(name)

    def rule(x: Any, *settings: Any, **named: Any) -> Any:
        return x.each(function, *settings, **named)

    return rule


def where(first: Any, second: Any, third: Any) -> Any:
    """The coordinates of x where a constant condition c holds, else of y: c x + (1 − c) y.

    Its arguments are c, x, y as of `torch.where`, or x, c, y as of the method.

    Raises:
        UnsupportedOperationError: a condition that varies.
    """
    of_method = isinstance(second, Tensor) and second.dtype == torch.bool
    condition, x, y = (second, first, third) if of_method else (first, second, third)
    if not isinstance(condition, Tensor):
        raise UnsupportedOperationError(
            f"{type(condition).__name__}: expected a condition that does not vary, got one "
            "that does, in 'where'. Write it as an activation function."
        )
    like = next(each for each in (x, y) if isinstance(each, Value))
    return _kept(x, condition, like) + _kept(y, ~condition, like)


def masked_fill(x: Any, mask: Tensor, value: Any) -> Any:
    """The value with a number in place of the coordinates under a mask."""
    return where(mask, value, x)


def _kept(x: Any, condition: Tensor, like: Value) -> Any:
    """The coordinates of x where the condition holds; else 0. A number is one of that type."""
    if isinstance(x, Value):
        return x * condition.to(x.dtype)
    number = x if isinstance(x, Tensor) else torch.tensor(x, dtype=like.dtype)
    return torch.where(condition, number.to(like.device), torch.zeros_like(number))


def dropout(x: Value, p: float = 0.5, training: bool = True) -> Value:
    """The value itself: nothing is dropped in evaluation mode.

    Raises:
        UnsupportedOperationError: in training mode, in which the network is random.
    """
    if training and p > 0:
        raise UnsupportedOperationError(
            f"{type(x).__name__}: expected dropout in evaluation mode, got training mode, in "
            "which the network is random. Call network.eval() first."
        )
    return x


CHOOSING: dict[str, Rule] = {"masked_fill": masked_fill, "where": where}

DROPOUT: dict[str, Rule] = dict.fromkeys(
    (
        *("dropout", "dropout1d", "dropout2d", "dropout3d"),
        *("alpha_dropout", "feature_alpha_dropout"),
    ),
    dropout,
)
