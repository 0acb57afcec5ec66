"""A relaxation and the matrix before it in one step, where most coefficients are alike or 0."""

import torch
from torch import Tensor

from gnomon.algebra.relaxation.lines import Lines


def through_matrix(
    rows: Tensor, lines: Lines, bias: Tensor, weight: Tensor, *, mirrored: bool
) -> tuple[Tensor, Tensor]:
    """Rows a over f(z), z = W h + b, pulled back to h; and the constants that arise.

    With c and d the mean and half the difference of the slopes (and likewise of the offsets),

        ± ⟨a, f(z)⟩ ≥ ± ⟨c a, z⟩ − ⟨d |a|, z⟩ + …,

    which needs one product with the rows of W whose c is not 0, and one with those whose d is
    not 0: a neuron that cannot be active needs none, and one that is always active only the
    first. Which they are differs from example to example.

    Args:
        rows: forms × (examples or 1) × neurons.
        lines: around f, examples × neurons.
        bias: examples (or 1) × neurons.
        weight: neurons × inputs.
        mirrored: whether each form also stands for its negative; these then come second.

    Returns:
        (2) forms × examples × inputs, and (2) forms × examples.
    """
    low, high = lines.lower_slope, lines.upper_slope
    below = torch.zeros_like(low) if lines.lower_offset is None else lines.lower_offset
    mean, half = (low + high) / 2, (high - low) / 2
    common = mean * bias + (lines.upper_offset + below) / 2
    spread = half * bias + (lines.upper_offset - below) / 2
    examples = len(low)
    pulled = rows.new_empty((1 + mirrored) * len(rows), examples, weight.shape[1])
    constant = rows.new_empty((1 + mirrored) * len(rows), examples)
    for example in range(examples):
        row = rows[:, example if rows.shape[1] > 1 else 0]
        if mirrored:
            found = _mirrored(row, mean[example], half[example], weight)
            offset = (row @ common[example], row.abs() @ spread[example])
            count = len(rows)
            torch.sub(*found, out=pulled[:count, example])
            torch.add(*found, out=pulled[count:, example]).neg_()
            torch.sub(*offset, out=constant[:count, example])
            torch.add(*offset, out=constant[count:, example]).neg_()
        else:
            live = ((mean[example] != 0) | (half[example] != 0)).nonzero().flatten()
            part = row[:, live]
            mixed = part * mean[example, live] - part.abs() * half[example, live]
            torch.mm(mixed, weight[live], out=pulled[:, example])
            constant[:, example] = row @ common[example] - row.abs() @ spread[example]
    return pulled, constant


def _mirrored(row: Tensor, mean: Tensor, half: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The products of c a and d |a| with the matrix."""
    live, bent = mean.nonzero().flatten(), half.nonzero().flatten()
    first = (row[:, live] * mean[live]) @ weight[live]
    return first, (row[:, bent].abs() * half[bent]) @ weight[bent]
