"""Sets of parameters: which alternative networks an adversary may choose from."""

from gnomon.sets.parameters.parameter_ball import ParameterBall as ParameterBall
from gnomon.sets.parameters.parameter_box import ParameterBox as ParameterBox
from gnomon.sets.parameters.parameter_set import ParameterSet as ParameterSet
from gnomon.sets.parameters.region import ParameterRegion as ParameterRegion
from gnomon.sets.parameters.tensor_ball import TensorBall as TensorBall
from gnomon.sets.parameters.tensor_box import TensorBox as TensorBox
from gnomon.sets.parameters.tensor_set import TensorSet as TensorSet

PARAMETER_SETS: dict[str, type] = {"box": ParameterBox, "ball": ParameterBall}
"""Every set of parameters by its name in a configuration; a law of radii means a box."""
