"""Euclidean balls of parameters."""

import torch
from torch import Tensor

from gnomon.algebra.interval.interval import Interval


class Ball(Interval):
    """All tensors whose Euclidean distance from the centre, over all entries, is at most r.

    As an interval it is its box, centre ± r, which is what a rule without special knowledge
    uses. A matrix or a convolution uses more: |⟨δ_i, x⟩| ≤ r ‖x‖₂ for every row δ_i of a
    perturbation (Cauchy–Schwarz), where the box would give r ‖x‖₁.

    Args:
        middle: the centre.
        reach: r ≥ 0, one number.
    """

    def __init__(self, middle: Tensor, reach: Tensor) -> None:
        self.middle, self.reach = middle, reach
        self.lower, self.upper = middle - reach, middle + reach

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
