"""What the loop costs over one written by hand: 5 × 50 MLP, batches of 128, Adam, on one CPU thread.

Prints the ratio of medians of the time of one epoch against
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
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from gnomon.data import Dataset, Split, Store
from gnomon.networks import MLP
from gnomon.seeds import generator
from gnomon.training import Adam, Constant, Experiment, Training, build, train

ROUNDS = 7
EPOCHS = 8
BATCH = 128


@dataclass(frozen=True)
class Noise:
    """Points of the plane with random labels: what is in the data does not matter here."""

    examples: int = 6400

    def __call__(self, seed: int, store: Store) -> Dataset:  # noqa: ARG002
        """The same points in all splits, the validation and test splits holding a tenth of them."""
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


def by_hand(
    loop: Callable[[nn.Module, Dataset, torch.optim.Optimizer], None],
    experiment: Experiment,
    data: Dataset,
) -> float:
    """Seconds per epoch of a loop written here."""
    network = build(experiment, data)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    begun = time.perf_counter()
    for _ in range(EPOCHS):
        loop(network, data, optimizer)
    return (time.perf_counter() - begun) / EPOCHS


def ours(experiment: Experiment, data: Dataset) -> float:
    """Seconds per epoch of Gnomon's loop, with checkpoints, history and events."""
    with tempfile.TemporaryDirectory() as folder:
        config = {"network": {"architecture": "mlp"}}
        run = train(experiment, data, Path(folder), config, device="cpu")
        begun = Path(folder, "snapshots/epoch-0000.safetensors").stat().st_mtime_ns
        ended = Path(folder, "model.safetensors").stat().st_mtime_ns
    return (ended - begun) / 1e9 / len(run.history)


def main() -> None:
    """Measures in turn, so that all meet the same disturbances, and prints."""
    torch.set_num_threads(1)  # more would wait for one another
    source = Noise()
    training = Training(
        epochs=EPOCHS, batch_size=BATCH, optimizer=Adam(), schedule=Constant(), snapshots=(0,)
    )
    experiment = Experiment(data=source, network=MLP(), training=training)
    data = source(0, Store(root=None, cache=Path(tempfile.gettempdir())))
    times: dict[str, list[float]] = {"bare": [], "watchful": [], "gnomon": []}
    for _ in range(ROUNDS):
        times["bare"].append(by_hand(bare, experiment, data))
        times["watchful"].append(by_hand(watchful, experiment, data))
        times["gnomon"].append(ours(experiment, data))
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{len(data.train)} examples in batches of {BATCH}, {EPOCHS} epochs, {ROUNDS} rounds")
    for name, seconds in medians.items():
        print(
            f"{name:9} {1e3 * seconds:7.1f} ms per epoch, {min(times[name]) * 1e3:.1f} at best"
        )
    for peer in ("bare", "watchful"):
        print(f"gnomon / {peer}: {medians['gnomon'] / medians[peer]:.3f}")


if __name__ == "__main__":
    main()
