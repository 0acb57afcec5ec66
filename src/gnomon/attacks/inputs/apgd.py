"""Auto-PGD, which has no step length to choose, away from the label or to other classes."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.auto_ascent import Goal, auto_ascent
from gnomon.attacks.guards import Aims
from gnomon.attacks.outcome import Outcome
from gnomon.attacks.search import Rows, Search
from gnomon.attacks.slopes import Slope
from gnomon.attacks.step_rules import AdaptiveSparsity, Halving
from gnomon.attacks.view import PLAIN, View
from gnomon.errors import SettingError
from gnomon.objectives import (
    Objective,
    RelativeObjective,
    TargetedObjective,
    likeliest_other,
    rescaled_log_odds,
    targeted_dlr,
)
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels, Logits, PerExample

_STAGES = ((3.0, 0.3), (2.0, 0.3), (1.0, 0.4))
"""The stages in L1: radius, in multiples of the set's, and share of the steps."""


@dataclass(frozen=True)
class APGD:
    """Ascent from random members of the set that chooses the lengths of its steps itself.

    `Halving` says how; in L1 it is `AdaptiveSparsity`, which first searches larger balls: 3 r
    for three tenths of the steps, then 2 r for as many, each from the best point so far.
    Examples leave once they are fooled, and as many restarts run together as fill the batch
    that they have made smaller.

    Attributes:
        steps: gradient steps per restart.
        restarts: random starts.
        objective: the function to maximise; its values are compared between points. The
            log-odds are climbed as the cross-entropy is, and are never blind.
        share: ρ, the share of steps that have to help; not used in L1.
        view: how the network is seen while searching.

    Raises:
        SettingError: fewer than one step or restart, or a share outside (0, 1).

    References:
        croce2020, algorithm 1; croce2021, algorithm 1 and section 4.1 (L1).
    """

    steps: int = 100
    restarts: int = 1
    objective: Objective | RelativeObjective = rescaled_log_odds
    share: float = 0.75
    view: View = PLAIN

    def __post_init__(self) -> None:
        _check_settings("APGD", {"steps": self.steps, "restarts": self.restarts}, self.share)

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
        targets: Aims = None,
    ) -> Outcome:
        """Attacks one batch; see `Search` for the errors and the targets."""
        repeated = f" × {self.restarts}" if self.restarts > 1 else ""
        name = f"APGD-{self.steps}{repeated}"
        with Search(name, network, inputs, labels, within, self.view, generator).aimed(
            targets
        ) as search:
            left = self.restarts
            while left and len(rows := search.resisting):
                together = min(left, max(1, len(labels) // len(rows)))
                rows = rows.repeat(together)
                _climb(search, rows, labels[rows], self._goal, self.steps, self.share)
                left -= together
        return search.outcome()

    def _goal(self, search: Search, rows: Rows, aims: Labels, here: Inputs) -> Slope:
        del aims
        return search.uphill(rows, here, self.objective)


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
        _check_settings("APGDT", counts, self.share)

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

        With targets each example aims at its own, and is fooled if it is given that class: the
        objective then compares the target with the likeliest other class, the label or not.
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
                _climb(search, rows.repeat(together), aims, self._goal, self.steps, self.share)
                begun += together
        return search.outcome()

    def _goal(self, search: Search, rows: Rows, aims: Labels, here: Inputs) -> Slope:
        def objective(logits: Logits, labels: Labels) -> PerExample:
            rivals = labels if search.targets is None else likeliest_other(logits, aims)
            return self.objective(logits, rivals, aims)

        return search.slope(rows, here, objective)


def _climb(
    search: Search, rows: Rows, targets: Labels, goal: Goal, steps: int, share: float
) -> None:
    """Runs one ascent of Auto-PGD in each row from one random start; see `APGD`.

    Args:
        search: judges and counts.
        rows: the examples.
        targets: the class that each row aims at.
        goal: the objective to maximise, with its gradient.
        steps: number of gradients of each row.
        share: ρ of `Halving`.
    """
    within = search.within
    if within.norm != "L1":
        start = within.around(search.originals[rows]).sample(search.generator)
        halving = Halving.of(start, within.radius, steps, share)
        auto_ascent(search, within, (rows, targets, start), goal, halving, steps)
        return
    stages = [(within.with_radius(most * within.radius), part) for most, part in _STAGES]
    start = stages[0][0].around(search.originals[rows]).sample(search.generator)
    rule, left = AdaptiveSparsity.at_random, steps
    for wider, part in stages:
        now = left if wider.radius == within.radius else min(left, math.ceil(part * steps))
        start = wider.around(search.originals[rows]).project(start)
        sparse = rule(start, wider.radius, now)
        start = auto_ascent(search, wider, (rows, targets, start), goal, sparse, now)
        rule, left = AdaptiveSparsity.at, left - now


def _check_settings(name: str, counts: dict[str, int], share: float) -> None:
    """Raises for settings that cannot be run.

    Raises:
        SettingError: a count below one, or a share outside (0, 1).
    """
    for key, count in counts.items():
        if count < 1:
            raise SettingError(f"{name}: expected {key} ≥ 1, got {count}. Raise it.")
    if not 0 < share < 1:
        raise SettingError(f"{name}: expected share in (0, 1), got {share}. Correct it.")
