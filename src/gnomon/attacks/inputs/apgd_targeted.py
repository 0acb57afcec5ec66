"""Auto-PGD towards one wrong class after another."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.guards import Aims
from gnomon.attacks.inputs.apgd import check_settings, climb
from gnomon.attacks.outcome import Outcome
from gnomon.attacks.search import Rows, Search
from gnomon.attacks.slopes import Slope
from gnomon.attacks.view import PLAIN, View
from gnomon.objectives import TargetedObjective, likeliest_other, targeted_dlr
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels, Logits, PerExample


@dataclass(frozen=True)
class APGDT:
    """Auto-PGD on a targeted objective, towards the likeliest wrong classes in their order.

    Each example's targets are the wrong classes of largest logit at its unperturbed input,
    at most classes − 1 of them, whatever the number of classes. Examples leave once they are
    fooled, by any class, and as many targets run together as fill the batch that they have
    made smaller.

    Attributes:
        steps: gradient steps per target and restart.
        targets: the most classes that are aimed at.
        restarts: random starts for each target.
        objective: of (logits, labels, targets), driven up.
        share: see `APGD`.
        view: how the network is seen while searching.

    Raises:
        SettingError: fewer than one step, target or restart, or a share outside (0, 1).

    References:
        croce2020, section 4.2 and the appendix on targeted attacks; see `APGD`.
    """

    steps: int = 100
    targets: int = 9
    restarts: int = 1
    objective: TargetedObjective = targeted_dlr
    share: float = 0.75
    view: View = PLAIN

    def __post_init__(self) -> None:
        counts = {"steps": self.steps, "targets": self.targets, "restarts": self.restarts}
        check_settings("APGDT", counts, self.share)

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
        targets: Aims = None,
    ) -> Outcome:
        """Attacks one batch; see `Search` for the errors.

        With targets each example aims at its own, and fooled is who is given it: the objective
        then compares the target with the likeliest other class, the label or not.
        """
        repeated = f" × {self.restarts}" if self.restarts > 1 else ""
        name = f"APGD-T-{self.steps}{repeated}"
        with Search(name, network, inputs, labels, within, self.view, generator).aimed(
            targets
        ) as search:
            ranked = search.wrong_classes[:, : self.targets]
            if search.targets is not None:
                ranked = search.targets[:, None]
            ranked = ranked.repeat_interleave(self.restarts, dim=1)
            begun, runs = 0, ranked.shape[1]
            while begun < runs and len(rows := search.resisting):
                together = min(runs - begun, max(1, len(labels) // len(rows)))
                aims = ranked[rows, begun : begun + together].T.flatten()
                climb(search, rows.repeat(together), aims, self._goal, self.steps, self.share)
                begun += together
        return search.outcome()

    def _goal(self, search: Search, rows: Rows, aims: Labels, here: Inputs) -> Slope:
        def objective(logits: Logits, labels: Labels) -> PerExample:
            rivals = labels if search.targets is None else likeliest_other(logits, aims)
            return self.objective(logits, rivals, aims)

        return search.slope(rows, here, objective)
