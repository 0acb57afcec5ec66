"""The basic iterative method."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.ascent import Ascent
from gnomon.attacks.outcome import Outcome
from gnomon.objectives import Objective, scale_free_cross_entropy
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class BIM:
    """Steepest steps from the original input, each projected on the set around that input.

    Attributes:
        steps: gradient steps.
        relative_step: length of a step divided by the radius; None means 2.5 / steps (at most 1), with
            which the boundary is reached and left again from any point.
        objective: what is driven up.

    References:
        kurakin2017, section 2.2; the step length is madry2018's.
    """

    steps: int = 10
    relative_step: float | None = None
    objective: Objective = scale_free_cross_entropy

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator,
    ) -> Outcome:
        """Attacks one batch; see `Ascent` for the errors."""
        ascent = Ascent(
            f"BIM-{self.steps}",
            self.steps,
            self.relative_step or min(1.0, 2.5 / self.steps),
            objective=self.objective,
        )
        return ascent(network, inputs, labels, within, generator)
