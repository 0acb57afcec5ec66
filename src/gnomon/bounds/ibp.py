"""Interval bound propagation."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn

from gnomon.algebra import NEAREST, Arithmetic, Interval, Parameters, enclose
from gnomon.algebra.interval.differences import differences
from gnomon.bounds.head import Head, evaluate_labelled
from gnomon.bounds.margins import Margins
from gnomon.sets import InputSet
from gnomon.shapes import Centres, Labels

_MOST_NUMBERS = 2**24
"""Maximum number of entries of the matrix of row differences held in memory at once."""


@dataclass(frozen=True)
class IBP:
    """Bounds by intervals, layer by layer, with the last layer's differences of rows in one.

    For the last matrix, z_j − z_y = (W_j − W_y) h + (b_j − b_y) is bounded directly, which is
    never wider than the difference of the bounds of z_j and z_y; so also where W and b are
    intervals: their rows are independent of one another.

    With `Outward`, a certificate is a theorem about the stored weights, every rounding on the
    way to it counted: at level `REAL` for the network in real arithmetic, at `Deployed(dtype)`
    also for the class that any execution in numbers of this type finds, in any order of
    summation. What cannot be computed (an overflow, NaN) certifies nothing.

    >>> from gnomon.algebra import Outward
    >>> network, x = nn.Linear(2, 2, bias=False), torch.ones(1, 2)
    >>> bounds = IBP(arithmetic=Outward())(network, x, torch.tensor([0]))
    >>> bounds.upper[0, 0].item()
    0.0

    Attributes:
        arithmetic: how bounds are computed; in float64, those of `Outward` are hardly wider.

    References:
        gowal2019; its elision of the last layer, here with intervals of weights. higham2002,
        for the errors of sums.
    """

    arithmetic: Arithmetic = NEAREST

    @property
    def name(self) -> str:
        """The name in the literature; "rounded" if rounding is counted."""
        return "rounded IBP" if self.arithmetic.outwards else "IBP"

    @property
    def kind(self) -> str:
        """The kind of truth: "exact arithmetic" or "floating point"."""
        return "floating point" if self.arithmetic.outwards else "exact arithmetic"

    def __call__(
        self,
        network: nn.Module,
        inputs: Centres,
        labels: Labels,
        within: InputSet | None = None,
        parameters: Parameters | None = None,
    ) -> Margins:
        """The margins of a batch."""
        box = enclose(inputs, within, self.arithmetic)
        head = evaluate_labelled(network, box, labels, parameters)
        return Margins(interval_margins(head, labels), labels)


def interval_margins(head: Head, labels: Labels) -> Float[torch.Tensor, " batch classes"]:
    """Upper bounds of z_j − z_y by intervals; 0 for j = y."""
    logits, own = _logits(head), labels[:, None]
    if head.features is None or head.weight is None:
        upper = logits.arithmetic.up(logits.upper - logits.lower.gather(1, own))
    else:
        classes = torch.arange(logits.shape[1], device=labels.device)
        together = max(1, _MOST_NUMBERS // head.weight.numel())
        bounds = [_elided(head, some) for some in classes.split(together)]
        chosen = labels[:, None, None].expand(-1, 1, len(classes))
        upper = torch.cat(bounds, dim=1).gather(1, chosen)[:, 0]
    return upper.scatter(1, own, 0.0)


def pairwise_margins(head: Head) -> Float[torch.Tensor, " batch own classes"]:
    """Upper bounds of z_j − z_k by intervals, for all classes k (`own`) and j; 0 for j = k."""
    logits = _logits(head)
    classes = logits.shape[1]
    if head.features is None:
        upper = logits.arithmetic.up(logits.upper[:, None] - logits.lower[:, :, None])
    else:
        upper = _elided(head, torch.arange(classes, device=logits.device))
    same = torch.eye(classes, dtype=torch.bool, device=logits.device)
    return upper.masked_fill(same, 0.0)


def _logits(head: Head) -> Interval:
    assert isinstance(head.logits, Interval)
    return head.logits


def _elided(head: Head, own: torch.Tensor) -> Float[torch.Tensor, " batch own classes"]:
    """The bounds of z_j − z_k for k in `own`, from what the last layer receives."""
    features, weight, bias = head.features, head.weight, head.bias
    assert isinstance(features, Interval | torch.Tensor)
    assert isinstance(weight, Interval | torch.Tensor)
    assert bias is None or isinstance(bias, Interval | torch.Tensor)
    return differences(features, weight, bias, own)
