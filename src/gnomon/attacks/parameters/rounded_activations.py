"""Activations rounded to eight bits, as networks with eight-bit weights are run."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.networks.weights import weights_of

Activations = Literal["float", "example", "batch"]
"""The precision of the inputs of weights: unchanged, or eight bits with one scale for each
example or for each batch."""

_TOP = 255
"""The largest code; the least is 0."""


@contextmanager
def rounded_activations(
    network: nn.Module, activations: Activations
) -> Generator[None, None, None]:
    """Rounds the inputs of every layer with a weight to eight bits inside the block.

    Args:
        network: its layers are watched where they are called as modules.
        activations: the unit that shares a scale; "float" rounds nothing.
    """
    with ExitStack() as stack:
        if activations != "float":
            shared = activations == "batch"

            def rounded(module: nn.Module, received: tuple[object, ...]) -> tuple[object, ...]:
                del module
                return tuple(_rounded(each, shared=shared) for each in received)

            layers = dict.fromkeys(each.layer for each in weights_of(network).values())
            for layer in layers:
                stack.callback(layer.register_forward_pre_hook(rounded).remove)
        yield


def in_eight_bits(
    values: Float[Tensor, " batch *shape"], *, shared: bool
) -> Float[Tensor, " batch *shape"]:
    """The nearest of 256 numbers that span [min(x, 0), max(x, 0)] evenly, 0 among them.

        s = (max − min) / 255,   z = round(−min / s),   x ≈ s (clamp(round(x / s) + z) − z)

    An infinite or NaN number makes NaN of all that share its scale.

    Args:
        values: a batch.
        shared: one range for the whole batch; else each example has its own, so that its answer
            does not depend on its companions.
    """
    rows = values.reshape(1, -1) if shared else values.flatten(1)
    if not rows.numel():
        return values
    least, most = rows.amin(dim=1).clamp_max(0), rows.amax(dim=1).clamp_min(0)
    scale = ((most - least) / _TOP).clamp_min(torch.finfo(values.dtype).tiny)[:, None]
    zero = (-least[:, None] / scale).round().clamp(0, _TOP)
    codes = ((rows / scale).round() + zero).clamp(0, _TOP)
    return ((codes - zero) * scale).reshape(values.shape)


def _rounded(received: object, *, shared: bool) -> object:
    """The arguments of a layer, rounded where they are batches of real numbers."""
    if not isinstance(received, Tensor) or not received.is_floating_point():
        return received
    return in_eight_bits(received, shared=shared) if received.dim() > 1 else received
