"""Linear relaxations: the line with the narrowest strip that holds a function's graph."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from gnomon.activations import Profile

Relaxation = tuple[Tensor, Tensor, Tensor]
"""Slope λ, offset μ and error δ with |f(t) − λ t − μ| ≤ δ on [l, u]."""

_SAMPLES = 24
_SHORTEST = 1e-3
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Curve:
    """A continuous function of one coordinate, and where it bends upwards and downwards."""

    function: Callable[[Tensor], Tensor]
    curvature: Profile

    def __call__(self, lower: Tensor, upper: Tensor) -> Relaxation:
        """The relaxation of (nearly) the least error on [lower, upper].

        For a convex or a concave function the slope is the chord's, which is best (for ReLU
        u / (u − l) between l < 0 < u). For others it is the best of five slopes: the chord's,
        and the steepest and flattest chords from either end, one of which the best slope is for
        a function that bends once.

        Whatever the slope is, the error is exact up to rounding: f(t) − λ t takes its extremes
        at an end, at a knot, or once between two knots.

        References:
            singh2018 (ReLU); comba1993 (Chebyshev approximation).
        """
        slope = self._slope(lower, upper)
        least, greatest = self._range(slope, lower, upper)
        error = (greatest - least) / 2 + self.curvature.slack
        return slope, (least + greatest) / 2, error

    def _slope(self, lower: Tensor, upper: Tensor) -> Tensor:
        chord = _chord(self.function, lower, upper)
        corners = len(self.curvature.knots)
        if corners == 0 or (corners == 1 and self.curvature.bends == "00"):
            return chord
        samples = _between(lower, upper, _fractions(_SAMPLES, lower))
        places = torch.cat([samples, torch.stack(self._places(lower, upper))])
        values = _along(self.function, places)
        slopes, least = [chord], _SHORTEST * (upper - lower)
        for end in (lower, upper):
            chords = _ratio(values - self.function(end), places - end, chord, least)
            slopes += [chords.amin(0), chords.amax(0)]
        with torch.no_grad():
            strips = [_spread(values - slope * places) for slope in slopes]
            best = torch.stack(strips).argmin(0, keepdim=True)
        return torch.stack(slopes).gather(0, best)[0]

    def _range(self, slope: Tensor, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
        """The least and the greatest value of f(t) − slope · t."""

        def above(t: Tensor) -> Tensor:
            return self.function(t) - slope * t

        places = self._places(lower, upper)
        values = torch.stack([above(place) for place in places])
        least, greatest = values.amin(0), values.amax(0)
        for (a, b), bend in zip(pairwise(places), self.curvature.bends, strict=True):
            if bend == "+":
                least = least.minimum(_least_between(above, a, b))
            elif bend == "-":
                greatest = greatest.maximum(-_least_between(lambda t: -above(t), a, b))
        return least, greatest

    def _places(self, lower: Tensor, upper: Tensor) -> list[Tensor]:
        """The ends, and between them the knots; a knot outside becomes the end next to it."""
        knots = [
            lower.clamp_min(knot).minimum(upper) for knot in self.curvature.beside(lower).knots
        ]
        return [lower, *knots, upper]


def _chord(f: Callable[[Tensor], Tensor], start: Tensor, end: Tensor) -> Tensor:
    """The slope of the chord; of a very short one around the place where both coincide."""
    step = torch.finfo(start.dtype).eps ** (1 / 3) * (1 + start.abs())
    there = (f(start + step) - f(start - step)) / (2 * step)
    return _ratio(f(end) - f(start), end - start, there, torch.zeros_like(start))


def _ratio(rise: Tensor, run: Tensor, otherwise: Tensor, least: Tensor) -> Tensor:
    """The quotient, or something else where the denominator is too short for a good one."""
    apart = run.abs() > least
    return torch.where(apart, rise / torch.where(apart, run, torch.ones_like(run)), otherwise)


def _along(f: Callable[[Tensor], Tensor], places: Tensor) -> Tensor:
    """The values at places along a new first axis; channels stay where f expects them."""
    return f(places.flatten(0, 1)).reshape(places.shape) if places.ndim > 2 else f(places)


def _spread(values: Tensor) -> Tensor:
    return values.amax(0) - values.amin(0)


def _fractions(number: int, like: Tensor) -> Tensor:
    """Numbers from 0 to 1 along a new first axis."""
    fractions = torch.linspace(0, 1, number, dtype=like.dtype, device=like.device)
    return fractions.reshape(-1, *[1] * like.ndim)


def _between(lower: Tensor, upper: Tensor, fractions: Tensor) -> Tensor:
    """Places between the ends, spaced evenly in sign(t) log(1 + |t|).

    So they are as dense around 0, where functions bend, for intervals of every width.
    """
    low, high = (end.sign() * end.abs().log1p() for end in (lower, upper))
    places = low + fractions * (high - low)
    return (places.sign() * places.abs().expm1()).maximum(lower).minimum(upper)


def _least_between(g: Callable[[Tensor], Tensor], a: Tensor, b: Tensor) -> Tensor:
    """A lower bound of a convex function between a and b, unless it is least at an end.

    Its minimum is found by golden-section search; it lies beyond the best value found by less
    than the last bracket's ends differ from it. The place is a constant for differentiation,
    since the slope vanishes there.
    """
    with torch.no_grad():
        share, error = _golden(lambda t: g(_between(a, b, t)), torch.zeros_like(a))
        place = _between(a, b, share)
        margin = 4 * _GOLDEN ** _steps(a)
        inside = (share > margin) & (share < 1 - margin) & (a < b)
    return torch.where(inside, g(place) - error, g(a))


def _golden(h: Callable[[Tensor], Tensor], low: Tensor) -> tuple[Tensor, Tensor]:
    """The place in [0, 1] where a convex function is least, and a bound on the gap below."""
    high = torch.ones_like(low)
    first, second = 1 - _GOLDEN + low, _GOLDEN + low
    at_first, at_second = h(first), h(second)
    for _ in range(_steps(low)):
        left = at_first <= at_second
        low, high = torch.where(left, low, first), torch.where(left, second, high)
        step = _GOLDEN * (high - low)
        fresh = torch.where(left, high - step, low + step)
        at_fresh = h(fresh)
        first, second = torch.where(left, fresh, second), torch.where(left, first, fresh)
        at_first, at_second = (
            torch.where(left, at_fresh, at_second),
            torch.where(left, at_first, at_fresh),
        )
    least = at_first.minimum(at_second)
    error = 2 * (h(low).maximum(h(high)) - least).clamp_min(0)
    return torch.where(at_first <= at_second, first, second), error


def _steps(like: Tensor) -> int:
    """The number of steps that make the bracket √ε; values in it differ by its square."""
    return math.ceil(math.log(torch.finfo(like.dtype).eps) / 2 / math.log(_GOLDEN))
