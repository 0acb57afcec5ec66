"""The shortest perturbation that reaches a hyperplane inside the domain: the dual, solved."""

import torch
from torch import Tensor
from torch.linalg import vecdot

from gnomon.sets.perturbation_set import Domain
from gnomon.shapes import Inputs, PerExample

_FIRST, _MORE = 64, 8


def along_ray(
    inputs: Inputs, domain: Domain, ray: Inputs, direction: Inputs, height: PerExample
) -> Inputs:
    """The first δ(t) = clip(t · ray) with ⟨δ(t), direction⟩ ≥ height, t ≥ 0.

    For L∞, with the signs of the direction as ray, and for L2, with the direction itself, this
    is the shortest perturbation that reaches the height: the multipliers of the box clip, that
    of the hyperplane is t. With v_i = ray_i direction_i ≥ 0, and t_i the time at which
    coordinate i meets the border of the domain, the height at t is

        φ(t) = Σ_i v_i min(t, t_i),

    concave and piecewise linear. A Newton step from below never passes the solution: t grows,
    each step fixes further coordinates, and the loop ends after finitely many, three to eight
    in practice. Each is two sums over the coordinates; sorting the t_i would cost more than all
    of them.

    Args:
        inputs: x; x + δ stays in the domain.
        domain: of every coordinate.
        ray: with the signs of the direction.
        direction: normal vector of the hyperplane.
        height: ≤ 0 gives 0; one that the domain does not let anything reach gives the δ with
            the largest product.
    """
    flat, normal = ray.flatten(1), direction.flatten(1)
    speed, height = flat * normal, height.clamp_min(0)
    if domain is None:
        total = speed.sum(dim=1)
        now = torch.where(total > 0, height / total, 0)[:, None]
        return (flat * now).reshape(inputs.shape)
    side, most = _side(inputs, domain, normal), torch.finfo(speed.dtype).max
    time = (side / flat).masked_fill(speed <= 0, torch.inf)
    gained, now = normal * side, torch.zeros_like(height)[:, None]
    while True:
        fixed = (time <= now).to(speed)
        left = (height - vecdot(fixed, gained)).clamp_min(0)
        solved = (left / vecdot(1 - fixed, speed)).nan_to_num(0.0, most)[:, None]
        if not (solved > now).any():
            break
        now = now.maximum(solved)
    return torch.where(time <= now, side, flat * now).reshape(inputs.shape)


def along_coordinates(
    inputs: Inputs, domain: Domain, direction: Inputs, height: PerExample
) -> Inputs:
    """The δ of least Σ |δ_i| with ⟨δ, direction⟩ ≥ height and x + δ in the domain.

    Each unit of length gains most on the coordinate whose |direction_i| is largest: coordinates
    are moved to the domain's border in that order, the last of them only as far as needed.
    The largest few are selected, and more only if they do not suffice.

    Args:
        inputs: x.
        domain: of every coordinate.
        direction: normal vector of the hyperplane.
        height: as in `along_ray`.
    """
    normal = direction.flatten(1)
    side, sizes = _side(inputs, domain, normal), normal.abs()
    count, total = _FIRST, normal.shape[1]
    while True:
        largest, order = sizes.topk(min(count, total), dim=1)
        caps = side.gather(1, order).abs()
        gain = torch.where(largest > 0, largest * caps, 0)
        before = torch.cat([torch.zeros_like(gain[:, :1]), gain[:, :-1]], dim=1).cumsum(dim=1)
        if count >= total or bool((before[:, -1] + gain[:, -1] >= height).all()):
            break
        count *= _MORE
    left = (height[:, None] - before).clamp_min(0)
    spent = torch.where(largest > 0, (left / largest).minimum(caps), 0)
    moved = torch.zeros_like(normal).scatter(1, order, spent * normal.gather(1, order).sign())
    return moved.reshape(inputs.shape)


def _side(inputs: Inputs, domain: Domain, direction: Tensor) -> Tensor:
    """The largest move of each coordinate towards the direction's sign, flat."""
    if domain is None:
        return torch.where(direction > 0, torch.inf, -torch.inf).to(direction)
    return torch.where(direction > 0, domain[1], domain[0]).to(direction) - inputs.flatten(1)
