"""Evaluates a network with other parameters: its accuracy, loss and gradient."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.attacks.guards import check_logits, is_fooled
from gnomon.attacks.parameters.outcome import Batches
from gnomon.errors import DataError
from gnomon.networks.classifiers import check_inputs, check_labels
from gnomon.networks.constancy import answers_vary, check_statistics
from gnomon.networks.weights import call_with
from gnomon.objectives import Objective


@dataclass(frozen=True, eq=False)
class Reading:
    """The accuracy, objective and gradient of one alternative network over all examples.

    Attributes:
        accuracy: the share that it gets right; NaN logits are wrong.
        value: the mean of the objective.
        slopes: the gradient of that mean, by parameter; empty where it was not asked for.
    """

    accuracy: float
    value: float
    slopes: Mapping[str, Tensor]


def check_batches(network: nn.Module, batches: Batches) -> bool:
    """Tells whether the network's answers vary; refuses batches that are no examples for it.

    Raises:
        DataError: no examples.
        ShapeError: the network does not return batch × classes, or labels of another form.
        SubjectError: logits that are NaN or +∞, a label without a logit, or answers that
            depend on the other examples of a batch.
    """
    if not sum(len(labels) for _, labels in batches):
        raise DataError("expected examples to attack on, got none. Give at least one batch.")
    check_statistics(network)
    varies = False
    with torch.no_grad():
        for index, (inputs, labels) in enumerate(batches):
            check_inputs(inputs)
            check_labels(labels, len(inputs))
            logits = check_logits(network(inputs), labels)
            varies = answers_vary(network, inputs, logits) if index == 0 else varies
    return varies


def read(
    network: nn.Module, parameters: Mapping[str, Tensor], batches: Batches, objective: Objective
) -> Reading:
    """The accuracy and mean objective with these parameters."""
    right, total, count = 0, 0.0, 0
    with torch.no_grad():
        for inputs, labels in batches:
            logits = call_with(network, parameters, inputs)
            right += int((~is_fooled(logits, labels)).sum())
            total += float(objective(logits, labels).double().sum())
            count += len(labels)
    return Reading(right / count, total / count, {})


def read_slopes(
    network: nn.Module, parameters: Mapping[str, Tensor], batches: Batches, objective: Objective
) -> Reading:
    """The same, with the gradient for the given parameters; costs one batch of memory."""
    leaves = {name: each.detach().requires_grad_() for name, each in parameters.items()}
    slopes = {name: torch.zeros_like(each) for name, each in parameters.items()}
    right, total, count = 0, 0.0, 0
    for inputs, labels in batches:
        with torch.enable_grad():
            logits = call_with(network, leaves, inputs)
            value = objective(logits, labels).sum()
            gradients = torch.autograd.grad(value, [*leaves.values()], materialize_grads=True)
        for name, slope in zip(leaves, gradients, strict=True):
            slopes[name] += slope.nan_to_num(0.0, 0.0, 0.0)
        right += int((~is_fooled(logits.detach(), labels)).sum())
        total += float(value.detach().double())
        count += len(labels)
    mean = {name: slope / count for name, slope in slopes.items()}
    return Reading(right / count, total / count, mean)
