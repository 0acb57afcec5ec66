"""Lines around functions of one variable that are right although they were computed."""

from collections.abc import Callable

import torch
from torch import Tensor

from gnomon.activations import Profile
from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.lines import Lines, enclosing, rectified
from gnomon.algebra.rounded.relaxed.losses import most
from gnomon.algebra.rounding import down, unit_roundoff, up

_ROUNDINGS = 128
"""Units in the last place, see `rounded_enclosing`."""


def rounded_rectified(slope: float | Tensor, x: Interval) -> Lines:
    """Around x for x ≥ 0 and s x below: `rectified`, whose chord is moved until it is right.

    A line through 0 with slope 1 or s is right as it is. The chord's slope may be any number;
    the function and a line differ most at an end of [l, u] or at 0, so that the offset is

        max(f(l) − a l, f(u) − a u, 0)     above, and the least of the three below,

    each computed with a bound of its three roundings. Where a bound of x is not finite,
    nothing is known, and the offsets say so.
    """
    lines = rectified(slope, x)
    low, high = x.lower, x.upper
    left = torch.as_tensor(slope, dtype=low.dtype, device=low.device)
    kink = (low < 0) & (high > 0)
    zero = torch.zeros_like(low)

    def offset(line: Tensor, *, above: bool) -> Tensor:
        right = zero
        for value, at in ((left * low, low), (high, high)):
            product = line * at
            loss = up((value.abs() + product.abs()) * (4 * unit_roundoff(low.dtype)))
            loss = up(loss + torch.finfo(low.dtype).tiny)
            gap = value - product
            right = right.maximum(up(gap + loss)) if above else right.minimum(down(gap - loss))
        return _finite(torch.where(kink, right, zero), x)

    below = zero if lines.lower_offset is None else offset(lines.lower_slope, above=False)
    return Lines(
        lines.lower_slope,
        _finite(below, x),
        lines.upper_slope,
        offset(lines.upper_slope, above=True),
    )


def rounded_enclosing(
    function: Callable[[Tensor], Tensor], curvature: Profile, x: Interval, values: Interval
) -> Lines:
    """Around a function whose curvature is known: `enclosing`, moved outward by its errors.

    A line's offset is the largest value of f(t) − a t at a few places t, or of a tangent's
    f(t) − a t + (f'(t) − a)(s − t). With u the unit roundoff and M and F the largest |t| and
    |f|: f is computed to within 24 u (1 + M + F) (see `rounded.accuracy`), and f', which is
    made of the same functions and lies in [−2, 2], is taken to be within 32 u, times
    |s − t| ≤ 2 M.
    With the products and sums that is less than 128 u (1 + M + F) (1 + |a|).

    Args:
        function: computed by torch.
        curvature: of the function.
        x: where.
        values: an enclosure of the function there.
    """
    lines = enclosing(function, curvature, x)
    assert lines.lower_offset is not None
    scale = 1 + most(x) + most(values)

    def loss(slope: Tensor) -> Tensor:
        return scale * (1 + slope.abs()) * (_ROUNDINGS * unit_roundoff(scale.dtype))

    return Lines(
        lines.lower_slope,
        _finite(down(lines.lower_offset - loss(lines.lower_slope)), x),
        lines.upper_slope,
        _finite(up(lines.upper_offset + loss(lines.upper_slope)), x),
    )


def _finite(offset: Tensor, x: Interval) -> Tensor:
    """The offset; NaN, which says nothing, where a bound of x is not finite."""
    known = x.lower.isfinite() & x.upper.isfinite()
    return torch.where(known, offset, torch.full_like(offset, torch.nan))
