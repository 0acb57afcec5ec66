"""DeepFool: from one linearised boundary to the next."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.linearised import inside_domain, measured, nearest_boundary, refine
from gnomon.attacks.outcome import Outcome
from gnomon.attacks.search import Search
from gnomon.attacks.view import PLAIN, View
from gnomon.errors import SettingError
from gnomon.sets import InputSet, MeasuredSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class DeepFool:
    """Steps onto the nearest linearised boundary until the network is wrong.

    With r_i the shortest step from x + (1 + η) Σ_{k<i} r_k to the nearest of the hyperplanes
    z_c − z_y = 0, linearised there, the answer is x + (1 + η) Σ r_i, brought nearer to x by
    bisection. For an affine network without a domain the first step is exact. The set names the
    norm, the domain, and the largest distance that counts.

    Attributes:
        steps: largest number of steps.
        classes: number of likeliest wrong classes that are considered; each takes a gradient
            in each step.
        overshoot: η ≥ 0.
        refinements: steps of the final bisection. The original method has none.
        view: the view of the network while searching.

    Raises:
        SettingError: a setting outside its range.

    References:
        moosavi2016, algorithm 2 and section 3.3 (other norms). The steps stay in the domain
        here.
    """

    steps: int = 50
    classes: int = 9
    overshoot: float = 0.02
    refinements: int = 10
    view: View = PLAIN

    def __post_init__(self) -> None:
        for key, least in (("steps", 1), ("classes", 1), ("overshoot", 0), ("refinements", 0)):
            if not getattr(self, key) >= least:
                raise SettingError(
                    f"DeepFool: expected {key} ≥ {least}, got {getattr(self, key)}. Raise it."
                )

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
    ) -> Outcome:
        """Attacks one batch; see `Search` for the errors."""
        norm, name = measured("DeepFool", within), f"DeepFool-{self.steps}"
        with Search(name, network, inputs, labels, within, self.view, generator) as search:
            correct = search.resisting
            self._step_across(search, norm)
            refine(search, correct, self.refinements)
        return search.outcome()

    def _step_across(self, search: Search, norm: MeasuredSet) -> None:
        rows = search.resisting
        perturbation = torch.zeros_like(search.originals[rows])
        for _ in range(self.steps):
            if not len(rows):
                return
            classes = search.wrong_classes[rows, : self.classes]
            plane = nearest_boundary(search, rows, perturbation, classes)
            step = plane.step(norm, search.originals[rows], perturbation)
            # (1 + η) Σ r, of which the present perturbation has all but the last.
            perturbation = inside_domain(
                search, rows, perturbation + (1 + self.overshoot) * step
            )
            across = search.across(rows, search.logits(rows, perturbation))
            search.judge(rows, perturbation, across)
            rows, perturbation = rows[~across], perturbation[~across]
