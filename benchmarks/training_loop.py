"""What the loop costs over one by hand: the spiral MLP and the CNN4, one CPU thread.

    python benchmarks/training_loop.py [spiral-128 | spiral-64 | cnn4 …]

The spiral MLP has five hidden layers of 50 and the 1,360 training examples of the double
spiral, in batches of 128 or 64; the CNN4 has 2,560 random images of CIFAR-10's size in batches
of 128. All are trained by Adam, without a schedule.

Prints the medians of the time of one epoch, by the wall and by the processor, and their ratio,
against
- a bare loop: gather a batch, forward, backward, step; at the end of the epoch, loss and right
  answers on the validation data;
- a watchful loop, which also does what the history needs at each step: adds up loss and right
  answers, takes the gradient's norm, and looks whether both are finite.
"""

import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from gnomon.data import Dataset, DoubleSpiral, Split, Store
from gnomon.networks import CNN4, MLP
from gnomon.seeds import generator
from gnomon.training import (
    Adam,
    Constant,
    EpochProgress,
    Experiment,
    Plan,
    RunFacts,
    Training,
    build,
    train,
)

Loop = Callable[[nn.Module, Dataset, torch.optim.Optimizer, int], None]


@dataclass(frozen=True)
class Noise:
    """Random images of CIFAR-10's size: what is in them does not matter here."""

    examples: int = 2560
    validation: int = 256

    def __call__(self, seed: int, store: Store) -> Dataset:  # noqa: ARG002
        """The same images in all splits; validation and test hold some of them."""
        source = generator(seed, "noise")
        labels = torch.randint(10, (self.examples,), generator=source)
        inputs = torch.rand(self.examples, 3, 32, 32, generator=source)
        few = Split(inputs[: self.validation], labels[: self.validation])
        return Dataset(
            name="noise",
            title="Noise",
            train=Split(inputs, labels),
            validation=few,
            test=few,
            class_names=tuple("abcdefghij"),
            domain=(0.0, 1.0),
            mean=(0.5,) * 3,
            std=(0.3,) * 3,
            customary=(),
        )


@dataclass(frozen=True)
class Subject:
    """What is trained.

    Attributes:
        experiment: with the settings of our loop.
        rounds: how often each loop is measured.
    """

    experiment: Experiment
    rounds: int


def _subject(
    data: DoubleSpiral | Noise, network: MLP | CNN4, batch: int, epochs: int, rounds: int
) -> Subject:
    training = Training(epochs=epochs, batch_size=batch, optimizer=Adam(), schedule=Constant())
    return Subject(Experiment(data=data, network=network, training=training), rounds)


SUBJECTS = {
    "spiral-128": _subject(DoubleSpiral(), MLP(), 128, 80, 9),
    "spiral-64": _subject(DoubleSpiral(), MLP(), 64, 40, 9),
    "cnn4": _subject(Noise(), CNN4(), 128, 4, 7),
}


def bare(
    network: nn.Module, data: Dataset, optimizer: torch.optim.Optimizer, size: int
) -> None:
    """An epoch of the shortest loop there is."""
    for chosen in torch.randperm(len(data.train)).split(size):
        optimizer.zero_grad()
        logits = network(data.train.inputs[chosen])
        functional.cross_entropy(logits, data.train.labels[chosen]).backward()
        optimizer.step()
    _validate(network, data.validation)


def watchful(
    network: nn.Module, data: Dataset, optimizer: torch.optim.Optimizer, size: int
) -> None:
    """An epoch of a loop that measures what the history records."""
    total = correct = norms = 0.0
    for chosen in torch.randperm(len(data.train)).split(size):
        optimizer.zero_grad()
        labels = data.train.labels[chosen]
        logits = network(data.train.inputs[chosen])
        loss = functional.cross_entropy(logits, labels)
        loss.backward()
        gradients = [each.grad for each in network.parameters() if each.grad is not None]
        norm = nn.utils.get_total_norm(gradients, foreach=True)
        optimizer.step()
        total += loss.item() * len(chosen)
        correct += (logits.argmax(1) == labels).sum().item()
        norms += norm.item()
        if not math.isfinite(total + norms):
            raise ArithmeticError
    _validate(network, data.validation)


@torch.no_grad()
def _validate(network: nn.Module, split: Split) -> tuple[float, float]:
    network.eval()
    logits = network(split.inputs)
    loss = functional.cross_entropy(logits, split.labels).item()
    right = (logits.argmax(1) == split.labels).float().mean().item()
    network.train()
    return loss, right


class Clock:
    """An observer that notes when epochs end: by the wall and by the processor."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.processor: list[float] = []

    def started(self, _: int, plan: Plan) -> None:
        """Nothing to note."""

    def batch(self, progress: EpochProgress) -> None:
        """Nothing to note."""

    def epoch(self, *_: object) -> None:
        """Notes the time."""
        self.wall.append(time.perf_counter())
        self.processor.append(time.process_time())

    def ended(self, _: int, facts: RunFacts) -> None:
        """Nothing to note."""

    def per_epoch(self) -> tuple[float, float]:
        """Seconds from the end of one epoch to that of the next: wall, processor."""
        spans = len(self.wall) - 1
        wall = (self.wall[-1] - self.wall[0]) / spans
        return wall, (self.processor[-1] - self.processor[0]) / spans


def by_hand(loop: Loop, experiment: Experiment, data: Dataset) -> tuple[float, float]:
    """Seconds per epoch of a loop written here."""
    network = build(experiment, data)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    clock = Clock()
    for _ in range(experiment.training.epochs):
        loop(network, data, optimizer, experiment.training.batch_size)
        clock.epoch()
    return clock.per_epoch()


def ours(experiment: Experiment, data: Dataset) -> tuple[float, float]:
    """Seconds per epoch of Gnomon's loop, with validation, checkpoint, history and events."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        train(experiment, data, Path(folder), clock, "cpu")
    return clock.per_epoch()


def measure(name: str, subject: Subject) -> None:
    """Measures in turn, so that all meet the same disturbances, and prints."""
    experiment = subject.experiment
    data = experiment.data(0, Store(root=None, cache=Path(tempfile.gettempdir())))
    loops = {
        "bare": partial(by_hand, bare, experiment, data),
        "watchful": partial(by_hand, watchful, experiment, data),
        "gnomon": partial(ours, experiment, data),
    }
    times: dict[str, list[tuple[float, float]]] = {each: [] for each in loops}
    for _ in range(subject.rounds):
        for each, timed in loops.items():
            times[each].append(timed())
    epochs = experiment.training.epochs
    print(f"{name}: {len(data.train)} examples, {epochs} epochs, {subject.rounds} rounds")
    for index, kind in enumerate(("wall", "processor")):
        medians = {each: statistics.median(t[index] for t in times[each]) for each in loops}
        shown = ", ".join(f"{each} {1e3 * value:.2f}" for each, value in medians.items())
        print(f"  {kind} time, ms per epoch: {shown}")
        for peer in ("bare", "watchful"):
            print(f"    gnomon / {peer}: {medians['gnomon'] / medians[peer]:.3f}")


def main(names: list[str]) -> None:
    """Measures the subjects named, or all."""
    torch.set_num_threads(1)  # more would wait for one another
    for name in names or SUBJECTS:
        measure(name, SUBJECTS[name])


if __name__ == "__main__":
    main(sys.argv[1:])
