"""What a step of a training method costs, in plain steps: the CNN4, one CPU thread.

    python benchmarks/training_steps.py [app | awp …]

The network is the CNN4 of width 2 on 3 × 32 × 32 inputs, in batches of 128; a step is the loss,
its gradient, and Adam. A plain step and plain gradients (forward and backward) are written
by hand. All are taken in turn, so that they meet the same disturbances; printed are the ratios
of medians of processor time, which other work on the machine changes least.

- `app`: APP with boxes on all inputs, weights and biases, for each radius law, against a plain
  step. The promise is 4.5 for the relative law. Beside it a step of the same bounds by hand,
  `auto_LiRPA`, where that package can be imported; it has no boxes of a convolution's weights,
  so that its parameters stay points: IBP against IBP.
- `awp`: AT-AWP with k steps of PGD against k gradients of the inputs and two of the weights, by
  hand (the promise is 1.15), and against k + 2 of the weights; with images as torch lays them,
  and with channels last. A gradient of the inputs goes through the first convolution once more,
  which for three channels costs as much as all the rest.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import gnomon as gn
from gnomon.sets.radius import Constant, Relative, Tanh
from gnomon.training import APP, AWPTraining, Batch, IBPTraining, TrainingMethod

ROUNDS, BATCH, STEPS = 25, 128, 10
WITHIN = gn.Linf(2 / 255, (0.0, 1.0))

Turn = Callable[[], None]
Subject = tuple[nn.Module, Tensor, Tensor]


def main(names: list[str]) -> None:
    """Measures what is named, or all."""
    torch.set_num_threads(1)
    parts: dict[str, Callable[[], None]] = {"app": app, "awp": awp}
    for name in names or parts:
        parts[name]()


def app() -> None:
    """APP and IBP in plain steps."""
    methods: dict[str, TrainingMethod] = {
        "APP, relative": APP(WITHIN, Relative(0.01)),
        "APP, tanh": APP(WITHIN, Tanh(0.01)),
        "APP, constant": APP(WITHIN, Constant(0.001)),
        "IBP": IBPTraining(WITHIN),
    }
    turns = {"plain": plain_step()} | {name: step(each) for name, each in methods.items()}
    peer = peer_step()
    if peer is not None:
        turns["auto_LiRPA, IBP"] = peer
    times = medians(turns)
    for name in (*methods, *(("auto_LiRPA, IBP",) if peer else ())):
        print(f"{name}: {times[name] / times['plain']:.2f} plain steps")
    print(f"a plain step: {1e3 * times['plain']:.1f} ms")


def awp() -> None:
    """AT-AWP in gradients."""
    for layout in (torch.contiguous_format, torch.channels_last):
        turns = {
            "weights": gradient("weights", layout),
            "inputs": gradient("inputs", layout),
            "AWP": step(AWPTraining(WITHIN, steps=STEPS), layout),
        }
        times = medians(turns)
        by_hand = STEPS * times["inputs"] + 2 * times["weights"]
        print(
            f"AT-AWP, {STEPS} steps, {layout}: {times['AWP'] / by_hand:.2f} × by hand, "
            f"{times['AWP'] / times['weights'] / (STEPS + 2):.2f} × k + 2 of the weights; "
            f"one of the inputs is {times['inputs'] / times['weights']:.2f} of the weights"
        )


def subject(layout: torch.memory_format = torch.contiguous_format) -> Subject:
    """The network and a batch; what is in it does not matter here."""
    signature = gn.Signature((3, 32, 32), 10, (0.5,) * 3, (0.25,) * 3)
    inputs = torch.rand(BATCH, 3, 32, 32, generator=gn.generator(0, "inputs"))
    labels = torch.randint(10, (BATCH,), generator=gn.generator(0, "labels"))
    network = gn.networks.CNN4()(signature, gn.generator(0))
    network.to(memory_format=layout)  # pyright: ignore[reportCallIssue] (missing in torch's types)
    return network, inputs.contiguous(memory_format=layout), labels


def gradient(of: str, layout: torch.memory_format) -> Turn:
    """Forward and backward, to the weights or to the inputs alone."""
    network, inputs, labels = subject(layout)
    to = [inputs.requires_grad_()] if of == "inputs" else list(network.parameters())

    def turn() -> None:
        torch.autograd.grad(functional.cross_entropy(network(inputs), labels), to)

    return turn


def plain_step() -> Turn:
    """Forward, backward and Adam."""
    network, inputs, labels = subject()
    optimizer = torch.optim.Adam(network.parameters(), fused=True)

    def turn() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(network(inputs), labels).backward()
        optimizer.step()

    return turn


def step(method: TrainingMethod, layout: torch.memory_format = torch.contiguous_format) -> Turn:
    """The method at its full strength, and Adam."""
    network, inputs, labels = subject(layout)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    batch, source = Batch(inputs, labels, domain=(0.0, 1.0), progress=0.9), gn.generator(0)

    def turn() -> None:
        optimizer.zero_grad()
        method.loss(network, batch, source).value.backward()
        optimizer.step()

    return turn


def peer_step() -> Turn | None:
    """κ = 1/2, intervals of the inputs, margins elided, in the peer's words."""
    try:
        from auto_LiRPA import BoundedModule, BoundedTensor, PerturbationLpNorm  # noqa: PLC0415
    except ImportError:
        return None
    network, inputs, labels = subject()
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    bounded: Any = BoundedModule(network, inputs)
    low, high = ((inputs + side * WITHIN.radius).clamp(0, 1) for side in (-1, 1))
    box: Any = BoundedTensor(inputs, PerturbationLpNorm(x_L=low, x_U=high))
    others = torch.eye(10)[labels][:, None] - torch.eye(10)  # the label's logit less each

    def turn() -> None:
        optimizer.zero_grad()
        clean = functional.cross_entropy(bounded(inputs), labels)
        margins, _ = bounded.compute_bounds((box,), C=others, method="IBP", bound_upper=False)
        worst = functional.cross_entropy(-margins, labels)
        ((clean + worst) / 2).backward()
        optimizer.step()

    return turn


def medians(turns: dict[str, Turn]) -> dict[str, float]:
    """Seconds of each, the first rounds left out."""
    times: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(ROUNDS + 3):
        for name, turn in turns.items():
            begun = time.process_time()
            turn()
            times[name].append(time.process_time() - begun)
    return {name: statistics.median(each[3:]) for name, each in times.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
