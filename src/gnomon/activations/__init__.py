"""Activation functions as modules that state their facts."""

from gnomon.activations.activation import Activation as Activation
from gnomon.activations.gated import GELU as GELU, Mish as Mish, SiLU as SiLU
from gnomon.activations.rectifiers import (
    ELU as ELU,
    SELU as SELU,
    LeakyReLU as LeakyReLU,
    ReLU as ReLU,
)
from gnomon.activations.sigmoidal import Sigmoid as Sigmoid, Softplus as Softplus, Tanh as Tanh

ACTIVATIONS: dict[str, type] = {
    "relu": ReLU,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "mish": Mish,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "softplus": Softplus,
}
"""Every activation by its name in a configuration."""
