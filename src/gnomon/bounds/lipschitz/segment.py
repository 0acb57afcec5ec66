"""AffineMap maps between the functions of an expression, and their norms."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.bounds.lipschitz.bound import Norm
from gnomon.bounds.lipschitz.expression import AffineMap, Node, depths

Matrix = Float[Tensor, " rows columns"]
_MOST_NUMBERS = 2**24
"""Largest number of entries of a matrix that is written down."""
_TOGETHER = 2**22


@dataclass(frozen=True, eq=False)
class Segment:
    """The affine map that leads to a node from inputs and functions' values, its sources.

    Attributes:
        end: the node.
        steps: the affine nodes on the way, each after its parents.
        sources: the nodes that are no affine maps of others; `end` itself, if it is none.
    """

    end: Node
    steps: tuple[AffineMap, ...]
    sources: tuple[Node, ...]

    @property
    def part(self) -> str:
        """The names of its parts, each once."""
        return " · ".join(dict.fromkeys(step.part for step in self.steps)) or self.end.part

    def shape(self, source: Node) -> tuple[int, int]:
        """The shape of the matrix from a source, for one region."""
        return width(self.end), width(source)

    def is_small(self, widest: int) -> bool:
        """Returns True if its matrices can be written down and decomposed."""
        shapes = [self.shape(source) for source in self.sources]
        return all(
            min(shape) <= widest and math.prod(shape) <= _MOST_NUMBERS for shape in shapes
        )

    def matrix(self, source: Node, like: Tensor) -> Matrix:
        """The matrix from a source, in double precision; of an expression with one region.

        Args:
            source: one of the sources.
            like: of the kind of numbers that the network computes with.
        """
        origin = like.new_zeros(source.shape)

        def image(value: Tensor) -> Tensor:
            return self._value(source, value)

        back = torch.func.vjp(image, origin)[1]
        rows, columns = self.shape(source)
        if rows <= columns:
            return _on_units(lambda value: back(value)[0], self.end.shape, like)
        # The transpose of the transpose: what F makes of 0 plays no part, and rounds nothing.
        end = like.new_zeros(self.end.shape)
        forward = torch.func.vjp(lambda value: back(value)[0], end)[1]
        return _on_units(lambda value: forward(value)[0], source.shape, like).mT

    def _value(self, source: Node, value: Tensor) -> Tensor:
        """The image of a value of one source, the others being 0."""
        values = {each: value.new_zeros(each.shape) for each in self.sources}
        values[source] = value
        for step in self.steps:
            values[step] = step.function(*(values[parent] for parent in step.parents))
        return values[self.end]


def segment(end: Node) -> Segment:
    """The affine map that ends at a node."""
    steps: dict[AffineMap, None] = {}
    sources: dict[Node, None] = {}
    pending, reached = [end], set[Node]()
    while pending:
        node = pending.pop()
        if node in reached:
            continue
        reached.add(node)
        if isinstance(node, AffineMap):
            steps[node] = None
            pending += node.parents
        else:
            sources[node] = None
    ordered = tuple(
        node for node in depths(end) if isinstance(node, AffineMap) and node in steps
    )
    return Segment(end, ordered, tuple(sources))


def width(node: Node) -> int:
    """The number of coordinates of a value in one region."""
    return math.prod(node.shape[1:])


def matrix_norm(matrix: Matrix, norm: Norm) -> float:
    """‖A‖ for one norm of arguments and values: exact up to rounding; NaN if A has one.

    The largest sum of sizes in a row (Linf) or column (L1), or the largest singular value, as
    the root of the largest eigenvalue of the smaller of A Aᵀ and Aᵀ A.
    """
    if not bool(matrix.isfinite().all()):
        return math.nan
    if norm != "L2":
        return float(matrix.abs().sum(1 if norm == "Linf" else 0).max())
    short = matrix if len(matrix) <= matrix.shape[1] else matrix.mT
    return math.sqrt(max(0.0, float(torch.linalg.eigvalsh(short @ short.mT)[-1])))


def dual_lengths(rows: Tensor, norm: Norm) -> Tensor:
    """The largest |⟨a, v⟩| over ‖v‖ ≤ 1, for each row a along the last axis."""
    order = {"L1": torch.inf, "L2": 2.0, "Linf": 1.0}[norm]
    return torch.linalg.vector_norm(rows, order, dim=-1)


def step_norms(step: AffineMap, norm: Norm, like: Tensor) -> list[float]:
    """A bound of ‖M_i‖ for each parent of an affine node.

    Sums in rows and columns are exact; the spectral norm is at most √(‖M‖₁ ‖M‖∞), and what is
    known of a matrix or a convolution.
    """
    ones = [like.new_ones(parent.shape) for parent in step.parents]
    columns = [float(part.max()) for part in step.sizes_back(like)(like.new_ones(step.shape))]
    if norm == "L1":
        return columns
    found: list[float] = []
    for index, (_, column) in enumerate(zip(step.parents, columns, strict=True)):
        only = [one if place == index else 0 * one for place, one in enumerate(ones)]
        row = float(step.sizes(*only).max())
        found.append(row if norm == "Linf" else math.sqrt(row * column))
    if norm == "L2" and step.spectral is not None:
        found = [_least(each, step.spectral()) for each in found]
    return found


def _least(first: float, second: float) -> float:
    """The smaller one; NaN if one of them is."""
    return math.nan if math.isnan(first) or math.isnan(second) else min(first, second)


def _on_units(
    function: Callable[[Tensor], Tensor], shape: torch.Size, like: Tensor
) -> Float[Tensor, " units columns"]:
    """The images of all unit vectors under a linear function, in double precision."""
    count = shape.numel()
    units = torch.eye(count, dtype=like.dtype, device=like.device).reshape(count, *shape)
    parts = units.split(max(1, _TOGETHER // count))
    found = [torch.func.vmap(function)(part).flatten(1) for part in parts]
    return torch.cat(found).double()
