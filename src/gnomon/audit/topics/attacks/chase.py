"""One attack followed through nested sets of growing radius."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.attacks import InputAttack
from gnomon.attacks.draws import ANSWERS, MOST
from gnomon.attacks.guards import is_fooled
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import DRAWS, Subject
from gnomon.audit.topics.sweep import Sweep
from gnomon.networks.predictions import device_of, logits_of, predict
from gnomon.shapes import Mask


@dataclass(frozen=True, eq=False)
class Chase:
    """How far each example held out.

    Attributes:
        attack: its name.
        radius: the smallest radius of the sweep at which it fooled each example: 0 for an
            example misclassified without perturbation, infinite for one never fooled.
        distance: of the perturbation that did so; infinite for one never fooled.
        gradients: how many per-example gradients were computed.
        zero_gradients: the share of them that were exactly zero.
    """

    attack: str
    radius: Float[Tensor, " examples"]
    distance: Float[Tensor, " examples"]
    gradients: int = 0
    zero_gradients: float = 0.0

    def fooled(self, radius: float) -> Mask:
        """Which examples are wrong within this radius; those wrong at 0 are among them."""
        return self.radius <= radius

    def accuracy(self, radius: float) -> float:
        """The share of examples that hold out within this radius."""
        return int((~self.fooled(radius)).sum()) / len(self.radius)

    def interval(self, radius: float) -> tuple[float, float]:
        """The 95 % Clopper–Pearson interval of that share."""
        return clopper_pearson(int((~self.fooled(radius)).sum()), len(self.radius))

    def curve(self, radii: Sequence[float]) -> dict[str, Any]:
        """The accuracy at each radius, as plain values."""
        return {
            "attack": self.attack,
            "accuracy": [self.accuracy(radius) for radius in radii],
            "error": [list(self.interval(radius)) for radius in radii],
            "gradients": self.gradients,
            "zero_gradients": self.zero_gradients,
        }


def chase(
    attack: InputAttack,
    subject: Subject,
    sweep: Sweep,
    generator: torch.Generator,
    batch: int = 500,
) -> Chase:
    """Runs the attack in every set of the sweep, on the examples that have resisted it."""
    device = device_of(subject.network)
    attack = subject.looking(attack)
    wrong = _wrong(subject, batch)
    radius = torch.where(wrong, 0.0, torch.inf).double()
    distance, name, gradients, blind = radius.clone(), type(attack).__name__, 0, 0
    for within in sweep.sets:
        for part in radius.isinf().nonzero()[:, 0].split(batch):
            if not len(part):
                continue
            inputs, labels = subject.inputs[part].to(device), subject.labels[part].to(device)
            outcome = attack(subject.network, inputs, labels, within, generator)
            fooled = outcome.fooled.cpu()
            radius[part[fooled]] = within.radius
            distance[part[fooled]] = outcome.distance.cpu()[fooled]
            name = outcome.attack
            gradients += int(outcome.gradients.sum())
            blind += int(outcome.blind.sum())
    return Chase(name, radius, distance, gradients, blind / max(gradients, 1))


def _wrong(subject: Subject, batch: int) -> Mask:
    """Who is wrong without perturbation; of a random network, by most of many answers."""
    if not subject.varies:
        return predict(subject.network, subject.inputs, batch) != subject.labels
    means = [
        torch.stack(
            [logits_of(subject.network, subject.inputs, batch) for _ in range(DRAWS)]
        ).mean(dim=0)
        for _ in range(ANSWERS)
    ]
    wrong = [is_fooled(each, subject.labels).double() for each in means]
    return torch.stack(wrong).mean(dim=0) > MOST


def noted(name: str, radius: float, fooled: Mask, wrong: Mask) -> Chase:
    """What was fooled at one radius, which bounds the distance, and what is wrong at 0."""
    held = torch.where(fooled, radius, torch.inf).double().masked_fill(wrong, 0.0)
    return Chase(name, held, held.clone())


def worst_case(chases: Sequence[Chase], name: str) -> Chase:
    """For each example the attack that fooled it at the smallest radius."""
    gradients = sum(each.gradients for each in chases)
    zeros = sum(each.gradients * each.zero_gradients for each in chases)
    return Chase(
        name,
        torch.stack([each.radius for each in chases]).amin(dim=0),
        torch.stack([each.distance for each in chases]).amin(dim=0),
        gradients,
        zeros / max(gradients, 1),
    )
