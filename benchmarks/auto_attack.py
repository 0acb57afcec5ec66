"""AutoAttack of Gnomon beside the official package: a CNN4, trained adversarially on CIFAR-10.

Both run the standard version with the official settings in L∞ at 8/255 on the same test
images, on two threads. The network is trained here, with FGSM from random starts, and kept in
the temporary folder. The official package is not on the package index: clone it from
github.com/fra31/auto-attack and put its folder on PYTHONPATH. Without it, only Gnomon's own
times and parts are shown. Run: python benchmarks/auto_attack.py [SAMPLES]
"""

import importlib
import importlib.util
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from torch.nn import functional

import gnomon as gn
from gnomon.attacks import View, fastest_precision

RADIUS, STEPS, BATCH, THREADS = 8 / 255, 600, 64, 2
WITHIN = gn.Linf(RADIUS, (0.0, 1.0))
CACHE = Path(tempfile.gettempdir()) / f"gnomon-benchmark-cnn4-{STEPS}.safetensors"


def trained(data: gn.Dataset) -> nn.Module:
    """A CNN4 trained on single steps from random starts, read back where it is kept."""
    signature = gn.Signature(data.shape, data.classes, data.mean, data.std)
    network = gn.CNN4(width=8)(signature, gn.generator(0))
    if CACHE.exists():
        load_model(network, str(CACHE))
        return network.eval()
    source = gn.generator(0, "order")
    adam = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, 2e-3, total_steps=STEPS)
    for step in range(STEPS):
        chosen = torch.randint(len(data.train), (BATCH,), generator=source)
        inputs, labels = data.train.inputs[chosen], data.train.labels[chosen]
        within = WITHIN.with_radius(RADIUS * min(1.0, 2 * step / STEPS))
        inputs = harder(network, inputs, labels, within, source)
        loss = functional.cross_entropy(network(inputs), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
        if step % 50 == 0:
            print(
                f"training step {step} of {STEPS}: loss {float(loss.detach()):.3f}", flush=True
            )
    save_model(network, str(CACHE))
    return network.eval()


def harder(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    within: gn.Linf,
    source: torch.Generator,
) -> Tensor:
    """The images one step of 1.25 r from a random start, in the set."""
    region = within.around(inputs)
    start = region.sample(source).requires_grad_()
    loss = functional.cross_entropy(network(inputs + start), labels)
    (gradient,) = torch.autograd.grad(loss, start)
    step = 1.25 * within.radius * gradient.sign()
    return inputs + region.project(start.detach() + step)


def ours(network: nn.Module, inputs: Tensor, labels: Tensor) -> tuple[Tensor, str]:
    """Who resists Gnomon's standard version, and which part fooled how many."""
    view = View(fastest_precision(network, inputs))
    attack = gn.AutoAttack.standard(view=view)
    outcome = attack(network, inputs, labels, WITHIN, gn.generator(0))
    parts = [f"{part} {int((outcome.by == i).sum())}" for i, part in enumerate(outcome.parts)]
    return ~outcome.fooled, f"{', '.join(parts)}; searched in {view.precision}"


def official(network: nn.Module, inputs: Tensor, labels: Tensor) -> tuple[Tensor, str]:
    """Who resists the official standard version."""
    package: Any = importlib.import_module("autoattack")
    attack = package.AutoAttack(
        network, norm="Linf", eps=RADIUS, seed=0, verbose=False, device="cpu"
    )
    found = attack.run_standard_evaluation(inputs, labels, bs=256)
    with torch.no_grad():
        return network(found).argmax(dim=1) == labels, "the authors' code"


def main() -> None:
    """Prints robust accuracies, seconds of the clock and of the processor, and their ratio."""
    torch.set_num_threads(THREADS)
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    data = gn.CIFAR10()(0, gn.Store.default())
    network = trained(data)
    inputs, labels = data.test.inputs[:samples], data.test.labels[:samples]
    with torch.no_grad():
        clean = float((network(inputs).argmax(dim=1) == labels).float().mean())
    print(f"{data.title}, {samples} test images, clean accuracy {clean:.2%}")
    runs = {"gnomon": ours}
    if importlib.util.find_spec("autoattack"):
        runs["official"] = official
    spent: dict[str, tuple[float, float]] = {}
    for name, run in runs.items():
        clock, processor = time.perf_counter(), time.process_time()
        resists, words = run(network, inputs, labels)
        spent[name] = time.perf_counter() - clock, time.process_time() - processor
        print(
            f"{name}: robust accuracy {float(resists.float().mean()):.2%} in "
            f"{spent[name][0]:.0f} s ({spent[name][1]:.0f} s of processor time); {words}",
            flush=True,
        )
    if "official" in spent:
        clock, processor = (
            theirs / mine
            for theirs, mine in zip(spent["official"], spent["gnomon"], strict=True)
        )
        print(f"official / gnomon: {clock:.2f} × the time, {processor:.2f} × the processor's")


if __name__ == "__main__":
    main()
