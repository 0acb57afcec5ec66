"""How a network fares on a split: mean cross-entropy, accuracy, accuracy under attack."""

from typing import NamedTuple, cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional

from gnomon.data.dataset import Split
from gnomon.sets import Domain
from gnomon.training.overfitting import (
    EXAMPLES_AT_ONCE,
    CatastrophicOverfitting,
    attack_source,
)

_EXAMPLES_AT_ONCE = 1024


class Score(NamedTuple):
    """Of a network on a split.

    Attributes:
        loss: mean cross-entropy, in nats.
        accuracy: share of examples whose first largest logit is the label's.
    """

    loss: float
    accuracy: float


@torch.no_grad()
def evaluate(network: nn.Module, split: Split, accelerator: Accelerator) -> Score:
    """The score of `network` in evaluation mode, the work shared among the processes.

    The network is left in the mode it was in. `split` lies on the accelerator's device.
    """
    training = network.training
    network.eval()
    mine = slice(accelerator.process_index, None, accelerator.num_processes)
    lost, right = 0.0, 0
    for inputs, labels in zip(
        split.inputs[mine].split(_EXAMPLES_AT_ONCE),
        split.labels[mine].split(_EXAMPLES_AT_ONCE),
        strict=True,
    ):
        logits = network(inputs)
        lost += functional.cross_entropy(logits, labels, reduction="sum").item()
        right += int((logits.argmax(dim=1) == labels).sum())
    network.train(training)
    if accelerator.num_processes > 1:
        device = split.labels.device
        sums = torch.tensor((lost, right), dtype=torch.float64, device=device)
        lost, right = cast("Tensor", accelerator.reduce(sums, "sum")).tolist()
    return Score(lost / len(split), right / len(split))


def robust_accuracy(
    network: nn.Module,
    split: Split,
    domain: Domain,
    overfitting: CatastrophicOverfitting,
    place: tuple[int, int],
    accelerator: Accelerator,
) -> float:
    """The share of a split that the network in evaluation mode gets right under attack.

    The parts of the split are shared among the processes; however many there are, the attacks
    begin at the same points. The network is left in the mode it was in.

    Args:
        network: on the accelerator's device.
        split: the same.
        domain: of the data.
        overfitting: how to attack.
        place: seed of the training, and number of the epoch.
        accelerator: the processes.
    """
    training = network.training
    network.eval()
    device = split.labels.device
    right = torch.zeros((), dtype=torch.float64, device=device)
    parts = zip(
        split.inputs.split(EXAMPLES_AT_ONCE), split.labels.split(EXAMPLES_AT_ONCE), strict=True
    )
    for part, (inputs, labels) in enumerate(parts):
        if part % accelerator.num_processes == accelerator.process_index:
            source = attack_source(*place, part, device)
            right += overfitting.withstood(network, inputs, labels, domain, source).sum()
    network.train(training)
    return cast("Tensor", accelerator.reduce(right, "sum")).item() / len(split)
