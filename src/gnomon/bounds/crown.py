"""Linear relaxations, substituted backwards."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional

from gnomon.algebra import LinearRelaxation, Parameters, Value, enclose
from gnomon.bounds.head import evaluate_labelled
from gnomon.bounds.ibp import IBP, interval_margins
from gnomon.bounds.margins import Margins
from gnomon.sets import InputSet
from gnomon.shapes import Centres, Labels


@dataclass(frozen=True)
class CROWN:
    """Bounds by linear relaxations; never wider than `IBP`'s.

    They are cut with the margins that intervals give, of what the last layer receives.

    Attributes:
        intermediate: whether activations are relaxed between bounds found by substitution
            ("relaxed"), or between those of intervals ("interval", CROWN-IBP), which cost less.
        budget: bytes that the forms substituted at one time may take.

    References:
        zhang2018; xu2020.
    """

    name: ClassVar[str] = "CROWN"
    kind: ClassVar[str] = "exact arithmetic"
    intermediate: Literal["relaxed", "interval"] = "relaxed"
    budget: int = 2**25

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
            return IBP()(network, inputs, labels, within, parameters)
        box = LinearRelaxation.of(
            enclose(inputs, within), intermediate=self.intermediate, budget=self.budget
        )
        head = evaluate_labelled(network, box, labels, parameters)
        logits = head.logits
        assert isinstance(logits, LinearRelaxation)
        classes = logits.shape[1]
        own = functional.one_hot(labels, classes).to(logits.dtype)
        # Of z_y − z_j a lower bound is asked for: the margin is its negative.
        rows = own[:, None] - torch.eye(classes, dtype=logits.dtype, device=inputs.device)
        upper = -logits.at_least(rows)
        plain = interval_margins(head.each(_interval), labels)
        return Margins(upper.fmin(plain).scatter(1, labels[:, None], 0.0), labels)


def _interval(value: Value) -> Value:
    """What intervals say of it, as far as it was bounded on the way."""
    return value.interval if isinstance(value, LinearRelaxation) else value
