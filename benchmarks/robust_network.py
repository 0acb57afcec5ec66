"""The network that attacks are timed on: a CNN4 for CIFAR-10, briefly trained adversarially.

Some of its images resist at 8/255, so that attacks have to work.
"""

import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn
from torch.nn import functional

import gnomon as gn

RADIUS = 8 / 255
WITHIN = gn.Linf(RADIUS, (0.0, 1.0))
_STEPS, _BATCH = 600, 64
_KEPT = Path(tempfile.gettempdir()) / f"gnomon-benchmark-cnn4-{_STEPS}.safetensors"


def robust_network(data: gn.Dataset) -> nn.Module:
    """The network, from the temporary folder or trained now with single steps (a minute)."""
    signature = gn.Signature(data.shape, data.classes, data.mean, data.std)
    network = gn.networks.CNN4(width=8)(signature, gn.generator(0))
    if _KEPT.exists():
        load_model(network, str(_KEPT))
        return network.eval()
    source = gn.generator(0, "order")
    adam = torch.optim.Adam(network.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, 2e-3, total_steps=_STEPS)
    for step in range(_STEPS):
        chosen = torch.randint(len(data.train), (_BATCH,), generator=source)
        inputs, labels = data.train.inputs[chosen], data.train.labels[chosen]
        within = WITHIN.with_radius(RADIUS * min(1.0, 2 * step / _STEPS))
        loss = functional.cross_entropy(
            network(_moved(network, inputs, labels, within, source)), labels
        )
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
        if step % 50 == 0:
            print(f"training step {step} of {_STEPS}: loss {float(loss.detach()):.3f}")
    save_model(network, str(_KEPT))
    return network.eval()


def _moved(
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
