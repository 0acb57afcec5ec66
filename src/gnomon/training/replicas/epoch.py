"""One pass of many networks over their training data, in step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.errors import DivergedError
from gnomon.seeds import generator
from gnomon.sets import Domain
from gnomon.shapes import Inputs, Labels
from gnomon.training.epoch import (
    STEPS_PER_READING,
    replays_of,
    shuffled,
    split_batches,
    steps_per_epoch,
)
from gnomon.training.gradients import CLIP_GUARD
from gnomon.training.method import Batch, Loss
from gnomon.training.observer import EpochProgress
from gnomon.training.replicas.draws import DrawsForEach
from gnomon.training.replicas.dropout import Streams
from gnomon.training.replicas.examples import Examples
from gnomon.training.replicas.network import ReplicatedNetwork
from gnomon.training.replicas.update import RowwiseUpdate
from gnomon.training.settings import Training
from gnomon.training.tally import BatchFigures, EpochScore, Tally

Figures = Float[Tensor, "3 replicas"]
"""What a step measured of each network: loss, right answers, gradient norm."""


@dataclass(frozen=True, eq=False)
class GroupEpoch:
    """Trains all networks of a group for one epoch, as each would be trained alone.

    Attributes:
        network: the networks.
        update: moves their rows.
        examples: what they are trained on.
        domain: that of all their data.
        streams: what their dropout draws from.
        trainings: the settings of each; they differ in what `replica_key` says.
        seeds: of each.
        report: told after every step, or every few.
    """

    network: ReplicatedNetwork
    update: RowwiseUpdate
    examples: Examples
    domain: Domain
    streams: Streams
    trainings: Sequence[Training]
    seeds: Sequence[int]
    report: Callable[[EpochProgress], None]

    def __call__(self, number: int) -> list[EpochScore | DivergedError]:
        """Takes the steps of epoch `number`; for each network its score, or why it has none."""
        first = self.trainings[0]
        steps = steps_per_epoch(self.examples.size, first)
        reading = _Reading(len(self.seeds), number, steps, self.report)
        noise = self._draws("method", number)
        self.streams.start(self.seeds, "dropout", number, 0)
        self.network.train()
        taken, carried = (number - 1) * steps, None
        for examples, inputs, labels in self._batches(number):
            progress = taken / (first.epochs * steps)
            batch = Batch(inputs, labels, self.domain, progress, carried)
            rates = [each.learning_rate_at(taken, steps) for each in self.trainings]
            self.network.examples = examples
            figures, loss = self._step(batch, rates, noise)
            reading.add(examples, rates, figures, loss.broken)
            carried = loss.carried
            taken += 1
        return reading.results()

    def _batches(self, number: int) -> Iterator[tuple[int, Inputs, Labels]]:
        """For each step of epoch `number`: how many examples each network has, and all."""
        first = self.trainings[0]
        draws = self._draws("augmentation", number)
        orders = [shuffled(self.examples.size, seed, number) for seed in self.seeds]
        for chosen in split_batches(torch.stack(orders), first.batch_size):
            inputs, labels = self.examples.chosen(chosen)
            if first.augmentation is not None:
                with draws:
                    inputs = first.augmentation(inputs, draws.token)
            yield from repeat((chosen.shape[1], inputs, labels), replays_of(first))

    def _draws(self, name: str, number: int) -> DrawsForEach:
        """What each network draws from in epoch `number`."""
        device = self.network.rows.device
        return DrawsForEach(
            [generator(seed, name, number, 0, device=device) for seed in self.seeds]
        )

    def _step(
        self, batch: Batch, rates: Sequence[float], noise: DrawsForEach
    ) -> tuple[Figures, Loss]:
        """Moves all rows once; what was measured, and what the method said."""
        rows, training = self.network.rows, self.trainings[0]
        rows.grad = None
        with noise:
            loss = training.method.loss(self.network, batch, noise.token)
        losses = loss.values.view(len(rows), -1).mean(dim=1)
        losses.sum().backward()  # a row is in the loss of its own network alone
        gradients = torch.zeros_like(rows) if rows.grad is None else rows.grad
        norms = torch.linalg.vector_norm(gradients, dim=1)
        if training.gradient_clip is not None:
            factors = (training.gradient_clip / (norms + CLIP_GUARD)).clamp(max=1.0)
            gradients.mul_(factors[:, None])
        self.update(rows.detach(), gradients, rows.new_tensor(rates))
        if training.weight_clip is not None:
            rows.detach().clamp_(-training.weight_clip, training.weight_clip)
        correct = loss.correct.view(len(rows), -1).sum(dim=1)
        return torch.stack((losses.detach(), correct.to(norms), norms)), loss


class _Reading:
    """Reads figures from the device, those of several steps together, and tallies them."""

    def __init__(
        self, replicas: int, number: int, steps: int, report: Callable[[EpochProgress], None]
    ) -> None:
        self._tallies: list[Tally | DivergedError] = [
            Tally(number, steps) for _ in range(replicas)
        ]
        self._steps, self._report = steps, report
        self._pending: list[tuple[int, Sequence[float], Figures]] = []
        self._added = 0

    def add(
        self,
        examples: int,
        rates: Sequence[float],
        figures: Figures,
        broken: Mapping[int, str],
    ) -> None:
        if broken:
            self._read()  # what diverged before did so for another reason
            for place, reason in broken.items():
                if isinstance(self._tallies[place], Tally):
                    self._tallies[place] = DivergedError(reason)
        self._pending.append((examples, rates, figures))
        self._added += 1
        every = STEPS_PER_READING[figures.device.type]
        if len(self._pending) == every or self._added == self._steps:
            self._read()

    def results(self) -> list[EpochScore | DivergedError]:
        return [
            each if isinstance(each, DivergedError) else each.score() for each in self._tallies
        ]

    def _read(self) -> None:
        if not self._pending:
            return
        read = (
            torch.stack([figures for _, _, figures in self._pending]).transpose(1, 2).tolist()
        )
        for (examples, rates, _), of_step in zip(self._pending, read, strict=True):
            for index, (rate, three) in enumerate(zip(rates, of_step, strict=True)):
                self._count(index, BatchFigures(examples, rate, *three))
        self._pending.clear()
        going = [each.progress() for each in self._tallies if isinstance(each, Tally)]
        if going:
            self._report(_mean(going))

    def _count(self, index: int, figures: BatchFigures) -> None:
        tally = self._tallies[index]
        if isinstance(tally, Tally):
            try:
                tally.add(figures)
            except DivergedError as error:
                self._tallies[index] = error


def _mean(progress: Sequence[EpochProgress]) -> EpochProgress:
    first = progress[0]
    loss = sum(each.loss for each in progress) / len(progress)
    accuracy = sum(each.accuracy for each in progress) / len(progress)
    return EpochProgress(first.epoch, first.batch, first.batches, loss, accuracy)
