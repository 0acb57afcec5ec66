"""Sums over the steps of an epoch."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from gnomon.training.divergence import check_step
from gnomon.training.observer import EpochProgress


class BatchFigures(NamedTuple):
    """The measurements of one step of one network, as numbers.

    Attributes:
        examples: size of the batch.
        learning_rate: of the step.
        loss: mean over the batch of what was minimised.
        correct: how many examples were right.
        gradient_norm: before clipping.
    """

    examples: int
    learning_rate: float
    loss: float
    correct: float
    gradient_norm: float


@dataclass(frozen=True)
class EpochScore:
    """Means over the examples, or the steps, of one epoch.

    Attributes:
        loss: what was minimised.
        accuracy: share of right answers, each example by the network as it was then.
        gradient_norm: before clipping.
        learning_rate: of the last step.
        steps: how many there were.
    """

    loss: float
    accuracy: float
    gradient_norm: float
    learning_rate: float
    steps: int


class Tally:
    """Adds up the figures of an epoch of one network and refuses those that are not finite.

    Args:
        epoch: its number.
        steps: how many it has.
    """

    def __init__(self, epoch: int, steps: int) -> None:
        self._epoch, self._steps = epoch, steps
        self._read = self._examples = 0
        self._loss = self._correct = self._norm = self._rate = 0.0

    def add(self, figures: BatchFigures, *, scale_adapts: bool = False) -> None:
        """Counts a step.

        Args:
            figures: of the step.
            scale_adapts: whether an infinite gradient is no failure, because the gradient
                scale of float16 will fall; that step's norm counts as 0.

        Raises:
            DivergedError: loss or gradient is not finite.
        """
        norm = figures.gradient_norm
        if scale_adapts and not math.isfinite(norm):
            norm = 0.0
        if not math.isfinite(figures.loss + norm):
            place = f"epoch {self._epoch}, step {self._read + 1} of {self._steps}"
            check_step(place, figures.loss, norm, figures.learning_rate)
        self._examples += figures.examples
        self._loss += figures.loss * figures.examples
        self._correct += figures.correct
        self._norm += norm
        self._rate = figures.learning_rate
        self._read += 1

    def progress(self) -> EpochProgress:
        """The progress of the epoch."""
        return EpochProgress(
            self._epoch,
            self._read,
            self._steps,
            self._loss / self._examples,
            self._correct / self._examples,
        )

    def score(self) -> EpochScore:
        """The means, once all steps are counted."""
        return EpochScore(
            loss=self._loss / self._examples,
            accuracy=self._correct / self._examples,
            gradient_norm=self._norm / self._steps,
            learning_rate=self._rate,
            steps=self._steps,
        )
