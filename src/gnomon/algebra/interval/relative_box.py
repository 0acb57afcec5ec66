"""Boxes of parameters that are proportional to the parameters."""

import torch
from torch import Tensor

from gnomon.algebra.arithmetic import NEAREST, Arithmetic
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.rounding import unit_roundoff


class RelativeBox(Interval):
    """All tensors w t with 1 − λ ≤ t ≤ 1 + λ in every coordinate, for a λ ≤ 1.

    As an interval it is w ± λ |w|. A matrix or a convolution uses more: in each term (w t) x of
    a sum the factor t may as well belong to x. So a relative box of weights is a wider box of
    inputs (`widened`), and costs no more than weights without a box.

    With rounding, the box is that of the radius r = λ |w| as it was computed, with λ and the
    product rounded to its own type. So |t − 1| ≤ λ (1 + u)², or w t is off by less than the
    smallest normal number of the type where λ |w| underflows; `share` is raised by the first,
    and `specks` is above the second.

    Args:
        middle: w.
        share: λ in [0, 1].
        arithmetic: how bounds are computed from these.
    """

    def __init__(self, middle: Tensor, share: float, arithmetic: Arithmetic = NEAREST) -> None:
        assert 0 <= share <= 1
        radius = middle.abs() * share
        self.share, self.specks = share, 0.0
        if not arithmetic.outwards:
            self.lower, self.upper = middle - radius, middle + radius
            self.core = Interval.point(middle)
            return
        vars(self).update(vars(Interval.around(middle, radius, arithmetic=arithmetic)))
        self.core = Interval.point(middle, arithmetic=self.arithmetic)
        unit = max(unit_roundoff(middle.dtype), unit_roundoff(self.precision))
        self.share = share * (1 + 2.5 * unit) + 8 * unit_roundoff(self.precision)
        self.specks = torch.finfo(middle.dtype).tiny

    @property
    def middle(self) -> Tensor:
        """The tensor w."""
        return self.core.centre

    @property
    def centre(self) -> Tensor:
        """The tensor w."""
        return self.middle

    def ball(self, kappa: float = 0.0) -> tuple[Tensor, Tensor]:
        """The tensor w and λ |w|, or a centre and a radius where rounding is counted."""
        if self.arithmetic.outwards:
            return super().ball(kappa)
        return self.middle, self.radius

    def widened(self, x: Interval) -> Interval:
        """All x t with 1 − λ ≤ t ≤ 1 + λ in every coordinate, for finite x."""
        low, high = x.parts
        if x.nonnegative:
            low, high = low * (1 - self.share), high * (1 + self.share)
        else:
            low, high = low - self.share * low.abs(), high + self.share * high.abs()
        return x.settle(low, high, 0)

    def __repr__(self) -> str:
        return f"RelativeBox(shape={tuple(self.shape)}, share={self.share})"
