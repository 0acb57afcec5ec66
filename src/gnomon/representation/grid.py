"""Evaluates a network on a regular grid of points of a plane."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy.typing import NDArray
from torch import Tensor

from gnomon.representation.leads import Evaluator, lead_of
from gnomon.representation.plane import Plane
from gnomon.shapes import Logits

NO_ANSWER, TIED = -1, -2
"""Numbers in place of a class: a logit is not finite; several classes share the largest."""


@dataclass(frozen=True, eq=False)
class Grid:
    """The logits at the points of a window; column and row 0 lie at x_low and y_low.

    Attributes:
        plane: the window, and the plane that it is on.
        resolution: number of points in each direction.
        logits: the logits at the points, row by row, on the CPU.
        inside: the class whose logit is larger than all others; `TIED` on a boundary that runs
            through a point; `NO_ANSWER` where a logit is not finite, and at the corners of a
            cell without a largest logit at any corner.
        between: the network, to be evaluated between the points.
    """

    plane: Plane
    resolution: int
    logits: Logits
    inside: Int64[np.ndarray, " rows columns"]
    between: Evaluator

    @classmethod
    def of(cls, own: Evaluator, between: Evaluator, resolution: int) -> "Grid":
        """Evaluates the network `own` at every point."""
        logits = own.logits(places_on(own.plane, resolution)).cpu()
        finite = logits.isfinite().all(dim=1)
        best = logits.nan_to_num().argmax(dim=1)
        inside = torch.where(lead_of(logits, best) > 0, best, TIED)
        inside = torch.where(finite, inside, NO_ANSWER).reshape(resolution, resolution)
        return cls(own.plane, resolution, logits, _without_plateaus(inside.numpy()), between)

    @property
    def step(self) -> NDArray[np.float64]:
        """The width and height of a cell, in the data's unit."""
        x_low, x_high, y_low, y_high = self.plane.window
        return np.array([x_high - x_low, y_high - y_low]) / (self.resolution - 1)

    @property
    def classes(self) -> Int64[np.ndarray, " rows columns"]:
        """The class at each point, the first of those that are tied; `NO_ANSWER`."""
        first = self.logits.nan_to_num().argmax(dim=1).numpy().reshape(self.inside.shape)
        return np.where(self.inside == TIED, first, self.inside)

    @property
    def lead(self) -> Float[Tensor, " rows columns"]:
        """The largest logit minus the next; NaN where the network has no answer."""
        best = self.logits.nan_to_num().argmax(dim=1)
        lead = lead_of(self.logits, best).reshape(self.inside.shape)
        return lead.masked_fill(torch.from_numpy(self.inside == NO_ANSWER), torch.nan)

    def coordinates(self, places: Float[Tensor, " points two"]) -> Float[Tensor, " points two"]:
        """The (x, y) of places given as columns and rows, between the points too."""
        x_low, _, y_low, _ = self.plane.window
        low = torch.tensor([x_low, y_low], dtype=torch.float64)
        return low + places * torch.from_numpy(self.step)


def places_on(plane: Plane, resolution: int) -> Float[Tensor, " points two"]:
    """The (x, y) of the points of the grid, row by row."""
    x_low, x_high, y_low, y_high = plane.window
    x = torch.linspace(x_low, x_high, resolution, dtype=torch.float64)
    y = torch.linspace(y_low, y_high, resolution, dtype=torch.float64)
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([columns.flatten(), rows.flatten()], dim=1)


def _without_plateaus(inside: NDArray[np.int64]) -> NDArray[np.int64]:
    """Marks cells with no largest logit at any corner, areas and not lines, as unanswered."""
    void = inside < 0
    cells = void[:-1, :-1] & void[1:, :-1] & void[:-1, 1:] & void[1:, 1:]
    plateau = np.zeros_like(void)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            plateau[rows, columns] |= cells
    return np.where(plateau, NO_ANSWER, inside)
