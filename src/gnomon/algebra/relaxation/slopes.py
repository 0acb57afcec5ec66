"""Bounds with the slopes that bound best, found by gradient ascent."""

import torch
from torch import Tensor

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.backward_steps import Activated
from gnomon.algebra.relaxation.forms import Node, bounds
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation


def optimised(
    value: LinearRelaxation, rows: Tensor | None = None, *, steps: int = 20, rate: float = 0.1
) -> Interval:
    """Bounds of linear combinations, with the best slopes met on the way (α-CROWN).

    Below a rectifier between bounds of both signs any line through 0 is right whose slope lies
    between those of its two sides. Each form, its sign and each example get slopes of their
    own, which are moved along the gradient of the sum of all bounds, and put back between their
    ends. The bounds between which hidden layers are relaxed stay as they are. Every step gives
    sound bounds; of each coordinate the best is kept.

    Args:
        value: what a network made of its inputs.
        rows: as for `LinearRelaxation.bound`; None for the coordinates themselves.
        steps: how often slopes are moved.
        rate: by how much about, in one step.

    Returns:
        Constants for differentiation: of examples × combinations, or of the value's shape.

    References:
        xu2021.
    """
    shape = value.shape if rows is None else None
    if rows is None:
        width = value.shape[1:].numel()
        identity = torch.eye(width, dtype=value.dtype, device=value.device)
        rows = identity.reshape(width, *value.shape[1:])
    known = value.bound(rows)
    lower, upper = known.lower.detach(), known.upper.detach()
    given = value.rows_of(rows)
    slopes = {each: _start(each, 2 * len(given)) for each in _free(value.node)}
    if slopes:
        mover = torch.optim.Adam(slopes.values(), lr=rate)
        for _ in range(steps):
            _move(mover, slopes, value, given)
            with torch.no_grad():
                low, high = _bounds(value, given, slopes)
            lower, upper = torch.fmax(lower, low), torch.fmin(upper, high)
    found = Interval.computed(lower, upper, nonnegative=known.nonnegative)
    return found if shape is None else found.each(torch.reshape, shape)


def _free(node: Node) -> list[Activated]:
    """The relaxations before a node whose slopes can be chosen."""
    seen, waiting = {node}, [node]
    found: list[Activated] = []
    while waiting:
        origin = waiting.pop().origin
        if isinstance(origin, Activated) and origin.lines.free is not None:
            found.append(origin)
        new = set(origin.parents) - seen
        seen |= new
        waiting += new
    return found


def _start(origin: Activated, forms: int) -> Tensor:
    """The slopes that were chosen, for each form."""
    chosen = origin.lines.lower_slope.detach()
    return chosen.expand(forms, *chosen.shape).clone().requires_grad_()


def _move(
    mover: torch.optim.Optimizer,
    slopes: dict[Activated, Tensor],
    value: LinearRelaxation,
    rows: Tensor,
) -> None:
    """One step up the sum of all lower bounds minus all upper ones."""
    with torch.enable_grad():
        low, high = _bounds(value, rows, slopes)
        gradients = torch.autograd.grad((high - low).sum(), list(slopes.values()))
    for slope, gradient in zip(slopes.values(), gradients, strict=True):
        slope.grad = gradient
    mover.step()
    with torch.no_grad():
        for origin, slope in slopes.items():
            least, most = origin.lines.free or (slope, slope)
            slope.clamp_(least, most)


def _bounds(
    value: LinearRelaxation, rows: Tensor, slopes: dict[Activated, Tensor]
) -> list[Tensor]:
    """The lower and upper bounds of ⟨rows, value⟩ with these slopes."""
    with value.arithmetic.kernels(*value.parts):
        return bounds(value.node, rows, slopes=slopes, arithmetic=value.arithmetic)
