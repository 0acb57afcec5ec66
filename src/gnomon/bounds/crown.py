"""Linear relaxations, substituted backwards."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from gnomon.algebra import NEAREST, Arithmetic, LinearRelaxation, Parameters, Value, enclose
from gnomon.bounds.head import evaluate_labelled
from gnomon.bounds.ibp import IBP, interval_margins
from gnomon.bounds.margins import Margins
from gnomon.sets import InputSet
from gnomon.shapes import Centres, Labels


@dataclass(frozen=True)
class CROWN:
    """Bounds by linear relaxations; never wider than `IBP`'s of the same arithmetic.

    They are cut with the margins that intervals give, of what the last layer receives. The last
    layer is elided: differences of logits are bounded.

    With `Outward`, a certificate is a theorem about the stored weights, also counting every
    rounding on the way to it. What cannot be computed (an overflow, NaN) certifies nothing.

    >>> from gnomon.algebra import Outward
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
            method = IBP(self.arithmetic)
            return method(network, inputs, labels, within, parameters)
        box = enclose(inputs, within, self.arithmetic)
        value = LinearRelaxation.of(box, intermediate=self.intermediate, budget=self.budget)
        head = evaluate_labelled(network, value, labels, parameters)
        logits = head.logits
        assert isinstance(logits, LinearRelaxation)
        classes, dtype = logits.shape[1], logits.precision
        own = functional.one_hot(labels, classes).to(dtype)
        # Of z_y − z_j a lower bound is asked for: the margin is its negative.
        rows = own[:, None] - torch.eye(classes, dtype=dtype, device=inputs.device)
        upper = -logits.at_least(rows)
        plain = interval_margins(head.each(_interval), labels)
        upper = upper.fmin(plain).scatter(1, labels[:, None], 0.0)
        return Margins(upper, labels, logits.restarts)


def _interval(value: Value) -> Value:
    """The interval of a relaxation, as far as it was bounded on the way."""
    return value.interval if isinstance(value, LinearRelaxation) else value
