"""Defines a small network in the manner of VGG: pairs of 3 × 3 convolutions, then maxima."""

from dataclasses import dataclass, field

import torch
from torch import nn

from gnomon.activations import Activation, ReLU
from gnomon.errors import SettingError
from gnomon.networks.architecture import Signature
from gnomon.networks.chain import Chain, Normalization, check_settings


@dataclass(frozen=True)
class VGG:
    """Blocks of two 3 × 3 convolutions and 2 × 2 maxima, a matrix to `linear`, the logits.

    On 3 × 32 × 32 inputs with 10 classes: 551,466 parameters.

    Attributes:
        channels: numbers of channels of both convolutions of each block.
        linear: width of the hidden matrix.
        activation: the prototype that is copied for every layer.
        normalization: the kind of normalisation between convolution and activation.
        dropout: probabilities of dropping a value, in [0, 1): after each block, and after the
            hidden matrix.

    References:
        peconi2020, section 7.1, after simonyan2015. It states that dropout grows by 0.05 at
        each place, from 0.2 to 0.4, which four places do not allow.
    """

    channels: tuple[int, ...] = (32, 64, 128)
    linear: int = 128
    activation: Activation = field(default_factory=ReLU)
    normalization: Normalization = "batch"
    dropout: tuple[float, ...] = (0.2, 0.25, 0.3, 0.4)

    def __post_init__(self) -> None:
        check_settings("VGG", (*self.channels, self.linear), *self.dropout)
        if len(self.dropout) != len(self.channels) + 1:
            raise SettingError(
                f"VGG: expected {len(self.channels) + 1} probabilities of dropping, after "
                f"{len(self.channels)} blocks and the matrix, got {len(self.dropout)}. Give "
                "0.0 where nothing is dropped."
            )

    def __call__(self, signature: Signature, generator: torch.Generator) -> nn.Sequential:
        """Builds the network with fresh random weights.

        Raises:
            ShapeError: the inputs are not images, or too small.
        """
        chain = Chain(signature, self.activation, self.normalization)
        for channels, dropout in zip(self.channels, self.dropout[:-1], strict=True):
            chain.conv(channels, kernel=3, padding=1)
            chain.conv(channels, kernel=3, padding=1)
            chain.max_pool(2)
            chain.drop(dropout)
        chain.normalization = "none"
        chain.linear(self.linear)
        chain.drop(self.dropout[-1])
        return chain.finish(generator)
