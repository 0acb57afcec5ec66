"""Boxes around all parameters of a network."""

from dataclasses import dataclass, replace

from torch import Tensor, nn

from gnomon.sets.parameters.parameter_set import region_of
from gnomon.sets.parameters.region import ParameterRegion
from gnomon.sets.parameters.tensor_box import TensorBox
from gnomon.sets.radius import RadiusLaw, Relative


@dataclass(frozen=True)
class ParameterBox:
    """All parameters with ``|θ̃_i − θ_i| ≤ r(θ_i)`` in every coordinate, for a radius law r.

    The centre and the radius are functions of the network's current parameters: a loss over the
    region is differentiated with respect to θ through both.

    Attributes:
        radius: the law r.
        biases: True to perturb biases: parameters with "bias" in the last part of the name.
        only: patterns such as "features.*" or "*.weight"; a parameter is perturbed if its name
            matches one. All are, where there is no pattern.
        detached: True to treat radii as constants in a derivative, which then reaches θ through
            the centre only.
    """

    radius: RadiusLaw
    biases: bool = True
    only: tuple[str, ...] = ()
    detached: bool = False

    def __str__(self) -> str:
        return str(self.radius)

    @property
    def size(self) -> float:
        """The λ of the law."""
        return self.radius.size

    def of(self, network: nn.Module) -> ParameterRegion:
        """The box around each parameter of the network, as it is now.

        Raises:
            UnknownNameError: a pattern that no parameter's name matches.
            SettingError: no parameter is chosen, or one is infinite or NaN.
            ShapeError: the law gives a radius of another shape than the parameter's.
        """
        return region_of(network, self._box, self.only, biases=self.biases)

    def with_size(self, size: float) -> "ParameterBox":
        """The same boxes with another λ."""
        return replace(self, radius=self.radius.with_size(size))

    def _box(self, parameter: Tensor) -> TensorBox:
        radius = self.radius(parameter.detach() if self.detached else parameter)
        proportional = isinstance(self.radius, Relative) and not self.detached
        return TensorBox(parameter, radius, self.radius.size if proportional else None)
