"""Sums of products: matrices and convolutions, as maps of two tensors."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.value import Rule

Rows = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Bilinear:
    """A sum of products of a coordinate of the first and one of the second tensor, as x Wᵀ.

    Attributes:
        multiply: the map.
        rows: x and w as A and B of shape … × n × k and … × m × k, such that A Bᵀ holds the
            outputs in their order; for sums that are written out.
        inner: the axes of x and of w that are summed over together.
        outer: the axes of w and of the result that name the outputs.
    """

    multiply: Callable[[Tensor, Tensor], Tensor]
    rows: Rows
    inner: tuple[int, int] | None = None
    outer: tuple[int, int] | None = None

    def __call__(self, x: Tensor, w: Tensor) -> Tensor:
        return self.multiply(x, w)

    def sums(self, xs: Sequence[Tensor], rows: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """For each row of weights (w_1, …) the sum Σ_i x_i w_i.

        Where the axes are known it is one call, of tensors put side by side: several times
        faster for small layers than a call for each product. With k weights and n products in
        an output, its sums have k n terms; otherwise k sums of n terms are added.
        """
        if self.inner is None or self.outer is None:
            return [self._one_by_one(xs, row) for row in rows]
        wide = [torch.cat(list(row), self.inner[1]) for row in rows]
        result = self.multiply(
            torch.cat(list(xs), self.inner[0]), torch.cat(wide, self.outer[0])
        )
        return list(result.chunk(len(rows), self.outer[1]))

    @property
    def turned(self) -> "Bilinear":
        """The same map with its arguments exchanged."""
        return Bilinear(lambda w, x: self.multiply(x, w), lambda w, x: self.rows(x, w))

    def _one_by_one(self, xs: Sequence[Tensor], row: Sequence[Tensor]) -> Tensor:
        terms = [self.multiply(x, w) for x, w in zip(xs, row, strict=True)]
        return sum(terms[1:], terms[0])


def of_convolution(
    function: Callable[..., Tensor],
    axes: int,
    settings: Sequence[Any],
    named: Mapping[str, Any],
) -> Bilinear:
    """The map of a convolution, transposed or not, as it was called.

    Args:
        function: of torch.
        axes: of the weight.
        settings: what was given after the bias.
        named: what was given by name.
    """

    def multiply(x: Tensor, weight: Tensor) -> Tensor:
        return function(x, weight, None, *settings, **named)

    transposed = "transpose" in function.__name__
    groups = groups_of(settings, named)
    rows = partial(_convolution_rows, multiply, groups, transposed)
    if groups > 1:
        return Bilinear(multiply, rows)
    inner, outer = (0, 1) if transposed else (1, 0)
    return Bilinear(multiply, rows, (1 - axes, inner), (outer, 1 - axes))


def groups_of(settings: Sequence[Any], named: Mapping[str, Any]) -> int:
    """The groups of a convolution, of what was given after its bias, and by name."""
    given = settings[_GROUPS:]
    return given[0] if given else named.get("groups", 1)


def of_convolutions(rule: Callable[..., Any]) -> dict[str, Rule]:
    """The rules of all convolutions, of one that takes torch's function first."""
    return {name: partial(rule, getattr(functional, name)) for name in CONVOLUTIONS}


def _matrix_rows(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return torch.atleast_2d(x), y.mT if y.ndim > 1 else y.unsqueeze(0)


def _convolution_rows(
    multiply: Callable[[Tensor, Tensor], Tensor],
    groups: int,
    transposed: bool,
    x: Tensor,
    weight: Tensor,
) -> tuple[Tensor, Tensor]:
    """Weights as groups × outputs × k, inputs as examples × groups × places × k.

    What a place sees of the inputs is a convolution, too, with k outputs that pick one
    coordinate each.
    """
    size, kernel = weight.shape, weight.shape[2:]
    channels = size[0] // groups if transposed else size[1]
    terms = channels * math.prod(kernel)
    picking = torch.eye(terms, dtype=x.dtype, device=x.device)
    picking = picking.reshape(terms, channels, *kernel)
    if transposed:
        picking = picking.transpose(0, 1)
        weight = weight.reshape(groups, channels, *size[1:]).transpose(1, 2)
    seen = multiply(x, picking.repeat(groups, *[1] * (len(size) - 1)))
    seen = seen.reshape(*seen.shape[: x.ndim - len(kernel) - 1], groups, terms, -1)
    return weight.reshape(groups, -1, terms), seen.mT


CONVOLUTIONS = (
    *("conv1d", "conv2d", "conv3d"),
    *("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
)

_GROUPS = 3
"""Where torch's convolutions, transposed or not, take their groups, after the bias."""

LINEAR = Bilinear(
    functional.linear, lambda x, w: (torch.atleast_2d(x), w), inner=(-1, -1), outer=(0, -1)
)

MATMUL = Bilinear(torch.matmul, _matrix_rows)
