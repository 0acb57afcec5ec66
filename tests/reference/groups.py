"""Groups of small experiments, for tests and the processes they start."""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gnomon.data import Dataset, Split, Store
from gnomon.errors import DivergedError
from gnomon.networks import Architecture
from gnomon.training import (
    AdamW,
    EarlyStopping,
    EpochProgress,
    EpochRow,
    Experiment,
    Observer,
    Plan,
    Run,
    RunFacts,
    Training,
    recorder,
    train,
    train_replicas,
)
from gnomon.training.devices import Device
from reference.small_experiments import Clouds, clouds, everything

RATES = (0.01, 0.02, 0.03, 0.005)
DECAYS = (0.0, 0.01, 0.0, 0.1)


@dataclass(frozen=True)
class Pictures:
    """A source of noisy grey pictures whose class is where they are bright."""

    examples: int = 41
    size: int = 12
    noise: float = 0.5

    def __call__(self, seed: int, store: Store | None = None) -> Dataset:  # noqa: ARG002
        """Draws the three splits."""
        return Dataset(
            name="pictures",
            title="Pictures",
            train=self._split(self.examples, seed),
            validation=self._split(20, seed + 1),
            test=self._split(5, seed + 2),
            class_names=("left", "middle", "right"),
            domain=None,
            mean=(0.1,),
            std=(0.6,),
            customary=(),
        )

    def _split(self, examples: int, seed: int) -> Split:
        labels = clouds(examples, seed).labels
        source = torch.Generator().manual_seed(seed)
        inputs = self.noise * torch.randn(examples, 1, self.size, self.size, generator=source)
        third = self.size // 3
        for picture, label in zip(inputs, labels.tolist(), strict=True):
            picture[:, :, label * third : (label + 1) * third] += 1
        return Split(inputs, labels)


def varied(experiment: Experiment, replicas: int = 4) -> list[Experiment]:
    """The experiment with other seeds, learning rates and decays."""
    return [
        replace(
            experiment,
            seed=experiment.seed + index,
            training=replace(
                experiment.training,
                learning_rate=RATES[index % 4] * (1 + index // 4),
                weight_decay=DECAYS[index % 4],
            ),
        )
        for index in range(replicas)
    ]


def of_pictures(training: Training, network: Architecture) -> list[Experiment]:
    """Four experiments on pictures."""
    return varied(Experiment(data=Pictures(), network=network, training=training))


def prepared(experiment: Experiment) -> Dataset:
    """Its data, in torch's default precision."""
    made = experiment.data(experiment.seed, Store(root=None, cache=Path("unused")))
    kind = torch.get_default_dtype()

    def cast(split: Split) -> Split:
        return Split(split.inputs.to(kind), split.labels)

    return replace(
        made, train=cast(made.train), validation=cast(made.validation), test=cast(made.test)
    )


def alone(
    experiments: Sequence[Experiment], folder: Path, device: Device = "cpu"
) -> list[Run | DivergedError]:
    """What training one by one gives."""
    runs: list[Run | DivergedError] = []
    for index, each in enumerate(experiments):
        path = folder / f"alone{index}"
        try:
            runs.append(train(each, prepared(each), path, device=device))
        except DivergedError as error:
            runs.append(error)
    return runs


def together(
    experiments: Sequence[Experiment],
    folder: Path,
    observer: Observer | None = None,
    device: Device = "cpu",
) -> list[Run | DivergedError]:
    """What training as a group gives."""
    return list(
        train_replicas(
            experiments,
            [prepared(each) for each in experiments],
            [folder / f"replica{index}" for index in range(len(experiments))],
            observer,
            device,
        )
    )


def everything_varied() -> list[Experiment]:
    """Four experiments with all that has a state or is random; they stop at several epochs.

    Only rounding moves a bias before a normalisation. Adam divides its gradient by about its
    own size, and with weight decay in the gradient even that grows from step to step: the
    decay is decoupled here.
    """
    base = everything()
    training = replace(
        base.training,
        epochs=14,
        optimizer=AdamW(),
        early_stopping=EarlyStopping(patience=2),
        snapshots=(0, 3, 6),
    )
    few = Clouds(examples=65, validation=30)  # one remains, and joins the batch before
    # The first to stop is not the last in the group, so that rows move up.
    return varied(replace(base, data=few, training=training))[::-1]


class Watcher:
    """An observer of a group that remembers, and may do something at a batch."""

    def __init__(self, epoch: int = 0, batch: int = 0) -> None:
        self.at = (epoch, batch)
        self.plans: dict[int, Plan] = {}
        self.batches: list[EpochProgress] = []
        self.rows: dict[int, dict[int, EpochRow]] = {}
        self.ends: list[tuple[int, RunFacts]] = []

    def started(self, place: int, plan: Plan) -> None:
        """Remembers the plan."""
        self.plans[place] = plan

    def batch(self, progress: EpochProgress) -> None:
        """Remembers; acts at the chosen batch."""
        self.batches.append(progress)
        if (progress.epoch, progress.batch) == self.at:
            self.act()

    def epoch(self, place: int, row: EpochRow) -> None:
        """Remembers the row."""
        self.rows.setdefault(row.epoch, {})[place] = row

    def ended(self, place: int, facts: RunFacts) -> None:
        """Remembers the end."""
        self.ends.append((place, facts))

    def act(self) -> None:
        """Does nothing."""


class Kills(Watcher):
    """Ends this process as a power cut would."""

    def act(self) -> None:
        """Kills."""
        os.kill(os.getpid(), signal.SIGKILL)


class Interrupts(Watcher):
    """Presses Ctrl-C."""

    def act(self) -> None:
        """Raises."""
        raise KeyboardInterrupt


def main(folder: str, epoch: str, batch: str) -> None:
    """Trains a group, killed at a batch."""
    torch.set_num_threads(1)
    recorder.SECONDS_BETWEEN_GROUP_WRITES = 0.0  # pyright: ignore[reportConstantRedefinition]
    together(everything_varied(), Path(folder), Kills(int(epoch), int(batch)))


if __name__ == "__main__":
    main(*sys.argv[1:])
