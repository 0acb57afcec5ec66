"""The shortest perturbation that reaches a hyperplane inside the domain: the dual, solved."""

import torch
from torch import Tensor

from gnomon.sets.balls.cut import room
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
    speed = flat * normal
    flat = torch.where(speed > 0, flat, torch.zeros_like(flat))
    side = _side(inputs, domain, flat)
    time = torch.where(speed > 0, side / flat, torch.full_like(flat, torch.inf))
    now = torch.zeros_like(height)[:, None]
    gained = torch.where(speed > 0, speed * time, torch.zeros_like(speed))
    while True:
        fixed = time <= now
        spent = torch.where(fixed, gained, 0).sum(dim=1)
        free = torch.where(fixed, 0, speed).sum(dim=1)
        left = (height - spent).clamp_min(0)
        solved = torch.where(free > 0, left / free, torch.inf)[:, None]
        following = torch.where(left[:, None] > 0, solved.maximum(now), now)
        if torch.equal(following, now):
            break
        now = following
    reached = torch.where(time <= now, side, flat * now.clamp_max(torch.finfo(now.dtype).max))
    return reached.reshape(inputs.shape)


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
    """How far each coordinate can move towards the direction's sign, flat; 0 for sign 0."""
    lower, upper = (bound.flatten(1) for bound in room(inputs, domain))
    towards = torch.where(direction > 0, upper, lower)
    return torch.where(direction == 0, torch.zeros_like(towards), towards)
