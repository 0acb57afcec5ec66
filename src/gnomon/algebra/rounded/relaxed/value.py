"""Linear relaxations whose bounds hold although they were computed in floating point."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gnomon.algebra.arithmetic import Outward
from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation import LinearRelaxation
from gnomon.algebra.relaxation.forms import Node, concrete, in_portions, of_part, unit_rows
from gnomon.algebra.relaxation.linear_relaxation import Settings
from gnomon.algebra.rounded.relaxed.losses import rounded_bounds
from gnomon.algebra.rounded.relaxed.steps import box_node
from gnomon.algebra.rounding import (
    REAL,
    Deployed,
    Level,
    refuse_other_types,
    safe_kernels,
)
from gnomon.algebra.snapshot import snapshot
from gnomon.algebra.value import Value
from gnomon.errors import SettingError, ShapeError


class RoundedRelaxed(Value):
    """A tensor that depends on inputs in a set, with linear bounds that rounding cannot break.

    It is `LinearRelaxation`, with an account of every rounding: what a step of the substitution
    can have lost is bounded, and taken off at the end. Bounds are true of the network in real
    arithmetic (level `REAL`), or also of every execution of it in float32 or float64, in any
    order of summation (level `Deployed(dtype)`). A bound that cannot be computed, because a
    number overflowed or was NaN, is that of `Interval`, with which all are cut.

    Weights are used as they are stored; in float64, in which bounds are best computed, those
    of a float32 network are the same numbers. Functions without a relaxation here start afresh
    from a box, and slopes are not optimised.

    References:
        zhang2018; higham2002 (error analysis).
    """

    precedence = 3
    lazy = True
    widens = True  # type: ignore[assignment]

    def __init__(self, node: Node, settings: Settings, level: Level) -> None:
        self.node, self.settings, self.level = node, settings, level

    @classmethod
    def of(
        cls,
        box: Interval,
        *,
        intermediate: str = "relaxed",
        budget: int = 2**25,
    ) -> "RoundedRelaxed":
        """All tensors in a box; its first axis counts examples.

        Args:
            box: whose level is that of the bounds.
            intermediate: as for `LinearRelaxation`.
            budget: bytes that the forms substituted at one time may take.

        Raises:
            ShapeError: a box without an axis of examples.
            SettingError: a setting outside its range.
        """
        if box.ndim < 2:
            raise ShapeError(
                "RoundedRelaxed: expected examples along the first of at least two axes, got "
                f"shape {tuple(box.shape)}. Add an axis with unsqueeze(0)."
            )
        lower, upper = snapshot(box.parts)
        known = Interval.computed(lower, upper, nonnegative=box.nonnegative)
        made = cls(box_node(known), Settings(intermediate, budget), box.arithmetic.level)
        vars(made).update({key: each for key, each in vars(box).items() if key == "_held"})
        return made

    @classmethod
    def around(
        cls,
        centre: Tensor,
        radius: float | Tensor,
        domain: tuple[float, float] | None = None,
        *,
        level: Level = REAL,
        dtype: torch.dtype = torch.float64,
        intermediate: str = "relaxed",
        budget: int = 2**25,
    ) -> "RoundedRelaxed":
        """All tensors at most `radius` from the centre in every coordinate, within the domain.

        Args:
            centre: examples × the axes of one; inside the domain.
            radius: ≥ 0; a number or a tensor that broadcasts to the centre's shape.
            domain: the interval of every coordinate.
            level: of which executions the bounds have to be true.
            dtype: of the bounds, float64 or float32, whatever the centre's.
            intermediate: as for `LinearRelaxation`.
            budget: bytes that the forms substituted at one time may take.

        Raises:
            SettingError: a setting outside its range, or a centre outside the domain.
            ShapeError: shapes that do not fit, or no axis of examples.
        """
        arithmetic = Outward(level, dtype)
        box = Interval.around(centre, radius, domain, arithmetic=arithmetic)
        return cls.of(box, intermediate=intermediate, budget=budget)

    @property
    def rounded(self) -> Interval:
        """The bounds that are known so far, without further substitution."""
        known = self.node.interval
        return Interval.computed(
            *known.parts, arithmetic=self.arithmetic, nonnegative=known.nonnegative
        )

    @property
    def arithmetic(self) -> Outward:
        """How bounds are computed."""
        return Outward(self.level, self.precision)

    def lifted(self, given: Any) -> Any:
        """A tensor as an interval."""
        return self.rounded.lifted(given)

    def suits(self, network: nn.Module) -> None:
        """Refuses a network in other numbers than those of the level's executions.

        Raises:
            SettingError: a parameter or buffer in half precision, or none in the level's type.
        """
        refuse_other_types(network, self.level)

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The bounds that are known so far."""
        return self.node.interval.parts

    @property
    def stored(self) -> torch.dtype | None:
        """The type that an execution holds; bounds are kept in numbers of their own."""
        level = self.level
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
    def width(self) -> Tensor:
        """The distance between the bounds of every coordinate."""
        return self.settled().width

    def contains(self, value: Tensor) -> bool:
        """Whether a tensor lies between the bounds; NaN never does."""
        return self.settled().contains(value)

    def bound(self, rows: Tensor) -> Interval:
        """Bounds of linear combinations of the coordinates, such as differences of logits.

        Args:
            rows: combinations × the axes of an example, or examples × combinations × those.

        Returns:
            Bounds of examples × combinations; −∞ and ∞ where nothing is known.

        Raises:
            ShapeError: rows of another shape.
            SettingError: coefficients that the bounds' type does not hold.
        """
        value = self._by_example()
        boxed, found = value._combined(rows, upper=True)  # noqa: SLF001
        low, high = boxed[0].fmax(found[0]), boxed[1].fmin(found[1])
        return Interval.computed(_or(low, -torch.inf), _or(high, torch.inf))

    def at_least(self, rows: Tensor) -> Tensor:
        """The lower bounds alone of linear combinations; half the work of `bound`."""
        value = self._by_example()
        boxed, found = value._combined(rows, upper=False)  # noqa: SLF001
        return _or(boxed[0].fmax(found[0]), -torch.inf)

    def settled(self, needed: Tensor | None = None) -> Interval:
        """The interval, after substitution backwards of all coordinates, or of the needed ones.

        Args:
            needed: which coordinates are worth the work; examples × the axes of one.
        """
        node = self.node
        if node.settled or not node.examples:
            return node.interval
        places = torch.arange(node.interval.numel() // node.examples, device=self.device)
        if needed is None:
            node.settled = True
        else:
            some = needed.reshape(node.examples, -1).any(0)
            places = places[some] if concrete(some) else places
        if len(places):
            self._settle(places, needed)
        return node.interval

    def operand(self, needed: Tensor | None = None) -> Interval:
        """The bounds between which an operation on this value is relaxed."""
        if self.settings.intermediate == "interval" or not self.node.origin.worthwhile:
            return self.node.interval
        return self.settled(needed)

    def _by_example(self) -> "RoundedRelaxed":
        """The value, or a box of its bounds where a function has mixed its examples."""
        if self.ndim < 2 or self.shape[0] == self.node.examples:
            return self
        return RoundedRelaxed(box_node(self.settled()), self.settings, self.level)

    def _settle(self, places: Tensor, needed: Tensor | None) -> None:
        """Cuts the interval with the bounds of substitution at some coordinates."""
        node, old = self.node, self.node.interval
        budget = self.settings.budget
        found = _in_portions(node, places, partial(unit_rows, node), budget, upper=True)
        ends = (
            bound.reshape(node.examples, -1).index_copy(1, places, each).reshape(old.shape)
            for bound, each in zip(old.parts, found, strict=True)
        )
        if needed is not None:  # what an example gets does not depend on the others
            ends = (torch.where(needed, *pair) for pair in zip(ends, old.parts, strict=True))
        node.interval = old.cut(*ends)

    def _combined(self, rows: Tensor, *, upper: bool) -> tuple[list[Tensor], list[Tensor]]:
        """Bounds of examples × combinations: from the interval alone, and by substitution."""
        given = LinearRelaxation(self.node, self.settings).rows_of(rows)
        if not torch.equal(rows.to(self.precision).to(rows.dtype), rows):
            raise SettingError(
                f"RoundedRelaxed: expected coefficients of {self.precision}, got others in "
                f"{rows.dtype}. Compute the bounds in float64, or round the coefficients."
            )
        places = torch.arange(len(given), device=self.device)
        budget, chosen = self.settings.budget, given.__getitem__
        nodes = (box_node(self.node.interval), self.node)
        boxed, found = (
            _in_portions(node, places, chosen, budget, upper=upper) for node in nodes
        )
        return boxed, found

    def __repr__(self) -> str:
        return f"RoundedRelaxed(shape={tuple(self.shape)}, interval={self.node.interval!r})"


def _in_portions(
    node: Node,
    places: Tensor,
    rows: Callable[[Tensor], Tensor],
    budget: int,
    *,
    upper: bool,
) -> list[Tensor]:
    """Bounds of examples × places by substitution alone, within a budget of bytes."""

    def bounded(some: Tensor, part: slice) -> list[Tensor]:
        return rounded_bounds(node, of_part(some, part), upper=upper, part=part)

    with safe_kernels(*node.interval.parts):
        return in_portions(node, places, budget, rows, bounded)


def _or(bound: Tensor, infinity: float) -> Tensor:
    """A bound; infinity where it is NaN."""
    return torch.where(bound.isnan(), torch.full_like(bound, infinity), bound)
