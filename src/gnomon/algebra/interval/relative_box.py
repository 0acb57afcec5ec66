"""Boxes of parameters that are proportional to the parameters."""

from torch import Tensor

from gnomon.algebra.interval.interval import Interval


class RelativeBox(Interval):
    """All tensors w t with 1 − λ ≤ t ≤ 1 + λ in every coordinate, for a λ ≤ 1.

    As an interval it is w ± λ |w|. A matrix or a convolution uses more: in each term (w t) x of
    a sum the factor t may as well belong to x. So a relative box of weights is a wider box of
    inputs (`widened`), and costs no more than weights without a box.

    Args:
        middle: w.
        share: λ in [0, 1].
    """

    def __init__(self, middle: Tensor, share: float) -> None:
        assert 0 <= share <= 1
        self.middle, self.share = middle, share
        radius = middle.abs() * share
        self.lower, self.upper = middle - radius, middle + radius

    @property
    def centre(self) -> Tensor:
        """The tensor w."""
        return self.middle

    def widened(self, x: Interval | Tensor) -> Interval:
        """All x t with 1 − λ ≤ t ≤ 1 + λ in every coordinate, for finite x."""
        low, high = (x, x) if isinstance(x, Tensor) else x.parts
        if isinstance(x, Interval) and x.nonnegative:
            return Interval.computed(low * (1 - self.share), high * (1 + self.share))
        return Interval.computed(low - self.share * low.abs(), high + self.share * high.abs())

    def __repr__(self) -> str:
        return f"RelativeBox(shape={tuple(self.shape)}, share={self.share})"
