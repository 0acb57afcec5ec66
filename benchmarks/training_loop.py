"""What the loop costs over one by hand: 5 × 50 MLP, batches of 128, Adam, one CPU thread.

Prints the ratio of medians of the time of one epoch, by the wall and by the processor, against
- a bare loop: gather a batch, forward, backward, step;
- a watchful loop, which also does what the history needs: adds up loss and right answers, takes
  the gradient's norm, and looks whether both are finite.
"""

import math
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from gnomon.data import Dataset, Split, Store
from gnomon.networks import MLP
from gnomon.seeds import generator
from gnomon.training import (
    Adam,
    Constant,
    EpochProgress,
    Experiment,
    Plan,
    Row,
    RunFacts,
    Training,
    build,
    train,
)

ROUNDS = 7
EPOCHS = 8
BATCH = 128

Loop = Callable[[nn.Module, Dataset, torch.optim.Optimizer], None]


@dataclass(frozen=True)
class Noise:
    """Points of the plane with random labels: what is in the data does not matter here."""

    examples: int = 6400

    def __call__(self, seed: int, store: Store) -> Dataset:  # noqa: ARG002
        """The same points in all splits; validation and test hold a tenth of them."""
        source = generator(seed, "noise")
        labels = torch.randint(2, (self.examples,), generator=source)
        inputs = torch.randn(self.examples, 2, generator=source)
        few = Split(inputs[: self.examples // 10], labels[: self.examples // 10])
        names = ("a", "b")
        return Dataset(
            "noise",
            "Noise",
            Split(inputs, labels),
            few,
            few,
            names,
            None,
            (0.0, 0.0),
            (1.0, 1.0),
            (),
        )


def bare(network: nn.Module, data: Dataset, optimizer: torch.optim.Optimizer) -> None:
    """An epoch of the shortest loop there is."""
    for chosen in torch.randperm(len(data.train)).split(BATCH):
        optimizer.zero_grad()
        logits = network(data.train.inputs[chosen])
        functional.cross_entropy(logits, data.train.labels[chosen]).backward()
        optimizer.step()


def watchful(network: nn.Module, data: Dataset, optimizer: torch.optim.Optimizer) -> None:
    """An epoch of a loop that measures what the history records."""
    total = correct = norms = 0.0
    for chosen in torch.randperm(len(data.train)).split(BATCH):
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


class Clock:
    """An observer that notes when epochs end: by the wall and by the processor."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.processor: list[float] = []

    def started(self, plan: Plan) -> None:
        """Nothing to note."""

    def batch(self, progress: EpochProgress) -> None:
        """Nothing to note."""

    def epoch(self, row: Row | None) -> None:  # noqa: ARG002
        """Notes the time."""
        self.wall.append(time.perf_counter())
        self.processor.append(time.process_time())

    def ended(self, facts: RunFacts) -> None:
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
    for _ in range(EPOCHS):
        loop(network, data, optimizer)
        clock.epoch(None)
    return clock.per_epoch()


def ours(experiment: Experiment, data: Dataset) -> tuple[float, float]:
    """Seconds per epoch of Gnomon's loop, with validation, checkpoint, history and events."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        train(experiment, data, Path(folder), {"network": {}}, clock, "cpu")
    return clock.per_epoch()


def main() -> None:
    """Measures in turn, so that all meet the same disturbances, and prints."""
    torch.set_num_threads(1)  # more would wait for one another
    source = Noise()
    training = Training(epochs=EPOCHS, batch_size=BATCH, optimizer=Adam(), schedule=Constant())
    experiment = Experiment(data=source, network=MLP(), training=training)
    data = source(0, Store(root=None, cache=Path(tempfile.gettempdir())))
    loops = {
        "bare": partial(by_hand, bare, experiment, data),
        "watchful": partial(by_hand, watchful, experiment, data),
        "gnomon": partial(ours, experiment, data),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in loops}
    for _ in range(ROUNDS):
        for name, measure in loops.items():
            times[name].append(measure())
    print(f"{len(data.train)} examples in batches of {BATCH}, {EPOCHS} epochs, {ROUNDS} rounds")
    for index, kind in enumerate(("wall", "processor")):
        medians = {name: statistics.median(t[index] for t in times[name]) for name in loops}
        shown = ", ".join(f"{name} {1e3 * value:.1f}" for name, value in medians.items())
        print(f"{kind} time, ms per epoch: {shown}")
        for peer in ("bare", "watchful"):
            print(f"  gnomon / {peer}: {medians['gnomon'] / medians[peer]:.3f}")


if __name__ == "__main__":
    main()
