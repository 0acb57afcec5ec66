"""Operands of a rule: tensors and numbers as intervals, all of one arithmetic."""

from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.value import Value
from gnomon.errors import UnsupportedOperationError


def as_interval(value: object, like: Interval) -> Interval:
    """The value in the arithmetic of another, or of both; a tensor or number as its interval.

    Raises:
        SettingError: levels that do not fit, or bounds kept in other numbers.
        UnsupportedOperationError: a value of another algebra, or bounds that were rounded to
            nearest beside others.
    """
    if isinstance(value, Interval):
        if value.arithmetic is like.arithmetic:
            return value
        return value.at(value.arithmetic.beside(like.arithmetic))
    if isinstance(value, Value):
        raise UnsupportedOperationError(
            f"Interval: expected intervals and tensors, got {type(value).__name__}. Enclose it "
            "in an interval."
        )
    return like.like(value)


def together(*operands: Any) -> list[Interval]:
    """Operands, at least one of which is an interval, as intervals of one arithmetic.

    Executions are taken to go on in the coarsest type of all.

    Raises:
        SettingError: levels that do not fit.
        UnsupportedOperationError: bounds that were rounded to nearest beside others.
    """
    first = next(each for each in operands if isinstance(each, Interval))
    arithmetic = arithmetic_of(first, operands)
    like = first if arithmetic is first.arithmetic else first.at(arithmetic)
    return [as_interval(each, like) for each in operands]


def arithmetic_of(first: Interval, operands: Any) -> Any:
    """The arithmetic of what a rule makes of operands: at the coarsest level of all."""
    arithmetic = first.arithmetic
    for each in operands:
        if isinstance(each, Interval):
            if each.arithmetic is not arithmetic:
                arithmetic = arithmetic.beside(each.arithmetic)
        elif isinstance(each, Tensor) and arithmetic.outwards:
            arithmetic = arithmetic.beside(each)
    return arithmetic


def kept_in(x: Interval, dtype: torch.dtype) -> Interval:
    """An execution's conversion of a value to float32 or float64, as its bounds see it.

    It is one rounding in the new type, and what is computed of the result is computed in that
    type, until it is converted again. A conversion to a finer type is exact. In real arithmetic
    nothing is lost.

    Raises:
        SettingError: another type.
    """
    arithmetic = x.arithmetic.kept_in(dtype)
    if arithmetic.beside(x.arithmetic) == x.arithmetic:
        return x.at(arithmetic)
    return x.at(arithmetic).settle(x.lower, x.upper, nonnegative=x.nonnegative)
