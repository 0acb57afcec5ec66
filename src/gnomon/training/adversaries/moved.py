"""The results of adversaries: a point, and perhaps a set around it that bounds enclose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterSet
from gnomon.shapes import Inputs, PerExample
from gnomon.training.method import Batch

Losses = Callable[[Mapping[str, Tensor] | None], PerExample]
"""The losses of a batch as a function of parameters, by name with a first axis of replicas."""


@dataclass(frozen=True, eq=False)
class MovedInputs:
    """Inputs that an adversary chose, and what it left open.

    Attributes:
        points: one for each example.
        within: all inputs in this set around each point are possible; None for the points.
    """

    points: Inputs
    within: InputSet | None = None


@dataclass(frozen=True, eq=False)
class MovedParameters:
    """Parameters that an adversary chose, and what it left open.

    Attributes:
        centre: in the form of `parameters_of` or `held_of`; None for those of the network.
        within: all parameters in this set around the centre are possible; None for the centre.
        measured: running statistics were taken by a pass with the network's own parameters, and
            those at the centre are not to move them.
    """

    centre: Mapping[str, Tensor] | None = None
    within: ParameterSet | None = None
    measured: bool = False


@runtime_checkable
class InputAdversary(Protocol):
    """Says what the inputs may be: a frozen dataclass whose fields are its settings."""

    def __call__(
        self, network: nn.Module, batch: Batch, generator: torch.Generator
    ) -> MovedInputs:
        """The inputs that the loss is taken at."""
        ...


@runtime_checkable
class ParameterAdversary(Protocol):
    """Says what the parameters may be: a frozen dataclass whose fields are its settings."""

    def __call__(
        self, network: nn.Module, losses: Losses, batch: Batch, generator: torch.Generator
    ) -> MovedParameters:
        """The parameters that the loss is taken at.

        Args:
            network: one, or many in one.
            losses: of the batch at the inputs that were chosen before.
            batch: what is trained on.
            generator: of everything random.
        """
        ...


@dataclass(frozen=True)
class Nobody:
    """No adversary of the inputs."""

    def __call__(
        self,
        network: nn.Module,  # noqa: ARG002
        batch: Batch,
        generator: torch.Generator,  # noqa: ARG002
    ) -> MovedInputs:
        return MovedInputs(batch.inputs)


@dataclass(frozen=True)
class Unmoved:
    """No adversary of the parameters."""

    def __call__(
        self,
        network: nn.Module,  # noqa: ARG002
        losses: Losses,  # noqa: ARG002
        batch: Batch,  # noqa: ARG002
        generator: torch.Generator,  # noqa: ARG002
    ) -> MovedParameters:
        return MovedParameters()
