"""Two straight lines around a function of one variable over an interval: its relaxation."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gnomon.activations import Fact, Profile
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.relaxation.losses import most

Function = Callable[[Tensor], Tensor]

_BISECTIONS = 24
_ASIDE = 1e-5  # from a knot, where the slope may jump; more than its rounding in float32
_REACH = 30.0
"""Largest argument in the table of slopes; beyond, functions here are nearly straight."""
_NODES = 4097
"""Number of arguments in the table of slopes."""
_ROUNDINGS = 128
"""Number of units in the last place by which offsets may be wrong, see `enclosing`."""


@dataclass(frozen=True)
class Lines:
    """lower_slope x + lower_offset ≤ f(x) ≤ upper_slope x + upper_offset on [l, u].

    Attributes:
        lower_offset: None stands for 0.
        free: where it is given, every lower slope between its two ends is right too, with the
            same offset.
    """

    lower_slope: Tensor
    lower_offset: Tensor | None
    upper_slope: Tensor
    upper_offset: Tensor
    free: tuple[Tensor, Tensor] | None = None

    def map(self, function: Function) -> "Lines":
        """Slopes and offsets that a function of tensors makes of these."""
        return Lines(
            function(self.lower_slope),
            None if self.lower_offset is None else function(self.lower_offset),
            function(self.upper_slope),
            function(self.upper_offset),
        )


def chord_of_size(x: Interval) -> tuple[Tensor, Tensor]:
    """The slope and the offset of the chord above |·| over each interval."""
    low, high = x.lower, x.upper
    both = (low < 0) & (high > 0)
    width = torch.where(both, high - low, torch.ones_like(low))
    side = torch.where(low >= 0, torch.ones_like(low), -torch.ones_like(low))
    slope = torch.where(both, (high + low) / width, side)
    if x.arithmetic.outwards:
        return slope, _right_offset(slope, -torch.ones_like(low), x, above=True)
    return slope, torch.where(both, -2 * low * high / width, torch.zeros_like(low))


def rectified(slope: float | Tensor, x: Interval) -> Lines:
    """Lines around x for x ≥ 0 and s x below: a chord, and a line through 0 on the other side.

    The slope of the line through 0 may be anything between 1 and s; of these two it is the one
    that is nearer to the function in the middle of the interval.

    References:
        zhang2018 (the adaptive choice, CROWN-Ada).
    """
    lines = _rectified(slope, x)
    if not x.arithmetic.outwards:
        return lines
    left = torch.as_tensor(slope, dtype=x.lower.dtype, device=x.lower.device)
    over = _right_offset(lines.upper_slope, left, x, above=True)
    if lines.lower_offset is None:  # a line through 0 is right as it is
        below = _where_finite(torch.zeros_like(over), x)
    else:
        below = _right_offset(lines.lower_slope, left, x, above=False)
    return replace(lines, lower_offset=below, upper_offset=over)


def _rectified(slope: float | Tensor, x: Interval) -> Lines:
    low, high = x.lower, x.upper
    left = torch.as_tensor(slope, dtype=low.dtype, device=low.device).expand_as(low)
    one, zero = torch.ones_like(low), torch.zeros_like(low)
    kink = (low < 0) & (high > 0)
    width = torch.where(kink, high - low, one)
    straight = torch.where(low >= 0, one, left)
    chord = torch.where(kink, (high - left * low) / width, straight)
    offset = torch.where(kink, low * (left - chord), zero)
    ray = torch.where(kink & (high > -low), one, straight)
    if not isinstance(slope, Tensor):  # then it is at most 1: the chord lies above
        free = (torch.where(low >= 0, one, left), torch.where(high <= 0, left, one))
        return Lines(ray, None, chord, offset, free)
    convex = left <= 1
    return Lines(
        torch.where(convex, ray, chord),
        torch.where(convex, zero, offset),
        torch.where(convex, chord, ray),
        torch.where(convex, offset, zero),
    )


def _right_offset(line: Tensor, left: Tensor, x: Interval, *, above: bool) -> Tensor:
    """The offset of a line with any slope a around x for x ≥ 0 and s x below.

    The function and the line differ most at an end of [l, u] or at 0, so that the offset is
    max(f(l) − a l, f(u) − a u, 0) above, and the least of the three below, each computed with a
    bound of its three roundings. Without a kink, a is the slope of the function. Where a bound
    of x is not finite, nothing is known, and the offset says so.
    """
    low, high, arithmetic = x.lower, x.upper, x.arithmetic
    right = torch.zeros_like(low)
    for value, at in ((left * low, low), (high, high)):
        product = line * at
        loss = arithmetic.up((value.abs() + product.abs()) * arithmetic.gamma(4))
        loss = arithmetic.up(loss + arithmetic.tiny)
        if above:
            right = right.maximum(arithmetic.up(value - product + loss))
        else:
            right = right.minimum(arithmetic.down(value - product - loss))
    kink = (low < 0) & (high > 0)
    return _where_finite(torch.where(kink, right, torch.zeros_like(low)), x)


def _where_finite(offset: Tensor, x: Interval) -> Tensor:
    """The offset; NaN, which says nothing, where a bound of x is not finite."""
    bounded = x.lower.isfinite() & x.upper.isfinite()
    return torch.where(bounded, offset, torch.full_like(offset, torch.nan))


def enclosing(
    function: Function,
    curvature: Profile,
    x: Interval,
    values: Callable[[Interval], Interval] | None = None,
) -> Lines:
    """Lines around a function of known curvature, as near as can be in the middle of [l, u].

    Of all lines above f on [l, u], the one that is lowest at the midpoint c (and so has the
    least area below it) supports the concave envelope of f at c: its slope a minimises
    max_x (f(x) − a x) + a c, a convex function of a. It is a chord, or a tangent, or both.
    Below, the same is done with −f.

    Whatever the slope is, the offset max_x (f(x) − a x) over [l, u] is bounded rigorously from
    the curvature: it is attained at an end, at a knot, or inside a concave piece, and there f
    lies below each of its tangents. Slopes are constants for differentiation (their derivative
    does not move the line at c, where it is least); offsets are differentiated.

    Where the arithmetic rounds outwards, both offsets are moved by their errors. Each is the
    largest value of f(t) − a t at a few places t, or of a tangent's f(t) − a t + (f'(t) − a)
    (s − t). With u the unit roundoff and M, F and D the largest |t|, |f| and |f'|: f is
    computed to within 24 u (1 + M + F) (see `gnomon.algebra.accuracy`), and f', which is made
    of the same functions, is taken to be within 32 u (1 + D), times |s − t| ≤ 2 M. With the
    products and sums that is less than 128 u (1 + M + F) (1 + |a| + D).

    Args:
        function: computed by torch.
        curvature: of the function.
        x: where.
        values: encloses the function there; needed where the arithmetic rounds outwards.
    """
    curvature = curvature.beside(x.lower)
    above = _Above(function, curvature)
    below = _Above(lambda value: -function(value), curvature.negative)
    up, down = above.slope(x), below.slope(x)
    lines = Lines(-down, -below.offset(down, x), up, above.offset(up, x))
    if not x.arithmetic.outwards:
        return lines
    assert values is not None
    return _moved(lines, x, 1 + most(x) + most(values(x)), above.steepest(x))


def _moved(lines: Lines, x: Interval, scale: Tensor, steepest: Tensor) -> Lines:
    """The lines, with offsets moved outward by the errors that `enclosing` states."""
    arithmetic = x.arithmetic
    assert lines.lower_offset is not None
    below, over = (
        scale * (1 + slope.abs() + steepest) * arithmetic.gamma(_ROUNDINGS)
        for slope in (lines.lower_slope, lines.upper_slope)
    )
    return replace(
        lines,
        lower_offset=_where_finite(arithmetic.down(lines.lower_offset - below), x),
        upper_offset=_where_finite(arithmetic.up(lines.upper_offset + over), x),
    )


def level(x: Interval) -> Lines:
    """The lines without slope around the values in an interval."""
    zero = torch.zeros_like(x.lower)
    return Lines(zero, x.lower, zero, x.upper)


class _Above:
    """The lines above a function."""

    def __init__(self, function: Function, curvature: Profile) -> None:
        self.function, self.curvature = function, curvature
        self.concave = [piece[:2] for piece in curvature.pieces if piece[2] == "-"]

    def slope(self, x: Interval) -> Tensor:
        """The slope of the best line: by bisection of the convex function of a, see above."""
        with torch.no_grad():
            low, high = x.lower.detach(), x.upper.detach()
            middle, tables = (low + high) / 2, self._tables(low)
            least, most = self._extreme_slopes(low, high)
            touching, inside = middle, torch.zeros_like(middle, dtype=torch.bool)
            for _ in range(_BISECTIONS):
                slope = (least + most) / 2
                touching, inside = self._highest(slope, low, high, tables)
                right = touching > middle
                least = torch.where(right, slope, least)
                most = torch.where(right, most, slope)
            slope = (least + most) / 2
            return torch.where(inside, self._derivative(touching), slope)

    def offset(self, slope: Tensor, x: Interval) -> Tensor:
        """At least f(t) − slope · t for all t in the interval."""
        low, high = x.lower, x.upper
        tables = self._tables(low)
        places = [low, high, *(low.clamp_min(knot).minimum(high) for knot in self.knots)]
        best = torch.stack([self.function(at) - slope * at for at in places]).amax(0)
        for (start, end), table in zip(self.concave, tables, strict=True):
            first, last = (low.clamp_min(point).minimum(high) for point in (start, end))
            with torch.no_grad():
                at = _inverse(table, slope).maximum(first).minimum(last)
                excess = self._derivative(at) - slope
            tangent = self.function(at) - slope * at
            most = tangent + (excess * (first - at)).maximum(excess * (last - at))
            best = torch.where(first < last, best.maximum(most), best)
        return best + self.curvature.slack

    def steepest(self, x: Interval) -> Tensor:
        """The largest size of a slope in the interval."""
        with torch.no_grad():
            least, greatest = self._extreme_slopes(x.lower, x.upper)
            return least.abs().maximum(greatest.abs())

    @property
    def knots(self) -> tuple[Fact, ...]:
        return self.curvature.knots

    def _highest(
        self, slope: Tensor, low: Tensor, high: Tensor, tables: list[tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, Tensor]:
        """The place where f(t) − slope · t is largest, and whether a tangent touches there."""
        inner = torch.zeros_like(low, dtype=torch.bool)
        best, value = low, self.function(low) - slope * low
        places = [(high, inner)]
        places += [(low.clamp_min(knot).minimum(high), inner) for knot in self.knots]
        for (start, end), table in zip(self.concave, tables, strict=True):
            first, last = (low.clamp_min(point).minimum(high) for point in (start, end))
            free = _inverse(table, slope)
            places.append((free.maximum(first).minimum(last), (free > first) & (free < last)))
        tangent = inner
        for at, touches in places:
            found = self.function(at) - slope * at
            better = found > value
            best, value = torch.where(better, at, best), torch.where(better, found, value)
            tangent = torch.where(better, touches, tangent)
        return best, tangent

    def _extreme_slopes(self, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
        """The least and largest slope in the interval; slopes are monotone between knots."""
        near = [knot + side for knot in self.knots for side in (-_ASIDE, _ASIDE)]
        places = [low, high, *(low.clamp_min(point).minimum(high) for point in near)]
        slopes = torch.stack([self._derivative(at) for at in places])
        return slopes.amin(0), slopes.amax(0)

    def _derivative(self, at: Tensor) -> Tensor:
        back = torch.func.vjp(self.function, at)[1]
        return back(torch.ones_like(at))[0].detach()

    def _tables(self, like: Tensor) -> list[tuple[Tensor, Tensor]]:
        """For each concave piece: rising slopes, and the places that have them.

        They lie along the first axis, before those of the channels by which knots differ.
        """
        made: list[tuple[Tensor, Tensor]] = []
        for start, end in self.concave:
            at = _places(start, end, like)
            slopes = self._derivative(at).cummax(0).values  # rounding may bend a flat tail
            made.append((slopes.to(like.dtype), at.to(like.dtype)))
        return made


def _places(start: Fact, end: Fact, like: Tensor) -> Tensor:
    """Places of a piece between two knots, falling, for a table of slopes."""
    shares = torch.linspace(0, 1, _NODES, dtype=torch.float64, device=like.device)
    if isinstance(start, float | int) and isinstance(end, float | int):
        first, last = max(start + _ASIDE, -_REACH), min(end - _ASIDE, _REACH)
        return torch.linspace(last, first, _NODES, dtype=shares.dtype, device=like.device)
    low, high = (
        torch.as_tensor(each, dtype=shares.dtype, device=like.device) for each in (start, end)
    )
    first, last = (low + _ASIDE).clamp(-_REACH, _REACH), (high - _ASIDE).clamp(-_REACH, _REACH)
    return last + shares.reshape(-1, *[1] * (first + last).ndim) * (first - last)


def _inverse(table: tuple[Tensor, Tensor], slope: Tensor) -> Tensor:
    """The place where the slope is about so large, by linear interpolation in a table."""
    slopes, places = table
    rows = slope.detach()
    if slopes.ndim > 1:  # a table for each channel, which lies along the second axis of slopes
        slopes, places = (each.flatten(1).T.contiguous() for each in table)
        rows = rows.movedim(1, 0).flatten(1)
    index = torch.searchsorted(slopes, rows.contiguous()).clamp(1, slopes.shape[-1] - 1)
    if slopes.ndim == 1:
        low, high, left, right = (
            each[index - step] for each in (slopes, places) for step in (1, 0)
        )
    else:
        low, high, left, right = (
            each.gather(1, index - step) for each in (slopes, places) for step in (1, 0)
        )
    share = ((rows - low) / (high - low).clamp_min(1e-30)).clamp(0, 1)
    at = left + share * (right - left)
    return (
        at if slopes.ndim == 1 else at.unflatten(1, slope.movedim(1, 0).shape[1:]).movedim(0, 1)
    )
