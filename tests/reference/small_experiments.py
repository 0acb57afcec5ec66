"""Data and experiments that train in a second, for tests and the processes they start."""

from dataclasses import dataclass
from pathlib import Path

import torch

from gnomon.data import Dataset, Split, Store
from gnomon.networks import MLP
from gnomon.seeds import generator
from gnomon.training import (
    Cosine,
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
)


def clouds(examples: int, seed: int) -> Split:
    """Three Gaussian clouds in the plane around the corners of a triangle."""
    source = generator(seed, "clouds")
    labels = torch.randint(3, (examples,), generator=source)
    angle = 2 * torch.pi * labels / 3
    centres = torch.stack((angle.cos(), angle.sin()), dim=1)
    return Split(centres + 0.5 * torch.randn(examples, 2, generator=source), labels)


@dataclass(frozen=True)
class Clouds:
    """A source of three clouds."""

    examples: int = 90
    validation: int = 30

    def __call__(self, seed: int, store: Store | None = None) -> Dataset:  # noqa: ARG002
        """Draws the three splits."""
        return Dataset(
            name="clouds",
            title="Clouds",
            train=clouds(self.examples, seed),
            validation=clouds(self.validation, seed + 1),
            test=clouds(30, seed + 2),
            class_names=("a", "b", "c"),
            domain=None,
            mean=(0.0, 0.0),
            std=(0.8, 0.8),
            customary=(),
        )


PLAIN = MLP(hidden=(8, 8))
RANDOM = MLP(hidden=(8, 8), normalization="batch", dropout=0.2)


def small(
    training: Training | None = None,
    network: MLP = PLAIN,
    seed: int = 0,
    examples: int = 90,
    validation: int = 30,
) -> Experiment:
    """An experiment on `Clouds`."""
    return Experiment(
        seed=seed,
        data=Clouds(examples, validation),
        network=network,
        training=training or Training(epochs=3, batch_size=16),
    )


def data_of(experiment: Experiment) -> Dataset:
    """The data of an experiment whose source needs no files."""
    return experiment.data(experiment.seed, Store(root=None, cache=Path("unused")))


def run(experiment: Experiment, path: Path, observer: Observer | None = None) -> Run:
    """Trains `experiment` into `path`, on data of its own source and the CPU."""
    data = data_of(experiment)
    return train(experiment, data, path, observer, "cpu")


def everything() -> Experiment:
    """An experiment with all that has a state or is random; a fraction of a second long."""
    training = Training(
        epochs=10,
        batch_size=16,
        learning_rate=0.01,
        schedule=Cosine(restarts=1),
        warmup_epochs=1.5,
        gradient_clip=1.0,
        early_stopping=EarlyStopping(patience=4),
        snapshots=(0, 3, 10),
    )
    return small(training, RANDOM, examples=201)


def run_everything(path: str) -> None:
    """What a process does that is to be killed."""
    torch.set_num_threads(1)
    recorder.SECONDS_BETWEEN_WRITES = 0.0  # pyright: ignore[reportConstantRedefinition]
    run(everything(), Path(path))


class Stopped(BaseException):
    """Stands for a process that ends; nobody catches it."""


class StopsAfter:
    """An observer that ends a training after an epoch, or at a batch of it."""

    def __init__(
        self, epoch: int, batch: int | None = None, error: type[BaseException] = Stopped
    ) -> None:
        self.at, self.error = (epoch, batch), error
        self.plan: Plan | None = None
        self.facts: RunFacts | None = None

    def started(self, _: int, plan: Plan) -> None:
        """Keeps the plan."""
        self.plan = plan

    def batch(self, progress: EpochProgress) -> None:
        """Raises at the chosen batch."""
        if (progress.epoch, progress.batch) == self.at:
            raise self.error

    def epoch(self, _: int, row: EpochRow) -> None:
        """Raises after the chosen epoch, when no batch was chosen."""
        if (row.epoch, None) == self.at:
            raise self.error

    def ended(self, _: int, facts: RunFacts) -> None:
        """Keeps the facts."""
        self.facts = facts
