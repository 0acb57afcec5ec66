"""Activation functions as modules that state their facts."""

from gnomon.activations.activation import Activation
from gnomon.activations.gated import GELU, Mish, SiLU
from gnomon.activations.rectifiers import ELU, SELU, LeakyReLU, ReLU
from gnomon.activations.sigmoidal import Sigmoid, Softplus, Tanh

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "LeakyReLU",
    "Mish",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
]
