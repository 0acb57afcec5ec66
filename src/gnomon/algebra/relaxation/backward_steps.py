"""Steps of an expression, and how each carries linear forms back to its arguments."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gnomon.algebra.arithmetic import Arithmetic
from gnomon.algebra.interval import Ball, Interval, NormBall
from gnomon.algebra.interval.ball import lengths
from gnomon.algebra.relaxation.convolution import Geometry, channels_last
from gnomon.algebra.relaxation.forms import Forms, Node, Origin, concrete
from gnomon.algebra.relaxation.fused_step import through_matrix
from gnomon.algebra.relaxation.inner_products import dot
from gnomon.algebra.relaxation.lines import Lines, chord_of_size

_MANY = 64  # forms: with fewer, a loop over examples costs more than it saves


@dataclass(eq=False)
class Leaf:
    """A box or ball: an input, or anything of which nothing is known but its bounds."""

    box: Interval
    parents: tuple[Node, ...] = ()
    worthwhile: bool = False
    separable: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """⟨a, z⟩ ≥ ⟨a, centre⟩ − ⟨|a|, radius⟩; of a ball, ≥ ⟨a, c⟩ − max ⟨−a, z − c⟩."""
        if isinstance(self.box, NormBall):
            rows = forms.split(rows)
            forms.add(-self.box.along(-rows, forms.part))
            forms.add(dot(rows, forms.of(self.box.middle), forms.examples))
            return
        if self.box.lower is not self.box.upper:
            rows = forms.split(rows)
            forms.add(-dot(rows.abs(), forms.of(self.box.radius), forms.examples))
        forms.add(dot(rows, forms.of(self.box.centre), forms.examples))


@dataclass(eq=False)
class Reshaped:
    """The same coordinates along other axes."""

    parents: tuple[Node]
    shape: torch.Size
    worthwhile: bool = True
    separable: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """Puts the coefficients along the axes of the parent."""
        parent = self.parents[0]
        whole = self.shape[0] == parent.shape[0] == parent.examples
        if rows.shape[1] != self.shape[0] and not whole:
            rows = rows.expand(-1, self.shape[0], *self.shape[1:])
        shape = (-1, *parent.shape[1:]) if whole else parent.shape
        moved = rows.reshape(len(rows), *shape)
        forms.give(parent, channels_last(moved) if moved.ndim > 3 else moved)


@dataclass(eq=False)
class Mapped:
    """An affine function of other nodes, F(z₁, z₂, …) = F(0, 0, …) + Σ M_i z_i."""

    parents: tuple[Node, ...]
    function: Callable[..., Tensor]
    shape: torch.Size
    worthwhile: bool = True
    separable: bool = False

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """The transposes M_iᵀ a, from the derivative of F, which is the same everywhere."""
        origin = [torch.zeros_like(forms.of(each.interval.lower)) for each in self.parents]
        start, back = torch.func.vjp(self.function, *origin)[:2]
        rows = rows.expand(-1, *start.shape)
        forms.add(dot(rows, start, forms.examples))
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
    separable: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """⟨a, z + b⟩ ≥ ⟨a, z⟩ + ⟨a, centre⟩ − ⟨|a|, radius⟩."""
        examples = forms.examples
        if not self.thin:
            rows = forms.split(rows)
            forms.add(-dot(rows.abs(), self._whole(self.constant.radius, forms), examples))
        forms.add(dot(rows, self.centre(forms), examples))
        forms.give(self.parents[0], rows)

    @property
    def thin(self) -> bool:
        """True if it is the same constant always."""
        return self.constant.lower is self.constant.upper

    def centre(self, forms: Forms) -> Tensor:
        """The constant, or the centre of its box: (1 or examples) × the axes of one."""
        return self._whole(self.constant.centre, forms)

    def _whole(self, value: Tensor, forms: Forms) -> Tensor:
        several = value.ndim == len(self.shape) and value.shape[0] > 1
        if several:
            return forms.of(value.expand(self.shape))
        return value.expand(1, *self.shape[1:])


@dataclass(eq=False)
class Multiplied:
    """A linear map W of a node, with each weight anywhere in w ± r (the same for all examples).

    Attributes:
        transpose: of rows over the image and a weight: rows over the node, Wᵀ a.
        weight: W as a tensor, or a box of it.
        dense: True if W is the weight itself, neurons × inputs.
        geometry: of a convolution; None if W is no convolution.
        seen: where W is in a Euclidean ball, the greatest ‖h‖₂ of what each output sees.
        outputs: the axis of outputs that share it, from the last.
    """

    parents: tuple[Node]
    transpose: Callable[[Tensor, Tensor], Tensor]
    weight: Tensor | Interval
    dense: bool = False
    geometry: Geometry | None = None
    seen: Tensor | None = None
    outputs: int = -1
    worthwhile: bool = True
    separable: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """⟨a, W h⟩ ≥ ⟨wᵀ a, h⟩ − ⟨rᵀ |a|, |h|⟩, and |h| lies below its chord, s h + t."""
        parent = self.parents[0]
        if isinstance(self.weight, Tensor):
            forms.give(parent, self.transpose(rows, self.weight))
            return
        rows = forms.split(rows)
        if isinstance(self.weight, Ball) and self.seen is not None:
            forms.add(-self.weight.reach * self._lengths(rows, self.seen, forms))
            forms.give(parent, self.transpose(rows, self.weight.middle))
            return
        spread = self.transpose(rows.abs(), self.weight.radius)
        slope, offset = (forms.of(each) for each in chord_of_size(parent.interval))
        forms.add(-dot(spread, offset, forms.examples))
        forms.give(parent, self.transpose(rows, self.weight.centre) - spread * slope)

    def _lengths(self, rows: Tensor, seen: Tensor, forms: Forms) -> Tensor:
        """Σ_p ‖a_p ⊙ ‖h_p‖‖₂ over places p: forms × examples.

        With h_p what the outputs at place p see, ⟨a, Δ h⟩ = Σ_p ⟨Δ, a_p h_pᵀ⟩, and
        |⟨Δ, a_p h_pᵀ⟩| ≤ ‖Δ‖₂ ‖a_p h_pᵀ‖₂.
        """
        square = (rows * forms.of(seen)).square()
        norms = lengths(square.sum(dim=self.outputs))
        return norms.reshape(len(rows), forms.examples, -1).sum(dim=-1)


@dataclass(eq=False)
class Activated:
    """A function of each coordinate of a node, between two lines.

    Attributes:
        lines: around it, for each coordinate's bounds.
        values: the bounds of what it makes of an interval.
    """

    parents: tuple[Node]
    lines: Lines
    values: Callable[[Interval], Interval] | None = None
    worthwhile: bool = False
    separable: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """⟨a, f(h)⟩ ≥ ⟨a⁺ lower line⟩ + ⟨a⁻, upper line⟩."""
        parent, lines = self.parents[0], self.lines.map(forms.of)
        matrix = _matrix_before(parent)
        free = forms.signs is None and forms.losses is None and self not in forms.slopes
        if free and matrix is not None and _worth_a_loop(rows, matrix[0]):
            weight, shift, before = matrix
            bias = rows.new_zeros(1, len(weight)) if shift is None else shift.centre(forms)
            pulled, constant = through_matrix(
                rows, lines, bias, weight, mirrored=forms.mirrored
            )
            forms.split(rows)
            forms.add(constant)
            forms.give(before, pulled)
            return
        rows = forms.split(rows)
        falling = rows.clamp_max(0)
        forms.add(dot(falling, lines.upper_offset, forms.examples))
        if lines.lower_offset is not None:
            forms.add(dot(rows - falling, lines.lower_offset, forms.examples))
        lower = forms.slopes.get(self, lines.lower_slope)
        more = lines.upper_slope - lower
        forms.give(parent, torch.addcmul(rows * lower, falling, more))


def until_examples_differ(node: Node, rows: Tensor, arithmetic: Arithmetic) -> Forms:
    """Forms that are the same for all examples, followed back as long as they stay so.

    Args:
        node: what the forms are over.
        rows: forms × 1 × the axes of an example.
        arithmetic: in which they are substituted.

    Returns:
        Forms over one node.
    """
    whole = slice(None)
    forms = Forms(node, rows, mirrored=True, slopes={}, part=whole, arithmetic=arithmetic)
    while rows.shape[1] == 1 and _is_common(node.origin):
        forms.replace(node)
        ((node, rows),) = forms.pending.items()
    return forms


def _is_common(origin: Origin) -> bool:
    """True if the step is the same for all examples, and no inequality."""
    if isinstance(origin, Shifted):
        centre = origin.constant.lower
        return origin.thin and (centre.ndim < len(origin.shape) or len(centre) == 1)
    return (
        isinstance(origin, Multiplied)
        and origin.separable
        and isinstance(origin.weight, Tensor)
    )


def _matrix_before(node: Node) -> tuple[Tensor, Shifted | None, Node] | None:
    """The matrix and the constant shift that made the node from another, if they did."""
    shift = None
    if isinstance(node.origin, Shifted) and node.origin.thin:
        shift, node = node.origin, node.origin.parents[0]
    origin = node.origin
    if not isinstance(origin, Multiplied) or not origin.dense or len(node.shape) != 2:
        return None
    return (
        (origin.weight, shift, origin.parents[0]) if isinstance(origin.weight, Tensor) else None
    )


def _worth_a_loop(rows: Tensor, weight: Tensor) -> bool:
    """True if there are many forms, and nothing is differentiated or stands for many."""
    if len(rows) < _MANY or (
        torch.is_grad_enabled() and (rows.requires_grad or weight.requires_grad)
    ):
        return False
    return concrete(rows) and concrete(weight)
