"""What a group of networks costs per network, against one network after another.

Two networks: the 5 × 50 MLP on the spiral, in the batches of examples/spiral-mlp.toml, and the
CNN4 (width 2) on pictures of CIFAR-10's shape, which are noise, in batches of 128. For each
number R of networks it prints the median time of an epoch divided by R, and how many times
faster that is than an epoch of `train` and of a bare loop (gather, forward, backward, step),
by the wall and by the processor. On a machine that others use, only the processor's time with
one thread means anything: several threads wait for one that is not running.
All are measured in turn, with two threads, or as many as are given:

    python benchmarks/replicas.py [mlp|cnn] [threads] [rounds]

The epochs of `train` and of groups contain validation, checkpoint and history; a group's are
taken between the ends of epochs, so that what happens once (folders, the networks at the end)
is not in them: it is printed by itself, per network.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch.nn import functional

from gnomon.data import Dataset, DoubleSpiral, Split, Store
from gnomon.networks import CNN4, MLP
from gnomon.seeds import generator
from gnomon.training import (
    Constant,
    EpochProgress,
    Experiment,
    Plan,
    RunFacts,
    Training,
    build,
    train,
    train_replicas,
)

EPOCHS = 4

Times = Float[np.ndarray, " 2"]
"""Seconds by the wall and by the processor."""


def now() -> Times:
    """What the two clocks show."""
    return np.array([time.perf_counter(), time.process_time()])


@dataclass(frozen=True)
class Noise:
    """Pictures of CIFAR-10's shape and random labels; fewer of them, as the time of a step."""

    examples: int = 512

    def __call__(self, seed: int, store: Store) -> Dataset:  # noqa: ARG002
        """The same pictures in all splits; validation and test hold an eighth of them."""
        source = generator(0, "noise")
        labels = torch.randint(10, (self.examples,), generator=source)
        inputs = torch.rand(self.examples, 3, 32, 32, generator=source)
        few = Split(inputs[: self.examples // 8], labels[: self.examples // 8])
        names = tuple("abcdefghij")
        whole = Split(inputs, labels)
        return Dataset(
            "noise", "Noise", whole, few, few, names, None, (0.5,) * 3, (0.3,) * 3, ()
        )


class Clock:
    """An observer that notes when epochs end."""

    def __init__(self) -> None:
        self.ends: list[Times] = []

    def started(self, _: int, plan: Plan) -> None:
        """Nothing to note."""

    def batch(self, progress: EpochProgress) -> None:
        """Nothing to note."""

    def epoch(self, *_: object) -> None:
        """Notes the time."""
        self.ends.append(now())

    def ended(self, _: int, facts: RunFacts) -> None:
        """Nothing to note."""

    def per_epoch(self) -> Times:
        """Seconds from the end of one epoch to that of the next."""
        return (self.ends[-1] - self.ends[0]) / (len(self.ends) - 1)


def by_hand(experiment: Experiment, data: Dataset) -> tuple[Times, Times]:
    """Seconds per epoch of the shortest loop there is; nothing beside."""
    network = build(experiment, data)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    clock = Clock()
    for _ in range(EPOCHS):
        for chosen in torch.randperm(len(data.train)).split(experiment.training.batch_size):
            optimizer.zero_grad()
            logits = network(data.train.inputs[chosen])
            functional.cross_entropy(logits, data.train.labels[chosen]).backward()
            optimizer.step()
        clock.epoch()
    return clock.per_epoch(), np.zeros(2)


def alone(experiment: Experiment, data: Dataset) -> tuple[Times, Times]:
    """Seconds per epoch of `train`, and those of a run that are in none."""
    clock, begun = Clock(), now()
    with tempfile.TemporaryDirectory() as folder:
        train(experiment, data, Path(folder), clock, "cpu")
        whole = now() - begun
    return clock.per_epoch(), whole - EPOCHS * clock.per_epoch()


def grouped(replicas: int, experiment: Experiment, data: list[Dataset]) -> tuple[Times, Times]:
    """The same of a group, per network."""
    experiments = [replace(experiment, seed=seed) for seed in range(replicas)]
    clock, begun = Clock(), now()
    with tempfile.TemporaryDirectory() as folder:
        train_replicas(
            experiments,
            data[:replicas],
            [Path(folder) / str(each.seed) for each in experiments],
            clock,
            "cpu",
        )
        whole = now() - begun
    epoch = clock.per_epoch()
    return epoch / replicas, (whole - EPOCHS * epoch) / replicas


def measure(experiment: Experiment, counts: list[int], rounds: int) -> None:
    """Measures in turn, so that all meet the same disturbances, and prints."""
    store = Store(root=None, cache=Path(tempfile.gettempdir()))
    data = [experiment.data(seed, store) for seed in range(max(counts))]
    for each in data:
        _ = each.fingerprint  # both loops want it; it is no part of training
    loops: dict[str, Callable[[], tuple[Times, Times]]] = {
        "bare": partial(by_hand, experiment, data[0]),
        "train": partial(alone, experiment, data[0]),
    }
    for count in counts:
        loops[f"R = {count}"] = partial(grouped, count, experiment, data)
    times: dict[str, list[tuple[Times, Times]]] = {name: [] for name in loops}
    for _ in range(rounds):
        for name, loop in loops.items():
            times[name].append(loop())
    batch = experiment.training.batch_size
    print(f"{len(data[0].train)} examples in batches of {batch}, {rounds} rounds")
    for index, kind in enumerate(("wall", "processor")):
        pairs = {name: [(a[index], b[index]) for a, b in times[name]] for name in loops}
        show(kind, pairs)


def show(kind: str, times: Mapping[str, list[tuple[float, float]]]) -> None:
    """Prints the medians of one clock."""
    epochs = {name: statistics.median(pair[0] for pair in times[name]) for name in times}
    print(f"{kind:11} ms per epoch and network   train /   bare /   once, ms per network")
    for name, epoch in epochs.items():
        once = statistics.median(pair[1] for pair in times[name])
        print(
            f"  {name:9} {1e3 * epoch:18.2f} {epochs['train'] / epoch:16.2f}"
            f" {epochs['bare'] / epoch:8.2f} {1e3 * once:15.1f}"
        )


def main() -> None:
    """Reads what is asked for, and measures."""
    which, threads, rounds = [*sys.argv[1:], "", "", ""][:3]
    torch.set_num_threads(int(threads or 2))
    training = Training(epochs=EPOCHS, batch_size=64, schedule=Constant())
    print(f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f} at the start")
    if which in {"", "mlp"}:
        spiral = Experiment(data=DoubleSpiral(points=1000), network=MLP(), training=training)
        measure(spiral, [1, 4, 16, 64, 256], int(rounds or 5))
    if which in {"", "cnn"}:
        pictures = Experiment(
            data=Noise(), network=CNN4(), training=replace(training, batch_size=128)
        )
        measure(pictures, [1, 2, 4, 8, 16], int(rounds or 3))
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
