"""One pass over the training data: a function of the state before it, seed and number."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.data.dataset import Split
from gnomon.errors import DivergedError
from gnomon.seeds import generator
from gnomon.training.devices import default_randomness
from gnomon.training.method import Batch
from gnomon.training.observer import EpochProgress
from gnomon.training.settings import Training
from gnomon.training.step import Step, StepFigures

_BATCHES_PER_READING = {"cpu": 1, "cuda": 16}
"""How many steps may pass before their figures are read; reading waits for the device."""

REMEDY = "Lower learning_rate (see the range test), add warmup_epochs, or set gradient_clip."
"""What to do about a training that diverges."""


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


@dataclass(frozen=True)
class Epoch:
    """Trains for one epoch.

    Attributes:
        step: takes one step.
        training: the settings.
        split: the training data, on the device.
        seed: everything random is derived from it and the number of the epoch.
        report: told after every batch, or every few.
    """

    step: Step
    training: Training
    split: Split
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
        tally = _Tally(self, number, count_batches(len(self.split), self.training.batch_size))
        self.step.network.train()
        with default_randomness(device, self.seed, "dropout", number, process):
            for whole in self._order(number):
                mine = whole.tensor_split(accelerator.num_processes)[process].to(device)
                batch = Batch(self.split.inputs[mine], self.split.labels[mine])
                rate = tally.next_learning_rate()
                tally.add(len(whole), self.step(batch, len(whole), rate, noise))
        return tally.score()

    def _order(self, number: int) -> Iterator[Int[Tensor, " batch"]]:
        shuffled = torch.randperm(
            len(self.split), generator=generator(self.seed, "order", number)
        )
        return iter(split_batches(shuffled, self.training.batch_size))


def split_batches(
    order: Int[Tensor, " examples"], size: int
) -> tuple[Int[Tensor, " batch"], ...]:
    """Cuts an order into batches; the last takes what remains.

    One that remains alone joins the batch before: batch normalisation has no variance of one.
    """
    batches = order.split(size)
    if len(batches) > 1 and len(batches[-1]) == 1 < size:
        return (*batches[:-2], order[-size - 1 :])
    return batches


def count_batches(examples: int, size: int) -> int:
    """How many batches `split_batches` makes."""
    return max(1, examples // size + (examples % size > (size > 1)))


class _Tally:
    """Adds up the figures of an epoch and watches that they are finite."""

    def __init__(self, epoch: Epoch, number: int, batches: int) -> None:
        self._epoch, self._number, self._batches = epoch, number, batches
        self._pending: list[StepFigures] = []
        self._sizes: list[int] = []
        self._rates: list[float] = []
        self._examples = self._read = 0
        self._loss = self._correct = self._norm = 0.0

    def next_learning_rate(self) -> float:
        step = (self._number - 1) * self._batches + len(self._rates)
        self._rates.append(self._epoch.training.learning_rate_at(step, self._batches))
        return self._rates[-1]

    def add(self, examples: int, figures: StepFigures) -> None:
        self._sizes.append(examples)
        self._pending.append(figures)
        every = _BATCHES_PER_READING[figures.loss.device.type]
        if len(self._pending) == every or len(self._sizes) == self._batches:
            self._read_pending()

    def score(self) -> EpochScore:
        return EpochScore(
            loss=self._loss / self._examples,
            accuracy=self._correct / self._examples,
            gradient_norm=self._norm / self._batches,
            learning_rate=self._rates[-1],
            steps=self._batches,
        )

    def _read_pending(self) -> None:
        read = torch.stack([each.float() for figures in self._pending for each in figures])
        for loss, correct, norm in read.view(-1, 3).tolist():
            self._check(loss, norm)
            size = self._sizes[self._read]
            self._examples += size
            self._loss += loss * size
            self._correct += correct
            self._norm += norm if math.isfinite(norm) else 0.0
            self._read += 1
        self._pending.clear()
        self._epoch.report(
            EpochProgress(
                self._number,
                self._read,
                self._batches,
                self._loss / self._examples,
                self._correct / self._examples,
            )
        )

    def _check(self, loss: float, norm: float) -> None:
        if math.isfinite(loss) and (math.isfinite(norm) or self._scaler_adapts()):
            return
        what = "gradient" if math.isfinite(loss) else "loss"
        raise DivergedError(
            f"epoch {self._number}, batch {self._read + 1} of {self._batches}: expected a "
            f"finite {what}, got {norm if what == 'gradient' else loss} at learning rate "
            f"{self._rates[self._read]:.3g}. {REMEDY}"
        )

    def _scaler_adapts(self) -> bool:
        """With float16 an infinite gradient is no failure while its scale can still fall."""
        scaler = self._epoch.step.accelerator.scaler
        return scaler is not None and scaler.get_scale() >= 1
