"""The first layer of every network: from the data's units to mean 0 and deviation 1."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.algebra import Value


class Standardize(nn.Module):
    """(x − mean) / std per channel or feature; constants that are saved with the weights.

    Because this happens inside the network, inputs and the size of every perturbation are in
    the data's own units.

    Args:
        mean: one number per channel (images) or feature (vectors).
        std: their standard deviations, > 0.
        axes: how many axes an input has: 1 for vectors, 3 for images.
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
