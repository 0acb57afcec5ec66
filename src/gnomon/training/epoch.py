"""One pass over the training data: a function of the state before it, seed and number."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
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

STEPS_PER_READING = {"cpu": 1, "cuda": 16}
"""How many steps may pass before their figures are read; reading waits for the device."""

_NUMBERS_AT_ONCE = 2**18
"""A megabyte: to gather small batches takes more time than to gather many of them at once."""


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
        steps = self._steps
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
        augmentation, replays = self.training.augmentation, self._replays
        process, device = self.step.accelerator.process_index, self.step.accelerator.device
        draws = generator(self.seed, "augmentation", number, process, device=device)
        order = shuffled(len(self.split), self.seed, number)
        batches = split_batches(order, self.training.batch_size)
        for first in range(0, len(batches), self._at_once):
            block = batches[first : first + self._at_once]
            for examples, inputs, labels in self._gather(block):
                changed = inputs if augmentation is None else augmentation(inputs, draws)
                yield from repeat((examples, changed, labels), replays)

    def _gather(
        self, batches: Sequence[Int[Tensor, " _"]]
    ) -> Iterator[tuple[int, Inputs, Labels]]:
        """Of each of some batches its size, and this process's share of the examples."""
        accelerator = self.step.accelerator
        process, processes = accelerator.process_index, accelerator.num_processes
        mine = [each.tensor_split(processes)[process] for each in batches]
        places, shares = torch.cat(mine).to(accelerator.device), [len(each) for each in mine]
        inputs = self.split.inputs[places].split(shares)
        labels = self.split.labels[places].split(shares)
        return zip([len(each) for each in batches], inputs, labels, strict=True)

    @cached_property
    def _at_once(self) -> int:
        """How many batches are gathered together."""
        size = self.split.inputs[:1].numel() * self.training.batch_size
        return max(1, _NUMBERS_AT_ONCE // size)

    @cached_property
    def _steps(self) -> int:
        return steps_per_epoch(len(self.split), self.training)

    @cached_property
    def _replays(self) -> int:
        return replays_of(self.training)


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
        self._every = STEPS_PER_READING[epoch.split.labels.device.type]

    def add(self, examples: int, rate: float, figures: StepFigures) -> None:
        self._pending.append((examples, rate, figures))
        self._added += 1
        if len(self._pending) == self._every or self._added == self._steps:
            self._read()

    def _read(self) -> None:
        read = _values([figures for _, _, figures in self._pending])
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


def _values(steps: Sequence[StepFigures]) -> list[list[float]]:
    """The figures of each step as numbers."""
    if len(steps) == 1:
        return [[float(each) for each in steps[0]]]
    # Joined on the device, so that it is waited for once.
    return torch.stack([each.float() for step in steps for each in step]).view(-1, 3).tolist()
