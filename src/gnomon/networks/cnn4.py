"""Defines the four-layer networks of certified training, in their two common forms.

Neither pools or normalises by default: behind the first activation (ReLU) every value is ≥ 0,
which makes interval bounds over weights exact layer by layer.
"""

from dataclasses import dataclass, field

import torch
from torch import nn

from gnomon.activations import Activation, ReLU
from gnomon.networks.architecture import Signature
from gnomon.networks.chain import Chain, Normalization, check_settings


@dataclass(frozen=True)
class CNN4:
    """Convolutions 4w and 8w (4 × 4, stride 2), a matrix to `linear`, the logits.

    On 3 × 32 × 32 inputs with 10 classes: 267,426 parameters at width 2, 1,085,802 at width 8.

    Attributes:
        width: w; the numbers of channels are multiples of it.
        linear: number of units of the hidden matrix.
        activation: the prototype that is copied for every layer.
        normalization: the kind of normalisation between weights and activation.
        dropout: probability of dropping a value after each activation, in [0, 1).

    References:
        xu2020 (the form of the auto_LiRPA library).
    """

    width: int = 2
    linear: int = 256
    activation: Activation = field(default_factory=ReLU)
    normalization: Normalization = "none"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_settings("CNN4", (self.width, self.linear), self.dropout)

    def __call__(self, signature: Signature, generator: torch.Generator) -> nn.Sequential:
        """Builds the network with fresh random weights.

        Raises:
            ShapeError: the inputs are not images, or too small.
        """
        chain = Chain(signature, self.activation, self.normalization, self.dropout)
        chain.conv(4 * self.width, kernel=4, stride=2, padding=1)
        chain.conv(8 * self.width, kernel=4, stride=2, padding=1)
        chain.linear(self.linear)
        return chain.finish(generator)


@dataclass(frozen=True)
class CNN4Conv:
    """Convolutions 4w, 4w, 8w, 8w (3 × 3, then 4 × 4 with stride 2), two matrices, the logits.

    On 3 × 32 × 32 inputs with 10 classes: 337,298 parameters at width 2 with 256 hidden units.

    Attributes:
        width: w; the numbers of channels are multiples of it.
        linear: number of units of each of the two hidden matrices.
        activation: the prototype that is copied for every layer.
        normalization: the kind of normalisation between weights and activation.
        dropout: probability of dropping a value after each activation, in [0, 1).

    References:
        zhang2020 (the form of CROWN-IBP).
    """

    width: int = 2
    linear: int = 256
    activation: Activation = field(default_factory=ReLU)
    normalization: Normalization = "none"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_settings("CNN4Conv", (self.width, self.linear), self.dropout)

    def __call__(self, signature: Signature, generator: torch.Generator) -> nn.Sequential:
        """Builds the network with fresh random weights.

        Raises:
            ShapeError: the inputs are not images, or too small.
        """
        chain = Chain(signature, self.activation, self.normalization, self.dropout)
        for channels in (4 * self.width, 8 * self.width):
            chain.conv(channels, kernel=3, stride=1, padding=1)
            chain.conv(channels, kernel=4, stride=2, padding=1)
        chain.linear(self.linear)
        chain.linear(self.linear)
        return chain.finish(generator)
