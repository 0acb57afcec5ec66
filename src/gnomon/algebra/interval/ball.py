"""Euclidean balls of parameters."""

import torch
from torch import Tensor

from gnomon.algebra.arithmetic import NEAREST, Arithmetic
from gnomon.algebra.interval.interval import Interval


class Ball(Interval):
    """All tensors whose Euclidean distance from the centre, over all entries, is at most r.

    As an interval it is its box, centre ± r, which is what a rule without special knowledge
    uses. A matrix or a convolution uses more: |⟨δ_i, x⟩| ≤ r ‖x‖₂ for every row δ_i of a
    perturbation (Cauchy–Schwarz), where the box would give r ‖x‖₁.

    Args:
        middle: the centre.
        reach: r ≥ 0, one number.
        arithmetic: how bounds are computed from these.

    Attributes:
        core: the centre as an interval, of more than one point only where its numbers are
            rounded to the type of the bounds.
    """

    def __init__(self, middle: Tensor, reach: Tensor, arithmetic: Arithmetic = NEAREST) -> None:
        core = Interval.point(middle, arithmetic=arithmetic.real)
        reach = core.like(reach).upper if arithmetic.outwards else reach
        core = core.at(arithmetic.beside(middle))
        vars(self).update(vars(Ball.of(core, reach)))

    @classmethod
    def of(cls, core: Interval, reach: Tensor) -> "Ball":
        """The ball of this radius around a centre that is known to lie in an interval."""
        made = cls.__new__(cls)
        box = core.settle(core.lower - reach, core.upper + reach, 0)
        vars(made).update({**vars(core), **vars(box)}, core=core, reach=reach)
        return made

    def at(self, arithmetic: Arithmetic) -> Interval:
        """The same ball, from which others are computed in another arithmetic."""
        if arithmetic == self.arithmetic:
            return self
        return Ball.of(self.core.at(arithmetic), self.reach)

    @property
    def middle(self) -> Tensor:
        """The centre, as a tensor."""
        return self.core.centre

    @property
    def centre(self) -> Tensor:
        """The centre."""
        return self.middle

    def __repr__(self) -> str:
        return f"Ball(shape={tuple(self.shape)}, reach={self.reach})"


def lengths(total: Tensor) -> Tensor:
    """The square root of sums of squares, with gradient 0 where they are 0."""
    tiny = torch.finfo(total.dtype).tiny
    return torch.where(total > tiny, total.clamp_min(tiny).sqrt(), torch.zeros_like(total))
