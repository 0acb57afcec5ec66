"""Boxes whose products with intervals are as narrow as they can be, at the price of time."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from gnomon.algebra.interval.interval import Interval, extremes

BUDGET = 2**27
"""Maximum number of bytes of the products of one portion of terms, if the result has fewer."""


class Exact(Interval):
    """A box that is multiplied exactly: every output lies between bounds that are attained.

    An output of a matrix or convolution is a sum of products of independent coordinates, and
    its range is ``Σ_k [min, max] {x̲ w̲, x̲ w̄, x̄ w̲, x̄ w̄}_k``. Products of other boxes are up to
    4 − 2√2 ≈ 1.1716 times as wide where both factors hold 0 in their interior, and cost a few
    calls of a fast kernel; here the terms are written out, portion by portion of k. Used as a
    reference, and for small networks:

    >>> from gnomon.algebra import Exact, Interval
    >>> x, w = torch.tensor([[-1.0], [2.0]]), torch.tensor([[-3.0], [1.0]])
    >>> box = Interval(x[:1], x[1:])
    >>> y = torch.nn.functional.linear(box, Interval(w[:1], w[1:]))
    >>> y.lower.item(), y.upper.item()
    (-6.0, 4.0)
    >>> y = torch.nn.functional.linear(box, Exact(w[:1], w[1:]))
    >>> y.lower.item(), y.upper.item()
    (-6.0, 3.0)

    The result is an `Interval`. Memory is that of six results or `BUDGET`, whichever is more,
    and for a convolution its inputs once for each place of the kernel.
    """

    @classmethod
    def of(cls, box: Interval) -> "Exact":
        """The same box, to be multiplied exactly."""
        made = cls.__new__(cls)
        vars(made).update(vars(box))
        return made

    def __repr__(self) -> str:
        return f"Exact(shape={tuple(self.shape)}, lower={self.lower}, upper={self.upper})"


def exact_sums(
    rows: tuple[Tensor, Tensor], columns: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """The range of A Bᵀ for A and B between bounds of shape … × n × k and … × m × k.

    Portions of k are computed again for gradients, instead of kept.

    Args:
        rows: the lower and the upper bound of A.
        columns: those of B.
    """
    ends = (*rows, *columns)
    batch = torch.broadcast_shapes(*(end.shape[:-2] for end in ends))
    outputs = batch.numel() * rows[0].shape[-2] * columns[0].shape[-2]
    portion = max(1, BUDGET // max(1, 6 * outputs * rows[0].element_size()))
    kept = torch.is_grad_enabled() and any(end.requires_grad for end in ends)
    zero = torch.zeros((), dtype=rows[0].dtype, device=rows[0].device)
    lower, upper = zero, zero
    for part in zip(*(end.split(portion, dim=-1) for end in ends), strict=True):
        low, high = _again(*part) if kept else _summed(*part)
        lower, upper = lower + low, upper + high
    return lower, upper


def _again(*ends: Tensor) -> Any:
    """The range of A Bᵀ; intermediate results are computed again when gradients are."""
    return checkpoint(_summed, *ends, use_reentrant=False)


def _summed(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """The range of A Bᵀ for A in [a, b], B in [c, d], all terms at once."""
    rows, columns = (a.unsqueeze(-2), b.unsqueeze(-2)), (c.unsqueeze(-3), d.unsqueeze(-3))
    lower, upper = extremes([row * column for row in rows for column in columns])
    return lower.sum(-1), upper.sum(-1)
