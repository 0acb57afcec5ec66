"""Blocks of neighbouring coordinates of an example, whatever its shape."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gnomon.errors import ShapeError

Positions = Int[Tensor, " rows block"]


@dataclass(frozen=True)
class Grid:
    """The coordinates of one example, seen as channels × a grid of positions.

    An example with two or more axes has channels on its first, and neighbours along the
    others: in an image a block is a square, and the channels of a position are changed
    together. An example with one axis has one channel; its block is a run of indices. Its
    neighbours mean nothing, so that every index of a block is changed by itself.

    Attributes:
        channels: how many values each position has.
        sides: the lengths of the grid's axes.
    """

    channels: int
    sides: tuple[int, ...]

    @classmethod
    def of(cls, shape: torch.Size) -> "Grid":
        """The grid of examples of this shape.

        Raises:
            ShapeError: an example without axes or coordinates.
        """
        if not shape.numel() or not shape:
            raise ShapeError(
                f"expected examples with at least one coordinate, got shape {tuple(shape)}. "
                "Give inputs of shape batch × features, or batch × channels × positions."
            )
        channels, sides = (1, shape) if len(shape) == 1 else (shape[0], shape[1:])
        return cls(channels, tuple(sides))

    @property
    def positions(self) -> int:
        """The number of positions."""
        return math.prod(self.sides)

    @property
    def is_line(self) -> bool:
        """True if the example has one axis, whose neighbours mean nothing."""
        return len(self.sides) == 1 and self.channels == 1

    def flat(self, values: Tensor) -> Float[Tensor, " rows channels positions"]:
        """The values of each example as channels × positions."""
        return values.reshape(len(values), self.channels, self.positions)

    def block(self, share: float, least: int = 1) -> tuple[int, ...]:
        """The sides of a cube with about this share of the positions, cut with the grid.

        Args:
            share: in (0, 1].
            least: of a side.
        """
        side = max(round((share * self.positions) ** (1 / len(self.sides))), least)
        return tuple(min(side, length) for length in self.sides)

    def anywhere(
        self, block: tuple[int, ...], rows: int, generator: torch.Generator
    ) -> Positions:
        """The positions of a block of these sides at a random place, for each row."""
        corner = torch.zeros(rows, 1, dtype=torch.int64, device=generator.device)
        inside = torch.zeros(1, 1, dtype=torch.int64, device=generator.device)
        for side, length in zip(block, self.sides, strict=True):
            places = (length - side + 1, (rows, 1))
            place = torch.randint(*places, generator=generator, device=generator.device)
            along = torch.arange(side, device=generator.device)
            corner = corner * length + place
            inside = (inside[..., None] * length + along).reshape(1, -1)
        return corner + inside


@lru_cache(maxsize=32)
def two_pyramids(block: tuple[int, ...], exponent: int) -> Float[Tensor, " axes block"]:
    """A hill beside a valley in a block, for each axis along which they can lie, of norm 1.

    With c the distance of a cell from the centre of its half, in the maximum norm, and M the
    largest such distance along the longest side, its height is ± Σ_{k=c}^{M} 1/(k + 1)².

    Args:
        block: sides of the block.
        exponent: p of the norm.

    References:
        andriushchenko2020, equation 2.
    """
    shapes = list[Tensor]()
    for axis, side in enumerate(block):
        halves = list[Tensor]()
        for length, sign in ((side // 2, 1.0), (side - side // 2, -1.0)):
            sides = (*block[:axis], length, *block[axis + 1 :])
            halves.append(sign * _pyramid(sides))
        shape = torch.cat(halves, dim=axis).flatten()
        shapes.append(shape / shape.norm(p=exponent))
    return torch.stack(shapes)


def _pyramid(sides: tuple[int, ...]) -> Tensor:
    levels = max(sides) // 2 + 1
    heights = 1 / torch.arange(1, levels + 1).double().square()
    heights = heights.flip(0).cumsum(dim=0).flip(0)
    distance = torch.zeros(sides, dtype=torch.int64)
    for axis, side in enumerate(sides):
        along = (torch.arange(side) - side // 2).abs()
        shape = [-1 if each == axis else 1 for each in range(len(sides))]
        distance = distance.maximum(along.reshape(shape))
    return heights[distance]
