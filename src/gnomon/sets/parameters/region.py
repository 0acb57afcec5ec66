"""The alternative networks that a set of parameters allows around one network."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.errors import ShapeError, UnknownNameError, nearest
from gnomon.seeds import ensure
from gnomon.sets.parameters.tensor_set import TensorSet

Parameters = dict[str, Tensor]
"""An alternative network: tensors by the names that `named_parameters` gives them."""


@final
class ParameterRegion(Mapping[str, TensorSet]):
    """The product of one set per tensor of parameters; it cannot be changed.

    It maps the name of a parameter to its set. A member is an alternative network: one tensor
    for each name, and every tensor in its set. Mappings that are given may have more names,
    such as all parameters of the network; those are left out.

    Args:
        sets: by the names of `named_parameters`; a shared parameter has one.
    """

    def __init__(self, sets: Mapping[str, TensorSet]) -> None:
        self._sets = MappingProxyType(dict(sets))

    def __getitem__(self, name: str) -> TensorSet:
        return self._sets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sets)

    def __len__(self) -> int:
        return len(self._sets)

    def __repr__(self) -> str:
        return f"ParameterRegion({', '.join(self)})"

    def centre(self) -> Parameters:
        """The network's own parameters."""
        return self._each(lambda allowed: allowed.centre)

    def project(self, parameters: Mapping[str, Tensor]) -> Parameters:
        """The member nearest to the parameters, in the Euclidean norm of all of them."""
        tensors = self._of("parameters", parameters)
        return {name: allowed.project(tensors[name]) for name, allowed in self.items()}

    def steepest(self, direction: Mapping[str, Tensor]) -> Parameters:
        """The member that maximises Σ ⟨θ̃, direction⟩ over all tensors."""
        tensors = self._of("a direction", direction)
        return {name: allowed.steepest(tensors[name]) for name, allowed in self.items()}

    def support(self, direction: Mapping[str, Tensor]) -> Float[Tensor, ""]:
        """The value max Σ ⟨θ̃, direction⟩ over the region."""
        tensors = self._of("a direction", direction)
        values = [allowed.support(tensors[name]) for name, allowed in self.items()]
        return torch.stack(values).sum() if values else torch.zeros(())

    def sample(self, generator: torch.Generator | None = None) -> Parameters:
        """A random member, uniform in the region."""
        generator = ensure(generator)
        return self._each(lambda allowed: allowed.sample(generator))

    def vertex(self, generator: torch.Generator | None = None) -> Parameters:
        """A random extreme point: a corner of every box, a point of every ball's sphere."""
        generator = ensure(generator)
        return self._each(lambda allowed: allowed.vertex(generator))

    def contains(self, parameters: Mapping[str, Tensor]) -> bool:
        """Tells whether every tensor is in its set, judged in float64 without tolerance."""
        tensors = self._of("parameters", parameters)
        return all(allowed.contains(tensors[name]) for name, allowed in self.items())

    def perturb(self, perturbation: Mapping[str, Tensor]) -> Parameters:
        """The alternative network θ + δ, or the member nearest to it."""
        tensors = self._of("a perturbation", perturbation)
        return {
            name: allowed.project(allowed.centre + tensors[name])
            for name, allowed in self.items()
        }

    def detach(self) -> "ParameterRegion":
        """The same region as a constant, for a search that does not train the network."""
        return ParameterRegion({name: allowed.detach() for name, allowed in self.items()})

    def _each(self, function: Callable[[TensorSet], Tensor]) -> Parameters:
        return {name: function(allowed) for name, allowed in self.items()}

    def _of(self, what: str, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The mapping, once every set of the region has a tensor of its shape in it."""
        for name, allowed in self.items():
            if name not in tensors:
                raise UnknownNameError(
                    f"ParameterRegion: expected {what} with {name!r}, got none of that name."
                    f"{nearest(name, tensors)}"
                )
            if tensors[name].shape != allowed.centre.shape:
                raise ShapeError(
                    f"ParameterRegion: expected {what} with {name} of shape "
                    f"{tuple(allowed.centre.shape)}, got {tuple(tensors[name].shape)}. Use the "
                    "network that the region was made for."
                )
        return tensors
