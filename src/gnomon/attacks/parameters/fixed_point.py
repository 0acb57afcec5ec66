"""Tensors in fixed point: whole numbers times a scale."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gnomon.networks.weights import Held, check_finite

Scales = Literal["tensor", "channel"]
"""The unit that shares a scale: a tensor, or the weights of one output channel."""

Grid = Literal["symmetric", "asymmetric"]
"""The spread of the codes: evenly around 0, or from the least to the largest number."""


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A tensor as whole numbers times a scale: w ≈ scale · (code − zero).

    Attributes:
        codes: whole numbers in [−2^(bits−1), 2^(bits−1) − 1], two's complement.
        scale: one number, or one for each channel in a shape that broadcasts.
        bits: of each code.
        zero: the code that stands for 0, one for each scale; 0 on a symmetric grid.
    """

    codes: Int[Tensor, "*shape"]
    scale: Float[Tensor, "..."]
    bits: int
    zero: Int[Tensor, "..."] | int = 0

    @classmethod
    def of(
        cls, weights: Tensor, bits: int, grid: Grid = "symmetric", like: Held | None = None
    ) -> "FixedPoint":
        """The nearest codes, each at most half a scale from its number.

        With m = max |w| and top = 2^(bits−1) − 1, the scale of a symmetric grid is m / top, its
        codes are −top … top, and the largest number is exact. An asymmetric one spans
        [min(w, 0), max(w, 0)] with all 2^bits codes; 0 is exact on both.

        Args:
            weights: finite.
            bits: of each code.
            grid: how codes are spread.
            like: the weight that has a scale for each channel; None for one scale in all.

        Raises:
            SubjectError: a number that is infinite or NaN.
        """
        check_finite("fixed point", weights)
        if grid == "symmetric":
            return cls._symmetric(weights, bits, _largest(weights.abs(), like))
        least, most = -_largest((-weights).clamp_min(0), like), _largest(weights, like)
        return cls._asymmetric(weights, bits, least, most.clamp_min(0))

    @classmethod
    def _symmetric(cls, weights: Tensor, bits: int, largest: Tensor) -> "FixedPoint":
        top = 2 ** (bits - 1) - 1
        scale = _positive(largest / top)
        codes = (weights / scale).round().clamp(-top, top).to(torch.int64)
        return cls(codes, scale, bits)

    @classmethod
    def _asymmetric(
        cls, weights: Tensor, bits: int, least: Tensor, most: Tensor
    ) -> "FixedPoint":
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        exact = _positive((most.double() - least.double()) / (high - low))
        zero = (low - least.double() / exact).round().clamp(low, high).to(torch.int64)
        scale = _positive(exact.to(weights.dtype))
        codes = ((weights / scale).round() + zero).clamp(low, high).to(torch.int64)
        return cls(codes, scale, bits, zero)

    @property
    def weights(self) -> Tensor:
        """The tensor that the codes stand for."""
        return (self.codes - self.zero).to(self.scale) * self.scale

    def flipped(self, index: Tensor, bit: Tensor) -> "FixedPoint":
        """The same with some bits inverted.

        Args:
            index: places in the flat tensor, each at most once.
            bit: 0 for the least, bits − 1 for the sign, at each of them.
        """
        unsigned = self.codes.flatten() % 2**self.bits
        mask = torch.ones_like(bit) << bit
        unsigned = unsigned.index_copy(0, index, unsigned[index] ^ mask)
        half = 2 ** (self.bits - 1)
        codes = (unsigned + half) % 2**self.bits - half
        return FixedPoint(codes.reshape(self.codes.shape), self.scale, self.bits, self.zero)

    def change(self, index: Tensor, bit: Tensor) -> Tensor:
        """The change of each of these numbers when that bit of it is inverted.

        Args:
            index: places in the flat tensor.
            bit: 0 for the least, bits − 1 for the sign, at each of them.
        """
        unsigned = self.codes.flatten()[index] % 2**self.bits
        is_set = (unsigned >> bit) & 1
        worth = torch.where(bit == self.bits - 1, -(2**bit), 2**bit)
        scale = self.scale.expand(self.codes.shape).flatten()[index]
        return torch.where(is_set == 1, -worth, worth).to(scale) * scale


def _largest(sizes: Tensor, like: Held | None) -> Tensor:
    """The largest entry: of the tensor, or of each channel of the weight's output.

    Outputs lie on axis 0; those of a transposed convolution on axis 1, for each group of
    inputs anew.
    """
    if like is None or sizes.dim() < 2:
        return sizes.amax() if sizes.numel() else sizes.new_zeros(())
    if like.transposed is None:
        return sizes.amax(dim=tuple(range(1, sizes.dim())), keepdim=True)
    grouped = sizes.unflatten(0, (like.transposed, -1))
    axes = (1, *range(3, grouped.dim()))
    largest = grouped.amax(dim=axes, keepdim=True)
    return largest.expand(-1, grouped.shape[1], *largest.shape[2:]).flatten(0, 1)


def _positive(scale: Tensor) -> Tensor:
    """The scale, or the smallest positive number where all numbers are 0."""
    return scale.clamp_min(torch.finfo(scale.dtype).tiny)
