"""Facts about a function of one variable, read off its values on a fine grid."""

import itertools

import numpy as np
import torch

from gnomon.activations import Activation

REACH, STEP = 30.0, 1e-3


def grid() -> torch.Tensor:
    """Points from −30 to 30, a thousandth apart, 0 among them; float64."""
    return torch.arange(-REACH / STEP, REACH / STEP + 1, dtype=torch.float64) * STEP


def values(function: Activation) -> np.ndarray:
    """The function on the grid."""
    with torch.no_grad():
        return function(grid()).numpy()


def slopes(function: Activation) -> np.ndarray:
    """Difference quotients between neighbours, each a mean of the derivative."""
    return np.diff(values(function)) / STEP


def sign_changes_of_the_slope(function: Activation) -> list[float]:
    """Where the slope goes from clearly rising to clearly falling or back (to a grid step)."""
    quotients = slopes(function)
    signs = np.where(np.abs(quotients) < 1e-9, 0, np.sign(quotients))
    where = np.flatnonzero(signs)
    return [
        float(-REACH + STEP * (right + left + 1) / 2)
        for left, right in itertools.pairwise(where)
        if signs[left] != signs[right]
    ]


def jumps_of_a_derivative(function: Activation) -> list[float]:
    """Where the first or second derivative jumps: its differences are far above the grid's."""
    found: set[float] = set()
    for order in (2, 3):
        differences = np.abs(np.diff(values(function), n=order)) / STEP ** (order - 1)
        found |= {
            round(-REACH + STEP * (index + order / 2), 1)
            for index in np.flatnonzero(differences > 0.1)
        }
    return sorted(found)
