"""Exact Lipschitz constants of tiny ReLU networks, by every activation pattern."""

import itertools
from collections.abc import Iterator
from functools import cache

import torch
from scipy.optimize import linprog
from torch import Tensor, nn

from gnomon.seeds import generator


def relu_network(*widths: int, seed: int = 0, scale: float = 1.0) -> nn.Sequential:
    """Matrices with Gaussian weights and biases, and ReLU between them, in float64."""
    source = generator(seed, "relu network")
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layer = nn.Linear(inputs, outputs).double()
        with torch.no_grad():
            layer.weight.copy_(scale * torch.randn(outputs, inputs, generator=source))
            layer.bias.copy_(0.5 * torch.randn(outputs, generator=source))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@cache
def jacobians(
    network: nn.Sequential, lower: tuple[float, ...], upper: tuple[float, ...]
) -> list[Tensor]:
    """The Jacobian of every linear piece that meets the interior of a box.

    A pattern of active neurons is met if a linear program finds a point of the box at which
    every neuron is on its side by some distance; layer by layer, so that what no pattern of the
    first layers meets is not looked at.
    """
    count = len(lower)
    start = (torch.eye(count).double(), torch.zeros(count).double())
    *hidden, last = [layer for layer in network if isinstance(layer, nn.Linear)]
    pieces = [(*start, torch.zeros(0, count).double(), torch.zeros(0).double())]
    for layer in hidden:
        pieces = [
            piece for old in pieces for piece in _pieces(layer, *old, lower=lower, upper=upper)
        ]
    return [(last.weight @ slope).detach() for slope, *_ in pieces]


def norm_of(jacobian: Tensor, norm: str) -> float:
    """Of a matrix, by what numerical linear algebra says."""
    order = {"L1": 1, "L2": 2, "Linf": torch.inf}[norm]
    return float(torch.linalg.matrix_norm(jacobian, order))


def _pieces(
    layer: nn.Linear,
    slope: Tensor,
    offset: Tensor,
    rows: Tensor,
    limits: Tensor,
    *,
    lower: tuple[float, ...],
    upper: tuple[float, ...],
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Slopes and offsets behind a layer, and the inequalities of their pieces."""
    slope, offset = layer.weight.detach() @ slope, layer.weight.detach() @ offset
    offset = offset + layer.bias.detach()
    for signs in itertools.product((0.0, 1.0), repeat=layer.out_features):
        active = torch.tensor(signs).double()
        side = 2 * active - 1
        all_rows = torch.cat([rows, -side[:, None] * slope])
        all_limits = torch.cat([limits, side * offset])
        if _is_met(all_rows, all_limits, lower, upper):
            yield active[:, None] * slope, active * offset, all_rows, all_limits


def _is_met(
    rows: Tensor, limits: Tensor, lower: tuple[float, ...], upper: tuple[float, ...]
) -> bool:
    """Whether some x in the box has rows x + t ≤ limits with t > 0."""
    wide = torch.cat([rows, torch.ones_like(rows[:, :1])], dim=1)
    bounds = [*zip(lower, upper, strict=True), (None, 1.0)]
    goal = [0.0] * len(lower) + [-1.0]
    found = linprog(goal, A_ub=wide.numpy(), b_ub=limits.numpy(), bounds=bounds)
    return found.status == 0 and -found.fun > 1e-9
