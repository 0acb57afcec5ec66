"""Draws initial weights that keep the radius of intervals from layer to layer."""

import math

import torch
from torch import nn


def initialise_for_intervals(network: nn.Module, generator: torch.Generator) -> None:
    """Draws the weights of all linear layers and convolutions but the last afresh.

    They are normal with σ = √(2π) / n, n the fan-in. Then E|W| = 2 / n, so that a layer doubles
    the mean radius of an interval, E Σ_j |W_ij| r_j = 2 r, and a ReLU halves it again, where
    weights that keep the variance let it grow with √n. The last layer, in the order in which
    the network names its layers, stays as it is, and so do biases.

    References:
        shi2021 (IBP initialisation).
    """
    layers = [each for each in network.modules() if isinstance(each, nn.Linear | nn.Conv2d)]
    for layer in layers[:-1]:
        fan_in = layer.weight[0].numel()
        with torch.no_grad():
            layer.weight.normal_(0.0, math.sqrt(2 * math.pi) / fan_in, generator=generator)
