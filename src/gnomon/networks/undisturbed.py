"""Keeps a network and its inputs unchanged while it is examined."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def undisturbed(network: nn.Module) -> Generator[None, None, None]:
    """Sets evaluation mode without parameter gradients; restores both, and the buffers, after.

    The network receives copies of its inputs, so that one that writes into them changes
    nothing of the caller's. A copy belongs to the graph of its original.
    """
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
        with _given_copies(network):
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


@contextmanager
def _given_copies(network: nn.Module) -> Generator[None, None, None]:
    """Copies the tensors that the network is called with; only once if blocks nest."""
    if _copies in vars(network)["_forward_pre_hooks"].values():
        yield
        return
    handle = network.register_forward_pre_hook(_copies, prepend=True)
    try:
        yield
    finally:
        handle.remove()


def _copies(module: nn.Module, received: tuple[Any, ...]) -> tuple[Any, ...]:  # noqa: ARG001 - the form of a hook
    return tuple(each.clone() if isinstance(each, Tensor) else each for each in received)


def _buffers(module: nn.Module) -> dict[str, Tensor | None]:
    return vars(module)["_buffers"]
