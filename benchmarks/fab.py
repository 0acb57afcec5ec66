"""What a step of FAB and a query of Square cost beside the network itself.

First the shortest perturbation onto a hyperplane inside the domain, which FAB needs twice in
each step: Gnomon's against the plain way, which sorts the times at which coordinates meet the
border. Then a whole step of FAB-T in units of a gradient, and a query of Square in units of a
forward pass. CNN4, CIFAR-sized inputs, batch 64, processor time of one thread.
Run: python benchmarks/fab.py
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

import gnomon as gn
from gnomon.attacks import FABT, SquareAttack
from gnomon.sets import L1, L2, Linf, MeasuredSet

ROUNDS, STEPS = 3, 4
DOMAIN = (0.0, 1.0)


def by_sorting(inputs: Tensor, ray: Tensor, direction: Tensor, height: Tensor) -> Tensor:
    """clip(t · ray) at the height: all breakpoints sorted, and the piece looked up."""
    speed = ray * direction
    side = torch.where(direction > 0, DOMAIN[1], DOMAIN[0]) - inputs
    times, order = (side / ray).sort(dim=1)
    fixed = (speed * side / ray).gather(1, order).cumsum(dim=1)
    free = speed.sum(dim=1, keepdim=True) - speed.gather(1, order).cumsum(dim=1)
    piece = torch.searchsorted(fixed + free * times, height[:, None])
    piece = piece.clamp_max(times.shape[1] - 1)
    before = (piece - 1).clamp_min(0)
    spent = torch.where(piece > 0, fixed.gather(1, before), 0)
    left = torch.where(piece > 0, free.gather(1, before), speed.sum(dim=1, keepdim=True))
    return (ray * ((height[:, None] - spent) / left)).clamp(
        DOMAIN[0] - inputs, DOMAIN[1] - inputs
    )


def seconds(call: Callable[[], object]) -> float:
    """The median processor time of some calls, after a first one."""
    call()
    taken = list[float]()
    for _ in range(ROUNDS):
        begun = time.process_time()
        call()
        taken.append(time.process_time() - begun)
    return statistics.median(taken)


def projections(inputs: Tensor) -> None:
    """Prints the times of both ways to a hyperplane."""
    flat = inputs.flatten(1)
    direction = torch.randn(flat.shape, generator=gn.generator(0, "direction"))
    height = 0.05 * torch.where(direction > 0, 1 - flat, -flat).mul(direction).sum(dim=1)
    for within, ray in ((Linf(1.0, DOMAIN), direction.sign()), (L2(1.0, DOMAIN), direction)):
        ours = within.shortest(flat, direction, height)
        plain = by_sorting(flat, ray, direction, height)
        error = float((ours - plain).abs().max())
        ratio = seconds(lambda ray=ray: by_sorting(flat, ray, direction, height)) / seconds(
            lambda within=within: within.shortest(flat, direction, height)
        )
        print(f"{within.norm}: sorting takes {ratio:.1f} × the time, differs by {error:.1e}")


def step_of_fab(network: nn.Module, inputs: Tensor, labels: Tensor) -> None:
    """Prints what a step of FAB-T takes in units of a gradient."""

    def gradient() -> None:
        points = inputs.clone().requires_grad_()
        torch.autograd.grad(network(points).sum(), points)

    unit, forward = seconds(gradient), seconds(lambda: _logits(network, inputs))
    print(f"a forward pass takes {forward / unit:.2f} gradients")
    sets: tuple[MeasuredSet, ...] = (Linf(8 / 255, DOMAIN), L2(0.5, DOMAIN), L1(12.0, DOMAIN))
    for within in sets:
        taken = list[float]()
        for steps in (STEPS, 2 * STEPS):
            attack = FABT(steps=steps, targets=1)
            taken.append(
                seconds(
                    lambda attack=attack, within=within: attack(
                        network, inputs, labels, within, gn.generator(0)
                    )
                )
            )
        step = (taken[1] - taken[0]) / STEPS
        print(f"{within.norm}: a step of FAB-T takes {step / unit:.2f} gradients")


def query_of_square(network: nn.Module, inputs: Tensor, labels: Tensor) -> None:
    """Prints what a query of Square takes in units of a forward pass; nobody is fooled."""
    unit = seconds(lambda: _logits(network, inputs))
    for within in (Linf(1e-6, DOMAIN), L2(1e-6, DOMAIN), L1(1e-6, DOMAIN)):
        taken = [
            seconds(
                lambda queries=queries, within=within: SquareAttack(queries=queries)(
                    network, inputs, labels, within, gn.generator(0)
                )
            )
            for queries in (STEPS, 2 * STEPS)
        ]
        query = (taken[1] - taken[0]) / STEPS
        print(f"{within.norm}: a query of Square takes {query / unit:.2f} forward passes")


def _logits(network: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return network(inputs)


def main() -> None:
    """Prints the ratios."""
    torch.set_num_threads(1)
    signature = gn.Signature((3, 32, 32), 10, (0.5,) * 3, (0.25,) * 3)
    network = gn.networks.CNN4(width=32)(signature, gn.generator(0)).eval()
    network.requires_grad_(requires_grad=False)
    inputs = torch.rand(64, 3, 32, 32, generator=gn.generator(0, "inputs"))
    labels = _logits(network, inputs).argmax(dim=1)
    projections(inputs)
    step_of_fab(network, inputs, labels)
    query_of_square(network, inputs, labels)


if __name__ == "__main__":
    main()
