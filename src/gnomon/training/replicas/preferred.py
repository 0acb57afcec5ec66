"""The number of networks to train at once."""

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd  # pyright: ignore[reportPrivateUsage]

_WITH_MATRICES = 64
_WITH_CONVOLUTIONS_ON_CUDA = 16


def preferred_replicas(network: nn.Module, device: torch.device) -> int:
    """The best number of networks like this in a group; 1 means that `train` is as fast.

    The rule: 64 where all weights are matrices, 1 where there are convolutions on a CPU, 16
    where there are convolutions on CUDA. The first two are measured (`benchmarks/replicas.py`):
    a step of a small MLP is mostly overhead, which a group shares; convolutions of many
    networks become one grouped convolution, which on a CPU is no faster than one after the
    other. The third is a guess that no measurement here supports.
    """
    convolutions = any(isinstance(module, _ConvNd) for module in network.modules())
    if not convolutions:
        return _WITH_MATRICES
    return _WITH_CONVOLUTIONS_ON_CUDA if device.type == "cuda" else 1
