"""Scores of networks during training: mean cross-entropy, accuracy, accuracy under attack."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from torch import nn


class Score(NamedTuple):
    """The score of a network on a split.

    Attributes:
        loss: mean cross-entropy, in nats.
        accuracy: share of examples whose first largest logit is the label's.
    """

    loss: float
    accuracy: float


@contextmanager
def evaluating(network: nn.Module) -> Generator[None, None, None]:
    """Puts the network into evaluation mode, and back into its own after the block."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)
