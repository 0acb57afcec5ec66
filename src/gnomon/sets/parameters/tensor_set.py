"""Defines the protocol of the set of one tensor in a region of parameters."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

Weights = Float[Tensor, " *shape"]
"""One tensor of parameters."""


@runtime_checkable
class TensorSet(Protocol):
    """The tensors θ̃ that may take the place of θ, its centre: convex and compact.

    Every θ̃ that is handed out is a member exactly, when judged in float64.
    """

    @property
    def centre(self) -> Tensor:
        """The tensor θ."""
        ...

    def project(self, value: Weights) -> Weights:
        """The member nearest to a tensor, up to an ulp."""
        ...

    def steepest(self, direction: Weights) -> Weights:
        """The member that maximises ⟨θ̃, direction⟩, up to an ulp; θ where that is 0."""
        ...

    def support(self, direction: Weights) -> Float[Tensor, ""]:
        """The value max ⟨θ̃, direction⟩ over the set."""
        ...

    def sample(self, generator: torch.Generator | None = None) -> Weights:
        """A random member, uniform in the set."""
        ...

    def vertex(self, generator: torch.Generator | None = None) -> Weights:
        """A random extreme point, uniform among them."""
        ...

    def contains(self, value: Weights) -> bool:
        """Tells whether a tensor is a member, judged in float64 without tolerance."""
        ...

    def detach(self) -> "TensorSet":
        """The same set as a constant: nothing is differentiated through it."""
        ...
