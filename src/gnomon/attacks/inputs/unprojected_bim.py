"""The basic iterative method as it was once used: steps that are never projected back."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.outcome import Outcome
from gnomon.attacks.search import Search
from gnomon.attacks.view import PLAIN, View
from gnomon.errors import SettingError
from gnomon.objectives import scale_free_cross_entropy
from gnomon.seeds import ensure
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class UnprojectedBIM:
    """The attack that slusarz2021 calls BIM at ε, in the set that contains its points.

    The source starts at a random point within ε, takes n steps of length α = ε / 2, and clips
    each to the ball of radius ε around the *current* point, which changes nothing, as α < ε.
    So a perturbation may become ε + n α long. Here the radius R of the set is that length, and
    ε = R / (1 + n α / ε): with 4 steps, radius 1.5 is what the source calls ε = 0.5. No point
    leaves the set; only the label ε was wrong.

    Attributes:
        steps: n gradient steps.
        relative_step: α / ε.
        view: the view of the network while searching.

    Raises:
        SettingError: fewer than one step, or a step length that is not positive.

    References:
        slusarz2021 (its program); compare `BIM`, which projects (kurakin2017).
    """

    steps: int = 4
    relative_step: float = 0.5
    view: View = PLAIN

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise SettingError(
                f"UnprojectedBIM: expected steps ≥ 1, got {self.steps}. Raise it."
            )
        if not self.relative_step > 0:
            raise SettingError(
                "UnprojectedBIM: expected relative_step > 0, got "
                f"{self.relative_step}. Raise it."
            )

    def named(self, radius: float) -> float:
        """The ε of the source, for a set of this radius."""
        return radius / (1 + self.steps * self.relative_step)

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
    ) -> Outcome:
        """Attacks one batch; see `Search` for the errors."""
        generator = ensure(generator)
        name, epsilon = f"unprojected BIM-{self.steps}", self.named(within.radius)
        start, step = within.with_radius(epsilon), self.relative_step * epsilon
        with Search(name, network, inputs, labels, within, self.view, generator) as search:
            rows = search.resisting
            perturbation = torch.zeros_like(search.originals[rows])
            if len(rows):
                perturbation = start.around(search.originals[rows]).sample(search.generator)
            for _ in range(self.steps):
                if not len(rows):
                    break
                slope = search.slope(rows, perturbation, scale_free_cross_entropy)
                wrong = search.across(rows, slope.logits)
                fooled = search.judge(rows, perturbation, wrong)
                perturbation = perturbation + within.steepest(slope.gradient, step)
                rows, perturbation = rows[~fooled], perturbation[~fooled]
            if len(rows):
                search.judge(rows, perturbation)
        return search.outcome()
