"""Defines the protocol of sets of parameters, and applies one to a network."""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

from gnomon.errors import SettingError, ShapeError, UnknownNameError, nearest
from gnomon.sets.parameters.names import is_bias
from gnomon.sets.parameters.region import ParameterRegion
from gnomon.sets.parameters.tensor_set import TensorSet


@runtime_checkable
class ParameterSet(Protocol):
    """A threat: which changes of parameters are allowed, before any network is named."""

    @property
    def size(self) -> float:
        """The λ ≥ 0 that every radius is proportional to."""
        ...

    def of(self, network: nn.Module) -> ParameterRegion:
        """The alternative networks allowed around this network, as it is now."""
        ...

    def with_size(self, size: float) -> "ParameterSet":
        """The same kind of set with another λ."""
        ...


def region_of(
    network: nn.Module,
    make: Callable[[Tensor], TensorSet],
    only: tuple[str, ...],
    *,
    biases: bool,
) -> ParameterRegion:
    """The region with the set `make(θ)` for every chosen parameter θ.

    Args:
        network: its `named_parameters` are used, and nothing else of it.
        make: the set of one tensor.
        only: patterns such as "head.*", of which a name must match one; empty for every name.
        biases: True to choose parameters with "bias" in the last part of their name too.

    Raises:
        UnknownNameError: a pattern that no name matches.
        SettingError: no parameter is chosen, or one that has no set: it is infinite or NaN.
        ShapeError: a radius of another shape than its parameter's.
    """
    named = dict(network.named_parameters())
    for pattern in only:
        if not any(fnmatchcase(name, pattern) for name in named):
            raise UnknownNameError(
                f"only: no parameter's name matches {pattern!r}.{nearest(pattern, named)}"
            )
    sets: dict[str, TensorSet] = {}
    for name, parameter in named.items():
        matches = not only or any(fnmatchcase(name, pattern) for pattern in only)
        if not matches or (is_bias(name) and not biases):
            continue
        try:
            sets[name] = make(parameter)
        except (SettingError, ShapeError) as error:
            raise type(error)(f"{name}: {error}") from error
    if not sets:
        raise SettingError(
            f"expected a parameter to perturb, got none of {len(named)} (only={only}, "
            f"biases={biases}). Choose more of them."
        )
    return ParameterRegion(sets)
