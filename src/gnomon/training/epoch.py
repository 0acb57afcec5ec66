"""One pass over the training data: a function of the state before it, seeds and number."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.errors import DivergedError
from gnomon.seeds import generator
from gnomon.sets import Domain
from gnomon.shapes import Inputs, Labels
from gnomon.training.members import Figures, Members
from gnomon.training.method import Batch, Loss, ReplayingMethod
from gnomon.training.observer import EpochProgress
from gnomon.training.replicas.examples import Examples
from gnomon.training.settings import Training
from gnomon.training.tally import BatchFigures, EpochScore, Tally

STEPS_PER_READING = {"cpu": 1, "cuda": 16}
"""Number of steps that may pass before their figures are read; reading waits for the device."""

_NUMBERS_AT_ONCE = 2**18
"""Number of input coordinates that are gathered together, a megabyte: to gather small batches
takes more time than to gather many of them at once."""


@dataclass(frozen=True, eq=False)
class Epoch:
    """Trains all members for one epoch, each as it would be trained alone.

    Attributes:
        members: the networks.
        examples: what they are trained on.
        domain: that of all their data.
        trainings: the settings of each; they differ in what `replica_key` says.
        seeds: what everything random in each is derived from, with the number of the epoch.
        report: called after every step, or every few.
    """

    members: Members
    examples: Examples
    domain: Domain
    trainings: Sequence[Training]
    seeds: Sequence[int]
    report: Callable[[EpochProgress], None]

    def __call__(self, number: int) -> list[EpochScore | DivergedError]:
        """Takes the steps of epoch `number` = 1, 2, …; returns scores or errors."""
        members, steps, (process, _) = self.members, self._steps, self.members.share
        noise = members.draws("method", number, process)
        reading = _Reading(self, number, steps)
        taken, carried = (number - 1) * steps, None
        members.network.train()
        with members.dropping("dropout", number, process):
            for examples, inputs, labels in self._batches(number):
                progress = taken / (self._training.epochs * steps)
                batch = Batch(inputs, labels, self.domain, progress, carried)
                rates = [each.learning_rate_at(taken, steps) for each in self.trainings]
                figures, loss = members.step(batch, examples, rates, noise)
                reading.add(examples, rates, figures, loss)
                if not reading.going:
                    break
                carried = None if loss is None else loss.carried
                taken += 1
        return reading.results()

    def _batches(self, number: int) -> Iterator[tuple[int, Inputs, Labels]]:
        """For each step: the size of a member's batch, and this process's share of all."""
        augmentation, replays = self._training.augmentation, replays_of(self._training)
        draws = self.members.draws("augmentation", number, self.members.share[0])
        orders = [shuffled(self.examples.size, seed, number) for seed in self.seeds]
        batches = split_batches(torch.stack(orders), self._training.batch_size)
        for first in range(0, len(batches), self._at_once):
            block = batches[first : first + self._at_once]
            for examples, inputs, labels in self._gather(block):
                changed = inputs
                if augmentation is not None:
                    with draws:
                        changed = augmentation(inputs, draws.token)
                yield from repeat((examples, changed, labels), replays)

    def _gather(
        self, batches: Sequence[Int[Tensor, " replicas _"]]
    ) -> Iterator[tuple[int, Inputs, Labels]]:
        """The size of each of some batches, and this process's share of the examples."""
        process, processes = self.members.share
        shares = [each.tensor_split(processes, dim=1)[process] for each in batches]
        places = torch.cat([self.examples.places(each) for each in shares])
        places, sizes = places.to(self.members.device), [each.numel() for each in shares]
        inputs = self.examples.held[places].split(sizes)
        labels = self.examples.labels[places].split(sizes)
        return zip([each.shape[1] for each in batches], inputs, labels, strict=True)

    @cached_property
    def _training(self) -> Training:
        """The settings that all members share."""
        return self.trainings[0]

    @cached_property
    def _at_once(self) -> int:
        """The number of batches that are gathered together."""
        numbers = self.examples.held[:1].numel() * self._training.batch_size
        return max(1, _NUMBERS_AT_ONCE // (numbers * len(self.seeds)))

    @cached_property
    def _steps(self) -> int:
        return steps_per_epoch(self.examples.size, self._training)


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
    """The number of batches that `split_batches` makes."""
    return max(1, examples // size + (examples % size > (size > 1)))


def replays_of(training: Training) -> int:
    """The number of steps that are taken on each batch."""
    method = training.method
    return method.replays if isinstance(method, ReplayingMethod) else 1


def steps_per_epoch(examples: int, training: Training) -> int:
    """The number of optimiser steps of an epoch."""
    return count_batches(examples, training.batch_size) * replays_of(training)


class _Reading:
    """Reads the figures of steps from the device, several together, and tallies them."""

    def __init__(self, epoch: Epoch, number: int, steps: int) -> None:
        self._epoch, self._steps = epoch, steps
        self._tallies: list[Tally | DivergedError] = [Tally(number, steps) for _ in epoch.seeds]
        self._pending: list[tuple[int, Sequence[float], Figures]] = []
        self._added = 0
        self._every = STEPS_PER_READING[epoch.members.device.type]
        self.going = True  # whether any member has not diverged

    def add(
        self, examples: int, rates: Sequence[float], figures: Figures, loss: Loss | None
    ) -> None:
        if loss is not None and loss.broken:
            self._read()  # what diverged before did so for another reason
            for place, reason in loss.broken.items():
                self._diverged(place, DivergedError(reason))
        self._pending.append((examples, rates, figures))
        self._added += 1
        if len(self._pending) == self._every or self._added == self._steps:
            self._read()

    def results(self) -> list[EpochScore | DivergedError]:
        return [
            each if isinstance(each, DivergedError) else each.score() for each in self._tallies
        ]

    def _read(self) -> None:
        if not self._pending:
            return
        read = _numbers([figures for _, _, figures in self._pending])
        adapts = self._epoch.members.scale_adapts()
        for (examples, rates, _), measured in zip(self._pending, read, strict=True):
            for place, (rate, *three) in enumerate(zip(rates, *measured, strict=True)):
                self._count(place, BatchFigures(examples, rate, *three), adapts=adapts)
        self._pending.clear()
        tallies = [each.progress() for each in self._tallies if isinstance(each, Tally)]
        if tallies:
            self._epoch.report(_mean(tallies))

    def _count(self, place: int, figures: BatchFigures, *, adapts: bool) -> None:
        tally = self._tallies[place]
        if isinstance(tally, Tally):
            try:
                tally.add(figures, scale_adapts=adapts)
            except DivergedError as error:
                self._diverged(place, error)

    def _diverged(self, place: int, error: DivergedError) -> None:
        """Notes why a member has diverged, unless it had before."""
        if isinstance(self._tallies[place], Tally):
            self._tallies[place] = error
            self.going = any(isinstance(each, Tally) for each in self._tallies)


def _numbers(steps: Sequence[Figures]) -> list[list[list[float]]]:
    """Numbers for each step, figure and member."""
    if len(steps) == 1:
        return [[each.tolist() if each.dim() else [float(each)] for each in steps[0]]]
    # Joined on the device, so that it is waited for once.
    kind = steps[0].gradient_norm.dtype
    flat = torch.stack([each.to(kind) for step in steps for each in step])
    return flat.view(len(steps), len(steps[0]), -1).tolist()


def _mean(progress: Sequence[EpochProgress]) -> EpochProgress:
    """The means over members, all as far in the same epoch."""
    first = progress[0]
    if len(progress) == 1:
        return first
    loss = sum(each.loss for each in progress) / len(progress)
    accuracy = sum(each.accuracy for each in progress) / len(progress)
    return EpochProgress(first.epoch, first.batch, first.batches, loss, accuracy)
