"""Linear relaxations, substituted backwards."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from gnomon.algebra import (
    NEAREST,
    Arithmetic,
    Interval,
    LinearRelaxation,
    Outward,
    Parameters,
    Value,
    enclose,
    enclose_rounded,
)
from gnomon.algebra.rounded.bridge import from_rounded, to_rounded
from gnomon.bounds.head import evaluate_labelled
from gnomon.bounds.ibp import IBP, interval_margins
from gnomon.bounds.margins import BoundMethod, Margins
from gnomon.bounds.rounded_ibp import RoundedIBP, rounded_margins
from gnomon.sets import InputSet
from gnomon.shapes import Centres, Labels


@dataclass(frozen=True)
class CROWN:
    """Bounds by linear relaxations; never wider than `IBP`'s of the same arithmetic.

    They are cut with the margins that intervals give, of what the last layer receives. The last
    layer is elided: differences of logits are bounded.

    With `Outward`, a certificate is a theorem about the stored weights, also counting every
    rounding on the way to it. What cannot be computed (an overflow, NaN) certifies nothing.

    >>> import torch
    >>> from gnomon.sets import Linf
    >>> network = torch.nn.Linear(2, 2, bias=False).requires_grad_(False)
    >>> _ = network.weight.copy_(torch.eye(2))
    >>> x, labels = torch.tensor([[1.0, 0.5]]), torch.tensor([0])
    >>> CROWN(Outward())(network, x, labels, Linf(0.125)).upper
    tensor([[ 0.0000, -0.2500]], dtype=torch.float64)

    Attributes:
        arithmetic: how bounds are computed.
        intermediate: whether activations are relaxed between bounds found by substitution
            ("relaxed"), or between those of intervals ("interval", CROWN-IBP), which cost less.
        budget: bytes that the forms substituted at one time may take.

    References:
        zhang2018; xu2020; higham2002, for the errors of sums.
    """

    arithmetic: Arithmetic = NEAREST
    intermediate: Literal["relaxed", "interval"] = "relaxed"
    budget: int = 2**25

    @property
    def name(self) -> str:
        """The name in the literature, and whether bounds are rounded outwards."""
        return "rounded CROWN" if self.arithmetic.outwards else "CROWN"

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
        if not len(inputs):
            return self._by_intervals()(network, inputs, labels, within, parameters)
        box = self._enclosed(inputs, within)
        value = LinearRelaxation.of(box, intermediate=self.intermediate, budget=self.budget)
        head = evaluate_labelled(network, value, labels, parameters)
        logits = head.logits
        assert isinstance(logits, LinearRelaxation)
        classes, dtype = logits.shape[1], logits.precision
        own = functional.one_hot(labels, classes).to(dtype)
        # Of z_y − z_j a lower bound is asked for: the margin is its negative.
        rows = own[:, None] - torch.eye(classes, dtype=dtype, device=inputs.device)
        upper = -logits.at_least(rows)
        head = head.each(_interval)
        if self.arithmetic.outwards:
            plain = rounded_margins(head.each(to_rounded), labels)
        else:
            plain = interval_margins(head, labels)
        upper = upper.fmin(plain).scatter(1, labels[:, None], 0.0)
        return Margins(upper, labels, logits.restarts)

    def _by_intervals(self) -> BoundMethod:
        arithmetic = self.arithmetic
        if isinstance(arithmetic, Outward):
            return RoundedIBP(arithmetic.level, arithmetic.dtype)
        return IBP()

    def _enclosed(self, inputs: Centres, within: InputSet | None) -> Interval:
        a = self.arithmetic
        if isinstance(a, Outward):
            return from_rounded(enclose_rounded(inputs, within, level=a.level, dtype=a.dtype))
        return enclose(inputs, within)


def _interval(value: Value) -> Value:
    """What intervals say of it, as far as it was bounded on the way."""
    return value.interval if isinstance(value, LinearRelaxation) else value
