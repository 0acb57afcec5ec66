"""Loss and accuracy of a network on examples, and on the same examples perturbed."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.climb import Climb
from gnomon.attacks.guards import check_examples, is_fooled
from gnomon.attacks.parameters.outcome import Batches
from gnomon.networks.undisturbed import undisturbed
from gnomon.objectives import cross_entropy
from gnomon.sets import InputSet


@dataclass(frozen=True)
class Losses:
    """The loss and accuracy of a network on clean and perturbed examples.

    Attributes:
        loss: the mean cross-entropy, in nats.
        accuracy: the share of correct examples; NaN logits are wrong.
        attacked_loss: the mean cross-entropy at inputs perturbed for this network; the loss
            itself where no inputs may be perturbed.
        attacked_accuracy: the share of correct perturbed examples.
    """

    loss: float
    accuracy: float
    attacked_loss: float
    attacked_accuracy: float


def losses(
    network: nn.Module,
    batches: Batches,
    within: InputSet | None,
    climb: Climb,
    generator: torch.Generator,
) -> Losses:
    """The losses over all batches.

    Args:
        network: left as it was.
        batches: the examples, at least one.
        within: which inputs are allowed; None leaves them as they are.
        climb: the ascent that finds perturbed inputs.
        generator: source of random starts.

    Raises:
        OutOfDomainError: an input is NaN or outside the set's domain.
    """
    totals, count = [0.0, 0.0, 0.0, 0.0], sum(len(labels) for _, labels in batches)
    with undisturbed(network):
        for inputs, labels in batches:
            points = inputs
            if within is not None:
                check_examples(inputs, labels, within)
                points = climb(network, inputs, labels, within, generator)
            for first, each in ((0, inputs), (2, points)):
                with torch.no_grad():
                    logits = network(each)
                totals[first] += float(cross_entropy(logits, labels).double().sum())
                totals[first + 1] += int((~is_fooled(logits, labels)).sum())
    return Losses(*(total / count for total in totals))
