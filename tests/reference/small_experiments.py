"""Data and experiments that train in a second, for tests and the processes they start."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gnomon.data.dataset import Dataset, Split
from gnomon.data.store import Store
from gnomon.networks import MLP
from gnomon.seeds import generator
from gnomon.training import Experiment, Run, Training, train


def blobs(examples: int, seed: int, classes: int = 3) -> Split:
    """Gaussian clouds in the plane, one per class, around the corners of a polygon."""
    source = generator(seed, "blobs")
    labels = torch.randint(classes, (examples,), generator=source)
    angle = 2 * torch.pi * labels / classes
    centres = torch.stack((angle.cos(), angle.sin()), dim=1)
    return Split(centres + 0.5 * torch.randn(examples, 2, generator=source), labels)


@dataclass(frozen=True)
class Blobs:
    """Three clouds; 90 training examples unless told otherwise."""

    examples: int = 90
    validation: int = 30

    def __call__(self, seed: int, store: Store | None = None) -> Dataset:
        return Dataset(
            name="blobs",
            title="Blobs",
            train=blobs(self.examples, seed),
            validation=blobs(self.validation, seed + 1),
            test=blobs(30, seed + 2),
            class_names=("a", "b", "c"),
            domain=None,
            mean=(0.0, 0.0),
            std=(0.8, 0.8),
            customary=(),
        )


def config_of(experiment: Experiment) -> dict[str, Any]:
    """A plain mapping that differs where the experiments differ."""
    return {
        "seed": experiment.seed,
        "data": {"name": "blobs", "settings": repr(experiment.data)},
        "network": {"architecture": "mlp", "settings": repr(experiment.network)},
        "training": {"epochs": experiment.training.epochs, "all": repr(experiment.training)},
    }


def small(training: Training | None = None, seed: int = 0, **network: Any) -> Experiment:
    """An experiment on `Blobs` with two hidden layers of 8 neurons."""
    architecture = MLP(**{"hidden": (8, 8), **network})
    return Experiment(
        seed=seed, data=Blobs(), network=architecture, training=training or Training(epochs=3)
    )


def run(experiment: Experiment, path: Path, **options: Any) -> Run:
    """Trains `experiment` into `path`, with data of its own source, on the CPU."""
    data = options.pop("dataset", None) or experiment.data(experiment.seed, None)  # pyright: ignore[reportArgumentType]
    options = {"device": "cpu", **options}
    return train(experiment, data, path, config_of(experiment), **options)
