"""The basic iterative method."""

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
class BIM:
    """Steepest steps from the original input, each projected on the set around that input.

    Attributes:
        steps: gradient steps.
        relative_step: length of a step divided by the radius; None leaves it to `Ascent`.
        objective: what is driven up.
        view: how the network is seen while searching.

    Raises:
        SettingError: fewer than one step or restart, or a step length that is not positive.

    References:
        kurakin2017, section 2.2; the step length is madry2018's.
    """

    steps: int = 10
    relative_step: float | None = None
    objective: Objective | RelativeObjective = scale_free_cross_entropy
    view: View = PLAIN

    def __post_init__(self) -> None:
        self._ascent()

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
        return Ascent(
            f"BIM-{self.steps}",
            self.steps,
            self.relative_step,
            objective=self.objective,
            view=self.view,
        )
