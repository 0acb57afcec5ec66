"""Sums x + δ in floating point that are no further from x than they may be."""

from collections.abc import Callable

import torch
from torch import Tensor

from gnomon.sets.guards import known
from gnomon.shapes import Inputs, PerExample

ATTEMPTS = 8
"""Number of times a sum is rounded towards x before the perturbation is set to 0."""


def shortened(
    centre: Inputs,
    step: Inputs,
    radius: float | Tensor,
    distance: Callable[[Tensor], PerExample],
    within: Callable[[Tensor], Tensor] = lambda moved: moved,
) -> Inputs:
    """The sum x + δ, with δ multiplied by a little less than 1 where ‖(x + δ) − x‖ > radius.

    The k-th attempt takes 2^k times the excess of the last one away, and at least 4^k ulps of
    δ: rounding x + δ again gives another excess, of about the same size. Where no attempt
    succeeds, x itself is given back.

    Args:
        centre: x, of any precision up to float64.
        step: δ, which is not longer than the radius but for rounding.
        radius: ≥ 0.
        distance: the norm of each example's perturbation, in float64.
        within: moves coordinates towards x, into the domain.
    """
    eps = torch.finfo(centre.dtype).eps
    moved = within(centre + step)
    share = torch.ones(len(centre), dtype=torch.float64, device=centre.device)
    for attempt in range(1, ATTEMPTS + 1):
        length = distance(moved.double() - centre.double())
        outside = length > radius
        if known(lambda outside=outside: not bool(outside.any())):
            return moved
        excess = 1 - radius / length.clamp_min(torch.finfo(length.dtype).tiny)
        kept = 1 - (excess * 2**attempt).clamp_min(eps * 4**attempt)
        share = share * kept.clamp_min(0) * (attempt < ATTEMPTS)
        shorter = centre + step * per_example(share, step).to(step)
        moved = torch.where(per_example(outside, moved), within(shorter), moved)
    return moved


def per_example(values: Tensor, like: Tensor) -> Tensor:
    """One value per example, shaped to broadcast over the axes of an example."""
    return values.reshape(-1, *[1] * (like.dim() - 1))
