"""Defines the first layer of every network: data scaled to mean 0 and deviation 1."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.algebra import Value


class Standardize(nn.Module):
    """(x − mean) / std per channel or feature; constants that are saved with the weights.

    Because this happens inside the network, inputs and the size of every perturbation are in
    the data's own units.

    Args:
        mean: means of the data, one number per channel (images) or feature (vectors).
        std: standard deviations of the data, > 0, of the same length.
        axes: number of axes of an input: 1 for vectors, 3 for images.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...], axes: int) -> None:
        super().__init__()
        shape = (-1, *[1] * (axes - 1))
        self.register_buffer("mean", torch.tensor(mean).reshape(shape))
        self.register_buffer("std", torch.tensor(std).reshape(shape))

    def forward(
        self, x: Float[Tensor, " batch *shape"] | Value
    ) -> Float[Tensor, " batch *shape"] | Value:
        """The standardised inputs."""
        return (x - self.mean) / self.std
