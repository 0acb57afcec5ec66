"""Activation functions as modules that state their facts."""

from gnomon.activations.activation import Activation
from gnomon.activations.gated import GELU, Mish, SiLU, Swish
from gnomon.activations.profile import Evaluation, Fact, Profile, per_channel
from gnomon.activations.rectifiers import ELU, SELU, LeakyReLU, PReLU, ReLU
from gnomon.activations.sigmoidal import Sigmoid, Softplus, Tanh

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Evaluation",
    "Fact",
    "LeakyReLU",
    "Mish",
    "PReLU",
    "Profile",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Swish",
    "Tanh",
    "per_channel",
]
