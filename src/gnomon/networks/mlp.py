"""Defines the multilayer perceptron."""

from dataclasses import dataclass, field

import torch
from torch import nn

from gnomon.activations import Activation, ReLU
from gnomon.networks.architecture import Signature
from gnomon.networks.chain import Chain, Normalization, check_settings


@dataclass(frozen=True)
class MLP:
    """Full matrices with an activation between each two; images are flattened.

    Attributes:
        hidden: the widths of the hidden layers; () gives an affine classifier.
        activation: the prototype that is copied for every layer.
        normalization: the kind of normalisation between matrix and activation.
        dropout: probability of dropping a value after each activation, in [0, 1).
    """

    hidden: tuple[int, ...] = (50, 50, 50, 50, 50)
    activation: Activation = field(default_factory=ReLU)
    normalization: Normalization = "none"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_settings("MLP", self.hidden, self.dropout)

    def __call__(self, signature: Signature, generator: torch.Generator) -> nn.Sequential:
        """Builds the network with fresh random weights."""
        chain = Chain(signature, self.activation, self.normalization, self.dropout)
        for width in self.hidden:
            chain.linear(width)
        return chain.finish(generator)
