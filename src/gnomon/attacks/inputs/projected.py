"""Projected gradient attacks: FGSM, and many steps from the input (BIM) or at random (PGD)."""

from abc import ABC, abstractmethod
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


class _Ascending(ABC):
    """An attack that is one setting of `Ascent`, which also checks its numbers."""

    @abstractmethod
    def _ascent(self) -> Ascent: ...

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


@dataclass(frozen=True)
class FGSM(_Ascending):
    """One steepest step of full length: in L∞, x + ε sign ∇ objective; in L2, x + ε ∇/‖∇‖.

    Attributes:
        random_start: starts at a random member of the set, and projects back on it.
        objective: what is driven up.
        view: how the network is seen while searching.

    References:
        goodfellow2015, section 4.
    """

    random_start: bool = False
    objective: Objective | RelativeObjective = scale_free_cross_entropy
    view: View = PLAIN

    def _ascent(self) -> Ascent:
        return Ascent(
            "FGSM with random start" if self.random_start else "FGSM",
            steps=1,
            relative_step=1.0,
            random_start=self.random_start,
            objective=self.objective,
            view=self.view,
        )


@dataclass(frozen=True)
class BIM(_Ascending):
    """Steepest steps from the original input, each projected on the set around that input.

    Attributes:
        steps: number of gradient steps, ≥ 1.
        relative_step: length of a step divided by the radius; None leaves it to `Ascent`.
        objective: what is driven up.
        view: how the network is seen while searching.

    Raises:
        SettingError: fewer than one step, or a step length that is not positive.

    References:
        kurakin2017, section 2.2; the step length is madry2018's.
    """

    steps: int = 10
    relative_step: float | None = None
    objective: Objective | RelativeObjective = scale_free_cross_entropy
    view: View = PLAIN

    def _ascent(self) -> Ascent:
        return Ascent(
            f"BIM-{self.steps}",
            self.steps,
            self.relative_step,
            objective=self.objective,
            view=self.view,
        )


@dataclass(frozen=True)
class PGD(_Ascending):
    """Steepest steps from random members of the set, each projected on the set.

    In L1 the steepest step changes one coordinate, so that few steps reach few coordinates:
    `APGD`, which adapts how many it changes, and `SquareAttack` find far more there.

    Attributes:
        steps: number of gradient steps per restart, ≥ 1.
        restarts: number of random starts, ≥ 1; an example once fooled is not attacked again.
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
