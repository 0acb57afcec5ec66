"""PGD-20 of Gnomon beside a hand-written loop: CNN4, CIFAR-sized inputs, batch 128.

The loop by hand takes gradients of the input alone and never stops early: the fastest plain
form. Gnomon's drops examples once they are fooled, and judges them at points exactly in the
set. At the smallest radius nearly nobody is fooled, so that the first ratio is the price of
Gnomon's guards. Run: python benchmarks/attack.py
"""

import statistics
import time

import torch
from torch import Tensor, nn
from torch.nn import functional

import gnomon as gn

ROUNDS, STEPS = 7, 20
RADII = (1e-5, 2e-3, 8 / 255)


def by_hand(network: nn.Module, inputs: Tensor, labels: Tensor, radius: float) -> Tensor:
    """Projected ascent of cross-entropy from a random start; who is fooled at the end."""
    start = torch.rand(inputs.shape, generator=gn.generator(0, "start"))
    perturbed = (inputs + radius * (2 * start - 1)).clamp(0, 1)
    for _ in range(STEPS):
        perturbed.requires_grad_()
        loss = functional.cross_entropy(network(perturbed), labels)
        (gradient,) = torch.autograd.grad(loss, perturbed)
        perturbed = perturbed.detach() + 2.5 * radius / STEPS * gradient.sign()
        perturbed = torch.minimum(torch.maximum(perturbed, inputs - radius), inputs + radius)
        perturbed = perturbed.clamp(0, 1)
    with torch.no_grad():
        return network(perturbed).argmax(dim=1) != labels


def ours(network: nn.Module, inputs: Tensor, labels: Tensor, radius: float) -> Tensor:
    """The same attack as a library call."""
    within = gn.Linf(radius, domain=(0.0, 1.0))
    return gn.PGD(steps=STEPS)(network, inputs, labels, within, gn.generator(0)).fooled


def main() -> None:
    """Prints the ratio of medians at radii where few, some and all are fooled."""
    signature = gn.Signature((3, 32, 32), 10, (0.5,) * 3, (0.25,) * 3)
    network = gn.CNN4(width=8)(signature, gn.generator(0)).eval()
    network.requires_grad_(requires_grad=False)
    inputs = torch.rand(128, 3, 32, 32, generator=gn.generator(0, "inputs"))
    labels = network(inputs).argmax(dim=1)
    for radius in RADII:
        seconds: dict[str, list[float]] = {"by hand": [], "gnomon": []}
        fooled: dict[str, float] = {}
        for _ in range(ROUNDS):
            for name, attack in (("by hand", by_hand), ("gnomon", ours)):
                begun = time.perf_counter()
                fooled[name] = float(attack(network, inputs, labels, radius).float().mean())
                seconds[name].append(time.perf_counter() - begun)
        ratio = statistics.median(seconds["gnomon"]) / statistics.median(seconds["by hand"])
        print(
            f"radius {radius:.5f}: fooled {fooled['by hand']:.0%} by hand, "
            f"{fooled['gnomon']:.0%} by gnomon, in {ratio:.2f} × the time of the loop by hand"
        )


if __name__ == "__main__":
    main()
