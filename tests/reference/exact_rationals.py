"""Networks in exact rational arithmetic: slow, and without any rounding."""

import itertools
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

Rationals = npt.NDArray[np.object_]


def rationals(value: Tensor) -> Rationals:
    """The numbers that a tensor holds, as fractions."""
    flat = [Fraction(each) for each in value.detach().double().flatten().tolist()]
    made = np.empty(len(flat), dtype=object)
    made[:] = flat
    return made.reshape(tuple(value.shape))


def outputs(
    network: nn.Sequential, point: Rationals, weights: dict[str, Rationals] | None = None
) -> Rationals:
    """What the network makes of one point.

    Args:
        network: of linear layers, convolutions of stride 1 without padding, rectifiers (also
            leaky ones) and `Flatten`.
        point: the axes of one example.
        weights: in place of the network's own, by their names.
    """
    own = {name: rationals(value) for name, value in network.named_parameters()}
    own.update(weights or {})
    for name, layer in enumerate(network):  # also layers that occur twice
        if isinstance(layer, nn.Linear):
            point = own[f"{name}.weight"].dot(point) + own.get(f"{name}.bias", 0)
        elif isinstance(layer, nn.Conv2d):
            point = _convolved(point, own[f"{name}.weight"], own[f"{name}.bias"])
        elif isinstance(layer, nn.Flatten):
            point = point.reshape(-1)
        else:
            assert isinstance(layer, nn.ReLU | nn.LeakyReLU)
            slope = Fraction(getattr(layer, "negative_slope", 0))
            point = np.where(point > 0, point, slope * point)
    return point


def _convolved(image: Rationals, weight: Rationals, bias: Rationals) -> Rationals:
    height, width = (
        size - kernel + 1
        for size, kernel in zip(image.shape[1:], weight.shape[2:], strict=True)
    )
    made = np.empty((len(weight), height, width), dtype=object)
    for channel, row, column in itertools.product(*map(range, made.shape)):
        window = image[:, row : row + weight.shape[2], column : column + weight.shape[3]]
        made[channel, row, column] = (weight[channel] * window).sum() + bias[channel]
    return made
