"""AutoAttack of Gnomon beside the official package, part by part: a CNN4 on CIFAR-10.

Both run the standard version with the official settings in L∞ at 8/255 on the same test
images; each part attacks those that resisted the parts before it. The parts with gradients
search in the precision that is measured to be the fastest for gradients here, Square in the
one for logits; the network itself judges. The official package is not on the package index:
clone it from github.com/fra31/auto-attack and put its folder on PYTHONPATH. Without it, only
Gnomon's own times and parts are shown. Two threads, one with "alone" (for a machine that
others use, too: compare processor times then). Run:
python benchmarks/auto_attack.py [SAMPLES] [alone] [gnomon] [official]
(one of the names runs that side only)
"""

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from robust_network import RADIUS, WITHIN, robust_network
from torch import Tensor, nn

import gnomon as gn
from gnomon.attacks import Batched, Part, View, fastest_precision

THREADS = 1 if "alone" in sys.argv else 2
BATCH = 256
Attack = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""The attacked images of a network, images and labels."""
Seconds = tuple[float, float]
"""Of the clock, and of the processor."""


def ours(network: nn.Module, inputs: Tensor) -> dict[str, Attack]:
    """The parts of Gnomon's standard version."""
    view = View(fastest_precision(network, inputs))
    black_box = View(fastest_precision(network, inputs, of="logits"))
    print(
        f"gnomon searches in {view.precision} precision, SquareAttack in {black_box.precision}"
    )
    standard = gn.AutoAttack.standard("Linf", view, black_box).parts

    def one(part: Part) -> Attack:
        def attack(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
            source = gn.generator(0, part.name)
            return Batched(part.attack, BATCH)(network, inputs, labels, WITHIN, source).inputs

        return attack

    return {part.name: one(part) for part in standard}


def official() -> dict[str, Attack]:
    """The parts of the official standard version."""
    package: Any = importlib.import_module("autoattack")

    def part(name: str) -> Attack:
        def attack(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
            ensemble = package.AutoAttack(
                network, norm="Linf", eps=RADIUS, seed=0, verbose=False, device="cpu"
            )
            ensemble.attacks_to_run = [name.lower()]
            return ensemble.run_standard_evaluation(inputs, labels, bs=BATCH)

        return attack

    return {name: part(name) for name in ("APGD-CE", "APGD-T", "FAB-T", "Square")}


def in_turn(
    side: str, parts: dict[str, Attack], network: nn.Module, inputs: Tensor, labels: Tensor
) -> dict[str, Seconds]:
    """The times of the parts, each on those whom the parts before it left; prints them."""
    total, times = len(labels), dict[str, Seconds]()
    right = correct(network, inputs, labels)
    inputs, labels = inputs[right], labels[right]
    for name, attack in parts.items():
        clock, processor, begun = time.perf_counter(), time.process_time(), len(labels)
        resists = correct(network, attack(network, inputs, labels), labels)
        times[name] = time.perf_counter() - clock, time.process_time() - processor
        inputs, labels = inputs[resists], labels[resists]
        print(f"  {side} {name}: {begun - len(labels)} of {begun} fooled, {said(times[name])}")
    clock, processor = map(sum, zip(*times.values(), strict=True))
    times["all"] = clock, processor
    print(f"{side}: robust accuracy {len(labels) / total:.2%}, {said(times['all'])}")
    return times


def said(seconds: Seconds) -> str:
    """Both times in words."""
    return f"{seconds[0]:.0f} s ({seconds[1]:.0f} s of the processor)"


def correct(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Which images the network itself gets right."""
    with torch.no_grad():
        return network(inputs).argmax(dim=1) == labels


def main(*arguments: str) -> None:
    """Prints robust accuracies, times, and their ratio for each part."""
    torch.set_num_threads(THREADS)
    samples = next((int(each) for each in arguments if each.isdigit()), 256)
    data = gn.data.CIFAR10()(0, gn.Store.default())
    network = robust_network(data)
    inputs, labels = data.test.inputs[:samples], data.test.labels[:samples]
    clean = float(correct(network, inputs, labels).float().mean())
    print(f"{data.title}, {samples} test images, clean accuracy {clean:.2%}", flush=True)
    wanted = {"gnomon", "official"}
    wanted = wanted & set(arguments) or wanted
    spent = dict[str, dict[str, Seconds]]()
    if "gnomon" in wanted:
        parts = ours(network, inputs)
        spent["gnomon"] = in_turn("gnomon", parts, network, inputs, labels)
    if "official" in wanted and importlib.util.find_spec("autoattack"):
        spent["official"] = in_turn("official", official(), network, inputs, labels)
    for name in spent["gnomon"] if len(spent) == 2 else ():
        clock, processor = (
            theirs / mine
            for theirs, mine in zip(spent["official"][name], spent["gnomon"][name], strict=True)
        )
        print(
            f"official / gnomon, {name}: {clock:.2f} × the time, {processor:.2f} × the "
            "processor's"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
