"""The one loop behind every gradient attack on inputs: projected steepest ascent."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.attacks.guards import check_examples, check_logits, is_fooled
from gnomon.attacks.outcome import Outcome
from gnomon.errors import SettingError, SubjectError
from gnomon.networks.undisturbed import undisturbed
from gnomon.objectives import Objective, scale_free_cross_entropy
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class Ascent:
    """Projected steepest ascent of an objective inside a perturbation set.

    δ ← Π(δ + α steepest(∇ objective)), with Π the projection on the set around the *original*
    input. An example leaves the batch as soon as the network, judged at a point that lies in
    the set exactly, gets it wrong; the others go on, and start again in each restart.

    Attributes:
        name: what the outcome says.
        steps: gradient steps per restart, ≥ 1.
        relative_step: the length α of a step divided by the radius of the set; None means 2.5 /
            steps, at most 1, with which the border is reached and left again from any start
            (madry2018).
        restarts: independent starts, ≥ 1; without a random start more than one is pointless.
        random_start: starts at a random member of the set instead of at 0.
        objective: what is driven up.

    Raises:
        SettingError: a setting outside its range.
    """

    name: str
    steps: int
    relative_step: float | None = None
    restarts: int = 1
    random_start: bool = False
    objective: Objective = scale_free_cross_entropy

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
        generator: torch.Generator,
    ) -> Outcome:
        """Attacks one batch.

        Raises:
            OutOfDomainError: an input is NaN or outside the set's domain.
            ShapeError: the network does not return batch × classes.
            SubjectError: the output does not depend differentiably on the input.
        """
        check_examples(inputs, labels, within)
        search = _Search(self, network, inputs, labels, within)
        with undisturbed(network):
            search.judge_unperturbed()
            for _ in range(self.restarts):
                search.restart(generator)
        return search.outcome()


class _Search:
    """The state of one attack on one batch."""

    def __init__(
        self,
        ascent: Ascent,
        network: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        within: InputSet,
    ) -> None:
        self.ascent, self.network, self.within = ascent, network, within
        self.originals, self.labels = inputs, labels
        self.worst = inputs.detach().clone()
        self.fooled = torch.zeros_like(labels, dtype=torch.bool)
        self.gradients = self.zero_gradients = 0

    def judge_unperturbed(self) -> None:
        with torch.no_grad():
            logits = self.network(self.originals)
        check_logits(logits, self.labels)
        self.fooled = is_fooled(logits, self.labels)

    def restart(self, generator: torch.Generator) -> None:
        """One ascent from one start, over the examples that have resisted so far."""
        active = (~self.fooled).nonzero()[:, 0]
        if not len(active):
            return
        region = self.within.around(self.originals[active])
        step = self.ascent.step_length(self.within.radius)
        perturbation = torch.zeros_like(self.originals[active])
        if self.ascent.random_start:
            perturbation = region.sample(generator)
        for _ in range(self.ascent.steps):
            resisting, gradient = self._advance(active, perturbation)
            if not resisting.all():
                active, perturbation = active[resisting], perturbation[resisting]
                gradient = gradient[resisting]
                region = self.within.around(self.originals[active])
            if not len(active):
                return
            perturbation = region.project(perturbation + self.within.steepest(gradient, step))
        with torch.no_grad():
            logits = self.network(self.originals[active] + perturbation)
        self._record(active, perturbation, is_fooled(logits, self.labels[active]))

    def _advance(self, active: Tensor, perturbation: Tensor) -> tuple[Tensor, Tensor]:
        """Which active examples still resist at this perturbation, and the gradient there."""
        labels = self.labels[active]
        point = (self.originals[active] + perturbation).requires_grad_()
        with torch.enable_grad():
            logits = self.network(point)
            value = self.ascent.objective(logits, labels).sum()
            if not value.requires_grad:
                raise SubjectError(
                    f"{self.ascent.name}: expected logits that depend differentiably on the "
                    "input, got "
                    "none that do. Remove detach(), no_grad() or integer casts from the "
                    "network."
                )
            (gradient,) = torch.autograd.grad(value, point)
        self.gradients += len(active)
        self.zero_gradients += int((gradient == 0).flatten(1).all(dim=1).sum())
        candidates = is_fooled(logits.detach(), labels)
        fooled = self._record(active, perturbation, candidates)
        return ~fooled, gradient.nan_to_num()

    def _record(self, active: Tensor, perturbation: Tensor, candidates: Tensor) -> Tensor:
        """Judges the candidates at points exactly in the set; keeps, and tells, which fool."""
        fooled = torch.zeros_like(candidates)
        if not candidates.any():
            return fooled
        chosen = active[candidates]
        points = self.within.around(self.originals[chosen]).perturb(perturbation[candidates])
        with torch.no_grad():
            verdict = is_fooled(self.network(points), self.labels[chosen])
        self.worst[chosen[verdict]] = points[verdict]
        self.fooled[chosen[verdict]] = True
        fooled[candidates] = verdict
        return fooled

    def outcome(self) -> Outcome:
        return Outcome(
            attack=self.ascent.name,
            inputs=self.worst,
            fooled=self.fooled,
            distance=self.within.distance(self.worst.double() - self.originals.double()),
            gradients=self.gradients,
            zero_gradients=self.zero_gradients / max(self.gradients, 1),
        )
