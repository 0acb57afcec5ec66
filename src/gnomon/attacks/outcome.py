"""What an attack returns, and the seam every attack on inputs fills."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor, nn

from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels, Mask, PerExample

NOBODY = -1
"""In `Outcome.by`: no attack fooled the example, or none was needed."""


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
        gradients: how many were computed for each example.
        blind: how many of them were exactly zero in every coordinate.
        queries: how many further evaluations of the network each example took, among them
            those that judge.
        parts: the attacks it consists of; itself, for a single one.
        by: which of the parts fooled each example; `NOBODY` where none did, or was needed.
    """

    attack: str
    inputs: Inputs
    fooled: Mask
    distance: PerExample
    gradients: Int[Tensor, " batch"]
    blind: Int[Tensor, " batch"]
    queries: Int[Tensor, " batch"]
    parts: tuple[str, ...]
    by: Int[Tensor, " batch"]

    @property
    def zero_gradients(self) -> float:
        """The share of gradients that were exactly zero.

        A large share means that the attack was blind, not that the network is robust.
        """
        return float(self.blind.sum()) / max(int(self.gradients.sum()), 1)


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
