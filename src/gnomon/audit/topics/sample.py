"""A random sample of the test examples, in batches, where the network is."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gnomon.attacks.parameters import Batches
from gnomon.attacks.parameters.reading import read
from gnomon.audit.subject import Subject
from gnomon.networks import device_of, undisturbed
from gnomon.objectives import cross_entropy


def split_at_random(
    subject: Subject, examples: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The places of so many random test examples at most, and those of all others."""
    order = torch.randperm(len(subject.labels), generator=generator)
    return order[:examples].sort().values, order[examples:].sort().values


def in_batches(subject: Subject, places: Tensor, batch: int) -> Batches:
    """The examples at these places, so many at a time, on the network's device."""
    device = device_of(subject.network)
    return [
        (subject.inputs[part].to(device), subject.labels[part].to(device))
        for part in places.split(batch)
        if len(part)
    ]


def count_of(batches: Batches) -> int:
    """How many examples there are."""
    return sum(len(labels) for _, labels in batches)


def accuracy_of(
    network: nn.Module, parameters: Mapping[str, Tensor], batches: Batches
) -> float:
    """The share of the examples that the network gets right with these parameters."""
    with undisturbed(network):
        return read(network, parameters, batches, cross_entropy).accuracy
