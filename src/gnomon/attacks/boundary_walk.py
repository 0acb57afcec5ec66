"""The walk along the decision boundary that both forms of FAB take."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor, nn

from gnomon.attacks.guards import Aims
from gnomon.attacks.linearised import inside_domain, measured, nearest_boundary, refine
from gnomon.attacks.outcome import Outcome
from gnomon.attacks.search import Rows, Search
from gnomon.attacks.view import View
from gnomon.errors import SettingError
from gnomon.sets import InputSet, MeasuredSet
from gnomon.sets.rounding import per_example
from gnomon.shapes import Inputs, Labels

Until = Literal["within", "nearest"]
"""The rule by which an example leaves: once fooled inside the set, or never ("nearest")."""

REFINEMENTS = 10


@dataclass(frozen=True)
class Stride:
    """Moves an iterate, given its shortest steps onto a linearised boundary.

    With d and d₀ the shortest steps from the iterate x + δ and from the original x to the
    hyperplane where the classes' difference, linearised at x + δ, is 0, all inside the domain:

        α = min(‖d‖ / (‖d‖ + ‖d₀‖), α_max),
        δ ← (1 − α) (δ + η d) + α η d₀, moved into the domain; where that fools, δ ← β δ.

    Attributes:
        alpha_max: how strongly an iterate is drawn towards the original, in [0, 1].
        eta: η ≥ 1, how far beyond the hyperplane a step goes.
        beta: β in (0, 1), how far from the original one that fools goes on.

    Raises:
        SettingError: a setting outside its range.

    References:
        crocefab2020, algorithm 1.
    """

    alpha_max: float = 0.1
    eta: float = 1.05
    beta: float = 0.9

    def __post_init__(self) -> None:
        ranges = {
            "alpha_max in [0, 1]": (self.alpha_max, 0 <= self.alpha_max <= 1),
            "eta ≥ 1": (self.eta, self.eta >= 1),
            "beta in (0, 1)": (self.beta, 0 < self.beta < 1),
        }
        for wanted, (value, holds) in ranges.items():
            if not holds:
                raise SettingError(f"Stride: expected {wanted}, got {value}. Correct it.")

    def ahead(
        self, norm: MeasuredSet, perturbation: Inputs, step: Inputs, whole: Inputs
    ) -> Inputs:
        """The next δ before it is brought into the domain; `step` is d, `whole` d₀."""
        here, original = norm.distance(step), norm.distance(whole)
        draw = here / (here + original).clamp_min(torch.finfo(step.dtype).tiny)
        draw = per_example(draw.clamp_max(self.alpha_max), step).to(step)
        return (1 - draw) * (perturbation + self.eta * step) + draw * self.eta * whole


STRIDE = Stride()
"""The stride with the published settings."""


@dataclass(frozen=True)
class BoundaryWalk:
    """Steps onto linearised boundaries, drawn towards the original, back inside once across.

    Attributes:
        name: the name in the outcome.
        targets: number of wrong classes walked to, one after the other; None walks to the
            nearest of all of them in each step.
        steps: number of steps per run, ≥ 1.
        restarts: number of runs for each target, ≥ 1; all but the first start at random.
        stride: the step rule of an iterate.
        until: the rule by which an example leaves.
        view: the view of the network while searching.

    Raises:
        SettingError: a setting outside its range.

    References:
        crocefab2020, algorithm 1; the final search is a bisection here.
    """

    name: str
    targets: int | None
    steps: int
    restarts: int
    stride: Stride
    until: Until
    view: View

    def __post_init__(self) -> None:
        counts = {"steps": self.steps, "restarts": self.restarts, "targets": self.targets}
        for key, count in counts.items():
            if count is not None and count < 1:
                raise SettingError(f"{self.name}: expected {key} ≥ 1, got {count}. Raise it.")
        if self.until not in {"within", "nearest"}:
            raise SettingError(
                f"{self.name}: expected until within or nearest, got {self.until}. Correct it."
            )

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
        norm = measured(self.name, within)
        with Search(self.name, network, inputs, labels, within, self.view, generator).aimed(
            targets
        ) as search:
            correct, wrong = search.resisting, search.wrong_classes
            if search.targets is not None:
                wrong = search.targets[:, None]
            aims = wrong.shape[1] if self.targets is None else 1
            runs = self.restarts * min(self.targets or 1, wrong.shape[1])
            begun = 0
            while begun < runs:
                rows = search.resisting if self.until == "within" else correct
                if not len(rows):
                    break
                together = min(runs - begun, max(1, len(labels) // len(rows)))
                run = torch.arange(begun, begun + together, device=labels.device)
                run, rows = run.repeat_interleave(len(rows)), rows.repeat(together)
                first = run // self.restarts
                columns = first[:, None] + torch.arange(aims, device=labels.device)
                start = self._start(search, rows, run % self.restarts > 0)
                self._walk(search, norm, rows, wrong[rows[:, None], columns], start)
                begun += together
            if self.until == "nearest":
                refine(search, correct, REFINEMENTS)
        return search.outcome()

    @staticmethod
    def _start(search: Search, rows: Rows, at_random: Tensor) -> Inputs:
        """0, or a random perturbation, half as long as the shortest known or the radius."""
        if not at_random.any():
            return torch.zeros_like(search.originals[rows])
        drawn = search.region(rows).sample(search.generator)
        longest = torch.full_like(search.distance[rows], search.within.radius)
        known = torch.where(search.fooled[rows], search.distance[rows], longest)
        length = search.within.distance(drawn).clamp_min(torch.finfo(drawn.dtype).tiny)
        share = known.minimum(longest) / (2 * length) * at_random
        return inside_domain(search, rows, drawn * per_example(share, drawn).to(drawn))

    def _walk(
        self,
        search: Search,
        norm: MeasuredSet,
        rows: Rows,
        classes: Int[Tensor, " rows some"],
        perturbation: Inputs,
    ) -> None:
        """Runs one walk in each row."""
        for _ in range(self.steps):
            plane = nearest_boundary(search, rows, perturbation, classes)
            originals = search.originals[rows]
            step = plane.step(norm, originals, perturbation)
            whole = plane.step(norm, originals, torch.zeros_like(step))
            ahead = self.stride.ahead(norm, perturbation, step, whole)
            perturbation = inside_domain(search, rows, ahead)
            across = search.across(rows, search.logits(rows, perturbation))
            fooled = search.judge(
                rows, perturbation, across & self._worth(search, rows, perturbation)
            )
            back = torch.where(across, self.stride.beta, 1.0).to(perturbation)
            perturbation = perturbation * per_example(back, perturbation)
            if self.until == "within" and fooled.any():
                rows, perturbation = rows[~fooled], perturbation[~fooled]
                classes = classes[~fooled]
            if not len(rows):
                return

    def _worth(self, search: Search, rows: Rows, perturbation: Inputs) -> Tensor:
        """Returns True for points that can improve on the best known ones.

        A point that a step has carried outside the set by its overshoot only is judged at its
        projection.
        """
        known = torch.full_like(search.distance[rows], self.stride.eta * search.within.radius)
        known = torch.where(search.fooled[rows], search.distance[rows], known)
        return search.within.distance(perturbation) <= known
