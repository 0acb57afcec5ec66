"""Defines LeNet-5, with a free choice of activation."""

from dataclasses import dataclass, field

import torch
from torch import nn

from gnomon.activations import Activation, ReLU
from gnomon.networks.architecture import Signature
from gnomon.networks.chain import Chain, Normalization, check_settings


@dataclass(frozen=True)
class LeNet:
    """Two 5 × 5 convolutions, each followed by 2 × 2 means, then matrices to 120, 84, logits.

    Unlike the original, every map of a layer sees every map of the layer before, means carry no
    weights, and the output is a matrix. Images of at least 12 × 12 pixels.

    Attributes:
        channels: numbers of channels of the two convolutions.
        hidden: widths of the hidden matrices.
        activation: the prototype that is copied for every layer.
        normalization: the kind of normalisation between weights and activation.
        dropout: probability of dropping a value after each activation, in [0, 1).

    References:
        lecun1998, section II.B.
    """

    channels: tuple[int, int] = (6, 16)
    hidden: tuple[int, ...] = (120, 84)
    activation: Activation = field(default_factory=ReLU)
    normalization: Normalization = "none"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_settings("LeNet", (*self.channels, *self.hidden), self.dropout)

    def __call__(self, signature: Signature, generator: torch.Generator) -> nn.Sequential:
        """Builds the network with fresh random weights.

        Raises:
            ShapeError: the inputs are not images, or too small.
        """
        chain = Chain(signature, self.activation, self.normalization, self.dropout)
        chain.conv(self.channels[0], kernel=5, padding=2)
        chain.average_pool(2)
        chain.conv(self.channels[1], kernel=5)
        chain.average_pool(2)
        for width in self.hidden:
            chain.linear(width)
        return chain.finish(generator)
