"""The two adversaries of a training method: of the inputs, and of the parameters."""

from gnomon.training.adversaries.inputs import (
    AttackedInputs,
    EnclosedInputs,
    NoisyStep,
    RandomInputs,
    SmallBoxes,
)
from gnomon.training.adversaries.moved import (
    InputAdversary,
    MovedInputs,
    MovedParameters,
    Nobody,
    ParameterAdversary,
    Unmoved,
)
from gnomon.training.adversaries.parameters import (
    EnclosedParameters,
    LayerwiseAscent,
    RandomWeights,
    RobustAscent,
    Sharpness,
)

__all__ = [
    "AttackedInputs",
    "EnclosedInputs",
    "EnclosedParameters",
    "InputAdversary",
    "LayerwiseAscent",
    "MovedInputs",
    "MovedParameters",
    "Nobody",
    "NoisyStep",
    "ParameterAdversary",
    "RandomInputs",
    "RandomWeights",
    "RobustAscent",
    "Sharpness",
    "SmallBoxes",
    "Unmoved",
]
