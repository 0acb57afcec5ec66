"""An account of what rounding can take from linear forms, kept along their substitution."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gnomon.algebra.arithmetic import Arithmetic
from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.inner_products import count_terms, dot


@dataclass(frozen=True, eq=False)
class Noise:
    """A bound ⟨|a|, size⟩ + floor on what one step takes from a form with coefficients a.

    Attributes:
        size: (1 or examples) × the axes of an example, ≥ 0; None for 0.
        floor: 1 or examples numbers ≥ 0; what products that underflow can make, whatever a is.
    """

    size: Tensor | None
    floor: Tensor

    def map(
        self, images: Callable[[Tensor], Tensor], numbers: Callable[[Tensor], Tensor]
    ) -> "Noise":
        """The noise of parts of the examples, by what takes them out of each tensor."""
        size = None if self.size is None else images(self.size)
        return Noise(size, numbers(self.floor))

    def plus(self, other: "Noise", arithmetic: Arithmetic) -> "Noise":
        """The noise of two steps that take from the same coefficients."""
        up = arithmetic.up
        size = self.size if other.size is None else other.size
        if self.size is not None and other.size is not None:
            size = up(self.size + other.size)
        return Noise(size, up(self.floor + other.floor))


class Losses:
    """An upper bound of all that forms may have lost: forms × (1 or examples), ≥ 0.

    Forms are substituted with ordinary rounding. Each step begins with coefficients a as they
    are, which are numbers, and ends with others a'; what the step did wrong is bounded by
    ⟨|a|, ε⟩ with an ε ≥ 0 that belongs to the node, not to the form. For a matrix W, for
    instance, |a' − Wᵀa| ≤ γ_n |W|ᵀ|a| in every coordinate, so that over |h| ≤ m

        |⟨a', h⟩ − ⟨a, W h⟩| ≤ ⟨|a|, γ_n |W| m⟩,

    and |W| m is computed once for all forms. So rounding costs a product of vectors for each
    form and step, and no product of matrices. A node that an execution of the network misses by
    δ has |δ| among its ε.

    Args:
        rows: of the forms; their number is kept, and their type.
        arithmetic: in which they are substituted.

    References:
        higham2002; chapter 3 (running error analysis).
    """

    def __init__(self, rows: Tensor, arithmetic: Arithmetic) -> None:
        self.total = rows.new_zeros(len(rows), 1)
        self.arithmetic = arithmetic

    def lose(self, rows: Tensor, noise: Noise, examples: int) -> None:
        """Adds ⟨|rows|, size⟩ + floor, rounded up."""
        if noise.size is not None:
            lost = dot(rows.abs(), noise.size, examples)
            terms = count_terms(rows, noise.size, examples)
            self.add(self.arithmetic.above(lost, terms))
        self.add(noise.floor)

    def merged(self, rows: Tensor, sizes: Tensor, examples: int) -> None:
        """Takes note of two rows that were added: the sum r is wrong by at most u |r|.

        Args:
            rows: the sum.
            sizes: the largest |h| of the node that they are over.
            examples: how many there are.
        """
        arithmetic = self.arithmetic
        size = arithmetic.up(sizes * arithmetic.gamma(1))
        self.lose(rows, Noise(size, size.new_zeros(1)), examples)

    def summed(self, constant: Tensor) -> None:
        """Takes note of constants that were added to this sum; an infinite one loses all."""
        self.add(self.arithmetic.up(constant.abs() * self.arithmetic.gamma(1)))

    def split(self) -> None:
        """Writes down what a form and its negative have lost, which is the same."""
        self.total = torch.cat([self.total, self.total])

    def add(self, lost: Tensor) -> None:
        """Adds numbers ≥ 0: 1 or examples, or forms × (1 or examples)."""
        self.total = self.arithmetic.up(self.total + lost)


def most(x: Interval) -> Tensor:
    """The largest size of any member, in each coordinate: exact. NaN where a bound is."""
    return x.lower.abs().maximum(x.upper.abs())
