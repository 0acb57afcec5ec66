"""Interval bound propagation that rounding cannot break."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.algebra import REAL, Level, Parameters, RoundedInterval
from gnomon.algebra.bilinear import LINEAR
from gnomon.algebra.rounded import enclose_rounded
from gnomon.algebra.rounded.products import product
from gnomon.algebra.rounded.rounded_interval import as_rounded
from gnomon.algebra.rounding import outward
from gnomon.bounds.head import Head, evaluate_labelled
from gnomon.bounds.margins import Margins
from gnomon.sets import InputSet
from gnomon.shapes import Centres, Labels


@dataclass(frozen=True)
class RoundedIBP:
    """Bounds by intervals that are rounded outwards; the last layer's differences in one.

    A certificate is a theorem about the stored weights, also counting every rounding on the way
    to it. At level `REAL` it holds for the network in real arithmetic; at `Deployed(dtype)`
    also for the class that any execution in numbers of this type finds, in any order of
    summation. What cannot be computed (an overflow, NaN) certifies nothing.

    Attributes:
        level: of which executions the margins are bounds.
        dtype: of the numbers computed with; in float64 bounds are hardly wider than `IBP`'s.

    References:
        gowal2019, for the elision of the last layer; higham2002, for the errors of sums.
    """

    name: ClassVar[str] = "rounded IBP"
    kind: ClassVar[str] = "floating point"
    level: Level = REAL
    dtype: torch.dtype = torch.float64

    def __call__(
        self,
        network: nn.Module,
        inputs: Centres,
        labels: Labels,
        within: InputSet | None = None,
        parameters: Parameters | None = None,
    ) -> Margins:
        """The margins of a batch."""
        box = enclose_rounded(inputs, within, level=self.level, dtype=self.dtype)
        head = evaluate_labelled(network, box, labels, parameters)
        return Margins(rounded_margins(head, labels), labels)


def rounded_margins(head: Head, labels: Labels) -> Float[Tensor, " batch classes"]:
    """Upper bounds of z_j − z_y by rounded intervals; 0 for j = y."""
    logits, own = head.logits, labels[:, None]
    assert isinstance(logits, RoundedInterval)
    _, upper = outward(logits.lower, logits.upper - logits.lower.gather(1, own))
    if head.features is not None:
        upper = upper.minimum(_elided(head, logits, labels))
    return upper.scatter(1, own, 0.0)


def _elided(
    head: Head, logits: RoundedInterval, labels: Labels
) -> Float[Tensor, " batch classes"]:
    """Upper bounds of (W_j − W_y) h + (b_j − b_y), for each example with its own y.

    An execution finds z_j and z_y, not their difference: it misses both by a rounding error
    of |W| |h| + |b|.
    """
    features = as_rounded(head.features, logits)
    weight = as_rounded(head.weight, logits).real
    bias = None if head.bias is None else as_rounded(head.bias, logits).real
    upper = logits.upper.new_empty(logits.shape)
    for label in labels.unique():
        mine = labels == label
        part = features.real.each(lambda end, mine=mine: end[mine])
        rows = weight - weight[label]
        found = product(LINEAR, part, rows, weight.shape[-1])
        if bias is not None:
            found = found + (bias - bias[label])
        upper = upper.masked_scatter(mine[:, None], found.upper)
    if logits.level.relative(1) == 0:
        return upper
    missed = _missed(features, weight, bias, logits.level)
    both = outward(missed, missed + missed.gather(1, labels[:, None]))[1]
    return outward(upper, upper + both)[1]


def _missed(
    features: RoundedInterval,
    weight: RoundedInterval,
    bias: RoundedInterval | None,
    level: Level,
) -> Float[Tensor, " batch classes"]:
    """By how much an execution can miss each logit, given the features."""
    sizes = [
        RoundedInterval.point(each.magnitude, dtype=each.precision)
        for each in (features, weight)
    ]
    terms = weight.shape[-1]
    total = product(LINEAR, sizes[0], sizes[1], terms).upper
    if bias is not None:
        total = outward(total, total + bias.magnitude)[1]
    return level.extra(terms + 1, total)
