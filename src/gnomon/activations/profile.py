"""The facts about an activation function, with the coefficients that it has now."""

import math
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

Fact = float | int | Tensor
"""A number, or a tensor with one for each channel (along the second axis of a value)."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The way in which programs compute a function: as s f(c x), f a function of a library.

    Attributes:
        name: the name of f in the tables of `gnomon.library`.
        inner: c.
        size: |s|, by which absolute errors are multiplied.
        more: units of roundoff that are added to the relative error of f.
        gates: whether s is x.
        beside: units of roundoff that are added to the absolute error of f.
    """

    name: str
    inner: Fact = 1.0
    size: float | int = 1.0
    more: float | int = 0.0
    gates: bool = False
    beside: float | int = 0.0


@dataclass(frozen=True, eq=False)
class Profile:
    """The facts about a continuous function f of one variable on which all bounds rely.

    Facts are numbers, or differ by channel; a knot, turning point or breakpoint that a channel
    does not have lies at ±∞ there.

    Attributes:
        bends: one sign for each piece between the knots: "+" where f is convex, "-" where it
            is concave, "0" where it is straight. Empty where that is not known.
        knots: rising; the ends of these pieces: inflections, and points where the slope jumps.
        turning_points: strict local extrema, where f turns between rising and falling.
        breakpoints: where a derivative of some order jumps; between them f is analytic.
        lipschitz: the smallest Lipschitz constant, ``sup |f'|``; infinite if there is none.
        monotone: whether f is known to fall nowhere.
        nonnegative: whether no value of f is known to lie below 0.
        sides: the slopes on the left and on the right of 0, if f is straight on both sides and
            f(0) = 0; None otherwise.
        slack: the largest distance from f to a function of which `bends` is true.
        evaluation: how f is computed; None if its formula is to be bounded step by step.

    >>> from gnomon.activations import Profile
    >>> Profile("00", knots=(0.0,), sides=(0.0, 1.0)).homogeneous
    True
    """

    bends: str = ""
    knots: tuple[Fact, ...] = ()
    turning_points: tuple[Fact, ...] = ()
    breakpoints: tuple[Fact, ...] = ()
    lipschitz: Fact = math.inf
    monotone: bool = False
    nonnegative: bool = False
    sides: tuple[Fact, Fact] | None = None
    slack: float = 0.0
    evaluation: Evaluation | None = None

    @property
    def homogeneous(self) -> bool:
        """True if f(a x) = a f(x) for all a ≥ 0."""
        return self.sides is not None

    @property
    def smooth(self) -> bool:
        """True if f is infinitely often differentiable everywhere."""
        return not self.breakpoints

    @property
    def pieces(self) -> tuple[tuple[Fact, Fact, str], ...]:
        """The beginning, the end and the bend of each piece."""
        ends: tuple[Fact, ...] = (-math.inf, *self.knots, math.inf)
        return tuple(zip(ends[:-1], ends[1:], self.bends, strict=True))

    @property
    def negative(self) -> "Profile":
        """The knots and bends of −f."""
        return replace(self, bends=self.bends.translate(_FLIPPED))

    def beside(self, x: Tensor) -> "Profile":
        """The profile with every fact that differs by channel in a shape that fits x.

        Args:
            x: examples × channels × places, or examples × channels.
        """

        def fitted(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
            return tuple(_beside(fact, x) for fact in facts)

        if not any(isinstance(fact, Tensor) for fact in (*self.knots, *self.turning_points)):
            return self
        return replace(
            self, knots=fitted(self.knots), turning_points=fitted(self.turning_points)
        )


def per_channel(coefficient: Any, x: Any) -> Any:  # noqa: ANN401 - tensors or values
    """A coefficient, one number or one for each channel, in the shape and type that fit x.

    Both may be values of an algebra.

    >>> import torch
    >>> from gnomon.activations import per_channel
    >>> per_channel(torch.ones(3), torch.zeros(8, 3, 5, 5)).shape
    torch.Size([3, 1, 1])
    """
    shape = () if coefficient.numel() == 1 else (-1, *[1] * (x.ndim - 2))
    return coefficient.to(x.dtype).reshape(shape)


_FLIPPED = str.maketrans("+-", "-+")


def _beside(fact: Fact, x: Tensor) -> Fact:
    return per_channel(fact.to(x.device), x) if isinstance(fact, Tensor) else fact
