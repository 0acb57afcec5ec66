"""Computes the decision boundary of a network on a plane, and its complexity."""

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from gnomon.errors import SettingError
from gnomon.representation.crossings import Places, outlines
from gnomon.representation.grid import NO_ANSWER, Grid, places_on
from gnomon.representation.leads import Evaluator
from gnomon.representation.plane import Plane
from gnomon.sets import Domain

Polyline = Float[Tensor, " _ two"]
_NEAR = 0.1
"""Smallest distance of two vertices, in cells, whose direction is not rounding error."""
_SAME = 1e-6
"""Distance of two vertices, in cells, below which they are the same point."""
_ROUNDING = 1e-9
"""Distance outside the domain, in the data's unit, up to which an input counts as inside."""


@dataclass(frozen=True, eq=False)
class DecisionBoundary:
    """The points of a window at which the largest logit changes from one class to another.

    Each piece of it separates two classes, and is computed once for either of them: as the zero
    set of the lead z_k − max_{j≠k} z_j of each class k. Sums over the classes are halved.

    Attributes:
        plane: the plane, and the window on it.
        classes: (rows, columns) the class at each point of the grid, rows from y_low to y_high
            and columns from x_low to x_high; where several share the largest logit the first
            of them; −1 where there is no answer.
        lead: the largest logit minus the next; NaN without an answer.
        excess: distance by which the outermost coordinate of the input lies outside the domain
            (negative inside); None for data without a domain.
        polylines: the lines around the region of each class, as (x, y) on the plane. Each
            vertex lies on an edge of the grid, at the true boundary. A closed line ends where
            it begins; the edge of the window is not part of the boundary.
        length: length of the boundary, in the data's unit.
        turning: ∫ |κ| ds, in radians: the sum of the absolute angles by which the lines turn
            at their vertices. A smooth closed convex curve has 2π; at a point where regions of
            opening angles α_i meet it is ½ Σ |π − α_i|.
        area: area of the cells whose four corners have an answer, in the unit's square.
        components: number of connected parts of the boundary. Parts that pass through the same
            cell of the grid count as connected.
        regions: number of connected parts of the decision regions. Two points of the grid are
            connected if they are neighbours in a row or column, and have the same class. Parts
            smaller than a cell are not seen.
        shares: the share of the points of the grid in each class.
        unanswered: the share of the points of the grid without an answer: a logit is not
            finite, or the largest one is shared at all corners of a cell.
        outside: the share of the points of the grid outside the domain; None without a domain.
        precision: the precision in which the vertices were computed, such as "float64".
    """

    plane: Plane
    classes: Int[Tensor, " rows columns"]
    lead: Float[Tensor, " rows columns"]
    excess: Float[Tensor, " rows columns"] | None
    polylines: tuple[tuple[Polyline, ...], ...]
    length: float
    turning: float
    area: float
    components: int
    regions: int
    shares: tuple[float, ...]
    unanswered: float
    outside: float | None
    precision: str

    @property
    def density(self) -> float | None:
        """The length per area, in 1 / unit; None where the network has no answer at all."""
        return self.length / self.area if self.area else None

    @property
    def mean_curvature(self) -> float | None:
        """The turning per length, in 1 / unit: 1/r for a circle; None without a boundary."""
        return self.turning / self.length if self.length else None


def decision_boundary(
    network: nn.Module,
    plane: Plane,
    *,
    resolution: int = 240,
    batch: int = 500,
    domain: Domain = None,
    precision: torch.dtype = torch.float64,
) -> DecisionBoundary:
    """The boundary inside the plane's window, with its complexity.

    The network is evaluated, in its own precision, on `resolution` × `resolution` points;
    marching squares joins the edges of this grid on which the class changes; the crossing on
    each edge is located by Chandrupatla's root search. What is smaller than a cell is missed.

    Args:
        network: any classifier; it is left as it was.
        plane: the plane, with the window to evaluate.
        resolution: number of points in each direction.
        batch: number of points evaluated at a time.
        domain: the domain of the data; points outside it are counted.
        precision: the precision of the root search, in a copy of the network. float64 places
            vertices within 1e-9 cells; float32, and a network that runs in nothing else, within
            1e-5 cells or its rounding.

    Raises:
        SettingError: fewer than two points in a direction.
        ShapeError: the network's output is not (batch, classes).

    References:
        lorensen1987 (marching cubes, here in the plane), chandrupatla1997.
    """
    if resolution < 2:
        raise SettingError(
            f"decision_boundary: expected a resolution of 2 or more, got {resolution}. Ask for "
            "more points."
        )
    own = Evaluator.own(network, plane, batch)
    grid = Grid.of(own, own.precise(precision), resolution)
    excess = None if domain is None else _excess(grid, domain, batch)
    return _measured(grid, outlines(grid), excess)


def _measured(grid: Grid, lines: list[list[Places]], excess: Tensor | None) -> DecisionBoundary:
    flat = [line for several in lines for line in several]
    classes, device = grid.classes, grid.plane.origin.device
    return DecisionBoundary(
        plane=grid.plane,
        classes=torch.from_numpy(classes).to(device),
        lead=grid.lead.to(device),
        excess=excess,
        polylines=tuple(
            tuple(grid.coordinates(torch.from_numpy(line)).to(device) for line in several)
            for several in lines
        ),
        length=sum(_length(line, grid.step) for line in flat) / 2,
        turning=sum(_turning(line, grid.step) for line in flat) / 2,
        area=float(_answered(grid.inside).sum() * grid.step.prod()),
        components=_components(grid.inside),
        regions=_regions(grid.inside, len(lines)),
        shares=tuple(float((classes == label).mean()) for label in range(len(lines))),
        unanswered=float((classes == NO_ANSWER).mean()),
        outside=None if excess is None else float((excess > _ROUNDING).double().mean()),
        precision=str(grid.between.dtype).removeprefix("torch."),
    )


def _excess(grid: Grid, domain: tuple[float, float], batch: int) -> Tensor:
    """The distance by which each grid point's outermost coordinate lies outside the domain."""
    low, high = domain
    parts = [
        torch.maximum(low - points, points - high).flatten(1).amax(dim=1)
        for part in places_on(grid.plane, grid.resolution).split(batch)
        for points in [grid.plane.points(part)]
    ]
    return torch.cat(parts).reshape(grid.resolution, grid.resolution)


def _length(line: Places, step: NDArray[np.float64]) -> float:
    return float(np.hypot(*(np.diff(line, axis=0) * step).T).sum())


def _turning(line: Places, step: NDArray[np.float64]) -> float:
    """The sum Σ |angle| over the vertices, including the common end of a closed line.

    Vertices that nearly coincide are taken as one: the direction between them is rounding
    error. What remains is still inscribed in the boundary, so that a convex curve keeps 2π.
    """
    closed = len(line) > 2 and bool((line[0] == line[-1]).all())
    kept = _apart(line, _NEAR, closed=closed)
    if closed and len(kept) < 3:
        kept = _apart(line, _SAME, closed=closed)
    if closed:
        kept = np.concatenate([kept, kept[:2]])
    if len(kept) < 3:
        return 0.0
    x, y = (np.diff(kept, axis=0) * step).T
    cross, dot = x[:-1] * y[1:] - y[:-1] * x[1:], x[:-1] * x[1:] + y[:-1] * y[1:]
    return float(np.abs(np.arctan2(cross, dot)).sum())


def _apart(line: Places, distance: float, *, closed: bool) -> NDArray[np.float64]:
    """The vertices that are further than this from the one before; of a closed line, once."""
    before = np.roll(line[:-1], 1, axis=0) if closed else line[:-1]
    after = line[:-1] if closed else line[1:]
    far = np.hypot(*(after - before).T) > distance
    return after[far] if closed else np.concatenate([line[:1], after[far]])


def _answered(inside: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The cells with an answer at each corner."""
    known = inside != NO_ANSWER
    return known[:-1, :-1] & known[1:, :-1] & known[:-1, 1:] & known[1:, 1:]


def _components(inside: NDArray[np.int64]) -> int:
    """Counts connected parts: cells with boundary are joined across each edge it crosses.

    Between two points on the boundary itself it runs along the edge, which counts as crossed.
    """
    answered = _answered(inside)
    upright = (inside[1:] != inside[:-1]) | (inside[1:] < 0)
    level = (inside[:, 1:] != inside[:, :-1]) | (inside[:, 1:] < 0)
    passed = answered & (upright[:, 1:] | upright[:, :-1] | level[1:] | level[:-1])
    number = np.where(passed, np.cumsum(passed).reshape(passed.shape) - 1, -1)
    beside = (passed[:, 1:] & passed[:, :-1]) & upright[:, 1:-1]
    below = (passed[1:] & passed[:-1]) & level[1:-1]
    one = np.concatenate([number[:, 1:][beside], number[1:][below]])
    other = np.concatenate([number[:, :-1][beside], number[:-1][below]])
    count = int(passed.sum())
    if not count:
        return 0
    from scipy.sparse import coo_array  # noqa: PLC0415 - slow to import
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - slow to import

    links = coo_array((np.ones(len(one)), (one, other)), shape=(count, count))
    return int(connected_components(links, directed=False, return_labels=False))


def _regions(inside: NDArray[np.int64], classes: int) -> int:
    """Counts connected parts of each class; points on the boundary itself join nothing."""
    from scipy import ndimage  # noqa: PLC0415 - slow to import

    parts = (ndimage.label(inside == label) for label in range(classes))
    return sum(cast("tuple[NDArray[np.int32], int]", each)[1] for each in parts)
