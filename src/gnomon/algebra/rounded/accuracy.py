"""How accurately the library computes functions of one number: what is assumed of it.

Assumed of exp, expm1, log, log1p, tanh, erf, sqrt and powers: at most 4 ulp, that is a relative
error of 8u, and what underflows. (PyTorch's vector libraries and CUDA state 1 to 2 ulp.) The
errors of functions made of them follow from that, and a test compares all with far more digits.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gnomon.algebra.rounded.allowance import speck
from gnomon.algebra.rounded.rounded_interval import RoundedInterval
from gnomon.algebra.rounding import Deployed, outward, unit_roundoff


@dataclass(frozen=True)
class Accuracy:
    """A computed value misses f(x) by at most u (relative |f(x)| + argument |x| + absolute).

    Attributes:
        relative: part of the value, in units u.
        argument: part of the argument.
        absolute: where terms of this size may cancel.
    """

    relative: float | int = 0
    argument: float | int = 0
    absolute: float | int = 0

    @property
    def exact(self) -> bool:
        """Whether nothing is missed, by any execution."""
        return self.relative == self.argument == self.absolute == 0


EXACT = Accuracy()
LIBRARY = Accuracy(relative=8)
"""Of one function of the library."""
ROUNDED = Accuracy(relative=4)
"""Of one product or quotient, with a constant that was rounded itself."""
GATED = Accuracy(relative=4, argument=16)
"""Of x g(x) or x − g(x) with 0 ≤ g ≤ 1 (or less than x), g in at most 24u."""


def enclosed(
    x: RoundedInterval,
    values: list[Tensor],
    accuracy: Accuracy,
    *,
    nonnegative: bool = False,
    beside: Tensor | None = None,
) -> RoundedInterval:
    """The range of a function that is extreme at some of these values, as computed.

    Real values miss the computed ones by u of the numbers computed in; an execution misses
    real values by u of its own, for arguments and values anywhere in the range. What is not
    known of x is not known of f(x), however bounded f is.

    Args:
        x: the arguments.
        values: of the function, where it may be extreme.
        accuracy: of the function, as computed here and by an execution.
        nonnegative: whether no execution gives a negative number.
        beside: another distance by which the computed values may be wrong; not if exact.
    """
    lower, upper = values[0], values[0]
    for value in values[1:]:
        lower, upper = lower.minimum(value), upper.maximum(value)
    if not accuracy.exact:
        size = (
            accuracy.relative * lower.abs().maximum(upper.abs())
            + accuracy.argument * x.magnitude
            + accuracy.absolute
        )
        miss = 1.01 * unit_roundoff(x.dtype) * size + speck(x.dtype)
        miss = miss if beside is None else miss + 1.01 * beside
        if isinstance(x.level, Deployed):
            own = x.level.dtype
            miss = miss + (1.01 * unit_roundoff(own) * size + 1.01 * speck(own))
        lower, upper = outward(lower - miss, upper + miss)
    lost = torch.full_like(lower, torch.nan)
    finite = x.lower.isfinite() & x.upper.isfinite()
    return RoundedInterval.computed(
        torch.where(finite, lower, lost),
        torch.where(finite, upper, lost),
        x.level,
        nonnegative=nonnegative,
    )
