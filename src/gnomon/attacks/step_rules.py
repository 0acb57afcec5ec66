"""The step rules of Auto-PGD: one for L1 and one for all other norms."""

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.attacks.auto_ascent import Trail, per_row
from gnomon.sets import InputSet, PerturbationSet
from gnomon.shapes import Inputs, Mask, PerExample

MOMENTUM = 0.75
"""The share α of the new step; 1 − α is the share of the step before."""


@dataclass(frozen=True, eq=False)
class Halving:
    """Steps with momentum, of a length that is halved where they have stopped helping.

    With s the steepest direction of the norm and Π the projection on the set,

        z = Π(δ + η s(∇)),   δ ← Π(δ + α (z − δ) + (1 − α)(δ − δ_before)),

    the first step without momentum. At the checkpoints w_j a row's η is halved, and the row
    goes back to its best point, if fewer than ρ (w_j − w_{j−1}) of the steps since the last one
    raised the objective, or if neither η nor the best value has changed since.

    Attributes:
        length: η of each row.
        rises: steps that raised the objective since the last checkpoint.
        record: the best value at the last checkpoint.
        halved: whether η was halved there; before the first one, yes.
        windows: w_j − w_{j−1} at each checkpoint w_j.
        share: ρ.

    References:
        croce2020, algorithm 1 and section 3.
    """

    length: PerExample
    rises: Float[Tensor, " rows"]
    record: PerExample
    halved: Mask
    windows: dict[int, int]
    share: float

    @classmethod
    def of(cls, rows: Inputs, radius: float, steps: int, share: float) -> "Halving":
        """The rule at the start: steps as long as the set is wide, η = 2 r."""
        zeros = rows.new_zeros(len(rows))
        lowest = torch.full_like(zeros, -torch.inf)
        yes = torch.ones_like(zeros, dtype=torch.bool)
        return cls(zeros + 2 * radius, zeros, lowest, yes, checkpoints(steps), share)

    def only(self, kept: Mask) -> "Halving":
        """The rule of some rows."""
        return replace(
            self,
            length=self.length[kept],
            rises=self.rises[kept],
            record=self.record[kept],
            halved=self.halved[kept],
        )

    def noted(self, risen: Mask) -> "Halving":
        """The rule after one more step, which has raised the objective of some rows."""
        return replace(self, rises=self.rises + risen)

    def reviewed(self, step: int, trail: Trail) -> tuple["Halving", Mask]:
        """The rule after its review of a step, and the rows that go back to their best."""
        if step not in self.windows:
            return self, torch.zeros_like(self.halved)
        restless = self.rises < self.share * self.windows[step]
        stuck = ~self.halved & (trail.best_value <= self.record)
        halved = restless | stuck
        length = torch.where(halved, self.length / 2, self.length)
        nothing = torch.zeros_like(self.rises)
        rule = replace(
            self, length=length, rises=nothing, record=trail.best_value, halved=halved
        )
        return rule, halved

    def moved(
        self, trail: Trail, step: int, within: InputSet, region: PerturbationSet
    ) -> Inputs:
        """The next perturbation of each row."""
        here, length = trail.here, per_row(self.length, trail.here)
        aimed = region.project(here + length * within.steepest(trail.gradient, 1.0))
        if step == 0:
            return aimed
        inertia = (1 - MOMENTUM) * (here - trail.before)
        return region.project(here + MOMENTUM * (aimed - here) + inertia)


def checkpoints(steps: int) -> dict[int, int]:
    """The steps w_j = ⌈p_j N⌉ after which η is reviewed, and how many lie since the last.

    p_0 = 0, p_1 = 0.22, p_{j+1} = p_j + max(p_j − p_{j−1} − 0.03, 0.06), in hundredths.

    References:
        croce2020, section 3.
    """
    places, gap = [0, 22], 22
    while places[-1] < 100:
        gap = max(gap - 3, 6)
        places.append(places[-1] + gap)
    at = sorted({-(-place * steps // 100) for place in places if place <= 100})
    return {end: end - begun for begun, end in pairwise(at)}


@dataclass(frozen=True, eq=False)
class AdaptiveSparsity:
    """Steps in L1 on as many coordinates as the best perturbation has, and somewhat fewer.

    A step of length η is shared equally by the k coordinates of largest gradient. At every
    25th part of the ascent, k becomes the number of coordinates that the best perturbation
    changes, divided by 1.5. Where that number has shrunk below 0.95 of what it was, η starts
    again from the radius and the row from its best point; else η is divided by 1.5, down to a
    tenth of the radius.

    Attributes:
        length: η of each row.
        count: k of each row, a fraction until it is used.
        changed: coordinates that the best perturbation changed at the last review.
        radius: of the set.
        every: steps between two reviews.

    References:
        croce2021, algorithm 1.
    """

    length: PerExample
    count: PerExample
    changed: PerExample
    radius: float
    every: int

    @classmethod
    def at_random(cls, start: Inputs, radius: float, steps: int) -> "AdaptiveSparsity":
        """The rule at a random start, which says nothing of what helps: k is a fifth of all."""
        size = start.new_full((len(start),), start[0].numel())
        return cls(torch.full_like(size, radius), 0.2 * size, size, radius, _period(steps))

    @classmethod
    def at(cls, start: Inputs, radius: float, steps: int) -> "AdaptiveSparsity":
        """The rule at a point that has been found already."""
        changed = _changed(start)
        length = torch.full_like(changed, radius)
        return cls(length, changed / 1.5, changed, radius, _period(steps))

    def only(self, kept: Mask) -> "AdaptiveSparsity":
        """The rule of some rows."""
        return replace(
            self,
            length=self.length[kept],
            count=self.count[kept],
            changed=self.changed[kept],
        )

    def noted(self, risen: Mask) -> "AdaptiveSparsity":
        """The rule itself: it does not ask whether a step helped."""
        del risen
        return self

    def reviewed(self, step: int, trail: Trail) -> tuple["AdaptiveSparsity", Mask]:
        """The rule after its review of a step, and the rows that go back to their best."""
        if step == 0 or step % self.every:
            return self, torch.zeros_like(trail.value, dtype=torch.bool)
        changed = _changed(trail.best)
        sparser = changed < 0.95 * self.changed
        shorter = (self.length / 1.5).clamp_min(self.radius / 10)
        length = torch.where(sparser, torch.full_like(shorter, self.radius), shorter)
        return replace(self, length=length, count=changed / 1.5, changed=changed), sparser

    def moved(
        self, trail: Trail, step: int, within: InputSet, region: PerturbationSet
    ) -> Inputs:
        """The next perturbation of each row."""
        del step, within
        flat = trail.gradient.flatten(1)
        ranked = flat.abs().argsort(dim=1, descending=True, stable=True)
        order = torch.arange(flat.shape[1], device=flat.device)
        used = order < self.count.floor().clamp_min(1)[:, None]
        chosen = torch.zeros_like(flat).scatter(1, ranked, used.to(flat))
        signs = flat.sign() * chosen
        share = self.length / signs.abs().sum(dim=1).clamp_min(1)
        return region.project(trail.here + (signs * share[:, None]).reshape(trail.here.shape))


def _period(steps: int) -> int:
    """The 25th part of the steps."""
    return max(4 * steps // 100, 1)


def _changed(perturbation: Inputs) -> PerExample:
    """The number of nonzero coordinates of each example."""
    return (perturbation != 0).flatten(1).sum(dim=1).to(perturbation)
