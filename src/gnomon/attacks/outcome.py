"""What an attack returns, and the seam every attack on inputs fills."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels, Mask, PerExample


@dataclass(frozen=True)
class Outcome:
    """The worst inputs an attack found, as judged by the network itself.

    Attributes:
        attack: the attack's name and settings, for the record.
        inputs: for each example a point of the allowed set: one that fools the network where
            `fooled`, the original elsewhere.
        fooled: the network's answer at that point is not the label. An example that is
            misclassified without any perturbation counts as fooled, at distance 0.
        distance: from the original input, in the norm of the set; float64.
        gradients: how many per-example gradients were computed.
        zero_gradients: the share of them that are exactly zero in every coordinate; a large
            share means that the attack was blind, not that the network is robust.
    """

    attack: str
    inputs: Inputs
    fooled: Mask
    distance: PerExample
    gradients: int
    zero_gradients: float


@runtime_checkable
class InputAttack(Protocol):
    """Searches a set of perturbed inputs for one that the network gets wrong."""

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator,
    ) -> Outcome:
        """Attacks one batch; the network is left exactly as it was."""
        ...
