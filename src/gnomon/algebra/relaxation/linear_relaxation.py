"""Linear relaxations: bounds that are linear in the inputs, found by substitution backwards."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.algebra.arithmetic import NEAREST, Arithmetic
from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.backward_steps import Activated
from gnomon.algebra.relaxation.forms import Node, bounds, in_portions, of_part
from gnomon.algebra.relaxation.intermediate_bounds import Undecided, tightened
from gnomon.algebra.relaxation.noise import leaf
from gnomon.algebra.rounding import Deployed
from gnomon.algebra.snapshot import snapshot
from gnomon.algebra.value import Value
from gnomon.errors import SettingError, ShapeError


@dataclass(frozen=True)
class Settings:
    """Settings of the substitution.

    Attributes:
        intermediate: where the bounds come from between which activations are relaxed: by
            substitution backwards ("relaxed", CROWN), or from interval rules ("interval",
            CROWN-IBP).
        budget: bytes that the forms substituted at one time may take.
    """

    intermediate: str = "relaxed"
    budget: int = 2**25

    def __post_init__(self) -> None:
        if self.intermediate not in {"relaxed", "interval"}:
            raise SettingError(
                "LinearRelaxation: expected intermediate bounds 'relaxed' or 'interval', got "
                f"{self.intermediate!r}. Choose one."
            )
        if self.budget < 1:
            raise SettingError(
                f"LinearRelaxation: expected a budget ≥ 1, got {self.budget}. Raise it."
            )


DEFAULT = Settings()


class LinearRelaxation(Value):
    """A tensor that depends on inputs in a set, with linear bounds of its linear forms.

    The expression is recorded while a network runs. A bound of ⟨a, z⟩ is found backwards: z is
    replaced by what it came from, exactly where that is affine, and by one of two straight
    lines around each activation, the one that suits the sign of its coefficient; what remains
    is linear in the inputs, and is bounded over their box. Where a weight varies in w ± r, its
    term r |h| has a line above it, too: |h| ≤ the chord of |·| over h's bounds; no tensor of
    size examples × outputs × inputs of a layer is made. Every bound of a coordinate is cut with
    that of `Interval`, whose rules are computed along.

    Operations without a relaxation (max pooling, softmax, normalisations by the example's own
    statistics, products of two values that vary) start afresh: their output is a box. A larger
    set does not always have wider bounds: which line through 0 is below an activation, is
    chosen.

    Bounds are computed in the arithmetic of the box: with ordinary rounding they hold in exact
    arithmetic; with `Outward` they hold as they are computed. What each step of the
    substitution can have lost, and what executions of the network can miss, is then bounded,
    and taken off at the end. Weights are used as they are stored. A bound that cannot be
    computed, because a number overflowed or was NaN, is that of the interval.

    >>> from gnomon.algebra import Outward
    >>> x = LinearRelaxation.around(torch.ones(1, 2), 0.5, arithmetic=Outward())
    >>> (torch.relu(x) - 0.25 * x).contains(torch.full((1, 2), 1.125))
    True

    References:
        zhang2018 (CROWN); xu2020 (general expressions); singh2019; higham2002 (rounding).
    """

    precedence = 1
    lazy = True

    def __init__(self, node: Node, settings: Settings = DEFAULT) -> None:
        self.node, self.settings = node, settings

    @classmethod
    def of(
        cls, box: Interval, *, intermediate: str = "relaxed", budget: int = 2**25
    ) -> "LinearRelaxation":
        """All tensors in a box; its first axis counts examples.

        Raises:
            ShapeError: a box without an axis of examples.
            SettingError: a setting outside its range.
        """
        if box.ndim < 2:
            raise ShapeError(
                "LinearRelaxation: expected examples along the first of two axes or more, got "
                f"{tuple(box.shape)}. Add an axis with unsqueeze(0)."
            )
        made = cls(leaf(snapshot(box)), Settings(intermediate, budget))
        vars(made).update({key: kind for key, kind in vars(box).items() if key == "_held"})
        return made

    @classmethod
    def around(
        cls,
        centre: Tensor,
        radius: float | Tensor,
        domain: tuple[float, float] | None = None,
        *,
        arithmetic: Arithmetic = NEAREST,
        intermediate: str = "relaxed",
        budget: int = 2**25,
    ) -> "LinearRelaxation":
        """All tensors at most `radius` from the centre in every coordinate, within the domain.

        Args:
            centre: examples × the axes of one; inside the domain.
            radius: ≥ 0; a number or a tensor that broadcasts to the centre's shape.
            domain: the interval of every coordinate.
            arithmetic: how bounds are computed.
            intermediate: whether activations are relaxed between bounds found by substitution
                backwards, or between those of intervals, which cost less and are wider.
            budget: bytes that the forms substituted at one time may take (what autograd keeps
                for a later differentiation comes on top).

        Raises:
            SettingError: a setting outside its range, or a centre outside the domain.
            ShapeError: shapes that do not fit, or no axis of examples.
        """
        box = Interval.around(centre, radius, domain, arithmetic=arithmetic)
        return cls.of(box, intermediate=intermediate, budget=budget)

    @property
    def interval(self) -> Interval:
        """The bounds that are known so far, without further substitution."""
        return self.node.interval

    @property
    def arithmetic(self) -> Arithmetic:
        """The arithmetic in which bounds are computed."""
        return self.node.interval.arithmetic

    def lifted(self, given: object) -> object:
        """A set of parameters as an interval in the arithmetic of this value's."""
        return self.interval.lifted(given)

    def suits(self, network: nn.Module) -> None:
        """Refuses a network in other numbers than those of the executions that are covered.

        Raises:
            SettingError: such a network.
        """
        self.arithmetic.suits(network)

    @property
    def restarts(self) -> frozenset[str]:
        """The names of the operations before it that have no linear relaxation.

        Behind them an expression begins anew, with the bounds that intervals give; a name is
        that of a torch function, such as "softmax", or "mul" for a product of two values.
        """
        return self.node.restarts

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The bounds that are known so far."""
        return self.node.interval.parts

    @property
    def widens(self) -> bool:
        """True if tensors are converted to the numbers of the bounds."""
        return self.arithmetic.outwards

    @property
    def stored(self) -> torch.dtype | None:
        """The type that an execution holds; bounds may be kept in numbers of their own."""
        if not self.arithmetic.outwards:
            return super().stored
        level = self.arithmetic.level
        held = level.dtype if isinstance(level, Deployed) else vars(self).get("_held")
        return vars(self).get("_kind", held)

    @property
    def lower(self) -> Tensor:
        """The lower bound of every coordinate; computed once, when it is asked for."""
        return self.settled().lower

    @property
    def upper(self) -> Tensor:
        """The upper bound of every coordinate."""
        return self.settled().upper

    @property
    def centre(self) -> Tensor:
        """The midpoint of the bounds of every coordinate."""
        return self.settled().centre

    @property
    def radius(self) -> Tensor:
        """Half the distance between the bounds of every coordinate."""
        return self.settled().radius

    @property
    def width(self) -> Tensor:
        """The distance between the bounds of every coordinate."""
        return self.settled().width

    def contains(self, value: Tensor, slack: float = 0.0) -> bool:
        """True if a tensor lies between the bounds, up to `slack`; NaN never does."""
        return self.settled().contains(value, slack)

    def bound(self, rows: Tensor) -> Interval:
        """Bounds of linear combinations of the coordinates, such as differences of logits.

        Tighter than combining bounds of coordinates: a last layer and the combination are one
        affine map (the elision of the last layer).

        Args:
            rows: combinations × the axes of an example, or examples × combinations × those.

        Returns:
            Bounds of examples × combinations.

        Raises:
            ShapeError: rows of another shape.
        """
        value = self._by_example()
        known = value._combined(rows)  # noqa: SLF001 - of this class
        return known.cut(*value._substituted(rows, upper=True))  # noqa: SLF001

    def at_least(self, rows: Tensor) -> Tensor:
        """The lower bounds alone of linear combinations; half the work of `bound`."""
        value = self._by_example()
        known = value._combined(rows)  # noqa: SLF001 - of this class
        return torch.fmax(known.lower, *value._substituted(rows, upper=False))  # noqa: SLF001

    def settled(self, undecided: Undecided | None = None) -> Interval:
        """The interval, after substitution backwards of the coordinates that are worth it.

        Args:
            undecided: returns the coordinates whose bounds still matter, by their known bounds;
                None for all.
        """
        node = self.node
        if not node.settled and node.examples:
            node.settled = undecided is None
            with node.interval.arithmetic.kernels(*self.parts):
                node.interval = tightened(node, undecided, self.settings.budget)
        return node.interval

    def operand(self, undecided: Undecided | None = None) -> Interval:
        """The bounds between which an operation on this value is relaxed.

        They are found by substitution only if the settings say so, and only if they can become
        better than the interval's: those of an activation's output hardly can, but those of
        its input may not all have been found.
        """
        node = self.node
        if self.settings.intermediate == "interval":
            return node.interval
        if node.origin.worthwhile:
            return self.settled(undecided)
        if isinstance(node.origin, Activated) and node.origin.values is not None:
            box = LinearRelaxation(node.origin.parents[0], self.settings).operand()
            node.interval = node.interval.cut(*node.origin.values(box).parts)
        return node.interval

    def _by_example(self) -> "LinearRelaxation":
        """The value, or a box of its bounds where a function has mixed its examples."""
        if self.ndim < 2 or self.shape[0] == self.node.examples:
            return self
        return LinearRelaxation(leaf(self.settled()), self.settings)

    def _substituted(self, rows: Tensor, *, upper: bool) -> list[Tensor]:
        """Bounds of examples × combinations by substitution alone."""
        node, coefficients = self.node, self.rows_of(rows)
        arithmetic = node.interval.arithmetic

        def bounded(some: Tensor, part: slice) -> list[Tensor]:
            rows = of_part(some, part)
            return bounds(node, rows, upper=upper, part=part, arithmetic=arithmetic)

        places = torch.arange(len(coefficients), device=self.device)
        budget = self.settings.budget
        with arithmetic.kernels(*self.parts):
            return in_portions(node, places, budget, coefficients.__getitem__, bounded)

    def rows_of(self, rows: Tensor) -> Tensor:
        """Rows as `bound` takes them, as combinations × (1 or examples) × the axes of one."""
        own = self._per_example(rows).movedim(1, 0)
        kept = own.to(self.node.interval.lower)
        if self.arithmetic.outwards and not torch.equal(kept.to(own.dtype), own):
            raise SettingError(
                f"LinearRelaxation: expected coefficients of {kept.dtype}, got others in "
                f"{rows.dtype}. Compute the bounds in float64, or round the coefficients."
            )
        return kept

    def _combined(self, rows: Tensor) -> Interval:
        """Bounds of linear combinations by intervals: examples × combinations."""
        column = self.interval.each(torch.flatten, 1).each(torch.unsqueeze, 2)
        coefficients = self._per_example(rows).flatten(2).to(column.lower)
        return Interval.rules["matmul"](coefficients, column.idealised).each(torch.squeeze, 2)

    def _per_example(self, rows: Tensor) -> Tensor:
        """Rows as (1 or examples) × combinations × the axes of one."""
        shape = self.shape[1:]
        fits = rows.shape[rows.ndim - len(shape) :] == shape and rows.ndim - len(shape) in {
            1,
            2,
        }
        if not fits or self.ndim < 2 or self.shape[0] != self.node.examples:
            raise ShapeError(
                f"LinearRelaxation: expected rows of shape (…, combinations, {tuple(shape)}), "
                f"got {tuple(rows.shape)}. Give one coefficient per coordinate."
            )
        rows = rows if rows.ndim == len(shape) + 2 else rows.unsqueeze(0)
        if len(rows) not in {1, self.node.examples}:
            raise ShapeError(
                f"LinearRelaxation: expected rows for 1 or {self.node.examples} examples, got "
                f"{len(rows)}. Give them for every example."
            )
        return rows

    def __repr__(self) -> str:
        return f"LinearRelaxation(shape={tuple(self.shape)}, interval={self.interval!r})"
