"""How the nodes of an expression come about, and what that makes of linear forms over them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxed.forms import Forms, Node, dot
from gnomon.algebra.relaxed.lines import Lines


@dataclass(eq=False)
class Leaf:
    """A box: an input, or anything of which nothing is known but its bounds."""

    box: Interval
    parents: tuple[Node, ...] = ()
    worthwhile: bool = False

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """⟨a, z⟩ ≥ ⟨a, centre⟩ − ⟨|a|, radius⟩."""
        examples = self.box.shape[0]
        if self.box.lower is not self.box.upper:
            rows = forms.split(rows)
            forms.add(-dot(rows.abs(), self.box.radius, examples))
        forms.add(dot(rows, self.box.centre, examples))


@dataclass(eq=False)
class Reshaped:
    """The same coordinates along other axes."""

    parents: tuple[Node]
    shape: torch.Size
    worthwhile: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """Puts the coefficients along the axes there were."""
        parent = self.parents[0]
        whole = self.shape[0] == parent.shape[0] == parent.examples
        if rows.shape[1] != self.shape[0] and not whole:
            rows = rows.expand(-1, self.shape[0], *self.shape[1:])
        forms.give(
            parent,
            rows.reshape(len(rows), -1, *parent.shape[1:])
            if whole
            else rows.reshape(len(rows), *parent.shape),
        )


@dataclass(eq=False)
class Mapped:
    """An affine function of other nodes, F(z₁, z₂, …) = F(0, 0, …) + Σ M_i z_i."""

    parents: tuple[Node, ...]
    function: Callable[..., Tensor]
    shape: torch.Size
    worthwhile: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """The transposes M_iᵀ a, from the derivative of F, which is the same everywhere."""
        rows = rows.expand(-1, self.shape[0], *self.shape[1:])
        origin = [torch.zeros_like(parent.interval.lower) for parent in self.parents]
        start, back = torch.func.vjp(self.function, *origin)[:2]
        forms.add(dot(rows, start, self.parents[0].examples))
        pulled = torch.func.vmap(back)(rows)
        for parent, part in zip(self.parents, pulled, strict=True):
            forms.give(parent, part)


@dataclass(eq=False)
class Shifted:
    """A node plus a constant, or plus an independent member of a box."""

    parents: tuple[Node]
    constant: Interval
    shape: torch.Size
    worthwhile: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """⟨a, z + b⟩ ≥ ⟨a, z⟩ + ⟨a, centre⟩ − ⟨|a|, radius⟩."""
        examples = self.parents[0].examples
        if self.constant.lower is not self.constant.upper:
            rows = forms.split(rows)
            forms.add(-dot(rows.abs(), self._whole(self.constant.radius), examples))
        forms.add(dot(rows, self._whole(self.constant.centre), examples))
        forms.give(self.parents[0], rows)

    def _whole(self, value: Tensor) -> Tensor:
        """With all axes, and one example if all agree."""
        several = value.ndim == len(self.shape) and value.shape[0] > 1
        return value.expand(self.shape[0] if several else 1, *self.shape[1:])


@dataclass(eq=False)
class Multiplied:
    """A linear map W of a node, with each weight anywhere in w ± r (the same for all examples).

    Attributes:
        transpose: of rows over the image and a weight: rows over the node, Wᵀ a.
        weight: W as a tensor, or a box of it.
    """

    parents: tuple[Node]
    transpose: Callable[[Tensor, Tensor], Tensor]
    weight: Tensor | Interval
    worthwhile: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """⟨a, W h⟩ ≥ ⟨wᵀ a, h⟩ − ⟨rᵀ |a|, |h|⟩, and |h| lies below its chord, s h + t."""
        parent = self.parents[0]
        if isinstance(self.weight, Tensor):
            forms.give(parent, self.transpose(rows, self.weight))
            return
        rows = forms.split(rows)
        spread = self.transpose(rows.abs(), self.weight.radius)
        slope, offset = _chord_of_size(parent.interval)
        forms.add(-dot(spread, offset, parent.examples))
        forms.give(parent, self.transpose(rows, self.weight.centre) - spread * slope)


@dataclass(eq=False)
class Activated:
    """A function of each coordinate of a node, between two lines."""

    parents: tuple[Node]
    lines: Lines
    worthwhile: bool = False

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """A f(h) ≥ a⁺ (lower line) + a⁻ (upper line)."""
        parent, lines = self.parents[0], self.lines
        rows = forms.split(rows)
        falling = rows.clamp_max(0)
        forms.add(dot(falling, lines.upper_offset, parent.examples))
        if lines.lower_offset is not None:
            forms.add(dot(rows - falling, lines.lower_offset, parent.examples))
        lower = forms.slopes.get(self, lines.lower_slope)
        forms.give(parent, rows * lower + falling * (lines.upper_slope - lower))


def leaf(box: Interval) -> Node:
    """The beginning of an expression: a box of examples."""
    return Node(box, Leaf(box), box.shape[0], settled=True, independent=True)


def _chord_of_size(x: Interval) -> tuple[Tensor, Tensor]:
    """Slope and offset of the chord of |·| over each interval."""
    low, high = x.lower, x.upper
    both = (low < 0) & (high > 0)
    width = torch.where(both, high - low, torch.ones_like(low))
    side = torch.where(low >= 0, torch.ones_like(low), -torch.ones_like(low))
    slope = torch.where(both, (high + low) / width, side)
    return slope, torch.where(both, -2 * low * high / width, torch.zeros_like(low))
