"""Slow, obvious interval products: every term by its four corners."""

import itertools

from torch import Tensor
from torch.nn import functional


def exact_linear(x: tuple[Tensor, Tensor], w: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """The range of x Wᵀ: sums of independent terms, each least and greatest at a corner."""
    terms = [a[:, None, :] * b[None, :, :] for a, b in itertools.product(x, w)]
    lower, upper = terms[0], terms[0]
    for term in terms[1:]:
        lower, upper = lower.minimum(term), upper.maximum(term)
    return lower.sum(dim=2), upper.sum(dim=2)


def exact_convolution(
    x: tuple[Tensor, Tensor], w: tuple[Tensor, Tensor], kernel: int, **settings: int
) -> tuple[Tensor, Tensor]:
    """The range of a square convolution without groups at each place, as a matrix product."""
    patches = [functional.unfold(end, kernel, **settings) for end in x]
    batch, _, places = patches[0].shape
    rows = [patch.transpose(1, 2).flatten(0, 1) for patch in patches]
    matrices = [end.flatten(1) for end in w]
    bounds = exact_linear((rows[0], rows[1]), (matrices[0], matrices[1]))
    lower, upper = (each.reshape(batch, places, -1).transpose(1, 2) for each in bounds)
    return lower, upper
