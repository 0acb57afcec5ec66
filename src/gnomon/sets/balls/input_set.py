"""Defines the protocols of sets of inputs."""

from typing import ClassVar, Protocol, runtime_checkable

from gnomon.sets.perturbation_set import Domain, PerturbationSet
from gnomon.shapes import Inputs, PerExample


@runtime_checkable
class InputSet(Protocol):
    """A threat model: the perturbations allowed at any input."""

    norm: ClassVar[str]

    @property
    def radius(self) -> float:
        """The size of the largest perturbation, in the data's own units."""
        ...

    @property
    def domain(self) -> Domain:
        """The interval that perturbed coordinates must stay in."""
        ...

    def around(self, inputs: Inputs) -> PerturbationSet:
        """The perturbations allowed at each of these inputs."""
        ...

    def with_radius(self, radius: float) -> "InputSet":
        """The same kind of set with another radius."""
        ...

    def with_domain(self, domain: Domain) -> "InputSet":
        """The same kind of set where inputs lie in another domain."""
        ...

    def distance(self, perturbation: Inputs) -> PerExample:
        """The norm of each perturbation, in float64."""
        ...

    def steepest(self, direction: Inputs, length: float) -> Inputs:
        """The perturbation of this norm and length that is furthest along each direction.

        Neither the radius nor the domain counts here: this is the step of steepest ascent.
        """
        ...


@runtime_checkable
class MeasuredSet(InputSet, Protocol):
    """A threat model with a norm to minimise, for searches for the nearest point."""

    def shortest(self, inputs: Inputs, direction: Inputs, height: PerExample) -> Inputs:
        """The shortest δ with ⟨δ, direction⟩ ≥ height and x + δ in the domain.

        Where the domain lets no δ reach the height, the one that comes nearest to it; 0 where
        the height is not positive. The radius does not count.
        """
        ...

    def nearest(self, inputs: Inputs, perturbation: Inputs, length: PerExample) -> Inputs:
        """The nearest δ, in the Euclidean norm, no longer than the length of its example.

        x + δ stays in the domain. The radius does not count.
        """
        ...
