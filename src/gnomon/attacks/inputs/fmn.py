"""The fast minimum-norm attack: ascent in a ball whose radius adapts."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.guards import Aims
from gnomon.attacks.linearised import measured, refine
from gnomon.attacks.outcome import Outcome
from gnomon.attacks.search import Search
from gnomon.attacks.view import PLAIN, View
from gnomon.errors import SettingError
from gnomon.objectives import margin
from gnomon.sets import InputSet, MeasuredSet
from gnomon.sets.lengths import scaled, unit
from gnomon.shapes import Inputs, Labels, PerExample


@dataclass(frozen=True)
class FMN:
    """Normalised ascent of the margin, in a ball that shrinks where it fools and grows else.

    In step k, with f the margin, Π_ε the projection on the ball of radius ε cut with the
    domain, and d the shortest step in the domain to where f, linearised at x + δ, is 0,

        ε ← min((1 − γ_k) ε, least distance so far)  where x + δ fools,
        ε ← (1 + γ_k) ε                              where it does not, but something has,
        ε ← ‖δ‖ + ‖d‖                                where nothing has yet,
        δ ← Π_ε(δ + α_k ∇f / ‖∇f‖₂).

    Without a domain ‖d‖ is ``|f| / ‖∇f‖*`` with the dual norm. Both α_k and γ_k fall from first
    to last along half a cosine. The set names the norm, the domain, and the largest distance
    that counts, which ε never exceeds.

    Attributes:
        steps: number of gradients per example.
        first_step: α of the first step, in the data's own units; the last is a hundredth.
        first_change: γ of the first step.
        last_change: γ of the last.
        refinements: steps of a final bisection. The original method has none.
        view: the view of the network while searching.

    Raises:
        SettingError: a setting outside its range.

    References:
        pintor2021, algorithm 1. It estimates ‖d‖ without the domain, and projects on the ball
        and the domain in turn.
    """

    steps: int = 100
    first_step: float = 1.0
    first_change: float = 0.05
    last_change: float = 0.001
    refinements: int = 10
    view: View = PLAIN

    def __post_init__(self) -> None:
        if self.steps < 1 or self.refinements < 0:
            raise SettingError(
                f"FMN: expected steps ≥ 1 and refinements ≥ 0, got {self.steps} and "
                f"{self.refinements}. Raise them."
            )
        if not self.first_step > 0 or not 0 < self.last_change <= self.first_change < 1:
            raise SettingError(
                "FMN: expected first_step > 0 and 0 < last_change ≤ first_change < 1, got "
                f"{self.first_step}, {self.last_change} and {self.first_change}. Correct them."
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
        norm, name = measured("FMN", within), f"FMN-{self.steps}"
        with Search(name, network, inputs, labels, within, self.view, generator).aimed(
            targets
        ) as search:
            correct = search.resisting
            if len(correct):
                self._climb(search, norm)
            refine(search, correct, self.refinements)
        return search.outcome()

    def _climb(self, search: Search, norm: MeasuredSet) -> None:
        rows = search.resisting
        perturbation = torch.zeros_like(search.originals[rows])
        radius = torch.full_like(search.distance[rows], search.within.radius)
        for index in range(self.steps):
            slope = search.uphill(rows, perturbation, margin)
            across = search.across(rows, slope.logits)
            length = norm.distance(perturbation)
            search.judge(
                rows,
                perturbation,
                across & (length < _best(search.distance[rows], search.fooled[rows])),
            )
            originals = search.originals[rows]
            gradient, largest = scaled(slope.gradient)
            step = norm.shortest(originals + perturbation, gradient, -slope.value / largest)
            reach = length + norm.distance(step)
            change = self._between(index, self.first_change, self.last_change)
            best, fooled = search.distance[rows], search.fooled[rows]
            radius = torch.where(
                across,
                ((1 - change) * radius).minimum(_best(best, fooled)),
                torch.where(fooled, (1 + change) * radius, reach),
            ).clamp_max(search.within.radius)
            size = self._between(index, self.first_step, self.first_step / 100)
            ahead = perturbation + size * unit(gradient)
            # On the ball and the domain at once: cut by the domain afterwards, a perturbation
            # would not be as long as the ball allows, and could stand still.
            perturbation = norm.nearest(originals, ahead, radius)
        across = search.across(rows, search.logits(rows, perturbation))
        search.judge(rows, perturbation, across)

    def _between(self, index: int, first: float, last: float) -> float:
        """From first to last along half a cosine."""
        fall = (1 + math.cos(math.pi * index / self.steps)) / 2
        return last + (first - last) * fall


def _best(distance: PerExample, fooled: torch.Tensor) -> PerExample:
    """The least distance so far; infinite where nothing was found."""
    return torch.where(fooled, distance, torch.inf)
