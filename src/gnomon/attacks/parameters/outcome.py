"""Defines the outcome of an attack on parameters, and the protocols of such attacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gnomon.sets.parameters import ParameterRegion

Batches = Sequence[tuple[Float[Tensor, "..."], Int[Tensor, " _"]]]
"""Inputs and labels that an attack on parameters is measured on, in batches of any sizes.

It may go through them often.
"""


@dataclass(frozen=True, eq=False)
class ParameterOutcome:
    """The worst alternative network that an attack found.

    Attributes:
        attack: its name and settings.
        parameters: of the alternative network, by name; those that were not changed may be
            missing.
        accuracy: the share of the examples that it gets right.
        value: the mean of the objective over the examples.
        gradients: with respect to parameters that were computed, counted in batches.
    """

    attack: str
    parameters: Mapping[str, Tensor]
    accuracy: float
    value: float
    gradients: int = 0


@runtime_checkable
class ParameterAttack(Protocol):
    """Searches a set of alternative networks for one that gets examples wrong."""

    def __call__(
        self,
        network: nn.Module,
        batches: Batches,
        region: ParameterRegion,
        generator: torch.Generator | None = None,
    ) -> ParameterOutcome:
        """Attacks the network, which is left exactly as it was."""
        ...


@runtime_checkable
class ParameterFault(Protocol):
    """Changes parameters by a rule of its own instead of within a set."""

    def __call__(
        self, network: nn.Module, batches: Batches, generator: torch.Generator | None = None
    ) -> ParameterOutcome:
        """Breaks a copy of the parameters; the network is left exactly as it was."""
        ...
