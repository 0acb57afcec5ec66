"""The published story of k-winners-take-all: robust to its own gradient alone."""

from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from gnomon.attacks import PGD, Antithetic, SquareAttack, View
from gnomon.seeds import generator
from gnomon.sets import Linf

WITHIN = Linf(0.1, (0.0, 1.0))


class Winners(nn.Module):
    """Of all units the largest 5 % keep their value; who wins changes from point to point."""

    def forward(self, x: Tensor) -> Tensor:
        least = x.topk(x.shape[1] // 20, dim=1).values[:, -1:]
        return torch.where(x >= least, x, torch.zeros_like(x))


def _trained(inputs: Tensor, labels: Tensor) -> nn.Module:
    layers = [nn.Linear(64, 400), Winners(), nn.Linear(400, 400), Winners(), nn.Linear(400, 10)]
    network, source = nn.Sequential(*layers), generator(0, "batches")
    for index, parameter in enumerate(network.parameters()):
        bound = parameter.shape[-1] ** -0.5
        with torch.no_grad():
            parameter.uniform_(-bound, bound, generator=generator(0, str(index)))
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(150):
        rows = torch.randint(len(inputs), (128,), generator=source)
        loss = functional.cross_entropy(network(inputs[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def test_values_alone_break_a_network_that_seems_to_resist_its_gradients() -> None:
    """Gradients say how winners change, never who wins; reported 52 %, in truth 18 %.

    References: xiao2020 (the claim); tramer2020, section 5 (the correction).
    """
    digits: Any = load_digits()
    inputs = torch.as_tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.as_tensor(digits.target)
    network = _trained(inputs[:1200], labels[:1200])
    inputs, labels = inputs[1400:1440], labels[1400:1440]
    seeing = View(slopes=Antithetic(30, WITHIN.radius / 2))
    gradient, values, square = (
        1 - float(attack(network, inputs, labels, WITHIN, generator(1)).fooled.float().mean())
        for attack in (PGD(steps=20), PGD(steps=20, view=seeing), SquareAttack(queries=200))
    )
    assert gradient > 0.65  # it looks robust
    assert values < gradient - 0.25
    assert square < gradient - 0.25  # the black box is better than the white one: a sign
