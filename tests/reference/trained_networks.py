"""Small networks with snapshots whose representations are known by thought."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn

from gnomon.activations import Activation, ReLU
from gnomon.audit import Subject
from gnomon.data.dataset import Dataset
from reference.small_subjects import plane_data, vector_data


def turned(scale: float, bias: float = 0.0, activation: Activation | None = None) -> nn.Module:
    """The plane turned by a quarter and scaled, then an activation, then logits.

    The logits are (−10 h₂, 10 h₂): with bias 0 and no activation it is class 1 where x₁ > 0.
    """
    inner, outer = nn.Linear(2, 2), nn.Linear(2, 2)
    with torch.no_grad():
        inner.weight.copy_(scale * torch.tensor([[0.0, -1.0], [1.0, 0.0]]))
        inner.bias.fill_(bias)
        outer.weight.copy_(torch.tensor([[0.0, -10.0], [0.0, 10.0]]))
        outer.bias.zero_()
    return nn.Sequential(inner, activation or nn.Identity(), outer).eval()


def plane_journey(
    network: nn.Module, snapshots: Mapping[int, nn.Module] | None = None
) -> Subject:
    """The network on 200 points of the square, with snapshots of its training."""
    data = plane_data(200)
    return Subject(
        "turned", network, data, data.test.inputs, data.test.labels, {}, snapshots or {}
    )


def with_collapsed_class() -> Subject:
    """ReLU behind the identity, on data whose class 0 lies where both units are dead."""
    data = plane_data(200)
    negative = data.test.labels == 0
    inputs = data.test.inputs.clone()
    inputs[negative] = -inputs[negative].abs() - 0.1
    split = replace(data.test, inputs=inputs)
    inner, outer = nn.Linear(2, 2), nn.Linear(2, 2)
    with torch.no_grad():
        inner.weight.copy_(torch.eye(2))
        inner.bias.zero_()
    whole = replace(data, train=split, validation=split, test=split)
    network = nn.Sequential(inner, ReLU(), outer).eval()
    return Subject("collapsed", network, whole, split.inputs, split.labels)


def one_class(data: Dataset | None = None) -> Dataset:
    """The same data with class 0 alone; the number of classes stays."""
    data = data or vector_data(3)
    split = replace(data.test, labels=torch.zeros_like(data.test.labels))
    return replace(data, train=split, validation=split, test=split)
