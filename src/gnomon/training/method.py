"""The seam between the loop, which is shared, and what is minimised, which is the method."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class Batch:
    """The examples of one optimiser step.

    Attributes:
        inputs: in the data's own units.
        labels: 0 … classes − 1.
    """

    inputs: Inputs
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Loss:
    """What a method says about one batch; both figures stay on the network's device.

    Attributes:
        value: the mean over the batch of what is minimised; differentiable in the parameters.
        correct: how many of the examples the network got right while it was trained on them.
    """

    value: Float[Tensor, ""]
    correct: Int[Tensor, ""]


@runtime_checkable
class TrainingMethod(Protocol):
    """A frozen dataclass whose fields are the settings of the method."""

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss of `network` on `batch`; whatever is random in it is drawn from `generator`.

        The network is in training mode. The method leaves its parameters as they are; buffers
        (running statistics) change as a forward pass changes them.
        """
        ...
