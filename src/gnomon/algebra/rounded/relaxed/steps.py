"""How nodes come about from others, where what rounding does to each step is bounded."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.forms import Forms, Node, Origin, dot
from gnomon.algebra.relaxation.lines import Lines
from gnomon.algebra.rounded.relaxed.losses import (
    Noise,
    coordinates,
    floor,
    losses_of,
    most,
    part,
)
from gnomon.algebra.rounding import down, gamma, up

Back = Callable[[Tensor], Tensor]
"""From rows over a node to rows over a parent: Mᵀ a."""


@dataclass(eq=False)
class Affine:
    """z = Σ_i M_i h_i + b + δ with |δ| ≤ noise, in which what the step loses is counted, too.

    Attributes:
        backs: the transposes, one for each parent.
        noise: of the step.
        constant: b, (1 or examples) × the axes of an example; None for 0.
        spread: where M varies in M ± R: what is subtracted for |h|.
    """

    parents: tuple[Node, ...]
    backs: tuple[Back, ...]
    noise: Noise
    constant: Tensor | None = None
    spread: "Spread | None" = None
    worthwhile: bool = True
    separable: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """⟨a, z⟩ ≥ Σ_i ⟨M_iᵀ a, h_i⟩ + ⟨a, b⟩ − ⟨|a|, noise⟩."""
        if self.spread is not None:
            rows = forms.split(rows)
        losses_of(forms).lose(forms, rows, self.noise)
        if self.constant is not None:
            forms.add(dot(rows, part(self.constant, forms), forms.examples))
        for parent, back in zip(self.parents, self.backs, strict=True):
            pulled = back(rows)
            if self.spread is not None:
                pulled = pulled - self.spread.back(rows.abs()) * forms.of(self.spread.slope)
            forms.give(parent, pulled)


@dataclass(eq=False)
class Spread:
    """The part of Rᵀ|a| |h| that is linear in h: |h| ≤ slope · h + offset.

    The offset does not depend on the form: R · offset is part of the noise.

    Attributes:
        back: Rᵀ |a|, of |a|.
        slope: between −1 and 1; examples × the axes of one.
    """

    back: Back
    slope: Tensor


@dataclass(eq=False)
class Lossy:
    """A step of `LinearRelaxation`, and what rounding does to it."""

    step: Origin
    noise: Noise
    parents: tuple[Node, ...] = field(init=False)
    worthwhile: bool = field(init=False)
    separable: bool = field(init=False)

    def __post_init__(self) -> None:
        step = self.step
        self.parents, self.worthwhile = step.parents, step.worthwhile
        self.separable = step.separable

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """The step, less what it loses."""
        losses_of(forms).lose(forms, rows, self.noise)
        self.step.pull(rows, forms)


@dataclass(eq=False)
class Bent:
    """A function of each coordinate of a node, between two lines.

    The lines hold what rounding does: their offsets are moved outward by it. So no account is
    to be kept of this step, except of products that underflow.
    """

    parents: tuple[Node]
    lines: Lines
    floor: Tensor
    worthwhile: bool = False
    separable: bool = True

    def pull(self, rows: Tensor, forms: Forms) -> None:
        """⟨a, f(h)⟩ ≥ ⟨a⁺, lower line⟩ + ⟨a⁻, upper line⟩."""
        rows = forms.split(rows)
        losses_of(forms).add(forms, self.floor)
        lines = self.lines.map(forms.of)
        assert lines.lower_offset is not None
        falling = rows.clamp_max(0)
        rising = rows - falling  # exact, as each is one of the two or 0
        forms.add(dot(falling, lines.upper_offset, forms.examples))
        forms.add(dot(rising, lines.lower_offset, forms.examples))
        forms.give(
            self.parents[0],
            torch.addcmul(rising * lines.lower_slope, falling, lines.upper_slope),
        )


def box_node(box: Interval) -> Node:
    """The beginning of an expression: a box of examples, of which nothing else is known.

    It is centre + δ with |δ| ≤ radius: a step without parents.
    """
    centre = box.lower / 2 + box.upper / 2
    radius = up((box.upper - centre).maximum(centre - box.lower))
    examples = box.shape[0]
    noise = step_noise([radius], centre, examples)
    origin = Affine((), (), noise, centre, worthwhile=False)
    return Node(box, origin, examples, settled=True, independent=True)


def step_noise(
    sizes: list[Tensor], constant: Tensor | None, examples: int, below: Tensor | None = None
) -> Noise:
    """The sum of noises, of what ⟨a, constant⟩ loses, and of what underflows.

    Args:
        sizes: each (1 or examples) × the axes of an example, or broadcasting to the largest.
        constant: as in `Affine`; it has these axes.
        examples: along the first axis.
        below: the floor of the step's products.
    """
    total = sizes[0]
    for size in sizes[1:]:
        total = up(total + size)
    if constant is not None:
        terms = coordinates(constant[None], total, examples)
        total = up(total + up(constant.abs() * (2 * gamma(terms, constant.dtype))))
    least = total.new_zeros(1) if below is None else below
    smallest = torch.finfo(total.dtype).tiny
    return Noise(total, up(least + total.shape[1:].numel() * smallest))


def bent(node: Node, lines: Lines, extra: Tensor) -> Bent:
    """The step of a function between two lines.

    Args:
        node: that it is applied to.
        lines: true for the numbers that they are.
        extra: what the function may be besides, in either direction.
    """
    sizes = most(node.interval)
    dtype, examples = sizes.dtype, node.examples
    below = torch.zeros_like(sizes) if lines.lower_offset is None else lines.lower_offset
    steep = lines.lower_slope.abs().maximum(lines.upper_slope.abs())
    # One product, and one addition of 0, round each coefficient.
    loss = up(extra + up(up(steep * sizes) * gamma(4, dtype)))
    terms = sizes.numel() // max(examples, 1)
    largest = below.abs().maximum(lines.upper_offset.abs())
    loss = up(loss + up(up(largest + loss) * (3 * gamma(terms, dtype))))
    made = Lines(
        lines.lower_slope, down(below - loss), lines.upper_slope, up(lines.upper_offset + loss)
    )
    least = floor(sizes, examples, 4) + 2 * terms * torch.finfo(dtype).tiny
    return Bent((node,), made, up(least))
