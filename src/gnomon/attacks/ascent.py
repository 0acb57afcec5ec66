"""The loop that every gradient attack on inputs shares: projected steepest ascent."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.guards import Aims
from gnomon.attacks.outcome import Outcome
from gnomon.attacks.search import Rows, Search
from gnomon.attacks.view import PLAIN, View
from gnomon.errors import SettingError
from gnomon.objectives import Objective, RelativeObjective, scale_free_cross_entropy
from gnomon.sets import InputSet
from gnomon.sets.lengths import scaled
from gnomon.sets.rounding import per_example
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class Ascent:
    """Projected steepest ascent of an objective inside a perturbation set.

    δ ← Π(δ + α steepest(∇ objective)), with Π the projection on the set around the *original*
    input. An example leaves the batch as soon as the network, judged at a point that lies in
    the set exactly, gets it wrong; the others go on, and start again in each restart. As many
    restarts run together as fill the batch that those who left have made smaller.

    Attributes:
        name: the name in the outcome.
        steps: gradient steps per restart, ≥ 1.
        relative_step: the length α of a step divided by the radius of the set; None means 2.5 /
            steps, at most 1, with which the border is reached and left again from any start
            (madry2018).
        restarts: independent starts, ≥ 1; without a random start more than one is pointless.
        random_start: starts at a random member of the set instead of at 0.
        momentum: μ of v ← μ v + ∇/‖∇‖₁, which is followed in place of the gradient; 0 for none.
        objective: the function to maximise.
        view: the view of the network while searching.

    Raises:
        SettingError: a setting outside its range.

    References:
        madry2018; dong2018, algorithm 1 (momentum).
    """

    name: str
    steps: int
    relative_step: float | None = None
    restarts: int = 1
    random_start: bool = False
    momentum: float = 0.0
    objective: Objective | RelativeObjective = scale_free_cross_entropy
    view: View = PLAIN

    def __post_init__(self) -> None:
        for key, least in (("steps", 1), ("restarts", 1)):
            if getattr(self, key) < least:
                raise SettingError(
                    f"{self.name}: expected {key} ≥ {least}, got {getattr(self, key)}. Raise "
                    "it."
                )
        if self.relative_step is not None and not self.relative_step > 0:
            raise SettingError(
                f"{self.name}: expected relative_step > 0, got {self.relative_step}. Raise it."
            )
        if not 0 <= self.momentum < 2:
            raise SettingError(
                f"{self.name}: expected momentum in [0, 2), got {self.momentum}. Correct it."
            )

    def step_length(self, radius: float) -> float:
        """The length α of one step in a set of this radius."""
        relative = (
            min(1.0, 2.5 / self.steps) if self.relative_step is None else self.relative_step
        )
        return relative * radius

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
        targets: Aims = None,
    ) -> Outcome:
        """Attacks one batch; with targets, an example is fooled if it is given the target.

        Raises:
            OutOfDomainError: an input is NaN or outside the set's domain.
            ShapeError: the network does not return batch × classes.
            SubjectError: the output does not depend differentiably on the input.
        """
        with Search(self.name, network, inputs, labels, within, self.view, generator).aimed(
            targets
        ) as search:
            left = self.restarts
            while left and len(rows := search.resisting):
                together = min(left, max(1, len(labels) // len(rows)))
                self._climb(search, rows.repeat(together))
                left -= together
        return search.outcome()

    def _climb(self, search: Search, rows: Rows) -> None:
        """Runs one ascent in each row, from one start; rows of fooled examples leave."""
        step, region = self.step_length(search.within.radius), search.region(rows)
        perturbation = torch.zeros_like(search.originals[rows])
        if self.random_start:
            perturbation = region.sample(search.generator)
        velocity = torch.zeros_like(perturbation)
        for _ in range(self.steps):
            slope = search.uphill(rows, perturbation, self.objective)
            candidates = search.across(rows, slope.logits)
            fooled = search.judge(rows, perturbation, candidates)
            gradient = slope.gradient
            if fooled.any():
                rows, perturbation = rows[~fooled], perturbation[~fooled]
                gradient, velocity = gradient[~fooled], velocity[~fooled]
                region = search.region(rows)
            if not len(rows):
                return
            if self.momentum:
                velocity = self.momentum * velocity + _of_unit_size(gradient)
                gradient = velocity
            perturbation = region.project(perturbation + search.within.steepest(gradient, step))
        search.judge(rows, perturbation)


def _of_unit_size(gradient: Inputs) -> Inputs:
    """Each example's gradient divided by the sum of its sizes; 0 stays 0."""
    small, _ = scaled(gradient)
    return small / per_example(small.abs().flatten(1).sum(dim=1).clamp_min(1), small)
