"""How much memory attacks take on thousands of examples, beside what goes in and comes out.

It grows until the allocator and the kernels' caches have seen every size of batch, and then no
more: 83 MB at 2,000 examples, 131 at 10,000, 127 at 20,000, 144 at 40,000 (PGD-20).

PGD-20 in batches, and the first parts of AutoAttack (APGD on the cross-entropy, then a short
APGD-T, FAB-T and Square), on MNIST-sized inputs with a small convolutional network. Every
measurement has a process of its own; its peak is counted from what it held after importing,
building the network and running a first batch, less the inputs, the attacked inputs, and the
few numbers that an outcome holds for each example. Run: python benchmarks/attack_memory.py
"""

import multiprocessing
import resource
from typing import Any

import torch
from torch import nn

import gnomon as gn
from gnomon.attacks import Batched, Part

COUNTS = (10_000, 20_000)
BATCH = 250
WITHIN = gn.Linf(0.02, (0.0, 1.0))
ATTACKS = {
    "PGD-20": Batched(gn.PGD(steps=20), BATCH),
    "AutoAttack": gn.AutoAttack(
        (
            Part("APGD-CE", gn.attacks.APGD(steps=5)),
            Part("APGD-T", gn.attacks.APGDT(steps=2, targets=2)),
            Part("FAB-T", gn.attacks.FABT(steps=2, targets=2, until="within")),
            Part("Square", gn.attacks.SquareAttack(queries=10)),
        ),
        batch=BATCH,
    ),
}


def network() -> nn.Module:
    """Two convolutions and a matrix."""
    layers = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(784, 10),
    )
    for index, parameter in enumerate(layers.parameters()):
        with torch.no_grad():
            parameter.normal_(0, 0.1, generator=gn.generator(index, "parameter"))
    return layers.eval()


def measure(name: str, count: int, answers: Any) -> None:  # noqa: ANN401 - a queue
    """Puts down by how many bytes the process grew, beside what goes in and comes out."""
    torch.set_num_threads(1)
    layers, attack = network(), ATTACKS[name]
    inputs = torch.rand(count, 1, 28, 28, generator=gn.generator(0, "inputs"))
    with torch.no_grad():
        labels = torch.cat([layers(some).argmax(dim=1) for some in inputs.split(BATCH)])
    attack(layers, inputs[:BATCH], labels[:BATCH], WITHIN, gn.generator(0))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = attack(layers, inputs, labels, WITHIN, gn.generator(0))
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    answers.put((grown, outcome.inputs.nbytes))


def alone(name: str, count: int) -> tuple[int, int]:
    """What `measure` finds in a process of its own."""
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    process = context.Process(target=measure, args=(name, count, answers))
    process.start()
    found = answers.get()
    process.join()
    return found


def main() -> None:
    """Prints the growth for both counts, and how much of it is beside the attacked inputs."""
    for name in ATTACKS:
        beside = list[float]()
        for count in COUNTS:
            grown, output = alone(name, count)
            beside.append((grown - output) / 1e6)
            print(
                f"{name}, {count:6d} examples: +{grown / 1e6:6.1f} MB, of which "
                f"{output / 1e6:5.1f} MB are attacked inputs",
                flush=True,
            )
        ratio = beside[1] / beside[0]
        print(f"  beside them: {beside[0]:.1f} and {beside[1]:.1f} MB, {ratio:.2f} ×")


if __name__ == "__main__":
    main()
