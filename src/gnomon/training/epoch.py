"""One pass over the training data: a function of the state before it, seed and number."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.data.dataset import Split
from gnomon.seeds import generator
from gnomon.sets import Domain
from gnomon.shapes import Inputs, Labels
from gnomon.training.devices import default_randomness
from gnomon.training.method import Batch, ReplayingMethod
from gnomon.training.observer import EpochProgress
from gnomon.training.settings import Training
from gnomon.training.step import Step, StepFigures
from gnomon.training.tally import BatchFigures, EpochScore, Tally

BATCHES_PER_READING = {"cpu": 1, "cuda": 16}
"""How many steps may pass before their figures are read; reading waits for the device."""


@dataclass(frozen=True)
class Epoch:
    """Trains for one epoch.

    Attributes:
        step: takes one step.
        training: the settings.
        split: the training data, on the device.
        domain: theirs.
        seed: everything random is derived from it and the number of the epoch.
        report: told after every step, or every few.
    """

    step: Step
    training: Training
    split: Split
    domain: Domain
    seed: int
    report: Callable[[EpochProgress], None]

    def __call__(self, number: int) -> EpochScore:
        """Takes the steps of epoch `number`; the first is 1.

        Raises:
            DivergedError: the loss or the gradient is not finite.
        """
        accelerator = self.step.accelerator
        process, device = accelerator.process_index, accelerator.device
        noise = generator(self.seed, "method", number, process, device=device)
        steps = steps_per_epoch(len(self.split), self.training)
        reading = _Reading(self, number, steps)
        taken, carried = (number - 1) * steps, None
        self.step.network.train()
        with default_randomness(device, self.seed, "dropout", number, process):
            for examples, inputs, labels in self._batches(number):
                progress = taken / (self.training.epochs * steps)
                batch = Batch(inputs, labels, self.domain, progress, carried)
                rate = self.training.learning_rate_at(taken, steps)
                figures, carried = self.step(batch, examples, rate, noise)
                reading.add(examples, rate, figures)
                taken += 1
        return reading.tally.score()

    def _batches(self, number: int) -> Iterator[tuple[int, Inputs, Labels]]:
        """For each step of epoch `number`: the size of its batch, and this process's share."""
        accelerator, augmentation = self.step.accelerator, self.training.augmentation
        process, device = accelerator.process_index, accelerator.device
        draws = generator(self.seed, "augmentation", number, process, device=device)
        order = shuffled(len(self.split), self.seed, number)
        for whole in split_batches(order, self.training.batch_size):
            mine = whole.tensor_split(accelerator.num_processes)[process].to(device)
            inputs, labels = self.split.inputs[mine], self.split.labels[mine]
            if augmentation is not None:
                inputs = augmentation(inputs, draws)
            yield from repeat((len(whole), inputs, labels), replays_of(self.training))


def shuffled(examples: int, seed: int, number: int) -> Int[Tensor, " examples"]:
    """The order in which epoch `number` takes the examples."""
    return torch.randperm(examples, generator=generator(seed, "order", number))


def split_batches(
    order: Int[Tensor, "*replicas examples"], size: int
) -> tuple[Int[Tensor, "*replicas _"], ...]:
    """Cuts an order, or one for each replica, into batches; the last takes what remains.

    One that remains alone joins the batch before: batch normalisation has no variance of one.
    """
    batches = order.split(size, dim=-1)
    if len(batches) > 1 and batches[-1].shape[-1] == 1 < size:
        return (*batches[:-2], order[..., -size - 1 :])
    return batches


def count_batches(examples: int, size: int) -> int:
    """How many batches `split_batches` makes."""
    return max(1, examples // size + (examples % size > (size > 1)))


def replays_of(training: Training) -> int:
    """How many steps are taken on each batch."""
    method = training.method
    return method.replays if isinstance(method, ReplayingMethod) else 1


def steps_per_epoch(examples: int, training: Training) -> int:
    """How many optimiser steps an epoch has."""
    return count_batches(examples, training.batch_size) * replays_of(training)


class _Reading:
    """Reads the figures of steps from the device, several together, and tallies them."""

    def __init__(self, epoch: Epoch, number: int, steps: int) -> None:
        self.tally = Tally(number, steps)
        self._epoch, self._steps = epoch, steps
        self._pending: list[tuple[int, float, StepFigures]] = []
        self._added = 0

    def add(self, examples: int, rate: float, figures: StepFigures) -> None:
        self._pending.append((examples, rate, figures))
        self._added += 1
        every = BATCHES_PER_READING[figures.loss.device.type]
        if len(self._pending) == every or self._added == self._steps:
            self._read()

    def _read(self) -> None:
        flat = [each.float() for _, _, figures in self._pending for each in figures]
        read: list[list[float]] = torch.stack(flat).view(-1, 3).tolist()
        adapts = self._scale_adapts()
        for (examples, rate, _), (loss, correct, norm) in zip(self._pending, read, strict=True):
            figures = BatchFigures(examples, rate, loss, correct, norm)
            self.tally.add(figures, scale_adapts=adapts)
        self._pending.clear()
        self._epoch.report(self.tally.progress())

    def _scale_adapts(self) -> bool:
        """With float16 an infinite gradient is no failure while its scale can still fall."""
        scaler = self._epoch.step.accelerator.scaler
        return scaler is not None and scaler.get_scale() >= 1
