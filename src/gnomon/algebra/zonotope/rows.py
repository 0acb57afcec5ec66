"""Each example has noise symbols of its own: which functions keep examples apart."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.zonotope.zonotope import Zonotope


def keeps_rows(linear: Callable[[Tensor], Any], like: Tensor) -> bool:
    """True if row b of every result of a linear function depends on row b alone.

    The function, whose coefficients are not negative, is tried on a batch whose row b is
    constantly (b + 1)²: each row of the result must be that number times the row that a batch
    of ones gives. Only shapes and settings decide, never the value.
    """
    if like.ndim == 0:
        return False
    batch = like.shape[0]
    rows = torch.arange(1, batch + 1, dtype=torch.float64, device=like.device).square()
    ones = torch.ones(like.shape, dtype=rows.dtype, device=like.device)
    found, plain = linear(rows.reshape(-1, *[1] * (like.ndim - 1)) * ones), linear(ones)
    pairs = (
        [(found, plain)] if isinstance(found, Tensor) else list(zip(found, plain, strict=True))
    )
    return all(_is_scaled(some, one, rows) for some, one in pairs)


def spread_to(x: Zonotope, shape: torch.Size) -> Zonotope | None:
    """The value broadcast to a shape; None where that would change its batch."""
    if x.shape == shape:
        return x
    if x.ndim == 0 or len(shape) != x.ndim or shape[0] != x.shape[0]:
        return None
    return x.but(
        centre=x.centre.expand(shape),
        generators=x.generators.expand(-1, *shape),
        radius=x.radius.expand(shape),
        box=x.box.each(Tensor.expand, shape),
    )


def _is_scaled(found: Tensor, plain: Tensor, rows: Tensor) -> bool:
    if found.ndim == 0 or found.shape[0] != len(rows):
        return False
    expected = rows.reshape(-1, *[1] * (found.ndim - 1)) * plain
    return bool(((found - expected).abs() <= 1e-6 * expected.abs()).all())
