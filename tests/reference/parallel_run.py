"""What each process of `torchrun` runs: a few experiments, into the folder given."""

import sys
from dataclasses import replace
from pathlib import Path

from gnomon.sets import Linf
from gnomon.sets.radius import Relative
from gnomon.training import (
    APP,
    SGD,
    AWPTraining,
    Experiment,
    IBPTraining,
    Training,
    TrainingMethod,
)
from reference.small_experiments import RANDOM, run, small

UNEVEN = Training(  # 91 examples: five batches of 16 and one of 11, so shares of 6 and 5
    epochs=3, batch_size=16, optimizer=SGD(0.9), learning_rate=0.05, gradient_clip=1.0
)
SINGLE = Training(epochs=2, batch_size=1, optimizer=SGD(0.9), learning_rate=0.01)

WITHIN = Linf(0.1)
BOUNDED: dict[str, TrainingMethod] = {
    "ibp": IBPTraining(WITHIN),
    "app": APP(WITHIN, Relative(0.02)),
}


def with_method(method: TrainingMethod) -> Experiment:
    """The uneven shares, under another method."""
    return small(replace(UNEVEN, method=method), examples=91, validation=31)


EXPERIMENTS: dict[str, Experiment] = {
    "uneven": small(UNEVEN, examples=91, validation=31),
    "single": small(SINGLE, examples=7, validation=1),  # one process has nothing to do
    **{name: with_method(method) for name, method in BOUNDED.items()},
    "at_awp": with_method(AWPTraining(WITHIN, size=0.05, steps=2)),
    "random": small(Training(epochs=2, batch_size=16), RANDOM),
}


def main(folder: Path) -> None:
    """Trains them one after the other."""
    for name, experiment in EXPERIMENTS.items():
        run(experiment, folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
