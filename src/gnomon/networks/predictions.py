"""Computes a network's logits and classes, in batches, in evaluation mode."""

import torch
from torch import Tensor, nn

from gnomon.networks.classifiers import check_logits
from gnomon.networks.undisturbed import undisturbed
from gnomon.shapes import Inputs, Labels, Logits


def device_of(network: nn.Module) -> torch.device:
    """The device of the network's first parameter or buffer; the CPU if it has none."""
    tensors = [*network.parameters(), *network.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")


def logits_of(network: nn.Module, inputs: Inputs, batch: int = 500) -> Logits:
    """The logits of the inputs, on the inputs' device, at most `batch` examples at a time.

    Raises:
        ShapeError: an output that is not one row of logits per example.
    """
    device, parts = device_of(network), list[Tensor]()
    with undisturbed(network), torch.no_grad():
        for part in inputs.split(batch):
            logits: object = network(part.to(device))
            parts.append(check_logits(logits, len(part)).to(inputs.device))
    return torch.cat(parts)


def predict(network: nn.Module, inputs: Inputs, batch: int = 500) -> Labels:
    """The class with the largest logit; where several share it, the first of them."""
    return logits_of(network, inputs, batch).argmax(dim=1)
