"""The two adversaries of a training method: of the inputs, and of the parameters."""

from gnomon.training.adversaries.inputs import (
    AttackedInputs as AttackedInputs,
    EnclosedInputs as EnclosedInputs,
    NoisyStep as NoisyStep,
    RandomInputs as RandomInputs,
    SmallBoxes as SmallBoxes,
)
from gnomon.training.adversaries.moved import (
    InputAdversary as InputAdversary,
    MovedInputs as MovedInputs,
    MovedParameters as MovedParameters,
    Nobody as Nobody,
    ParameterAdversary as ParameterAdversary,
    Unmoved as Unmoved,
)
from gnomon.training.adversaries.parameters import (
    EnclosedParameters as EnclosedParameters,
    LayerwiseAscent as LayerwiseAscent,
    RandomWeights as RandomWeights,
    RobustAscent as RobustAscent,
    Sharpness as Sharpness,
)

INPUT_ADVERSARIES: dict[str, type] = {
    "none": Nobody,
    "random": RandomInputs,
    "attack": AttackedInputs,
    "noisy_step": NoisyStep,
    "small_boxes": SmallBoxes,
    "bounds": EnclosedInputs,
}
"""Every adversary of the inputs by its name in a configuration."""

PARAMETER_ADVERSARIES: dict[str, type] = {
    "none": Unmoved,
    "random": RandomWeights,
    "layerwise": LayerwiseAscent,
    "robust": RobustAscent,
    "sharpness": Sharpness,
    "bounds": EnclosedParameters,
}
"""Every adversary of the parameters by its name in a configuration."""
