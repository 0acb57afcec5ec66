"""How a network fares on a split: mean cross-entropy and accuracy."""

from typing import NamedTuple, cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional

from gnomon.data.dataset import Split

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
    sums = torch.zeros(2, dtype=torch.float64, device=split.labels.device)
    for inputs, labels in zip(
        split.inputs[mine].split(_EXAMPLES_AT_ONCE),
        split.labels[mine].split(_EXAMPLES_AT_ONCE),
        strict=True,
    ):
        logits = network(inputs)
        sums[0] += functional.cross_entropy(logits, labels, reduction="sum")
        sums[1] += (logits.argmax(dim=1) == labels).sum()
    network.train(training)
    loss, correct = cast("Tensor", accelerator.reduce(sums, "sum")).tolist()
    return Score(loss / len(split), correct / len(split))
