"""Linear relaxations, substituted backwards, that rounding cannot break."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional

from gnomon.algebra import REAL, Level, Outward, Parameters, RoundedRelaxed, Value, enclose
from gnomon.bounds.head import evaluate_labelled
from gnomon.bounds.ibp import IBP, interval_margins
from gnomon.bounds.margins import Margins
from gnomon.sets import InputSet
from gnomon.shapes import Centres, Labels


@dataclass(frozen=True)
class RoundedCROWN:
    """Bounds by relaxations with an account of rounding; never wider than `IBP`'s.

    A certificate is a theorem about the stored weights, also counting every rounding on the way
    to it. At level `REAL` it holds for the network in real arithmetic; at `Deployed(dtype)`
    also for the class that any execution in numbers of this type finds, in any order of
    summation. What cannot be computed (an overflow, NaN) certifies nothing. The last layer is
    elided: differences of logits are bounded.

    Attributes:
        level: of which executions the margins are bounds.
        dtype: of the numbers computed with; in float64 bounds are hardly wider than `CROWN`'s.
        intermediate: as for `CROWN`.
        budget: bytes that the forms substituted at one time may take.

    References:
        zhang2018; higham2002, for the errors of sums.
    """

    name: ClassVar[str] = "rounded CROWN"
    kind: ClassVar[str] = "floating point"
    level: Level = REAL
    dtype: torch.dtype = torch.float64
    intermediate: Literal["relaxed", "interval"] = "relaxed"
    budget: int = 2**28

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
            method = IBP(Outward(self.level, self.dtype))
            return method(network, inputs, labels, within, parameters)
        box = enclose(inputs, within, Outward(self.level, self.dtype))
        value = RoundedRelaxed.of(box, intermediate=self.intermediate, budget=self.budget)
        head = evaluate_labelled(network, value, labels, parameters)
        logits = head.logits
        assert isinstance(logits, RoundedRelaxed)
        classes = logits.shape[1]
        own = functional.one_hot(labels, classes).to(self.dtype)
        # Of z_y − z_j a lower bound is asked for: the margin is its negative.
        rows = own[:, None] - torch.eye(classes, dtype=self.dtype, device=inputs.device)
        upper = -logits.at_least(rows)
        plain = interval_margins(head.each(_rounded), labels)
        return Margins(upper.fmin(plain).scatter(1, labels[:, None], 0.0), labels)


def _rounded(value: Value) -> Value:
    """What intervals say of it, as far as it was bounded on the way."""
    return value.rounded if isinstance(value, RoundedRelaxed) else value
