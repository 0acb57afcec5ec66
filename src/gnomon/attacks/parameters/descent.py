"""Stochastic gradient descent on parameters, of losses of clean and of perturbed inputs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.attacks.climb import Climb
from gnomon.attacks.guards import check_examples
from gnomon.attacks.parameters.outcome import Batches
from gnomon.attacks.parameters.reading import check_batches
from gnomon.networks.alternative import Alternative
from gnomon.objectives import cross_entropy
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels

Parameters = dict[str, Tensor]
Loss = Callable[[nn.Module, Inputs, Inputs, Labels], Tensor]
"""A loss of (network, inputs, perturbed inputs, labels) on one batch."""

FROM_THE_INPUT = Climb(steps=10, random_start=False)
_LEAST_LOSS = 1e-6


@dataclass(frozen=True, eq=False)
class Descent:
    """Holds the network, data and sets that stay fixed during one attack.

    Attributes:
        network: in evaluation mode; never changed.
        batches: examples, inside the domain of `within`.
        within: where perturbed inputs lie.
        climb: the ascent that finds them, anew for every step.
        generator: source of their random starts.

    Raises:
        DataError, OutOfDomainError, ShapeError, SubjectError: the batches are no examples for
            this network.
    """

    network: nn.Module
    batches: Batches
    within: InputSet
    climb: Climb
    generator: torch.Generator

    def __post_init__(self) -> None:
        check_batches(self.network, self.batches)
        for inputs, labels in self.batches:
            check_examples(inputs, labels, self.within)

    def epoch(
        self,
        start: Mapping[str, Tensor],
        loss: Loss,
        rate: float,
        project: Callable[[Parameters], Parameters],
    ) -> Parameters:
        """The parameters after one pass over the batches, projected after every step."""
        here = dict(start)
        for batch in range(len(self.batches)):
            slopes = self.slopes(here, loss, batch)
            here = project({name: here[name] - rate * slopes[name] for name in here})
        return here

    def value(self, here: Mapping[str, Tensor], loss: Loss, batch: int) -> float:
        """The loss of one batch."""
        with torch.no_grad():
            return float(self._loss(here, here, loss, batch))

    def slopes(self, here: Mapping[str, Tensor], loss: Loss, batch: int) -> Parameters:
        """The gradient of the loss of one batch; 0 where it is NaN or infinite."""
        leaves = {name: each.detach().requires_grad_() for name, each in here.items()}
        with torch.enable_grad():
            value = self._loss(here, leaves, loss, batch)
            gradients = torch.autograd.grad(value, [*leaves.values()], materialize_grads=True)
        return {
            name: slope.nan_to_num(0.0, 0.0, 0.0)
            for name, slope in zip(leaves, gradients, strict=True)
        }

    def _loss(
        self,
        here: Mapping[str, Tensor],
        leaves: Mapping[str, Tensor],
        loss: Loss,
        batch: int,
    ) -> Tensor:
        """The loss at `leaves`; the inputs are attacked with the parameters held constant."""
        inputs, labels = self.batches[batch]
        constant = Alternative(self.network, here)
        moved = self.climb(constant, inputs, labels, self.within, self.generator)
        return loss(Alternative(self.network, leaves), inputs, moved, labels)


def spoiling(network: nn.Module, inputs: Inputs, moved: Inputs, labels: Labels) -> Tensor:
    """The loss −CE(f(x′), y), which falls as perturbed inputs go wrong."""
    del inputs
    return -cross_entropy(network(moved), labels).mean()


def restoring(network: nn.Module, inputs: Inputs, moved: Inputs, labels: Labels) -> Tensor:
    """The quotient CE(f(x), y) / CE(f(x′), y)."""
    clean = cross_entropy(network(inputs), labels).mean()
    return clean / cross_entropy(network(moved), labels).mean().clamp_min(_LEAST_LOSS)
