"""What each process of `torchrun` runs: two experiments, into the folder given."""

import sys
from pathlib import Path

from gnomon.training import Experiment, Momentum, Training
from reference.small_experiments import RANDOM, run, small

UNEVEN = Training(  # 91 examples: five batches of 16 and one of 11, so shares of 6 and 5
    epochs=3, batch_size=16, optimizer=Momentum(), learning_rate=0.05, gradient_clip=1.0
)
SINGLE = Training(epochs=2, batch_size=1, optimizer=Momentum(), learning_rate=0.01)

EXPERIMENTS: dict[str, Experiment] = {
    "uneven": small(UNEVEN, examples=91, validation=31),
    "single": small(SINGLE, examples=7, validation=1),  # one process has nothing to do
    "random": small(Training(epochs=2, batch_size=16), RANDOM),
}


def main(folder: Path) -> None:
    """Trains them one after the other."""
    for name, experiment in EXPERIMENTS.items():
        run(experiment, folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
