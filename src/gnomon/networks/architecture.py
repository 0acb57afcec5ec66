"""Defines the interface between the description of a network and the network."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import nn


@dataclass(frozen=True)
class Signature:
    """The shapes of inputs and logits of a classifier, and its input normalisation.

    Attributes:
        shape: the axes of one input: (features,) or (channels, height, width).
        classes: the number of logits.
        mean: numbers per channel or feature that the network subtracts from its input.
        std: numbers by which it divides the difference, so that inputs (and every ε) are in
            the data's own units.
    """

    shape: tuple[int, ...]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@runtime_checkable
class Architecture(Protocol):
    """A frozen dataclass whose fields are the settings of `[network]`."""

    def __call__(self, signature: Signature, generator: torch.Generator) -> nn.Module:
        """Builds a network of named layers, in the order of the data, with random weights."""
        ...
