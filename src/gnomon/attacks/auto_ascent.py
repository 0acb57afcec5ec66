"""The loop behind Auto-PGD: steepest ascent that chooses the lengths of its steps itself."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.attacks.search import Rows, Search
from gnomon.attacks.slopes import Slope
from gnomon.sets import InputSet, PerturbationSet
from gnomon.shapes import Inputs, Labels, Mask, PerExample

Goal = Callable[[Search, Rows, Labels, Inputs], Slope]
"""The objective to maximise and its gradient, at perturbed rows that aim at these classes."""


@dataclass(frozen=True, eq=False)
class Trail:
    """The current perturbation of each row of an ascent, and the best one so far.

    Attributes:
        rows: indices of the attacked examples.
        targets: the class that each row aims at, for an objective that has one.
        here: the perturbation δ.
        before: the one before it.
        value: the objective at δ.
        gradient: the gradient of the objective at δ.
        best: the perturbation of largest value so far.
        best_value: that value.
        best_gradient: the gradient there.
    """

    rows: Rows
    targets: Labels
    here: Inputs
    before: Inputs
    value: PerExample
    gradient: Inputs
    best: Inputs
    best_value: PerExample
    best_gradient: Inputs

    def only(self, kept: Mask) -> "Trail":
        """The trail of some rows."""
        return type(self)(*(getattr(self, each.name)[kept] for each in fields(self)))

    def seen(self, value: PerExample, gradient: Inputs) -> "Trail":
        """The trail after the objective has been evaluated at `here`."""
        better = value > self.best_value
        return replace(
            self,
            value=value,
            gradient=gradient,
            best=where(better, self.here, self.best),
            best_value=torch.where(better, value, self.best_value),
            best_gradient=where(better, gradient, self.best_gradient),
        )

    def back_to_best(self, chosen: Mask) -> "Trail":
        """The trail with some rows moved to the best point they have seen."""
        return replace(
            self,
            here=where(chosen, self.best, self.here),
            value=torch.where(chosen, self.best_value, self.value),
            gradient=where(chosen, self.best_gradient, self.gradient),
        )


@runtime_checkable
class StepRule(Protocol):
    """Chooses the length of each row's step and adapts it to the results."""

    def only(self, kept: Mask) -> "StepRule":
        """The rule of some rows."""
        ...

    def noted(self, risen: Mask) -> "StepRule":
        """The rule after one more step, which has raised the objective of some rows."""
        ...

    def reviewed(self, step: int, trail: Trail) -> tuple["StepRule", Mask]:
        """The rule after its review of a step, and the rows that go back to their best."""
        ...

    def moved(
        self, trail: Trail, step: int, within: InputSet, region: PerturbationSet
    ) -> Inputs:
        """The next perturbation of each row."""
        ...


def auto_ascent(
    search: Search,
    within: InputSet,
    start: tuple[Rows, Labels, Inputs],
    goal: Goal,
    rule: StepRule,
    steps: int,
) -> Float[Tensor, " left *shape"]:
    """The best perturbation of each row in the set `within`, or of the rows that still resist.

    An example leaves once it is fooled; that is judged only where `within` is the search's own
    set, and not while a larger one is searched.

    Args:
        search: judges and counts.
        within: the set that is searched.
        start: the rows, the classes they aim at, and members of the set to begin with.
        goal: the objective to maximise, with its gradient.
        rule: the rule of the steps.
        steps: number of gradients of each row.
    """
    judged = within.radius == search.within.radius
    region = within.around(search.originals[start[0]])
    trail = _begin(*start)
    for step in range(steps):
        slope = goal(search, trail.rows, trail.targets, trail.here)
        value, gradient = slope.value, slope.gradient
        if judged:
            candidates = search.across(trail.rows, slope.logits)
            resisting = ~search.judge(trail.rows, trail.here, candidates)
            if not resisting.all():
                trail, rule = trail.only(resisting), rule.only(resisting)
                value, gradient = value[resisting], gradient[resisting]
                region = within.around(search.originals[trail.rows])
        if not len(trail.rows):
            return trail.best
        rule = rule.noted(value > trail.value)
        trail = trail.seen(value, gradient)
        rule, back = rule.reviewed(step, trail)
        trail = trail.back_to_best(back)
        moved = rule.moved(trail, step, within, region)
        trail = replace(trail, before=trail.here, here=moved)
    if judged:
        search.judge(trail.rows, trail.here)
    return trail.best


def where(rows: Mask, chosen: Inputs, other: Inputs) -> Inputs:
    """Selects for each row one of two tensors."""
    return torch.where(per_row(rows, chosen), chosen, other)


def per_row(values: Tensor, like: Inputs) -> Tensor:
    """One value per row, in a shape that goes with the inputs."""
    return values.reshape(-1, *[1] * (like.dim() - 1))


def _begin(rows: Rows, targets: Labels, here: Inputs) -> Trail:
    nothing, highest = torch.zeros_like(here), here.new_full((len(rows),), torch.inf)
    # The first value is no rise above anything, and yet the best so far.
    return Trail(rows, targets, here, here, highest, nothing, here, -highest, nothing)
