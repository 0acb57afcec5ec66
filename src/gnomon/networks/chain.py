"""Builds a network as one chain of named layers, knowing the shape between them."""

import copy
import math
from collections import OrderedDict
from typing import Literal

import torch
from torch import nn

from gnomon.activations import Activation
from gnomon.errors import SettingError, ShapeError
from gnomon.networks.architecture import Signature
from gnomon.networks.initialisation import initialise
from gnomon.networks.residual import Residual
from gnomon.networks.standardize import Standardize

Normalization = Literal["none", "batch", "layer", "instance", "group"]
"""The kind of normalisation between a weight layer and its activation."""

_GROUPS = (8, 4, 2, 1)
"""Numbers of groups to try, in order: the first that divides the channels is used."""


class Chain:
    """A builder of networks: `standardize`, then one block after another.

    A block is weights, normalisation, activation, dropout.

    Layers are named after what they are and the block they stand in: `conv1`, `normalization1`,
    `activation1`, `dropout1`, `linear2`, …

    Args:
        signature: the shapes of the network's inputs and logits.
        activation: the prototype that is copied for every block.
        normalization: the kind of normalisation in every block but the last.
        dropout: probability of dropping a value after each activation, in [0, 1).
    """

    def __init__(
        self,
        signature: Signature,
        activation: Activation,
        normalization: Normalization = "none",
        dropout: float = 0.0,
    ) -> None:
        self.signature = signature
        self.activation, self.dropout = activation, dropout
        self.normalization: Normalization = normalization
        self.shape: tuple[int, ...] = signature.shape
        self.blocks = 0
        standardize = Standardize(signature.mean, signature.std, len(signature.shape))
        self.layers: OrderedDict[str, nn.Module] = OrderedDict(standardize=standardize)

    def conv(self, channels: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        """Adds a block with a square convolution."""
        size = [(axis + 2 * padding - kernel) // stride + 1 for axis in self.shape[1:]]
        self._check_room(kernel, size)
        weights = nn.Conv2d(self.shape[0], channels, kernel, stride, padding)
        self.shape = (channels, *size)
        self._block("conv", weights)

    def residual(self, channels: int, stride: int = 1) -> None:
        """Adds a block of two 3 × 3 convolutions with a shortcut around them.

        Normalisation, activation and dropout stand between the two as between other layers. The
        shortcut is a convolution of its own where the shape changes.
        """
        shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != self.shape[0]:
            shortcut = nn.Conv2d(self.shape[0], channels, 3, stride, padding=1)
        inner = copy.copy(self)
        inner.layers, inner.blocks = OrderedDict(), 0
        inner.conv(channels, kernel=3, stride=stride, padding=1)
        inner.layers["conv2"] = nn.Conv2d(channels, channels, 3, padding=1)
        self.shape = inner.shape
        self._block("residual", Residual(shortcut, nn.Sequential(inner.layers)))

    def average_pool(self, kernel: int) -> None:
        """Adds means over disjoint squares; incomplete squares at the edge are dropped."""
        self._pool(kernel, nn.AvgPool2d(kernel))

    def max_pool(self, kernel: int) -> None:
        """Adds maxima over disjoint squares; incomplete squares at the edge are dropped."""
        self._pool(kernel, nn.MaxPool2d(kernel))

    def global_average_pool(self) -> None:
        """Adds the mean of each channel over all positions, which gives a vector."""
        self.layers[f"pool{self.blocks}"] = nn.AdaptiveAvgPool2d(1)
        self.shape = (self.shape[0], 1, 1)

    def drop(self, probability: float) -> None:
        """Adds dropout with a probability; no layer is added if it is 0."""
        if probability > 0:
            self.layers[f"dropout{self.blocks}"] = nn.Dropout(probability)

    def linear(self, width: int) -> None:
        """Adds a block with a full matrix; images are flattened first."""
        self._flatten()
        weights = nn.Linear(self.shape[0], width)
        self.shape = (width,)
        self._block("linear", weights)

    def finish(self, generator: torch.Generator) -> nn.Sequential:
        """Adds the last matrix to the logits, draws all weights, and returns the network."""
        self._flatten()
        self.layers[f"linear{self.blocks + 1}"] = nn.Linear(
            self.shape[0], self.signature.classes
        )
        network = nn.Sequential(self.layers)
        initialise(network, generator)
        return network

    def _block(self, kind: str, weights: nn.Module) -> None:
        self.blocks += 1
        self.layers[f"{kind}{self.blocks}"] = weights
        if self.normalization != "none":
            layer = _normalization(self.normalization, self.shape)
            self.layers[f"normalization{self.blocks}"] = layer
        self.layers[f"activation{self.blocks}"] = copy.deepcopy(self.activation)
        self.drop(self.dropout)

    def _pool(self, kernel: int, layer: nn.Module) -> None:
        size = [axis // kernel for axis in self.shape[1:]]
        self._check_room(kernel, size)
        self.layers[f"pool{self.blocks}"] = layer
        self.shape = (self.shape[0], *size)

    def _flatten(self) -> None:
        if len(self.shape) > 1:
            self.layers["flatten"] = nn.Flatten()
            self.shape = (math.prod(self.shape),)

    def _check_room(self, kernel: int, size: list[int]) -> None:
        if not size:
            raise ShapeError(
                f"expected images (channels, height, width), got inputs of shape {self.shape}. "
                "Choose an architecture for vectors, such as mlp."
            )
        if min(size) < 1:
            raise ShapeError(
                f"expected maps large enough for a {kernel} × {kernel} window, got "
                f"{self.shape[1]} × {self.shape[2]} before block {self.blocks + 1}. "
                "Choose a smaller architecture for images of this size."
            )


def check_settings(name: str, widths: tuple[int, ...], *dropouts: float) -> None:
    """Refuses widths below 1 and probabilities of dropping outside [0, 1).

    Raises:
        SettingError: a setting lies outside; the message names architecture and value.
    """
    for width in widths:
        if width < 1:
            raise SettingError(f"{name}: expected widths ≥ 1, got {width}. Correct it.")
    for dropout in dropouts:
        if not 0 <= dropout < 1:
            raise SettingError(f"{name}: expected 0 ≤ dropout < 1, got {dropout}. Correct it.")


def _normalization(kind: Normalization, shape: tuple[int, ...]) -> nn.Module:
    channels = shape[0]
    if kind == "batch":
        return nn.BatchNorm2d(channels) if len(shape) > 1 else nn.BatchNorm1d(channels)
    if kind == "group":
        # A feature of a vector has one place: a group of one would be 0 always.
        least = 1 if len(shape) > 1 else 2
        possible = (groups for groups in _GROUPS if channels % groups == 0)
        fitting = (groups for groups in possible if channels // groups >= least)
        return nn.GroupNorm(next(fitting, 1), channels)
    if kind == "instance" and len(shape) > 1:
        return nn.InstanceNorm2d(channels, affine=True)
    # Layer normalisation of maps is over channels and positions together; for a vector, which
    # has one position, instance normalisation would subtract each value from itself, and layer
    # takes its place.
    return nn.GroupNorm(1, channels)
