"""Draws initial weights that keep the variance from layer to layer, for any activation."""

import copy
import functools
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from gnomon.activations import Activation

_NODES = 201


def gain(activation: Activation) -> float:
    """The factor E[f(Z)²]^(−1/2), Z standard normal, that compensates f's change of variance.

    With weights of variance gain² / fan_in, pre-activations of variance 1 give pre-activations
    of variance 1 one layer further: √2 for ReLU, 1 for SELU. It is computed by Gauss–Hermite
    quadrature, accurate to 1e-4 for functions with a kink and to rounding for smooth ones.

    References:
        he2015, equation 10, with E[f(Z)²] in place of ReLU's 1/2.
    """
    nodes, weights = _gauss_hermite()
    with torch.no_grad():
        values = copy.deepcopy(activation).double()(torch.from_numpy(nodes)).numpy()
    return float((weights @ values**2) ** -0.5)


def initialise(network: nn.Sequential, generator: torch.Generator) -> None:
    """Draws every weight of a chain afresh: normal, variance gain² / fan_in; biases 0.

    The gain of a layer is that of the activation whose output it receives, and 1 for the first
    layer, which receives standardised data. Blocks hold their layers in the order of the call.
    """
    received = 1.0
    for layer in _layers(network):
        if isinstance(layer, Activation):
            received = gain(layer)
        elif isinstance(layer, nn.Linear | nn.Conv2d):
            fan_in = layer.weight[0].numel()
            with torch.no_grad():
                layer.weight.normal_(0.0, received / fan_in**0.5, generator=generator)
                if layer.bias is not None:
                    layer.bias.zero_()


def _layers(network: nn.Module) -> Iterator[nn.Module]:
    """Yields activations, and layers that contain no others, in order."""
    for module in network.children():
        if isinstance(module, Activation) or not any(module.children()):
            yield module
        else:
            yield from _layers(module)


@functools.cache
def _gauss_hermite() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of ∫ f(z) φ(z) dz, exact for polynomials up to degree 401."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights / np.sqrt(2 * np.pi)
