"""Locates the points at which the boundary of a class crosses the edges of a grid.

Marching squares finds which edges are crossed, and how the crossings are joined; the place of
a crossing on its edge is then located by a bracketing root search on the network itself.
"""

import contourpy
import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray

from gnomon.representation.grid import NO_ANSWER, Grid
from gnomon.representation.leads import lead_of

Places = Float[np.ndarray, " _ two"]
"""Points in units of the grid: columns and rows."""
_MOST_STEPS = 60
_PRECISE, _COARSE = 1e-9, 1e-5
"""Largest distance of a vertex from the true crossing, in cells: float64, and below."""


def outlines(grid: Grid) -> list[list[Places]]:
    """The lines around the region of each class, as points of the grid's edges.

    A closed line ends where it begins; the others end at the window, or where there is no
    answer. Two corners of a cell that touch only across it are kept apart.
    """
    rough = [
        _marching_squares(grid.inside == label, grid.inside == NO_ANSWER)
        for label in range(grid.logits.shape[1])
    ]
    lines = [line for several in rough for line in several]
    if not lines:
        return rough
    counts = [sum(len(line) for line in several) for several in rough]
    classes = np.repeat(np.arange(len(rough)), counts)
    exact = _exact(grid, np.concatenate(lines), classes)
    parts = iter(np.split(exact, np.cumsum([len(line) for line in lines])[:-1]))
    return [[next(parts) for _ in several] for several in rough]


def _marching_squares(
    region: NDArray[np.bool_], unknown: NDArray[np.bool_]
) -> list[NDArray[np.float64]]:
    """The lines through the middles of the edges between the region and the rest.

    From ±1 instead of the leads themselves every vertex is the exact middle of its edge, so
    that the edge can be read off it.
    """
    if not region.any():
        return []
    signs = np.ma.array(np.where(region, 1.0, -1.0), mask=unknown)
    contours = contourpy.contour_generator(
        z=signs, corner_mask=False, line_type=contourpy.LineType.Separate
    )
    return [np.asarray(line, dtype=np.float64) for line in contours.lines(0.0)]


def _exact(grid: Grid, middles: Places, classes: NDArray[np.int64]) -> Places:
    """Moves the middle of each crossed edge to where the lead of the class is zero."""
    from scipy.optimize import elementwise  # noqa: PLC0415 - slow to import

    low, high = np.floor(middles), np.ceil(middles)
    search = _Search(grid, low, high, classes)
    tolerance = _PRECISE if grid.between.dtype == torch.float64 else _COARSE
    roots = elementwise.find_root(
        search.leads,
        (np.zeros(len(low)), np.ones(len(low))),
        args=(np.arange(len(low), dtype=np.float64),),
        tolerances={"xatol": tolerance, "xrtol": 0, "fatol": 0, "frtol": 0},
        maxiter=_MOST_STEPS,
    )
    share = np.where(roots.success, roots.x, search.linear())
    return low + share[:, None] * (high - low)


class _Search:
    """The lead of class k_i at the share t of edge i: zero on the boundary of k_i's region."""

    def __init__(
        self, grid: Grid, low: Places, high: Places, classes: NDArray[np.int64]
    ) -> None:
        self._grid, self._low, self._high = grid, low, high
        self._classes = torch.from_numpy(classes)
        ends = np.hstack([low, high])
        self._edges = np.unique(ends, axis=0, return_inverse=True)[1].ravel()
        self._at_low, self._at_high = self._known(low), self._known(high)

    def leads(
        self, shares: NDArray[np.float64], which: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The leads at shares of the edges with the numbers `which`; ends are from the grid."""
        edge = which.astype(np.int64)
        leads = np.where(shares <= 0, self._at_low[edge], self._at_high[edge])
        between = (shares > 0) & (shares < 1)
        if between.any():
            leads[between] = self._ask(shares[between], edge[between])
        return leads

    def linear(self) -> NDArray[np.float64]:
        """The crossing by linear interpolation, for edges where the network has no answer."""
        span = self._at_low - self._at_high
        return np.clip(self._at_low / np.where(span == 0, 1.0, span), 0, 1)

    def _ask(self, shares: NDArray[np.float64], edge: NDArray[np.int64]) -> NDArray[np.float64]:
        """Evaluates each point once, though two classes that meet on an edge ask for it."""
        asked = np.stack([self._edges[edge].astype(np.float64), shares], axis=1)
        _, first, inverse = np.unique(asked, axis=0, return_index=True, return_inverse=True)
        low, high = self._low[edge[first]], self._high[edge[first]]
        places = torch.from_numpy(low + shares[first, None] * (high - low))
        logits = self._grid.between.logits(self._grid.coordinates(places)).cpu()
        return lead_of(logits[inverse.ravel()], self._classes[edge]).numpy()

    def _known(self, places: Places) -> NDArray[np.float64]:
        columns, rows = places.astype(np.int64).T
        points = torch.from_numpy(rows * self._grid.resolution + columns)
        return lead_of(self._grid.logits[points], self._classes).numpy()
