"""Projected gradient descent (here: ascent) from random starts."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.ascent import Ascent
from gnomon.attacks.outcome import Outcome
from gnomon.objectives import Objective, scale_free_cross_entropy
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class PGD:
    """Steepest steps from random members of the set, each projected on the set.

    Attributes:
        steps: gradient steps per restart.
        restarts: random starts; an example once fooled is not attacked again.
        relative_step: length of a step divided by the radius; None means 2.5 / steps (at most 1), with
            which the boundary is reached and left again from any start.
        objective: what is driven up.

    References:
        madry2018, sections 2.1 and B; the objective's rescaling is our own, see `gnomon.objectives`.
    """

    steps: int = 20
    restarts: int = 1
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
            f"PGD-{self.steps}" + (f" × {self.restarts}" if self.restarts > 1 else ""),
            self.steps,
            self.relative_step or min(1.0, 2.5 / self.steps),
            self.restarts,
            random_start=True,
            objective=self.objective,
        )
        return ascent(network, inputs, labels, within, generator)
