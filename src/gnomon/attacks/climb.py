"""Perturbed examples for a loss: every example is moved, whether it is fooled or not."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gnomon.errors import SettingError
from gnomon.objectives import Objective, RelativeObjective, cross_entropy
from gnomon.seeds import ensure
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class Climb:
    """Projected steepest ascent that gives back where it ended.

    An attack asks who is fooled, lets the fooled leave and gives those who resist back as they
    were (`Ascent`). A loss over the worst inputs, as in adversarial training and in the
    flatness of the adversarial loss, needs every example where the objective is high.

    Attributes:
        steps: gradient steps, ≥ 1.
        relative_step: length of a step divided by the radius; None means 2.5 / steps, at most
            1.
        random_start: starts at a random member of the set instead of at 0.
        objective: the function to maximise; the unperturbed logits that a relative one looks
            at are computed once.

    Raises:
        SettingError: a setting outside its range.

    References:
        madry2018.
    """

    steps: int = 10
    relative_step: float | None = None
    random_start: bool = True
    objective: Objective | RelativeObjective = cross_entropy

    def __post_init__(self) -> None:
        positive = self.relative_step is None or 0 < self.relative_step < math.inf
        if not self.steps >= 1 or not positive:
            raise SettingError(
                f"Climb: expected steps ≥ 1, and a finite relative_step > 0, got {self.steps} "
                f"and {self.relative_step}. Correct them."
            )

    def __call__(
        self,
        network: Callable[[Tensor], Tensor],
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
    ) -> Inputs:
        """The inputs perturbed, up to rounding in the set; `network` is called as it is."""
        generator = ensure(generator)
        region = within.around(inputs)
        relative = min(1.0, 2.5 / self.steps) if self.relative_step is None else None
        step = within.radius * (relative or self.relative_step or 0.0)
        perturbation = torch.zeros_like(inputs)
        if self.random_start:
            perturbation = region.sample(generator)
        objective = self._from(network, inputs)
        for _ in range(self.steps):
            points = (inputs + perturbation).detach().requires_grad_()
            with torch.enable_grad():
                value = objective(network(points), labels).sum()
            (gradient,) = torch.autograd.grad(value, points)
            perturbation = region.project(perturbation + within.steepest(gradient, step))
        return (inputs + perturbation).detach()

    def _from(self, network: Callable[[Tensor], Tensor], inputs: Inputs) -> Objective:
        """The objective of logits and labels, for these unperturbed inputs."""
        objective = self.objective
        if not isinstance(objective, RelativeObjective):
            return objective
        with torch.no_grad():
            reference = network(inputs)
        return lambda logits, labels: objective(logits, labels, reference)
