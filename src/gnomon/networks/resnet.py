"""Defines the residual networks for small images, ResNet-20 and its deeper forms."""

from dataclasses import dataclass, field

import torch
from torch import nn

from gnomon.activations import Activation, ReLU
from gnomon.errors import SettingError
from gnomon.networks.architecture import Signature
from gnomon.networks.chain import Chain, Normalization, check_settings


@dataclass(frozen=True)
class ResNet:
    """A convolution, stages of n residual blocks, means over all places, the logits.

    A block is B(x) = convolution, normalisation, activation, convolution, all 3 × 3; a shortcut
    S is added, and normalisation and activation follow the sum. From stage to stage the maps
    halve; there S is a 3 × 3 convolution with stride 2, and the identity elsewhere. In the
    original the normalisation stands before the sum, and a shortcut has no weights.

    With three stages there are 6n + 2 layers: n = 3 is ResNet-20, n = 9 ResNet-56. On
    3 × 32 × 32 inputs with 10 classes ResNet-20 has 293,546 parameters, 23,136 of them in
    its two shortcuts.

    Attributes:
        channels: numbers of channels in the blocks of each stage; the first convolution has as
            many as the first stage.
        blocks: number n of residual blocks per stage.
        activation: the prototype that is copied for every layer.
        normalization: the kind of normalisation before each activation. Without it the
            variance of a fresh network grows at every sum.
        dropout: probability of dropping a value after each activation, in [0, 1).

    References:
        he2016, section 4.2; peconi2020, section 7.2, for the order within a block.
    """

    channels: tuple[int, ...] = (16, 32, 64)
    blocks: int = 3
    activation: Activation = field(default_factory=ReLU)
    normalization: Normalization = "batch"
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_settings("ResNet", self.channels, self.dropout)
        if not self.channels or self.blocks < 1:
            raise SettingError(
                f"ResNet: expected one stage or more, of one block or more, got "
                f"{len(self.channels)} stages of {self.blocks} blocks. Correct the number."
            )

    def __call__(self, signature: Signature, generator: torch.Generator) -> nn.Sequential:
        """Builds the network with fresh random weights.

        Raises:
            ShapeError: the inputs are not images.
        """
        chain = Chain(signature, self.activation, self.normalization, self.dropout)
        chain.conv(self.channels[0], kernel=3, padding=1)
        for stage, channels in enumerate(self.channels):
            for block in range(self.blocks):
                chain.residual(channels, stride=2 if stage > 0 and block == 0 else 1)
        chain.global_average_pool()
        return chain.finish(generator)
