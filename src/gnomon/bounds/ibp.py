"""Interval bound propagation."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gnomon.algebra import Interval, Parameters, Value, enclose
from gnomon.algebra.bilinear import LINEAR
from gnomon.algebra.interval import Ball
from gnomon.algebra.interval.interval import as_interval
from gnomon.algebra.interval.products import product
from gnomon.bounds.head import Head, evaluate_labelled
from gnomon.bounds.margins import Margins
from gnomon.sets import InputSet
from gnomon.shapes import Centres, Labels

_MOST_NUMBERS = 2**24
"""Of the differences of rows that are held at a time."""


@dataclass(frozen=True)
class IBP:
    """Bounds by intervals, layer by layer, with the last layer's differences of rows in one.

    For the last matrix, z_j − z_y = (W_j − W_y) h + (b_j − b_y) is bounded directly, which is
    never wider than the difference of the bounds of z_j and z_y; so also where W and b are
    intervals: their rows are independent of one another.

    References:
        gowal2019; its elision of the last layer, here with intervals of weights.
    """

    name: ClassVar[str] = "IBP"
    kind: ClassVar[str] = "exact arithmetic"

    def __call__(
        self,
        network: nn.Module,
        inputs: Centres,
        labels: Labels,
        within: InputSet | None = None,
        parameters: Parameters | None = None,
    ) -> Margins:
        """The margins of a batch."""
        head = evaluate_labelled(network, enclose(inputs, within), labels, parameters)
        return Margins(interval_margins(head, labels), labels)


def interval_margins(head: Head, labels: Labels) -> Float[Tensor, " batch classes"]:
    """Upper bounds of z_j − z_y by intervals; 0 for j = y."""
    logits, own = _logits(head), labels[:, None]
    if head.features is None:
        upper = logits.upper - logits.lower.gather(1, own)
    else:
        assert head.weight is not None
        classes = torch.arange(logits.shape[1], device=labels.device)
        together = max(1, _MOST_NUMBERS // head.weight.numel())
        found = [_elided(head, some) for some in classes.split(together)]
        chosen = labels[:, None, None].expand(-1, 1, len(classes))
        upper = torch.cat(found, dim=1).gather(1, chosen)[:, 0]
    return upper.scatter(1, own, 0.0)


def pairwise_margins(head: Head) -> Float[Tensor, " batch own classes"]:
    """Upper bounds of z_j − z_k by intervals, for all classes k (`own`) and j; 0 for j = k."""
    logits = _logits(head)
    classes = logits.shape[1]
    if head.features is None:
        upper = logits.upper[:, None] - logits.lower[:, :, None]
    else:
        upper = _elided(head, torch.arange(classes, device=logits.device))
    same = torch.eye(classes, dtype=torch.bool, device=logits.device)
    return upper.masked_fill(same, 0.0)


def _logits(head: Head) -> Interval:
    assert isinstance(head.logits, Interval)
    return head.logits


def _elided(head: Head, own: Int[Tensor, " own"]) -> Float[Tensor, " batch own classes"]:
    """The bounds of z_j − z_k for k in `own`, of what the last layer receives."""
    assert head.weight is not None
    shape = (len(own), _logits(head).shape[1])
    upper = product(LINEAR, head.features, _differences(head.weight, own)).upper  # type: ignore[arg-type]
    upper = upper.unflatten(1, shape)
    if head.bias is not None:
        shift = _differences(head.bias, own)
        upper = upper + as_interval(shift, upper).upper.unflatten(0, shape)
    return upper


def _differences(rows: Value | Tensor, own: Int[Tensor, " labels"]) -> Interval | Tensor:
    """Row j minus row k, for k among the labels and every j, one after the other.

    Rows of an interval are independent of one another, so that the difference of two different
    rows is exact. That of a row and itself is not 0 here, and not used.
    """
    if isinstance(rows, Tensor):
        return (rows[None] - rows[own, None]).flatten(0, 1)
    if isinstance(rows, Ball):
        # ‖δ_j − δ_k‖ ≤ √2 ‖δ‖, where the box would give 2 r for each entry.
        return Ball(_differences(rows.middle, own), rows.reach * math.sqrt(2))  # type: ignore[arg-type]
    assert isinstance(rows, Interval)
    return Interval.computed(
        (rows.lower[None] - rows.upper[own, None]).flatten(0, 1),
        (rows.upper[None] - rows.lower[own, None]).flatten(0, 1),
    )
