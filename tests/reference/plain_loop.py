"""Training written out by hand, as in a textbook, for what the loop must do bit for bit."""

import torch
from torch import nn
from torch.nn import functional

from gnomon.data import Dataset
from gnomon.seeds import generator
from gnomon.training import Experiment


def train_plainly(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    rates: list[float],
    data: Dataset,
    experiment: Experiment,
) -> None:
    """All epochs: shuffle, cut into batches, cross-entropy, backward, clip, step."""
    training = experiment.training
    size, step = training.batch_size, 0
    network.train()
    for epoch in range(1, training.epochs + 1):
        torch.random.set_rng_state(generator(experiment.seed, "dropout", epoch, 0).get_state())
        order = torch.randperm(
            len(data.train), generator=generator(experiment.seed, "order", epoch)
        )
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            optimizer.param_groups[0]["lr"] = rates[step]
            optimizer.zero_grad()
            logits = network(data.train.inputs[chosen])
            functional.cross_entropy(logits, data.train.labels[chosen]).backward()
            if training.gradient_clip is not None:
                nn.utils.clip_grad_norm_(
                    network.parameters(), training.gradient_clip, foreach=True
                )
            optimizer.step()
            step += 1
