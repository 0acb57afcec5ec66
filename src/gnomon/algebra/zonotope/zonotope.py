"""Affine arithmetic: zonotopes, which remember what coordinates have in common."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from gnomon.algebra.interval import Interval
from gnomon.algebra.value import Value
from gnomon.algebra.zonotope import symbols as noise
from gnomon.errors import SettingError, ShapeError

SYMBOLS = 256

Centre = Float[Tensor, " batch *shape"]


class Zonotope(Value):
    """The set of all c + Σ_s ε_s G_s + ρ with |ε_s| ≤ 1 and |ρ| ≤ r in every coordinate.

    Each example of the batch has noise symbols ε_s of its own. An affine map carries the centre
    c and the generators G_s over exactly, so that what coordinates have in common is kept
    (x − x = 0), and nothing is lost where a network turns or mixes; the independent radius r
    grows by the sizes |W| of the weights, as intervals do. Every other function adds its error
    to r, and the coordinates with the largest r get new symbols. Beside this an `Interval` is
    carried by its own rules, and the bounds are the intersection of the two: they are never
    wider than interval bounds.

    The bounds hold in exact arithmetic; they are computed in floating point with ordinary
    rounding. A box of parameters W_c ± R is allowed: W_c acts as above, and the largest
    R |h| goes to the radius. Functions that mix examples, or that have no affine rule (softmax,
    maxima, normalisation by the example's own statistics, products of two varying values), go
    through their interval rule and lose what coordinates have in common.

    Larger sets need not give wider bounds: another slope of a relaxation may be better for the
    larger set in one coordinate of the output.

    Args:
        centre: batch × the axes of one example.
        generators: symbols × batch × the axes of one example.
        radius: ≥ 0, of the centre's shape.
        most: how many symbols there ever are; beyond it the smallest are folded into r.

    References:
        comba1993; singh2018.
    """

    precedence = 1

    centre: Tensor
    generators: Tensor
    radius: Tensor
    labels: Tensor
    box: Interval
    most: int

    def __init__(
        self, centre: Centre, generators: Tensor, radius: Centre, most: int = SYMBOLS
    ) -> None:
        if generators.shape[1:] != centre.shape or radius.shape != centre.shape:
            raise ShapeError(
                f"Zonotope: expected generators symbols × {tuple(centre.shape)} and a radius "
                f"of that shape, got {tuple(generators.shape)} and {tuple(radius.shape)}. "
                "Expand them."
            )
        _check_most(most)
        reach = noise.reach(generators) + radius
        box = Interval(centre - reach, centre + reach)
        numbers = torch.arange(len(generators), device=centre.device)[:, None]
        labels = noise.named(numbers.expand(-1, len(centre)))
        made = self.computed(centre, generators, labels, radius, box, most)
        vars(self).update(vars(made))

    @classmethod
    def computed(
        cls,
        centre: Tensor,
        generators: Tensor,
        labels: Tensor,
        radius: Tensor,
        box: Interval,
        most: int,
    ) -> "Zonotope":
        """The result of a rule, with at most `most` symbols.

        Args:
            centre: c.
            generators: G.
            labels: which symbol of its example each generator belongs to.
            radius: r.
            box: an interval that is known to hold the set's true members.
            most: the number of symbols allowed.
        """
        made = cls.__new__(cls)
        generators, labels, lost = noise.folded(generators, labels, most)
        made.centre, made.generators, made.labels = centre, generators, labels
        made.radius = radius if lost is None else radius + lost
        made.box, made.most = box, most
        return made

    @classmethod
    def around(
        cls,
        centre: Shaped[Tensor, " batch *shape"],
        radius: float | Tensor,
        domain: tuple[float, float] | None = None,
        symbols: int = SYMBOLS,
    ) -> "Zonotope":
        """All tensors at most `radius` from the centre in every coordinate, within the domain.

        Args:
            centre: inside the domain.
            radius: ≥ 0; a number or a tensor that broadcasts to the centre's shape.
            domain: the interval of every coordinate.
            symbols: how many symbols there ever are. The coordinates with the largest radii get
                one each; memory is this many times that of a plain pass.

        Raises:
            SettingError: a negative or NaN radius, or a centre outside the domain.
            ShapeError: a radius that does not broadcast to the centre's shape.
        """
        return cls.of(Interval.around(centre, radius, domain), symbols)

    @classmethod
    def of(cls, interval: Interval, symbols: int = SYMBOLS) -> "Zonotope":
        """The box as a zonotope, whose widest coordinates get a symbol each.

        A coordinate without finite bounds has centre 0 and an infinite radius.
        """
        _check_most(symbols)
        finite = interval.lower.isfinite() & interval.upper.isfinite()
        zero = torch.zeros_like(interval.lower)
        centre = torch.where(finite, interval.centre, zero)
        radius = torch.where(finite, interval.radius, zero + torch.inf)
        empty = noise.none(centre)
        return cls.computed(centre, *empty, radius, interval, symbols).with_new_symbols()

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """Centre, generators, radius, and the bounds carried beside them."""
        return (self.centre, self.generators, self.radius, *self.box.parts)

    @property
    def interval(self) -> Interval:
        """The bounds of every coordinate: the zonotope's, cut with those of intervals."""
        reach = noise.reach(self.generators) + self.radius
        lower = (self.centre - reach).maximum(self.box.lower)
        upper = (self.centre + reach).minimum(self.box.upper)
        # Rounding may cross two bounds of a thin set; either is right to within it.
        return Interval.computed(
            lower.minimum(upper), lower.maximum(upper), nonnegative=self.box.nonnegative
        )

    @property
    def lower(self) -> Tensor:
        """The lower bound of every coordinate."""
        return self.interval.lower

    @property
    def upper(self) -> Tensor:
        """The upper bound of every coordinate."""
        return self.interval.upper

    @property
    def width(self) -> Tensor:
        """The distance between the bounds of every coordinate."""
        return self.interval.width

    def contains(self, value: Tensor, slack: float = 0.0) -> bool:
        """True if a tensor lies between the bounds, up to `slack`; NaN never does."""
        return self.interval.contains(value, slack)

    def with_new_symbols(self) -> "Zonotope":
        """The same set, or one around it, with the largest independent radii as symbols."""
        generators, labels, radius = noise.renewed(
            self.generators, self.labels, self.radius, self.most
        )
        return self.but(generators=generators, labels=labels, radius=radius)

    def enclosed(self, interval: Interval) -> "Zonotope":
        """An interval that a rule found, with this value's number of symbols."""
        return Zonotope.of(interval, self.most)

    def mapped(
        self, linear: Callable[[Tensor], Tensor], size: Any, box: Interval
    ) -> "Zonotope":
        """The image under a linear map that keeps examples apart.

        Args:
            linear: the map of one batch.
            size: the map with the sizes of its coefficients, for the radius.
            box: the interval's image.
        """
        return Zonotope.computed(
            linear(self.centre),
            over_symbols(linear, self.generators),
            self.labels,
            size(self.radius),
            box,
            self.most,
        )

    def but(self, **parts: Any) -> "Zonotope":
        """This value with other parts; it must have no more symbols."""
        made = Zonotope.__new__(Zonotope)
        vars(made).update({**vars(self), **parts})
        return made

    def __repr__(self) -> str:
        return f"Zonotope(lower={self.lower!r}, upper={self.upper!r})"


def over_symbols(function: Callable[[Tensor], Any], generators: Tensor) -> Any:
    """The function of one batch at each generator."""
    if len(generators) == 0:
        like = function(generators.new_zeros(generators.shape[1:]))
        return like.new_zeros(0, *like.shape)
    return torch.func.vmap(function)(generators)


def _check_most(symbols: int) -> None:
    if symbols < 0:
        raise SettingError(f"Zonotope: expected symbols ≥ 0, got {symbols}. Correct it.")
