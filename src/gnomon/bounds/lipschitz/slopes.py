"""The range of a function's slope over an interval, from where it bends which way."""

from collections.abc import Callable

import torch
from torch import Tensor

from gnomon.activations import Activation
from gnomon.algebra import Interval
from gnomon.algebra.curvature import Curvature, curvature_of

_FAR = 1e4
"""Functions here are straight lines beyond it, or overflow."""


def slopes_of(function: Activation, x: Interval) -> Interval:
    """The slopes that an activation function has in each interval.

    Exact where its curvature is known; else what follows from its Lipschitz constant and from
    whether it never falls.
    """
    curvature = curvature_of(function)
    if curvature is not None:
        return slopes(function, curvature, x)
    most = torch.full_like(x.lower, function.lipschitz)
    return Interval.computed(torch.zeros_like(most) if function.monotone else -most, most)


def slopes(function: Callable[[Tensor], Tensor], curvature: Curvature, x: Interval) -> Interval:
    """The range of (f(s) − f(t)) / (s − t) for s ≠ t in each interval.

    On a piece on which f is convex, concave or straight, its derivative is monotone: it is
    extreme at the ends of the piece, approached from inside. A chord's slope is a mean of
    derivatives. Everything is possible where an interval's bound is NaN.
    """
    most = torch.finfo(x.dtype).max
    low, high = (end.clamp(-most, most) for end in x.parts)
    least, greatest = torch.full_like(low, torch.inf), torch.full_like(low, -torch.inf)
    for start, end, _ in curvature.pieces:
        first, last = (place.clamp(max(start, -most), min(end, most)) for place in (low, high))
        inside = first < last
        for place, other in ((first, last), (last, first)):
            slope = _derivative(function, torch.nextafter(place, other))
            least = torch.where(inside, least.minimum(slope), least)
            greatest = torch.where(inside, greatest.maximum(slope), greatest)
    point, nothing = low == high, torch.full_like(low, torch.inf)
    slope = _derivative(function, low)
    empty = ~(low <= high)
    least = torch.where(empty, -nothing, torch.where(point, slope, least))
    return Interval.computed(
        least, torch.where(empty, nothing, torch.where(point, slope, greatest))
    )


def _derivative(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """The derivative; where its formula overflows, its limit, which is reached long before."""
    ones = torch.ones_like(at)
    found = torch.func.vjp(function, at)[1](ones)[0]
    nearer = torch.func.vjp(function, at.clamp(-_FAR, _FAR))[1](ones)[0]
    return torch.where(found.isnan() & (at.abs() > _FAR), nearer, found)
