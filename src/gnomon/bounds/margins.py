"""Upper bounds of the margins by which wrong logits exceed the label's."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import nn

from gnomon.algebra import Parameters
from gnomon.sets import InputSet
from gnomon.shapes import Centres, Labels, Mask, PerExample


@dataclass(frozen=True, eq=False)
class Margins:
    """Bounds of z_j − z_y, over all allowed perturbations.

    Attributes:
        upper: an upper bound for every example and class j; 0 for its label y. NaN where
            nothing is known.
        labels: y of each example.
        restarts: names of the operations without a linear relaxation: the margins of a method
            that relaxes know of what lies before them no more than intervals do.
    """

    upper: Float[torch.Tensor, " batch classes"]
    labels: Labels
    restarts: frozenset[str] = frozenset()

    @property
    def worst(self) -> PerExample:
        """The largest bound over the wrong classes: below 0, no perturbation fools the network.

        NaN where one of them is.
        """
        return self.upper.scatter(1, self.labels[:, None], -torch.inf).amax(dim=1)

    @property
    def certified(self) -> Mask:
        """True where no allowed perturbation changes the example's class; never where NaN."""
        return self.worst < 0


@runtime_checkable
class BoundMethod(Protocol):
    """A frozen dataclass that bounds margins; its fields are its settings."""

    @property
    def name(self) -> str:
        """The name in the literature."""
        ...

    @property
    def kind(self) -> str:
        """The kind of truth of a bound: "exact arithmetic" or "floating point"."""
        ...

    def __call__(
        self,
        network: nn.Module,
        inputs: Centres,
        labels: Labels,
        within: InputSet | None,
        parameters: Parameters | None,
    ) -> Margins:
        """The margins over all inputs in the set, and all parameters in theirs.

        Args:
            network: in evaluation mode.
            inputs: inside the set's domain.
            labels: their labels.
            within: the allowed inputs; None means the inputs as they are.
            parameters: the sets of parameters by name; None means those of the network.
        """
        ...
