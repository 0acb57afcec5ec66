"""Gradients the slow way: one example after another, one `backward` each."""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional


def mean_gradients(network: nn.Module, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The gradient of the mean cross-entropy by parameter, in float64."""
    twin = copy.deepcopy(network).eval()
    sums = {name: torch.zeros(0) for name, _ in twin.named_parameters()}
    for index in range(len(labels)):
        twin.zero_grad()
        logits = twin(inputs[index : index + 1])
        functional.cross_entropy(logits, labels[index : index + 1]).backward()
        for name, parameter in twin.named_parameters():
            assert parameter.grad is not None
            gradient = parameter.grad.double().flatten()
            sums[name] = gradient if index == 0 else sums[name] + gradient
    return {name: total / len(labels) for name, total in sums.items()}


def input_norms(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """The Euclidean norm of each example's gradient with respect to its input, in float64."""
    twin = copy.deepcopy(network).eval()
    norms: list[Tensor] = []
    for index in range(len(labels)):
        leaf = inputs[index : index + 1].clone().requires_grad_()
        functional.cross_entropy(twin(leaf), labels[index : index + 1]).backward()
        assert leaf.grad is not None
        norms.append(leaf.grad.double().norm())
    return torch.stack(norms)
