"""Examining a network leaves it as it was found."""

from collections.abc import Generator
from contextlib import contextmanager

from torch import nn


@contextmanager
def undisturbed(network: nn.Module) -> Generator[None, None, None]:
    """Evaluation mode, no gradients of parameters; both restored, module by module."""
    modes = [(module, module.training) for module in network.modules()]
    flags = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    try:
        network.eval()
        network.requires_grad_(requires_grad=False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, requires_grad in flags:
            parameter.requires_grad_(requires_grad)
