"""A method called in a loop of one's own gives the losses that the course minimises."""

import pytest
import torch
from torch import nn

from gnomon.seeds import generator
from gnomon.sets import Linf
from gnomon.training import (
    CROWNIBP,
    TRADES,
    Batch,
    FreeTraining,
    GradAlign,
    PGDTraining,
    Standard,
    TrainingMethod,
)

IMAGES, LABELS = torch.rand(6, 4, generator=generator(1)), torch.tensor([0, 1, 2, 0, 1, 2])


def network() -> nn.Module:
    """An affine network with weights from a seed."""
    affine = nn.Linear(4, 3)
    with torch.no_grad():
        for each in affine.parameters():
            each.copy_(torch.randn(each.shape, generator=generator(2)))
    return affine


@pytest.mark.parametrize(
    "method",
    [
        Standard(),
        PGDTraining(Linf(0.1)),
        TRADES(Linf(0.1)),
        GradAlign(Linf(0.1)),
        CROWNIBP(Linf(0.1)),
        FreeTraining(Linf(0.1)),
    ],
)
def test_the_losses_are_those_of_a_batch(method: TrainingMethod) -> None:
    batch = Batch(IMAGES, LABELS, (0.0, 1.0), 0.5)
    expected = method.loss(network(), batch, generator(3)).values
    mine = method(network(), IMAGES, LABELS, generator(3), domain=(0.0, 1.0), progress=0.5)  # pyright: ignore[reportCallIssue]
    assert torch.equal(mine, expected)
    assert mine.requires_grad


def test_without_a_generator_nothing_global_is_drawn_and_calls_agree() -> None:
    affine, method = network(), PGDTraining(Linf(0.1))
    before = torch.random.get_rng_state()
    first, second = (method(affine, IMAGES, LABELS) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.random.get_rng_state())
