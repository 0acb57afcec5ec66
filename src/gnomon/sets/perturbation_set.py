"""Defines the protocol that searches and bounds use of a perturbation set."""

from typing import Protocol, runtime_checkable

import torch

from gnomon.shapes import Inputs, Mask, PerExample

Domain = tuple[float, float] | None
"""The interval of every coordinate of an input; None where the space is unbounded."""


@runtime_checkable
class PerturbationSet(Protocol):
    """The perturbations δ allowed at each example of a batch: convex, compact, with 0.

    Every δ has the shape of the inputs: batch × the axes of one example.
    """

    def project(self, perturbation: Inputs) -> Inputs:
        """The nearest member of the set in the Euclidean norm."""
        ...

    def steepest(self, direction: Inputs) -> Inputs:
        """The member δ that maximises ⟨δ, direction⟩."""
        ...

    def support(self, direction: Inputs) -> PerExample:
        """The value max ⟨δ, direction⟩ over the set, for each example."""
        ...

    def sample(self, generator: torch.Generator | None = None) -> Inputs:
        """A random member for each example: uniform in the ball, then cut with the domain."""
        ...

    def contains(self, perturbation: Inputs) -> Mask:
        """Tells whether each δ is a member, judged in float64 without tolerance."""
        ...

    def perturb(self, perturbation: Inputs) -> Inputs:
        """The perturbed inputs x + δ, rounded towards x so that they stay in the set exactly.

        In float32 the sum x + δ may lie an ulp outside the ball; here its float64 distance from
        x is at most the radius.
        """
        ...
