"""Inner products of linear forms and tensors, example by example."""

import torch
from torch import Tensor

_MANY = 64
"""Number of forms from which on one matrix product per example is faster than a batched one."""


def dot(rows: Tensor, value: Tensor, examples: int) -> Tensor:
    """The products ⟨rows, value⟩ of each example: forms × examples, or × 1 if all agree.

    Args:
        rows: forms × (examples or 1) × shape.
        value: (examples or 1) × shape.
        examples: how many there are.
    """
    if rows.ndim > 3 and rows.stride(2) == 1:  # channels side by side: nothing is copied
        rows, value = rows.movedim(2, -1), value.movedim(1, -1)
    flat = rows.reshape(len(rows), rows.shape[1], -1)
    if len(value) == 1:
        products = flat @ value.reshape(-1)
    elif rows.shape[1] == 1:
        products = flat[:, 0] @ value.reshape(len(value), -1).T
    elif len(rows) < _MANY:
        products = torch.linalg.vecdot(flat, value.reshape(1, len(value), -1))
    else:  # products of a matrix and a vector are much faster than one of batches of them
        pairs = zip(flat.unbind(1), value.reshape(len(value), -1), strict=True)
        products = torch.stack([matrix @ vector for matrix, vector in pairs], dim=1)
    if products.shape[1] not in {1, examples}:  # several places of each example along one axis
        products = products.reshape(len(rows), examples, -1).sum(-1)
    return products


def count_terms(rows: Tensor, value: Tensor, examples: int) -> int:
    """The number of products that `dot` adds for each form and example."""
    blocks = max(rows.shape[1], len(value))
    return rows.shape[2:].numel() * max(1, blocks // max(examples, 1))
