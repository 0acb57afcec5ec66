"""The seam between a description of a network and the network."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import nn


@dataclass(frozen=True)
class Signature:
    """What a classifier takes and returns.

    Attributes:
        shape: the axes of one input: (features,) or (channels, height, width).
        classes: the number of logits.
        mean: per channel or feature; the network subtracts it from its input, …
        std: … and divides by this, so that inputs (and every ε) are in the data's own units.
    """

    shape: tuple[int, ...]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@runtime_checkable
class Architecture(Protocol):
    """A frozen dataclass whose fields are the settings of `[network]`."""

    def __call__(self, signature: Signature, generator: torch.Generator) -> nn.Module:
        """A fresh network: named layers in the order data meet them, random weights."""
        ...
