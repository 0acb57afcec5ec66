"""Euclidean balls around all tensors of a network's parameters."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from gnomon.sets.guards import check_size
from gnomon.sets.parameters.parameter_set import region_of
from gnomon.sets.parameters.region import ParameterRegion
from gnomon.sets.parameters.tensor_ball import TensorBall


@dataclass(frozen=True)
class ParameterBall:
    """All parameters with ‖θ̃_l − θ_l‖₂ ≤ γ ‖θ_l‖₂ in every tensor l: the layer-wise ball.

    A layer's weight and its bias are two tensors, each with its own radius. The centre and the
    radius are functions of the network's current parameters, as for `ParameterBox`.

    Attributes:
        size: γ ≥ 0, a share of each tensor's length.
        biases: True to perturb biases: parameters with "bias" in the last part of the name.
        only: patterns such as "features.*" or "*.weight"; a parameter is perturbed if its name
            matches one. All are, where there is no pattern.
        detached: True to treat radii as constants in a derivative, which then reaches θ through
            the centre only.

    Raises:
        SettingError: γ is negative, infinite or NaN.

    References:
        wu2020, where only weights with at least two axes are perturbed; stutz2021.
    """

    size: float
    biases: bool = True
    only: tuple[str, ...] = ()
    detached: bool = False

    def __post_init__(self) -> None:
        check_size("ParameterBall", self.size, "size")

    def __str__(self) -> str:
        return f"ball:{self.size:g}"

    def of(self, network: nn.Module) -> ParameterRegion:
        """The ball around each tensor of the network's parameters, as they are now.

        Raises:
            UnknownNameError: a pattern that no parameter's name matches.
            SettingError: no parameter is chosen, or one is infinite or NaN.
        """
        return region_of(network, self._ball, self.only, biases=self.biases)

    def with_size(self, size: float) -> "ParameterBall":
        """The same balls with another γ."""
        return replace(self, size=size)

    def _ball(self, parameter: Tensor) -> TensorBall:
        measured = parameter.detach() if self.detached else parameter
        return TensorBall(parameter, self.size * torch.linalg.vector_norm(measured))
