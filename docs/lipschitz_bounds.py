"""Prints Lipschitz bounds in L2 of networks with torch's initial weights.

Run as python docs/lipschitz_bounds.py; a few seconds on one core.
"""

import itertools
import time

import torch
from torch import Tensor, nn

import gnomon as gn
from gnomon.bounds.lipschitz import LipschitzMethod

WIDTHS = ((2, 50, 50, 50, 2), (784, 512, 512, 10))
RADIUS = 0.01


def network_of(widths: tuple[int, ...]) -> nn.Sequential:
    """ReLU between matrices uniform in ± 1/√inputs: what torch draws after its seed 0."""
    source = torch.Generator().manual_seed(0)
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layer = nn.Linear(inputs, outputs)
        for parameter in layer.parameters():
            nn.init.uniform_(parameter, -(inputs**-0.5), inputs**-0.5, generator=source)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def value_of(method: object, network: nn.Module, x: Tensor, box: gn.Interval | None) -> float:
    """The largest constant that a method says of a network, in boxes or everywhere."""
    if isinstance(method, gn.bounds.SteepestAscent):
        ends = torch.full_like(x, torch.inf)
        space = gn.Interval.computed(-ends, ends)
        return method(network, x, space, gn.generator(0)).value
    assert isinstance(method, LipschitzMethod)
    return method(network, x, box).value


def main() -> None:
    """Prints a line for each network and method: the constant, and the seconds it took."""
    methods = {
        "steepest point found": (gn.bounds.SteepestAscent(), False),
        "product of norms": (gn.bounds.NormProduct(), False),
        "forms, forward": (gn.bounds.ECLipsEFast(direction="forward"), False),
        "forms, both directions": (gn.bounds.ECLipsEFast(), False),
        f"forms, boxes ± {RADIUS}": (gn.bounds.ECLipsEFast(), True),
        f"intervals, boxes ± {RADIUS}": (gn.bounds.IntervalJacobian("L2"), True),
    }
    for widths in WIDTHS:
        network = network_of(widths)
        x = torch.rand(4, widths[0], generator=gn.generator(1))
        box = gn.Interval.around(x, RADIUS)
        for name, (method, near) in methods.items():
            start = time.perf_counter()
            value = value_of(method, network, x, box if near else None)
            seconds = time.perf_counter() - start
            print(f"{'-'.join(map(str, widths)):16} {name:28} {value:8.3f} {seconds:7.2f} s")


if __name__ == "__main__":
    main()
