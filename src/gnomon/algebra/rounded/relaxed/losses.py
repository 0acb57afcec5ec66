"""What rounding can take from linear forms: an account of it, kept along their substitution."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.forms import Forms, Node, dot
from gnomon.algebra.rounding import down, gamma, unit_roundoff, up
from gnomon.errors import UnsupportedOperationError


@dataclass(frozen=True, eq=False)
class Noise:
    """A step took at most ⟨|a|, size⟩ + floor from a form whose coefficients there are a.

    Attributes:
        size: (1 or examples) × the axes of an example, ≥ 0.
        floor: 1 or examples; what products that underflow can make, whatever a is.
    """

    size: Tensor
    floor: Tensor


class Losses:
    """An upper bound of all that forms may have lost: forms × (1 or examples), ≥ 0.

    Forms are substituted with ordinary rounding. Each step begins with coefficients a as they
    are, which are numbers, and ends with others a'; what the step did wrong is bounded by
    ⟨|a|, ε⟩ with an ε ≥ 0 that belongs to the node, not to the form. For a matrix W, for
    instance, |a' − Wᵀa| ≤ γ_n |W|ᵀ|a| in every coordinate, so that over |h| ≤ m

        |⟨a', h⟩ − ⟨a, W h⟩| ≤ ⟨|a|, γ_n |W| m⟩,

    and |W| m is found once for all forms. So rounding costs a product of vectors for each form
    and step, and no product of matrices. A node that an execution of the network misses by δ
    has |δ| among its ε.

    References:
        higham2002; chapter 3 (running error analysis).
    """

    def __init__(self, rows: Tensor) -> None:
        self.total = rows.new_zeros(len(rows), 1)

    def lose(self, forms: Forms, rows: Tensor, noise: Noise) -> None:
        """Adds ⟨|rows|, size⟩ + floor, rounded up."""
        size = part(noise.size, forms)
        found = dot(rows.abs(), size, forms.examples)
        terms = coordinates(rows, size, forms.examples)
        found = found * (1 + 2 * gamma(terms + 3, rows.dtype))
        self.add(forms, up(up(found) + terms * torch.finfo(rows.dtype).tiny))
        self.add(forms, noise.floor)

    def add(self, forms: Forms, loss: Tensor) -> None:
        """Adds 1 or examples numbers ≥ 0, or forms × examples of them."""
        self.total = up(self.total + (part(loss, forms) if loss.ndim == 1 else loss))

    def merged(self, forms: Forms, node: Node, rows: Tensor) -> None:
        """A sum of two rows r is wrong by at most u |r|."""
        size = most(node.interval) * unit_roundoff(rows.dtype)
        self.lose(forms, rows, Noise(up(size), size.new_zeros(1)))

    def summed(self, constant: Tensor) -> None:
        """So is a sum of two constants. An infinite one, which overflowed, loses everything."""
        self.total = up(self.total + up(constant.abs() * unit_roundoff(constant.dtype)))

    def split(self) -> None:
        """A form and its negative have lost as much."""
        self.total = torch.cat([self.total, self.total])


def losses_of(forms: Forms) -> Losses:
    """The account that is kept of forms.

    Raises:
        UnsupportedOperationError: none is.
    """
    if not isinstance(forms.account, Losses):
        raise UnsupportedOperationError(
            "RoundedRelaxed: expected forms whose rounding is accounted for, got others. Ask "
            "the value itself for bounds; slopes cannot be optimised here."
        )
    return forms.account


def rounded_bounds(node: Node, rows: Tensor, *, upper: bool, part: slice) -> list[Tensor]:
    """The lower (and upper) bounds of ⟨rows, node⟩: examples × forms. NaN where unknown."""
    account = Losses(rows)
    forms = Forms(node, rows, mirrored=upper, slopes={}, part=part, account=account)
    constant = forms.substitute()
    lost = account.total
    shape = (len(constant), forms.examples)
    low = down(constant - lost).expand(shape).T
    if not upper:
        return [low]
    if forms.mirrored:  # no step was an inequality in one direction only
        return [low, up(constant + lost).expand(shape).T]
    low, high = low.tensor_split(2, dim=1)
    return [low, -high]


def most(x: Interval) -> Tensor:
    """The largest size of any member, in each coordinate: exact. NaN where a bound is."""
    return x.lower.abs().maximum(x.upper.abs())


def floor(sizes: Tensor, examples: int, terms: int) -> Tensor:
    """What products that underflow, `terms` for each coordinate, can add over each example.

    Args:
        sizes: of the coordinates that the results are coefficients of.
        examples: the number of examples in it.
        terms: products in a sum.
    """
    smallest = torch.finfo(sizes.dtype).tiny
    whole = sizes.reshape(examples, -1).sum(1) if len(sizes) > 1 else sizes.sum().reshape(1)
    return up((whole + 1) * (2 * terms * smallest))


def coordinates(rows: Tensor, value: Tensor, examples: int) -> int:
    """How many products `dot` adds for each form and example."""
    blocks = max(rows.shape[1], len(value))
    return rows.shape[2:].numel() * max(1, blocks // max(examples, 1))


def part(value: Tensor, forms: Forms) -> Tensor:
    """What belongs to the examples that are looked at; one value may belong to all."""
    return value if len(value) == 1 else forms.of(value)
