"""The weakest attack: one random point of the set."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks import Outcome
from gnomon.attacks.guards import check_examples, is_fooled
from gnomon.networks.undisturbed import undisturbed
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class RandomPoint:
    """Tries one random member of the set for each example; every real attack beats it."""

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator,
    ) -> Outcome:
        """Tries one batch; the network is left as it was."""
        check_examples(inputs, labels, within)
        around = within.around(inputs)
        points = around.perturb(around.sample(generator))
        with undisturbed(network), torch.no_grad():
            wrong = is_fooled(network(inputs), labels)
            fooled = wrong | is_fooled(network(points), labels)
        keep = (~fooled | wrong).reshape(-1, *[1] * (inputs.dim() - 1))
        points = torch.where(keep, inputs, points)
        distance = within.distance(points.double() - inputs.double())
        return Outcome(
            "random point", points, fooled, distance, gradients=0, zero_gradients=0.0
        )
