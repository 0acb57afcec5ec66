"""How each of many networks fares on its own split."""

from collections.abc import Sequence

import torch
from torch.nn import functional

from gnomon.sets import Domain
from gnomon.training.evaluation import Score
from gnomon.training.overfitting import (
    EXAMPLES_AT_ONCE,
    CatastrophicOverfitting,
    attack_source,
)
from gnomon.training.replicas.draws import DrawsForEach
from gnomon.training.replicas.examples import Examples
from gnomon.training.replicas.network import ReplicatedNetwork

_EXAMPLES_AT_ONCE = 8192
"""Of all networks together."""


@torch.no_grad()
def evaluate_replicas(network: ReplicatedNetwork, examples: Examples) -> list[Score]:
    """The score of each network in evaluation mode; the mode is left as it was."""
    training = network.training
    network.eval()
    device, replicas = network.rows.device, len(network)
    sums = torch.zeros(2, replicas, dtype=torch.float64, device=device)
    order = torch.arange(examples.size, device=device)
    for part in order.split(max(1, _EXAMPLES_AT_ONCE // replicas)):
        inputs, labels = examples.chosen(part.expand(replicas, -1))
        network.examples = len(part)
        logits = network(inputs)
        losses = functional.cross_entropy(logits, labels, reduction="none")
        sums[0] += losses.view(replicas, -1).sum(dim=1)
        sums[1] += (logits.argmax(dim=1) == labels).view(replicas, -1).sum(dim=1)
    network.train(training)
    means = (sums / examples.size).T.tolist()
    return [Score(loss, accuracy) for loss, accuracy in means]


def robust_accuracies(
    network: ReplicatedNetwork,
    examples: Examples,
    domain: Domain,
    overfitting: CatastrophicOverfitting,
    seeds: Sequence[int],
    epoch: int,
) -> list[float]:
    """The share that each network gets right under attack, as it would alone."""
    training = network.training
    network.eval()
    device, replicas = network.rows.device, len(network)
    right = torch.zeros(replicas, dtype=torch.float64, device=device)
    order = torch.arange(examples.size, device=device)
    for part, places in enumerate(order.split(EXAMPLES_AT_ONCE)):
        inputs, labels = examples.chosen(places.expand(replicas, -1))
        network.examples = len(places)
        draws = DrawsForEach([attack_source(seed, epoch, part, device) for seed in seeds])
        with draws:
            withstood = overfitting.withstood(network, inputs, labels, domain, draws.token)
        right += withstood.view(replicas, -1).sum(dim=1)
    network.train(training)
    return (right / examples.size).tolist()
