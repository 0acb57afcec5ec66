"""PGD of Gnomon beside torchattacks, foolbox, ART and a bare loop: CNN4, CIFAR-10, batch 128.

All run the same attack on the same images: L∞ 8/255, a random start, steps of 2/255. The bare
loop differentiates with respect to the input alone, frees nobody and checks nothing: the
fastest plain form. Gnomon has every guard on: the fooled leave, verdicts are the network's own
in its own precision, at points exactly in the set. It runs once in the network's precision,
once in the one that was measured to be the fastest here. A peer that cannot be imported is
left out (pip install --no-deps torchattacks foolbox adversarial-robustness-toolbox …).

Prints medians of the wall time relative to the bare loop in the same rounds, and the share of
images that resist. Run: python benchmarks/attack.py [ROUNDS] [long]
(with "long": 100 steps and 5 restarts, some minutes)
"""

import importlib
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping

import torch
from robust_network import RADIUS, WITHIN, robust_network
from torch import Tensor, nn
from torch.nn import functional

import gnomon as gn
from gnomon.attacks import View, fastest_precision

STEP = 2 / 255
Attack = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""The attacked images of a network, images and labels."""


def by_hand(steps: int, restarts: int) -> Attack:
    """A bare loop; of several restarts the first that fools is kept."""

    def attack(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        found = inputs.clone()
        for restart in range(restarts):
            start = torch.rand(inputs.shape, generator=gn.generator(restart, "start"))
            moved = (inputs + RADIUS * (2 * start - 1)).clamp(0, 1)
            for _ in range(steps):
                moved.requires_grad_()
                loss = functional.cross_entropy(network(moved), labels)
                (gradient,) = torch.autograd.grad(loss, moved)
                moved = moved.detach() + STEP * gradient.sign()
                moved = inputs + (moved - inputs).clamp(-RADIUS, RADIUS)
                moved = moved.clamp(0, 1)
            with torch.no_grad():
                fooled = network(moved).argmax(dim=1) != labels
            found[fooled] = moved[fooled]
        return found

    return attack


def ours(steps: int, restarts: int, view: View) -> Attack:
    """The library's attack."""
    pgd = gn.PGD(steps, restarts, relative_step=STEP / RADIUS, view=view)

    def attack(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        return pgd(network, inputs, labels, WITHIN, gn.generator(0)).inputs

    return attack


def torchattacks(steps: int) -> Attack:
    """Of torchattacks."""
    package = importlib.import_module("torchattacks")

    def attack(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        pgd = package.PGD(network, eps=RADIUS, alpha=STEP, steps=steps, random_start=True)
        return pgd(inputs, labels)

    return attack


def foolbox(steps: int) -> Attack:
    """Of foolbox."""
    package = importlib.import_module("foolbox")

    def attack(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        model = package.PyTorchModel(network, bounds=(0, 1), device="cpu")
        pgd = package.attacks.LinfPGD(abs_stepsize=STEP, steps=steps, random_start=True)
        return pgd(model, inputs, labels, epsilons=RADIUS)[1]

    return attack


def art(steps: int) -> Attack:
    """Of the Adversarial Robustness Toolbox."""
    estimators = importlib.import_module("art.estimators.classification")
    evasion = importlib.import_module("art.attacks.evasion")

    def attack(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        classifier = estimators.PyTorchClassifier(
            network,
            nn.CrossEntropyLoss(),
            inputs.shape[1:],
            10,
            clip_values=(0, 1),
            device_type="cpu",
        )
        pgd = evasion.ProjectedGradientDescent(
            classifier,
            eps=RADIUS,
            eps_step=STEP,
            max_iter=steps,
            num_random_init=1,
            batch_size=len(inputs),
            verbose=False,
        )
        return torch.from_numpy(pgd.generate(inputs.numpy(), labels.numpy()))

    return attack


def attacks(steps: int, restarts: int, views: Mapping[str, View]) -> dict[str, Attack]:
    """What is compared; of the peers, those that can be imported."""
    found = {"by hand": by_hand(steps, restarts)}
    for name, view in views.items():
        found[name] = ours(steps, restarts, view)
    peers: dict[str, Callable[[int], Attack]] = {
        "torchattacks": torchattacks,
        "foolbox": foolbox,
        "ART": art,
    }
    for name, peer in peers.items() if restarts == 1 else ():
        try:
            found[name] = peer(steps)
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return found


def compare(
    network: nn.Module, inputs: Tensor, labels: Tensor, found: Mapping[str, Attack], rounds: int
) -> None:
    """Runs all in turn, some rounds, and prints."""
    seconds: dict[str, list[float]] = {name: [] for name in found}
    moved: dict[str, Tensor] = {}
    for _ in range(rounds):
        for name, attack in found.items():
            begun = time.perf_counter()
            moved[name] = attack(network, inputs, labels)
            seconds[name].append(time.perf_counter() - begun)
            network.eval().zero_grad()
    plain = statistics.median(seconds["by hand"])
    for name, points in moved.items():
        ratio = statistics.median(seconds[name]) / plain
        with torch.no_grad():
            resisting = float((network(points).argmax(dim=1) == labels).float().mean())
        excess = float((points.double() - inputs.double()).abs().max()) - RADIUS
        inside = "inside" if excess <= 0 else f"outside by {excess:.1e}"
        print(f"  {name:22s} {ratio:5.2f} × by hand   resisting {resisting:6.1%}   {inside}")


def main(*arguments: str) -> None:
    """Measures 20 steps, or 100 steps with 5 restarts."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(2)
    numbers = [int(each) for each in arguments if each.isdigit()]
    steps, restarts = (100, 5) if "long" in arguments else (20, 1)
    data = gn.data.CIFAR10()(0, gn.Store.default())
    network = robust_network(data)
    inputs, labels = data.test.inputs[:128], data.test.labels[:128]
    views = {"gnomon": View()}
    if fastest_precision(network, inputs) == "bfloat16":
        views["gnomon, bfloat16"] = View("bfloat16")
    print(f"PGD-{steps} × {restarts} on 128 images of {data.title}")
    compare(network, inputs, labels, attacks(steps, restarts, views), (numbers or [5])[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
