"""In which type an execution keeps a value: what conversions and operands make of its level."""

from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.rounded.allowance import settled
from gnomon.algebra.rounded.rounded_interval import RoundedInterval, as_rounded
from gnomon.algebra.rounding import Deployed, Level, coarser, level_of, unit_roundoff
from gnomon.algebra.value import Value


def kept_in(x: RoundedInterval, dtype: torch.dtype) -> RoundedInterval:
    """What an execution makes of a value by converting it to float32 or float64.

    That is one rounding in the new type, and what is computed of it is computed in that type,
    until it is converted again. A conversion to a finer type is exact. In real arithmetic it
    does nothing.

    Raises:
        SettingError: another type.
    """
    unit_roundoff(dtype)
    if not isinstance(x.level, Deployed):
        return x
    level = x.level.kept_in(dtype)
    if level.unit < x.level.unit:
        return x.at(level)
    return settled(x.lower, x.upper, level, 1, nonnegative=x.nonnegative)


def together(*operands: Any) -> list[RoundedInterval]:
    """Operands, some of which are rounded, at the coarsest level of all.

    Raises:
        SettingError: levels that do not fit.
    """
    like = next(each for each in operands if isinstance(each, RoundedInterval))
    like = like.at(met(like.level, operands))
    return [as_rounded(each, like) for each in operands]


def met(level: Level, operands: Any) -> Level:
    """The coarsest of a level and those of operands, as far as they fit."""
    for each in operands:
        if isinstance(each, Tensor):
            level = level_of(each, level)
        elif isinstance(each, Value) and hasattr(each, "level"):
            level = coarser(level, each.level) or level
    return level
