"""The fast gradient sign method."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.ascent import Ascent
from gnomon.attacks.guards import Aims
from gnomon.attacks.outcome import Outcome
from gnomon.attacks.view import PLAIN, View
from gnomon.objectives import Objective, RelativeObjective, scale_free_cross_entropy
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class FGSM:
    """One steepest step of full length: in L∞, x + ε sign ∇ objective; in L2, x + ε ∇/‖∇‖.

    Attributes:
        random_start: steps from a random member of the set, and projects back on it.
        objective: what is driven up.
        view: how the network is seen while searching.

    References:
        goodfellow2015, section 4.
    """

    random_start: bool = False
    objective: Objective | RelativeObjective = scale_free_cross_entropy
    view: View = PLAIN

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
        targets: Aims = None,
    ) -> Outcome:
        """Attacks one batch; see `Ascent` for the errors and the targets."""
        return self._ascent()(network, inputs, labels, within, generator, targets)

    def _ascent(self) -> Ascent:
        name = "FGSM with random start" if self.random_start else "FGSM"
        return Ascent(
            name,
            steps=1,
            relative_step=1.0,
            random_start=self.random_start,
            objective=self.objective,
            view=self.view,
        )
