"""Small subjects whose findings are known by thought."""

from typing import cast

import torch
from torch import Tensor, nn

from gnomon.audit import Subject
from gnomon.data.dataset import Dataset, Split
from gnomon.sets import L2, Domain, Linf
from gnomon.shapes import Inputs


class FirstCoordinate(nn.Module):
    """Logits (−s, s), s the sum of w · x over all coordinates: class 1 where s is positive.

    With w = (1, 0, …) the distance of x to the boundary is |x_1|, in L∞ and in L2.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(1, dimension)[0])
        self.register_buffer("counter", torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        score = inputs.flatten(1) @ self.weight
        return torch.stack([-score, score], dim=1)


def plane_data(examples: int = 200, domain: Domain = None) -> Dataset:
    """Points of the square [−1, 1]² in two classes, by the sign of the first coordinate."""
    return vector_data(2, examples, domain)


def vector_data(dimension: int, examples: int = 200, domain: Domain = None) -> Dataset:
    """Points of [−1, 1]^n in two classes, by the sign of the first coordinate."""
    inputs = 2 * torch.rand(examples, dimension, generator=torch.Generator().manual_seed(0)) - 1
    return _data(inputs, (inputs[:, 0] > 0).long(), 2, domain)


def image_data(channels: int, examples: int = 120, classes: int = 3) -> Dataset:
    """Random pictures of 6 × 5 pixels in [0, 1] with random labels."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.rand(examples, channels, 6, 5, generator=generator)
    labels = torch.randint(0, classes, (examples,), generator=generator)
    return _data(inputs, labels, classes, (0.0, 1.0))


def image_network(channels: int, classes: int = 3) -> nn.Module:
    """Random weights: right by chance."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(30 * channels, classes, bias=False)).eval()
    with torch.no_grad():
        weight = cast("nn.Linear", network[1]).weight
        weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)))
    return network


def plane_subject(examples: int = 200, name: str = "half planes") -> Subject:
    """The plane's data with a network that is right on all of it."""
    return subject_of(FirstCoordinate(2).eval(), plane_data(examples), name)


def subject_of(network: nn.Module, data: Dataset, name: str = "net") -> Subject:
    """The network with the whole test split."""
    return Subject(name, network, data, data.test.inputs, data.test.labels)


def _data(inputs: Inputs, labels: Tensor, classes: int, domain: Domain) -> Dataset:
    split = Split(inputs, labels)
    return Dataset(
        name="small",
        title="Small data",
        train=split,
        validation=split,
        test=split,
        class_names=tuple(f"class <{index}>" for index in range(classes)),
        domain=domain,
        mean=(0.0,) * inputs.shape[1],
        std=(1.0,) * inputs.shape[1],
        customary=(Linf(0.1, domain), L2(0.3, domain)),
        facts={"turns": 1.5},
    )
