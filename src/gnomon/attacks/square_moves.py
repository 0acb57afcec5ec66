"""The proposals of Square: other corners of a box, or mass moved between blocks."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.attacks.blocks import Grid, two_pyramids
from gnomon.sets import PerturbationSet
from gnomon.sets.balls import LinfBall
from gnomon.shapes import Inputs

Flat = Float[Tensor, " rows channels positions"]


@runtime_checkable
class Moves(Protocol):
    """Draws a first perturbation, and changes it in a block."""

    def start(self, like: Inputs, generator: torch.Generator) -> Inputs:
        """A first perturbation for each row."""
        ...

    def propose(self, present: Inputs, share: float, generator: torch.Generator) -> Inputs:
        """The present perturbation, changed in a random block with this share of positions."""
        ...


@dataclass(frozen=True)
class Corners:
    """Perturbations whose every coordinate is as large as the box allows, up or down.

    The start is constant along the grid's first axis: vertical stripes in an image. A proposal
    moves all positions of a block to one side, chosen for each channel. On a line every index
    has a side of its own in both.

    Attributes:
        grid: of an example's coordinates.
        box: the allowed perturbations of each row's example.

    References:
        andriushchenko2020, algorithm 2 and section 3.3.
    """

    grid: Grid
    box: LinfBall

    def start(self, like: Inputs, generator: torch.Generator) -> Inputs:
        """Random stripes."""
        sides = self.grid.sides if self.grid.is_line else (1, *self.grid.sides[1:])
        signs = _signs((len(like), self.grid.channels, *sides), generator, like)
        whole = signs.expand(len(like), self.grid.channels, *self.grid.sides)
        return self.box.steepest(whole.reshape(like.shape))

    def propose(self, present: Inputs, share: float, generator: torch.Generator) -> Inputs:
        """Another side for a block."""
        block = self.grid.block(share)
        places = self.grid.anywhere(block, len(present), generator).to(present.device)
        width = places.shape[1] if self.grid.is_line else 1
        signs = _signs((len(present), self.grid.channels, width), generator, present)
        places = places[:, None].expand(-1, self.grid.channels, -1)
        # Most blocks are small: whole examples are only copied.
        lower, upper = (
            self.grid.flat(side).gather(2, places) for side in (self.box.lower, self.box.upper)
        )
        changed = torch.where(signs > 0, upper, lower)
        return self.grid.flat(present).scatter(2, places, changed).reshape(present.shape)


@dataclass(frozen=True)
class Masses:
    """Perturbations of the whole length, in a few hills and valleys.

    The start has a hill beside a valley in each cell of a grid of five by five. A proposal
    empties one block, and gives what was in it, with what the domain had cut from the length,
    to another: to its present shape plus a hill beside a valley, chosen for each channel. On a
    line a Gaussian direction takes the place of hill and valley.

    Attributes:
        grid: of an example's coordinates.
        ball: the allowed perturbations of each row's example.
        exponent: p of the norm, 1 or 2.
        radius: ε, of the ball.

    References:
        andriushchenko2020, algorithm 3 and section 3.4; with p = 1 as in croce2021.
    """

    grid: Grid
    ball: PerturbationSet
    exponent: int
    radius: float

    def start(self, like: Inputs, generator: torch.Generator) -> Inputs:
        """Hills and valleys in every cell."""
        if self.grid.is_line:
            whole = _normal(self.grid.flat(like).shape, generator, like)
        else:
            whole = self._tiled(self.grid.flat(like), generator)
        length = self._size(whole.flatten(1), 1).clamp_min(torch.finfo(like.dtype).tiny)
        whole = whole * (self.radius / length)[..., None]
        return self.ball.project(whole.reshape(like.shape))

    def propose(self, present: Inputs, share: float, generator: torch.Generator) -> Inputs:
        """Mass moved between two blocks."""
        flat, tiny = self.grid.flat(present), torch.finfo(present.dtype).tiny
        block = self.grid.block(share, least=3)
        filled, emptied = (
            self.grid.anywhere(block, len(flat), generator)
            .to(flat.device)[:, None]
            .expand(-1, self.grid.channels, -1)
            for _ in range(2)
        )
        old = flat.gather(2, filled)
        rest = flat.scatter(2, filled, 0.0)
        mass = self._mass(old, 2) + self._mass(rest.gather(2, emptied), 2)
        unused = (self.radius**self.exponent - self._mass(flat.flatten(1), 1)).clamp_min(0)
        mass = mass + unused[..., None] / self.grid.channels
        shape = old / self._size(old, 2).clamp_min(tiny)
        shape = shape + self._profile(block, flat, generator)
        shape = shape / self._size(shape, 2).clamp_min(tiny) * mass ** (1 / self.exponent)
        moved = rest.scatter(2, emptied, 0.0).scatter(2, filled, shape)
        return self.ball.project(moved.reshape(present.shape))

    def _profile(
        self, block: tuple[int, ...], like: Flat, generator: torch.Generator
    ) -> Float[Tensor, "rows channels block"]:
        """A shape of norm 1 for the block of each row and channel."""
        size = (len(like), self.grid.channels)
        if self.grid.is_line:
            drawn = _normal((*size, block[0]), generator, like)
            return drawn / self._size(drawn, 2).clamp_min(torch.finfo(like.dtype).tiny)
        pyramids = two_pyramids(block, self.exponent).to(like)
        axis = torch.randint(
            len(pyramids), (len(like),), generator=generator, device=generator.device
        )
        return pyramids[axis.to(like.device), None] * _signs((*size, 1), generator, like)

    def _tiled(self, like: Flat, generator: torch.Generator) -> Flat:
        """Five cells along each axis, as many as fit, around the middle."""
        cells = tuple(max(side // 5, 1) for side in self.grid.sides)
        profile = two_pyramids(cells, self.exponent).to(like)
        axis = int(
            torch.randint(len(profile), (1,), generator=generator, device=generator.device)
        )
        inside = torch.zeros(1, dtype=torch.int64)
        number, covered, count = inside, torch.ones(1, dtype=torch.bool), 1
        for side, cell in zip(self.grid.sides, cells, strict=True):
            fitting = side // cell
            along = torch.arange(side) - (side - fitting * cell) // 2
            tile = along.div(cell, rounding_mode="floor")
            inside = (inside[:, None] * cell + along % cell).flatten()
            number = (number[:, None] * fitting + tile.clamp(0, fitting - 1)).flatten()
            covered = (covered[:, None] & (tile >= 0) & (tile < fitting)).flatten()
            count *= fitting
        signs = _signs((len(like), self.grid.channels, count), generator, like)
        number, covered = number.to(like.device), covered.to(like)
        return profile[axis, inside.to(like.device)] * covered * signs[..., number]

    def _mass(self, values: Tensor, dim: int) -> Tensor:
        """Σ |v|^p."""
        sizes = values.abs() if self.exponent == 1 else values.square()
        return sizes.sum(dim=dim, keepdim=True)

    def _size(self, values: Tensor, dim: int) -> Tensor:
        """The norm."""
        return self._mass(values, dim) ** (1 / self.exponent)


def _signs(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    drawn = torch.randint(2, shape, generator=generator, device=generator.device)
    return (2 * drawn - 1).to(like)


def _normal(shape: tuple[int, ...], generator: torch.Generator, like: Tensor) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device).to(like)
