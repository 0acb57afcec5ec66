"""Linear forms over the nodes of an expression, and their substitution back to its inputs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from gnomon.algebra.arithmetic import NEAREST, Arithmetic
from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.losses import Losses, Noise, most

_ALL = slice(None)
Started = TypeVar("Started")


@runtime_checkable
class Origin(Protocol):
    """The step that made a node from others.

    Attributes:
        parents: the others.
        worthwhile: True if substitution can bound coordinates better than the interval's rule.
        separable: True if some of the examples can be followed back without the others.
        restarts: names of the operations on the way that have no linear relaxation.
    """

    parents: tuple["Node", ...]
    worthwhile: bool
    separable: bool

    def pull(self, rows: Tensor, forms: "Forms") -> None:
        """Replaces ⟨rows, node⟩ by something that is never larger, over the parents.

        Args:
            rows: forms × examples (or 1, the same for all of them) × the axes of an example.
            forms: receives rows over the parents (`give`) and constants (`add`).
        """
        ...


class Node:
    """One place of an expression: a tensor that varies with the inputs and parameters.

    Attributes:
        interval: bounds of each coordinate; the best that are known so far. Where a function is
            given, they are what it returns when they are first asked for.
        origin: how it came about.
        examples: forms over it are kept apart for this many examples, of which its axes hold
            one after the other; no coordinate of an example depends on another one.
        settled: no better bound of a single coordinate is to be had.
        independent: the coordinates vary independently, in the whole interval.
        shape: of the tensor that it stands for.
        noise: what rounding can take from forms in the step to its parents.
        depth: one more than that of the deepest parent.
        breadth: the most coordinates that an example has, here or on the way.
        separable: True if some of the examples can be followed back without the others.
    """

    def __init__(
        self,
        interval: Interval | Callable[[], Interval],
        origin: Origin,
        examples: int,
        *,
        settled: bool = False,
        independent: bool = False,
        shape: torch.Size | None = None,
        noise: Noise | None = None,
        restarts: frozenset[str] = frozenset(),
    ) -> None:
        self._interval, self.origin, self.examples = interval, origin, examples
        self.noise = noise
        self.settled, self.independent = settled, independent
        self.shape = self.interval.shape if shape is None else shape
        parents = origin.parents
        self.restarts = restarts.union(*(parent.restarts for parent in parents))
        self.depth = 1 + max((parent.depth for parent in parents), default=0)
        own = -(-self.shape.numel() // max(examples, 1))
        self.breadth = max((own, *(parent.breadth for parent in parents)))
        self.separable = (
            origin.separable
            and self.shape[0] == examples
            and all(parent.separable for parent in parents)
        )

    @property
    def interval(self) -> Interval:
        """Bounds of each coordinate."""
        if not isinstance(self._interval, Interval):
            self._interval = self._interval()
        return self._interval

    @interval.setter
    def interval(self, interval: Interval) -> None:
        self._interval = interval


class Forms:
    """Linear forms Σ ⟨rows_n, n⟩ + constant over nodes n: lower bounds of what is asked.

    Until the first step that is an inequality, one form stands for its negative as well: it is
    then *mirrored*, and `split` writes both down. The upper bound of a form is minus the lower
    bound of its negative, so that only lower bounds have to be stated anywhere.

    Attributes:
        constant: forms × examples.
        mirrored: see above.
        part: which examples are looked at.
        examples: how many they are.
        slopes: where the choice of a relaxation's slopes is overruled; by the relaxation.
        signs: forms × examples of 1 or −1: of mirrored forms only these are asked for.
        losses: the account of what is rounded, where the arithmetic keeps one.
    """

    def __init__(
        self,
        node: Node,
        rows: Tensor,
        *,
        mirrored: bool,
        slopes: Mapping[Any, Tensor],
        part: slice,
        signs: Tensor | None = None,
        arithmetic: Arithmetic = NEAREST,
    ) -> None:
        self.losses = Losses(rows, arithmetic) if arithmetic.outwards else None
        self.pending: dict[Node, Tensor] = {node: rows}
        self.constant = rows.new_zeros(len(rows), 1)
        self.mirrored, self.slopes, self.part = mirrored, slopes, part
        self.signs = signs
        self.examples = len(range(node.examples)[part])

    def of(self, value: Tensor) -> Tensor:
        """The part of the examples that are looked at, of a tensor with all of them."""
        return value if self.part == _ALL else value[self.part]

    def own(self, value: Tensor) -> Tensor:
        """The part of the examples that are looked at, if it is not the same for all."""
        return value if len(value) == 1 else self.of(value)

    def give(self, node: Node, rows: Tensor) -> None:
        """Adds ⟨rows, node⟩."""
        held = self.pending.get(node)
        self.pending[node] = rows if held is None else held + rows
        if held is not None and self.losses is not None:
            sizes = self.own(most(node.interval))
            self.losses.merged(self.pending[node], sizes, self.examples)

    def add(self, constant: Tensor) -> None:
        """Adds a constant to each form, for each example, in the type of what is asked."""
        self.constant = self.constant + constant.to(self.constant.dtype)
        if self.losses is not None:
            self.losses.summed(self.constant)

    def continue_from(self, start: "Forms") -> None:
        """Adds the constants of other forms, and what these have lost."""
        self.add(start.constant)
        if self.losses is not None and start.losses is not None:
            self.losses.add(of_part(start.losses.total, self.part))

    def split(self, rows: Tensor) -> Tensor:
        """Writes every form and its negative down; returns the rows so extended.

        Where signs are given, it is the form times its sign that is written down.
        """
        if not self.mirrored:
            return rows
        self.mirrored = False
        self.pending = {node: self._signed(held) for node, held in self.pending.items()}
        self.constant = self._signed(self.constant)
        if self.losses is not None and self.signs is None:
            self.losses.split()
        return self._signed(rows)

    def _signed(self, rows: Tensor) -> Tensor:
        if self.signs is None:
            return torch.cat([rows, -rows])
        return rows * self.signs.reshape(*self.signs.shape, *[1] * (rows.ndim - 2))

    def replace(self, node: Node) -> None:
        """Replaces a pending node by its parents."""
        rows = self.pending.pop(node)
        if self.losses is not None and node.noise is not None:
            self.losses.lose(rows, node.noise.map(self.own, self.own), self.examples)
        node.origin.pull(rows, self)

    def substitute(self) -> None:
        """Replaces every node by its parents, until constants remain."""
        while self.pending:
            # No node that is still pending comes from the deepest: its rows are complete.
            self.replace(max(self.pending, key=lambda node: node.depth))

    @property
    def lowest(self) -> Tensor:
        """The constants, less what was lost: forms × (1 or examples)."""
        if self.losses is None:
            return self.constant
        return self.losses.arithmetic.down(self.constant - self.losses.total)

    @property
    def highest(self) -> Tensor:
        """The constants, and what was lost; of forms that are mirrored still."""
        if self.losses is None:
            return self.constant
        return self.losses.arithmetic.up(self.constant + self.losses.total)


def bounds(
    node: Node,
    rows: Tensor,
    *,
    upper: bool = True,
    slopes: Mapping[Any, Tensor] | None = None,
    part: slice = _ALL,
    start: Forms | None = None,
    arithmetic: Arithmetic = NEAREST,
) -> list[Tensor]:
    """The lower (and upper) bounds of ⟨rows, node⟩ for each example: examples × forms.

    Args:
        node: what the forms are over.
        rows: forms × (examples or 1) × the axes of an example.
        upper: whether upper bounds are asked for, too.
        slopes: as in `Forms`.
        part: as in `Forms`.
        start: forms that led to these rows; their constants and losses are added.
        arithmetic: as in `Forms`.
    """
    slopes = slopes or {}
    forms = Forms(node, rows, mirrored=upper, slopes=slopes, part=part, arithmetic=arithmetic)
    if start is not None:
        forms.continue_from(start)
    forms.substitute()
    low = forms.lowest.expand(-1, forms.examples).T
    if not upper:
        return [low]
    if forms.mirrored:  # nothing on the way was an inequality
        return [low, forms.highest.expand(-1, forms.examples).T]
    low, high = low.tensor_split(2, dim=1)
    return [low, -high]


def signed_bounds(
    node: Node, rows: Tensor, signs: Tensor, arithmetic: Arithmetic = NEAREST
) -> Tensor:
    """The lower bounds of sign · ⟨rows, node⟩: forms × examples, as the signs are."""
    forms = Forms(
        node, rows, mirrored=True, slopes={}, part=_ALL, signs=signs, arithmetic=arithmetic
    )
    forms.substitute()
    if forms.mirrored:
        return torch.where(signs > 0, forms.lowest, -forms.highest)
    return forms.lowest.expand_as(signs)


def in_portions(
    node: Node,
    places: Tensor,
    budget: int,
    started: Callable[[Tensor], Started],
    bounded: Callable[[Started, slice], Sequence[Tensor]],
    part: slice = _ALL,
) -> list[Tensor]:
    """Bounds of examples × places, found in portions that fit into a budget of bytes.

    Args:
        node: whose forms are substituted.
        places: numbers of the forms.
        budget: in bytes.
        started: makes of some places what their forms have in common for all examples.
        bounded: finds of this the bounds for a part of the examples.
        part: the examples that are looked at.
    """
    parts, portions = _portions(node, places, budget, part)
    found: list[list[Tensor]] = []
    for portion in portions:
        start = started(portion)
        each = [bounded(start, some) for some in parts]
        found.append([torch.cat(side) for side in zip(*each, strict=True)])
    return [torch.cat(side, dim=1) for side in zip(*found, strict=True)]


def of_part(rows: Tensor, part: slice) -> Tensor:
    """The rows for a part of the examples, of those for all of them or for any."""
    return rows if rows.shape[1] == 1 else rows[:, part]


def _portions(
    node: Node, places: Tensor, budget: int, part: slice
) -> tuple[list[slice], list[Tensor]]:
    """Parts of the examples, and of the places, that fit into the budget together.

    A form takes eight tensors of an example's breadth: both signs, and four of each at a time.
    Examples are taken together only as far as all places of each fit, since what is common to
    the forms of an example is then found once.
    """
    like = node.interval.lower
    fitting = max(1, budget // (8 * like.element_size() * node.breadth))
    chosen = range(node.examples)[part]
    together = len(chosen)
    if node.separable:
        together = min(together, max(1, fitting // max(1, len(places))))
    size = max(1, fitting // together)
    starts = range(chosen.start, chosen.stop, together)
    parts = [slice(start, min(start + together, chosen.stop)) for start in starts]
    whole = len(parts) == 1 and part == _ALL
    return [_ALL] if whole else parts, list(places.split(size))


def unit_rows(node: Node, places: Tensor) -> Tensor:
    """The forms that pick one coordinate of each example."""
    like, width = node.interval.lower, node.interval.numel() // node.examples
    rows = like.new_zeros(len(places), width)
    rows[torch.arange(len(places), device=like.device), places] = 1
    if node.shape[0] == node.examples:
        return rows.reshape(len(places), 1, *node.shape[1:])
    rows = rows.unsqueeze(1).expand(-1, node.examples, -1)
    return rows.reshape(len(places), *node.shape)


def concrete(value: Tensor) -> bool:
    """True if the numbers can be looked at: inside `torch.func.vmap` they stand for many."""
    try:
        return bool(value.reshape(-1)[:1].isfinite().all()) or True
    except RuntimeError:
        return False
