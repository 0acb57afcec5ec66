"""Examining a network leaves it as it was found."""

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def undisturbed(network: nn.Module) -> Generator[None, None, None]:
    """Evaluation mode, no gradients of parameters; both restored, and the buffers, too."""
    modes = [(module, module.training) for module in network.modules()]
    flags = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    buffers = [
        (held, name, buffer, buffer.clone())
        for held in (_buffers(module) for module in network.modules())
        for name, buffer in held.items()
        if buffer is not None
    ]
    try:
        network.eval()
        network.requires_grad_(requires_grad=False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, requires_grad in flags:
            parameter.requires_grad_(requires_grad)
        for held, name, buffer, content in buffers:
            held[name] = buffer
            if not torch.equal(buffer, content):
                with torch.no_grad():
                    buffer.copy_(content)


def _buffers(module: nn.Module) -> dict[str, Tensor | None]:
    return vars(module)["_buffers"]
