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


def eight_products(x: tuple[Tensor, Tensor], w: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """By the signs of both factors; where both hold 0, the sum of both candidates."""
    (a, b), (c, d) = (
        tuple((end.clamp_min(0), end.clamp_max(0)) for end in each) for each in (x, w)
    )
    lower = a[0] @ c[0].T + a[1] @ d[0].T + b[0] @ c[1].T + b[1] @ d[1].T
    upper = b[0] @ d[0].T + b[1] @ c[0].T + a[0] @ d[1].T + a[1] @ c[1].T
    return lower, upper


def centre_and_radius(
    x: tuple[Tensor, Tensor], w: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """Rump's older form: |m_x| r_w + r_x (|m_w| + r_w) around m_x m_w (rump1999)."""
    (mx, rx), (mw, rw) = (((low + high) / 2, (high - low) / 2) for low, high in (x, w))
    centre, radius = mx @ mw.T, mx.abs() @ rw.T + rx @ (mw.abs() + rw).T
    return centre - radius, centre + radius
