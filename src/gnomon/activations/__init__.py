"""Activation functions as modules that state their facts."""

from gnomon.activations.activation import Activation as Activation
from gnomon.activations.gated import GELU as GELU, Mish as Mish, SiLU as SiLU, Swish as Swish
from gnomon.activations.profile import (
    Evaluation as Evaluation,
    Fact as Fact,
    Profile as Profile,
    per_channel as per_channel,
)
from gnomon.activations.rectifiers import (
    ELU as ELU,
    SELU as SELU,
    LeakyReLU as LeakyReLU,
    PReLU as PReLU,
    ReLU as ReLU,
)
from gnomon.activations.sigmoidal import Sigmoid as Sigmoid, Softplus as Softplus, Tanh as Tanh

ACTIVATIONS: dict[str, type] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "prelu": PReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "swish": Swish,
    "mish": Mish,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "softplus": Softplus,
}
"""Every activation by its name in a configuration."""
