"""Euclidean lengths and directions whose squares would over- or underflow."""

import torch
from torch import Tensor

from gnomon.sets.rounding import per_example


def scaled(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The rows divided by their largest size, and that size; a row of 0 is divided by 1.

    In float32 squares of numbers above 10¹⁹ overflow, and those below 10⁻²³ vanish; of the
    scaled rows they do neither, but for coordinates that do not count beside the largest.

    Args:
        rows: one vector for each entry of the first axis, of any further axes.
    """
    largest = _flat(rows.abs()).amax(dim=1) if rows.numel() else rows.new_ones(len(rows))
    largest = torch.where(largest > 0, largest, torch.ones_like(largest))
    return rows / per_example(largest, rows), largest


def length(rows: Tensor) -> Tensor:
    """The Euclidean length of each row."""
    small, largest = scaled(rows)
    return _flat(small).norm(dim=1) * largest


def unit(rows: Tensor) -> Tensor:
    """Each row divided by its Euclidean length; a row of 0 stays 0."""
    small, _ = scaled(rows)
    # The largest coordinate is 1, so that the length is at least 1 unless the row is 0.
    return small / per_example(_flat(small).norm(dim=1).clamp_min(1), small)


def _flat(rows: Tensor) -> Tensor:
    """The rows with one axis of coordinates; one that is a single number has one."""
    return rows.flatten(1) if rows.dim() > 1 else rows[:, None]
