"""A network as an expression of affine maps and functions of known slopes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gnomon.algebra import Interval


@dataclass(frozen=True, eq=False)
class Input:
    """The beginning of the expression.

    Attributes:
        shape: of the value, its first axis the regions that are looked at.
        part: the module it belongs to.
    """

    shape: torch.Size
    part: str = "input"
    parents: tuple["Node", ...] = ()


@dataclass(frozen=True, eq=False)
class AffineMap:
    """An affine function of other nodes, F(0) + Σ M_i z_i.

    Attributes:
        shape: of its value.
        part: the module, or the function, that it is.
        parents: the nodes z_i.
        function: F.
        ranges: F for intervals; its radius is Σ |M_i| r_i.
        spectral: a bound of ‖M‖₂ for a matrix or a convolution; None for others, of which the
            bound √(‖M‖₁ ‖M‖∞) is exact or near.
        joins: whether the z_i stand side by side in the value, instead of being added.
    """

    shape: torch.Size
    part: str
    parents: tuple["Node", ...]
    function: Callable[..., Tensor]
    ranges: Callable[..., Interval]
    spectral: Callable[[], float] | None = None
    joins: bool = False

    def sizes(self, *values: Tensor) -> Tensor:
        """Σ |M_i| v_i, for v_i ≥ 0."""
        return self.ranges(*(Interval.computed(-value, value) for value in values)).radius

    def back(self, like: Tensor) -> Callable[[Tensor], tuple[Tensor, ...]]:
        """The maps a ↦ M_iᵀ a, in numbers as in `like`."""
        return torch.func.vjp(self.function, *self._at(like, torch.zeros_like))[1]

    def sizes_back(self, like: Tensor) -> Callable[[Tensor], tuple[Tensor, ...]]:
        """The maps a ↦ |M_i|ᵀ a."""
        return torch.func.vjp(self.sizes, *self._at(like, torch.ones_like))[1]

    def _at(self, like: Tensor, make: Callable[[Tensor], Tensor]) -> list[Tensor]:
        return [make(like.new_empty(parent.shape)) for parent in self.parents]


@dataclass(frozen=True, eq=False)
class Pointwise:
    """A function of each coordinate of a node.

    Attributes:
        slopes: of the function, wherever the coordinate may be; of the node's shape.
    """

    part: str
    parents: tuple["Node"]
    slopes: Interval

    @property
    def shape(self) -> torch.Size:
        """The shape of its value."""
        return self.slopes.shape


@dataclass(frozen=True, eq=False)
class Greatest:
    """The greatest coordinate in each of several windows of a node.

    Attributes:
        shape: of its value.
        windows: the coordinates of each window along a last axis; moves and repeats them.
        possible: which of them may be the greatest.
    """

    shape: torch.Size
    part: str
    parents: tuple["Node"]
    windows: Callable[[Tensor], Tensor]
    possible: Tensor

    def back(self, like: Tensor) -> Callable[[Tensor], tuple[Tensor, ...]]:
        """Adds what belongs to the places of a coordinate in all windows."""
        return torch.func.vjp(self.windows, like.new_zeros(self.parents[0].shape))[1]

    @property
    def repetitions(self) -> float:
        """The largest number of windows that a coordinate lies in."""
        like = torch.zeros((), device=self.possible.device)
        return float(self.back(like)(self.possible.to(like))[0].max())


Node = Input | AffineMap | Pointwise | Greatest


def depths(last: Node) -> list[Node]:
    """All nodes that a node comes from and itself, each after its parents."""
    found: dict[Node, None] = {}
    pending: list[tuple[Node, bool]] = [(last, False)]
    while pending:
        node, visited = pending.pop()
        if visited:
            found[node] = None
        elif node not in found:
            pending.append((node, True))
            pending += [(parent, False) for parent in node.parents]
    return list(found)
