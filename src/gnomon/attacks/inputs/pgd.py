"""Projected gradient descent (here: ascent) from random starts."""

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
class PGD:
    """Steepest steps from random members of the set, each projected on the set.

    In L1 the steepest step changes one coordinate, so that few steps reach few coordinates:
    `APGD`, which adapts how many it changes, and `SquareAttack` find far more there.

    Attributes:
        steps: gradient steps per restart.
        restarts: random starts; an example once fooled is not attacked again.
        relative_step: length of a step divided by the radius; None leaves it to `Ascent`.
        momentum: of the direction, see `Ascent`.
        objective: what is driven up.
        view: how the network is seen while searching.

    Raises:
        SettingError: fewer than one step or restart, or a step length that is not positive.

    References:
        madry2018, sections 2.1 and B; the objective's rescaling is our own, see
        `gnomon.objectives`.
    """

    steps: int = 20
    restarts: int = 1
    relative_step: float | None = None
    momentum: float = 0.0
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
        repeated = f" × {self.restarts}" if self.restarts > 1 else ""
        return Ascent(
            f"PGD-{self.steps}{repeated}",
            self.steps,
            self.relative_step,
            self.restarts,
            random_start=True,
            momentum=self.momentum,
            objective=self.objective,
            view=self.view,
        )
