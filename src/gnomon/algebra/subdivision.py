"""Ranges and lines around activation functions about which facts are missing."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from gnomon.activations import Activation
from gnomon.algebra.dual import Dual
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.rounding import down, up
from gnomon.algebra.slope_ranges import slope_range
from gnomon.errors import UnsupportedOperationError

_CELLS = 32
"""Number of pieces into which each interval is cut, where slopes are known on each."""

_CELLS_ALONE = 64
"""Number of pieces where slopes are not known."""

_BISECTIONS = 24
"""Number of halvings of the range of slopes, in search of the best one."""


@dataclass(frozen=True, eq=False)
class Formula:
    """An activation function f as its formula says, evaluated on intervals.

    Each interval is cut into cells of half width h. Forward differentiation in interval
    arithmetic (`Dual`) gives the range of f' on each. Where its sign is known, f is extreme at
    the cell's ends; elsewhere f(m) ± h sup |f'| around the cell's middle m holds all values
    (the mean value form), too wide by no more than h² sup |f''|. Coefficients that vary in
    intervals are such in every evaluation.

    Where an operation's slope is not known, and where rounding is enclosed, only the range of
    the formula on each cell is left, which is too wide by no more than a multiple of h.

    Attributes:
        function: f.
        x: its argument: an interval, or a tensor if a coefficient is one.
    """

    function: Activation
    x: Any

    @cached_property
    def argument(self) -> Interval:
        """The argument as an interval."""
        if isinstance(self.x, Interval):
            return self.x
        owner, _, name = self.function.varying()[0].rpartition(".")
        box: Interval = vars(self.function.get_submodule(owner))[name]
        return box.like(self.x)

    def range(self, x: Interval) -> Interval:
        """Bounds of f over each coordinate's interval."""
        cells = self._cells(x)
        whole = self._run(x)
        lower = torch.where(cells.finite, cells.least().amin(0), whole.lower)
        upper = torch.where(cells.finite, cells.greatest().amax(0), whole.upper)
        return whole.cut(lower, upper)

    def lines(self, x: Interval) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Two lines around f on each interval: lower slope and offset, upper slope and offset.

        Each slope is the best one for the values at the cells' ends and middles; the offset is
        bounded over all cells, whatever the slope. Lines are level where an interval is
        unbounded.
        """
        cells = self._cells(x)
        above, below = cells.slope(), cells.mirrored.slope()
        zero = torch.zeros_like(above)
        above, below = (torch.where(cells.finite, each, zero) for each in (above, -below))
        whole = self._run(x)
        upper = torch.where(cells.finite, cells.greatest(above).amax(0), whole.upper)
        lower = torch.where(cells.finite, cells.least(below).amin(0), whole.lower)
        return below, lower, above, upper

    def _run(self, box: Interval) -> Interval:
        """The range that facts, or else the formula's operations, give for one box."""
        function = self.function
        fixed = not (function.varying() or box.arithmetic.outwards)
        if fixed and function.profile() is not None:
            return Interval.rules["activation"](function, box)
        result = function.formula(box)
        return result if isinstance(result, Interval) else box.like(result)

    def _slope(self, box: Interval) -> Interval | None:
        """The range of slopes in each box; None where it is not known."""
        if box.arithmetic.outwards:
            return None
        try:
            return slopes_of(self.function, box)
        except UnsupportedOperationError:
            return None

    def _cells(self, x: Interval) -> "_Cells":
        finite = (x.lower.isfinite() & x.upper.isfinite()).detach()
        low, high = (torch.where(finite, end, torch.zeros_like(end)) for end in x.parts)
        box = _cut(x, low, high, _CELLS)
        slope = self._slope(_joined(box))
        if slope is None:
            box = _cut(x, low, high, _CELLS_ALONE)
        count = len(box.lower)
        apart = _apart(self._run(_joined(box)), count, low)
        if slope is None:
            return _Cells(finite, box, apart)
        middles = (box.lower + box.upper) / 2
        places = torch.cat([box.lower, box.upper[-1:], middles])
        points = _apart(self._run(_joined(x.made(places, places))), len(places), low)
        ends = points.each(lambda part: part[: count + 1])
        inner = points.each(lambda part: part[count + 1 :])
        return _Cells(finite, box, apart, _apart(slope, count, low), ends, inner)


def slopes_of(function: Activation, x: Interval) -> Interval:
    """The range of slopes that an activation function has in each interval.

    Raises:
        UnsupportedOperationError: no facts are stated, and an operation has no known slope.
    """
    profile = None if function.varying() else function.profile()
    if profile is not None:
        return slope_range(function, profile, x)
    dual = function.formula(Dual(x, Interval.point(torch.ones_like(x.lower))))
    return dual.slope if isinstance(dual, Dual) else x.like(torch.zeros_like(x.lower))


@dataclass(frozen=True, eq=False)
class _Cells:
    """Ranges of a function and its slope on cells, which a new first axis counts.

    Attributes:
        finite: where all of this was computed.
        box: the cells.
        values: the range of f on each.
        slopes: that of its slope; None if it is not known, as what follows.
        ends: f at the cells' ends, one more than there are cells.
        inner: f at their middles.
    """

    finite: Tensor
    box: Interval
    values: Interval
    slopes: Interval | None = None
    ends: Interval | None = None
    inner: Interval | None = None

    @property
    def mirrored(self) -> "_Cells":
        """The same of −f."""
        parts = (self.values, self.slopes, self.ends, self.inner)
        values, *rest = (
            None if part is None else part.made(-part.upper, -part.lower) for part in parts
        )
        assert values is not None
        return _Cells(self.finite, self.box, values, *rest)

    def least(self, slope: Tensor | None = None) -> Tensor:
        """Lower bounds of f(t) − slope · t on each cell."""
        return -self.mirrored.greatest(None if slope is None else -slope)

    def greatest(self, slope: Tensor | None = None) -> Tensor:
        """Upper bounds of f(t) − slope · t on each cell."""
        start, end = self.box.parts
        whole = self.values.upper
        if slope is not None:
            line = (slope * start).minimum(slope * end)
            whole = whole - line
            if self.box.arithmetic.outwards:
                whole = up(self.values.upper - down(line))
        if self.slopes is None or self.ends is None or self.inner is None:
            return whole
        a = torch.zeros_like(start) if slope is None else slope
        least, most = self.slopes.lower - a, self.slopes.upper - a
        middle, half = (start + end) / 2, (end - start) / 2
        first = self.ends.upper[:-1] - a * start
        last = self.ends.upper[1:] - a * end
        around = self.inner.upper - a * middle + least.abs().maximum(most.abs()) * half
        tight = torch.where(least >= 0, last, torch.where(most <= 0, first, around))
        return torch.fmin(whole, tight)

    def slope(self) -> Tensor:
        """The slope of the lowest line at the middle of all cells above known values.

        It minimises max_i (f_i − a (t_i − c)) over a, a convex function, by bisection.
        """
        with torch.no_grad():
            places, values = self._samples()
            centre = (self.box.lower[0] + self.box.upper[-1]) / 2
            rises, runs = values.diff(dim=0), places.diff(dim=0)
            chords = torch.where(runs > 0, rises / torch.where(runs > 0, runs, 1.0), 0.0)
            least, most = chords.amin(0), chords.amax(0)
            for _ in range(_BISECTIONS):
                slope = (least + most) / 2
                index = (values - slope * places).argmax(0, keepdim=True)
                right = places.gather(0, index)[0] > centre
                least, most = torch.where(right, slope, least), torch.where(right, most, slope)
            return (least + most) / 2

    def _samples(self) -> tuple[Tensor, Tensor]:
        """Places in rising order, and upper bounds of f there."""
        start, end = self.box.parts
        if self.ends is None or self.inner is None:
            return (start + end) / 2, self.values.upper
        middles = torch.stack([start, (start + end) / 2], 1).flatten(0, 1)
        values = torch.stack([self.ends.upper[:-1], self.inner.upper], 1).flatten(0, 1)
        return torch.cat([middles, end[-1:]]), torch.cat([values, self.ends.upper[-1:]])


def _cut(x: Interval, low: Tensor, high: Tensor, count: int) -> Interval:
    """Cells that cover [low, high] without a gap, along a new first axis."""
    shares = torch.linspace(0, 1, count + 1, dtype=low.dtype, device=low.device)
    shares = shares.reshape(-1, *[1] * low.ndim)
    places = (low + shares * (high - low)).minimum(high)
    places = torch.cat([places[:-1], high[None]])
    return x.made(places[:-1], places[1:])


def _joined(box: Interval) -> Interval:
    """Cells as further examples, so that channels stay where coefficients expect them."""
    return box.each(torch.flatten, 0, 1) if box.ndim > 2 else box


def _apart(box: Interval, count: int, like: Tensor) -> Interval:
    """So many cells of a tensor's shape along an axis of their own again."""
    return box.each(torch.reshape, (count, *like.shape))
