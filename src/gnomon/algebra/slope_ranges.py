"""The range of a function's slope over an interval, from where it bends which way."""

from collections.abc import Callable

import torch
from torch import Tensor

from gnomon.activations import Profile
from gnomon.algebra.interval.interval import Interval

_FAR = 1e4
"""Distance from 0 beyond which functions here are straight lines, or overflow."""


def slope_range(
    function: Callable[[Tensor], Tensor], profile: Profile, x: Interval
) -> Interval:
    """The range of (f(s) − f(t)) / (s − t) for s ≠ t in each interval.

    On a piece on which f is convex, concave or straight, its derivative is monotone: it is
    extreme at the ends of the piece, approached from inside. A chord's slope is a mean of
    derivatives. Everything is possible where an interval's bound is NaN.

    Where the bends are not known, the range follows from the Lipschitz constant, and from
    whether f never falls.
    """
    if not profile.bends:
        most = torch.zeros_like(x.lower) + profile.lipschitz
        return Interval.computed(torch.zeros_like(most) if profile.monotone else -most, most)
    most = torch.finfo(x.dtype).max
    low, high = (end.clamp(-most, most) for end in x.parts)
    least, greatest = torch.full_like(low, torch.inf), torch.full_like(low, -torch.inf)
    for start, end, _ in profile.beside(low).pieces:
        first, last = (place.clamp_min(start).clamp_max(end) for place in (low, high))
        first, last = (place.clamp(-most, most) for place in (first, last))
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
    slope = torch.func.vjp(function, at)[1](ones)[0]
    nearer = torch.func.vjp(function, at.clamp(-_FAR, _FAR))[1](ones)[0]
    return torch.where(slope.isnan() & (at.abs() > _FAR), nearer, slope)
