"""Interval bounds over boxes of all inputs and parameters beside a plain forward pass and step.

Two networks: the CNN4 of the certified-training literature (`cnn4_conv`) on CIFAR-sized inputs,
and the perceptron 784-512-512-10; batch 64, boxes on every weight, bias and input. A step is a
forward pass, the cross-entropy of the worst-case margins, a backward pass and Adam. Where the
package auto_LiRPA can be imported, its interval bounds over boxes of weights are timed in the
same run, on the perceptron (it has none for convolutions). Run: python benchmarks/interval.py
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

import gnomon as gn
from gnomon.algebra import Interval, evaluate
from gnomon.bounds import evaluate_head, interval_margins

ROUNDS, BATCH = 15, 64
EPSILON, RELATIVE = 2 / 255, 0.01


def main() -> None:
    """Prints the ratios of medians."""
    torch.set_num_threads(2)
    cnn = gn.networks.CNN4Conv()(
        gn.Signature((3, 32, 32), 10, (0.5,) * 3, (0.25,) * 3), gn.generator(0)
    )
    mlp = gn.networks.MLP(hidden=(512, 512))(
        gn.Signature((784,), 10, (0.0,) * 784, (1.0,) * 784), gn.generator(0)
    )
    for name, network, shape in (("CNN4", cnn, (3, 32, 32)), ("MLP", mlp, (784,))):
        inputs = torch.rand(BATCH, *shape, generator=gn.generator(0, "inputs"))
        labels = torch.randint(0, 10, (BATCH,), generator=gn.generator(0, "labels"))
        passes = {
            "plain": lambda network=network, x=inputs: network(x),
            "interval": lambda network=network, x=inputs: bounds(network, x),
        }
        steps = {
            "plain": plain_step(network, inputs, labels),
            "interval": interval_step(network, inputs, labels),
        }
        with torch.no_grad():
            forward = ratio(passes)
        print(f"{name}: forward {forward:.2f} ×, training step {ratio(steps):.2f} × plain")


def boxes(network: nn.Module) -> dict[str, Interval]:
    """A box of relative radius around every parameter, through which gradients flow."""
    return {
        name: Interval.around(value, RELATIVE * value.abs())
        for name, value in network.named_parameters()
    }


def bounds(network: nn.Module, inputs: Tensor) -> Interval:
    """The logits' interval over the box of inputs and parameters."""
    box = Interval.around(inputs, EPSILON, (0.0, 1.0))
    return evaluate(network, box, boxes(network))


def plain_step(network: nn.Module, inputs: Tensor, labels: Tensor) -> Callable[[], object]:
    """A step of ordinary training."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-6)

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(network(inputs), labels).backward()
        optimizer.step()

    return step


def interval_step(network: nn.Module, inputs: Tensor, labels: Tensor) -> Callable[[], object]:
    """A step on the worst case over the boxes."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-6)

    def step() -> None:
        optimizer.zero_grad()
        box = Interval.around(inputs, EPSILON, (0.0, 1.0))
        margins = interval_margins(evaluate_head(network, box, boxes(network)), labels)
        functional.cross_entropy(margins, labels).backward()
        optimizer.step()

    return step


def ratio(calls: dict[str, Callable[[], object]]) -> float:
    """Median time of the second call over that of the first, measured in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begun)
    first, second = (statistics.median(each[2:]) for each in seconds.values())
    return second / first


if __name__ == "__main__":
    main()
