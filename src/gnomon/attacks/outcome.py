"""Defines the outcome of an attack, and the protocol of every attack on inputs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor, nn

from gnomon.attacks.guards import Aims
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels, Mask, PerExample

NOBODY = -1
"""The value in `Outcome.by` of an example that no attack fooled or had to fool."""


@dataclass(frozen=True)
class Outcome:
    """The worst inputs an attack found, as judged by the network itself.

    Attributes:
        attack: the attack's name and settings, for the record.
        inputs: for each example a point of the allowed set: one that fools the network where
            `fooled`, the original elsewhere.
        fooled: True if the network's answer at that point is not the label. An example that is
            misclassified without any perturbation counts as fooled, at distance 0. With
            targets: the answer there is the target.
        distance: from the original input, in the norm of the set; float64.
        gradients: number of gradients computed for each example.
        blind: number of these that were exactly zero in every coordinate.
        queries: number of further evaluations of the network for each example, among them
            those that judge.
        parts: the attacks it consists of; itself, for a single one.
        by: index of the part that fooled each example; `NOBODY` if none did, or was needed.
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

        A large share means that gradients were masked, not that the network is robust.
        """
        return float(self.blind.sum()) / max(int(self.gradients.sum()), 1)

    @classmethod
    def untouched(cls, attack: str, inputs: Inputs, parts: tuple[str, ...]) -> "Outcome":
        """The outcome before any of the parts has run: no example is fooled."""
        zeros = torch.zeros(len(inputs), dtype=torch.int64, device=inputs.device)
        return cls(
            attack=attack,
            inputs=inputs.detach().clone(),
            fooled=zeros.bool(),
            distance=zeros.double(),
            gradients=zeros,
            blind=zeros.clone(),
            queries=zeros.clone(),
            parts=parts,
            by=zeros + NOBODY,
        )

    @classmethod
    def joined(cls, batches: Sequence["Outcome"]) -> "Outcome":
        """The outcomes of one attack on several batches, as one."""
        columns = {
            name: torch.cat([getattr(each, name) for each in batches]) for name in _COLUMNS
        }
        return replace(batches[0], **columns)

    def room(self, examples: int, device: torch.device) -> "Outcome":
        """An outcome of so many examples, for others of this attack to be written into."""
        columns = {
            name: torch.empty((examples, *column.shape[1:]), dtype=column.dtype, device=device)
            for name, column in self._columns().items()
        }
        return replace(self, **columns)

    def write(self, rows: slice, found: "Outcome") -> None:
        """Writes the outcome of some examples into this one, in place."""
        for name, column in self._columns().items():
            column[rows] = getattr(found, name)

    def go_on(self, part: int, rows: Int[Tensor, " rows"], found: "Outcome") -> None:
        """Adds in place the outcome of one part on some examples that resisted.

        A copy for each batch would be as large as all examples together.

        Args:
            part: index of the part in `parts`.
            rows: indices of the examples it ran on.
            found: its outcome on them.
        """
        for name in ("inputs", "fooled", "distance"):
            getattr(self, name).index_copy_(0, rows, getattr(found, name))
        for name in ("gradients", "blind", "queries"):
            getattr(self, name).index_add_(0, rows, getattr(found, name))
        self.by.index_copy_(0, rows, (found.by != NOBODY) * (part - NOBODY) + NOBODY)

    def only(self, rows: Int[Tensor, " rows"]) -> "Outcome":
        """The outcome of some examples, in this order."""
        return replace(self, **{name: each[rows] for name, each in self._columns().items()})

    def to(self, device: torch.device) -> "Outcome":
        """The outcome on another device."""
        columns = {name: column.to(device) for name, column in self._columns().items()}
        return replace(self, **columns)

    def _columns(self) -> dict[str, Tensor]:
        return {name: getattr(self, name) for name in _COLUMNS}


_COLUMNS = ("inputs", "fooled", "distance", "gradients", "blind", "queries", "by")
"""The attributes of an outcome that have a row for each example."""


@runtime_checkable
class TargetedAttack(Protocol):
    """An attack on inputs that can be aimed at classes of the caller's choice.

    With targets, one class for all examples or one for each, an example is fooled if it is
    given the target and no other class; examples that have it already count at distance 0.
    """

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
        targets: Aims = None,
    ) -> Outcome:
        """Attacks one batch; the network is left exactly as it was."""
        ...


@runtime_checkable
class InputAttack(Protocol):
    """Searches a set of perturbed inputs for one that the network gets wrong."""

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
    ) -> Outcome:
        """Attacks one batch; the network is left exactly as it was."""
        ...
