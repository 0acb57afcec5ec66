"""Sets of parameters: which alternative networks an adversary may choose from."""

from gnomon.sets.parameters.parameter_ball import ParameterBall
from gnomon.sets.parameters.parameter_box import ParameterBox
from gnomon.sets.parameters.parameter_set import ParameterSet
from gnomon.sets.parameters.region import ParameterRegion
from gnomon.sets.parameters.tensor_ball import TensorBall
from gnomon.sets.parameters.tensor_box import TensorBox
from gnomon.sets.parameters.tensor_set import TensorSet

__all__ = [
    "ParameterBall",
    "ParameterBox",
    "ParameterRegion",
    "ParameterSet",
    "TensorBall",
    "TensorBox",
    "TensorSet",
]
