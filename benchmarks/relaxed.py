"""What CROWN bounds cost beside a plain forward pass, and how much narrower they are.

Networks at torch's own random initialisation, inputs in [0, 1] within 2/255; boxes of 1e-3
around all weights and biases where said. Prints, for each kind of bound, the ratio of medians
of the wall time to that of a forward pass measured in the same rounds, the mean width of the
logits' bounds, and by how much the process has grown at most so far. Run:
python benchmarks/relaxed.py [cnn]   (with "cnn": the convolutional network, some minutes)
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from gnomon.algebra import Interval, evaluate
from gnomon.algebra.relaxation import LinearRelaxation, optimised

RADIUS, BOX = 2 / 255, 1e-3
Bounds = Callable[[nn.Module, Tensor], Interval]


def mlp() -> nn.Module:
    """784-512-512-10."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 512),
        nn.ReLU(),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
    )


def cnn() -> nn.Module:
    """Four convolutions on 3 × 32 × 32, then 512 hidden units."""
    layers: list[nn.Module] = []
    for channels, made, kernel, stride in (
        (3, 32, 3, 1),
        (32, 32, 4, 2),
        (32, 64, 3, 1),
        (64, 64, 4, 2),
    ):
        layers += [nn.Conv2d(channels, made, kernel, stride, 1), nn.ReLU()]
    last = [nn.Flatten(), nn.Linear(4096, 512), nn.ReLU(), nn.Linear(512, 10)]
    return nn.Sequential(*layers, *last)


def boxes(network: nn.Module) -> dict[str, Interval]:
    """A box around every parameter."""
    return {
        name: Interval.around(value.detach(), BOX) for name, value in network.named_parameters()
    }


def interval(network: nn.Module, x: Tensor, *, weights: bool = False) -> Interval:
    """Interval bounds."""
    box = Interval.around(x, RADIUS, (0.0, 1.0))
    return evaluate(network, box, boxes(network) if weights else None)


def relaxed(
    network: nn.Module, x: Tensor, *, intermediate: str = "relaxed", weights: bool = False
) -> Interval:
    """CROWN, or CROWN-IBP."""
    value = LinearRelaxation.around(x, RADIUS, (0.0, 1.0), intermediate=intermediate)
    return evaluate(network, value, boxes(network) if weights else None).settled()


def with_slopes(network: nn.Module, x: Tensor) -> Interval:
    """CROWN with ten steps of optimised slopes."""
    return optimised(
        evaluate(network, LinearRelaxation.around(x, RADIUS, (0.0, 1.0))), steps=10
    )


def measure(network: nn.Module, x: Tensor, kinds: dict[str, Bounds], rounds: int) -> None:
    """Times each kind in turn with forward passes in between, and prints."""
    network = network.eval().requires_grad_(requires_grad=False)
    network(x)
    at_first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    plain: list[float] = []
    for name, bounds in kinds.items():
        seconds: list[float] = []
        for _ in range(rounds):
            for times, work in ((plain, network), (seconds, partial(bounds, network))):
                begun = time.perf_counter()
                found = work(x)
                times.append(time.perf_counter() - begun)
        ratio = statistics.median(seconds) / statistics.median(plain)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - at_first) / 1e3
        width = float(found.width.mean())  # type: ignore[possibly-undefined]
        print(f"  {name:34s} {ratio:8.0f} × forward   width {width:9.4f}   +{grown:.0f} MB")


def main() -> None:
    """Measures the perceptron, or the convolutional network."""
    print(f"threads: {torch.get_num_threads()}")
    source = torch.Generator().manual_seed(1)
    with torch.random.fork_rng():
        torch.random.set_rng_state(torch.Generator().manual_seed(0).get_state())
        perceptron, convolutional = mlp(), cnn()
    if "cnn" in sys.argv[1:]:
        x = torch.rand(8, 3, 32, 32, generator=source)
        print("four convolutions, batch 8")
        mixed = partial(relaxed, intermediate="interval")
        kinds: dict[str, Bounds] = {"interval": interval, "CROWN-IBP": mixed, "CROWN": relaxed}
        measure(convolutional, x, kinds, rounds=1)
        return
    x = torch.rand(64, 1, 28, 28, generator=source)
    print("784-512-512-10, batch 64")
    kinds = {
        "interval": interval,
        "CROWN-IBP": partial(relaxed, intermediate="interval"),
        "CROWN": relaxed,
        "CROWN, 10 steps of slopes": with_slopes,
        "interval, boxes on all": partial(interval, weights=True),
        "CROWN-IBP, boxes on all": partial(relaxed, intermediate="interval", weights=True),
        "CROWN, boxes on all": partial(relaxed, weights=True),
    }
    measure(perceptron, x, kinds, rounds=5)


if __name__ == "__main__":
    main()
