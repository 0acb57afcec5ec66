"""What a network answers: its logits and its classes, in batches, in evaluation mode."""

import torch
from torch import nn

from gnomon.networks.undisturbed import undisturbed
from gnomon.shapes import Inputs, Labels, Logits


def device_of(network: nn.Module) -> torch.device:
    """Where the network's first parameter or buffer lies; the CPU when it has none."""
    tensors = [*network.parameters(), *network.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")


def logits_of(network: nn.Module, inputs: Inputs, batch: int = 500) -> Logits:
    """The logits of the inputs, on the inputs' device, at most `batch` examples at a time."""
    device = device_of(network)
    with undisturbed(network), torch.no_grad():
        parts = [network(part.to(device)).to(inputs.device) for part in inputs.split(batch)]
    return torch.cat(parts)


def predict(network: nn.Module, inputs: Inputs, batch: int = 500) -> Labels:
    """The class with the largest logit; where several share it, the first of them."""
    return logits_of(network, inputs, batch).argmax(dim=1)
