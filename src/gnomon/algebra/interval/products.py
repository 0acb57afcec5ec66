"""Products of intervals: matrices and convolutions whose inputs and weights both vary."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.interval.ball import Ball, lengths
from gnomon.algebra.interval.interval import Interval, as_interval


@dataclass(frozen=True)
class Bilinear:
    """A sum of products of a coordinate of the first and one of the second tensor, as x Wᵀ.

    Attributes:
        multiply: the map.
        inner: the axes of x and of w that are summed over together.
        outer: the axes of w and of the result that name the outputs.
    """

    multiply: Callable[[Tensor, Tensor], Tensor]
    inner: tuple[int, int] | None = None
    outer: tuple[int, int] | None = None

    def __call__(self, x: Tensor, w: Tensor) -> Tensor:
        return self.multiply(x, w)

    def sums(self, xs: Sequence[Tensor], rows: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """For each row of weights (w_1, …) the sum Σ_i x_i w_i.

        Where the axes are known it is one call, of tensors put side by side: several times
        faster for small layers than a call for each product.
        """
        if self.inner is None or self.outer is None:
            return [self._one_by_one(xs, row) for row in rows]
        wide = [torch.cat(list(row), self.inner[1]) for row in rows]
        result = self.multiply(
            torch.cat(list(xs), self.inner[0]), torch.cat(wide, self.outer[0])
        )
        return list(result.chunk(len(rows), self.outer[1]))

    @property
    def turned(self) -> "Bilinear":
        """The same map with its arguments exchanged."""
        return Bilinear(lambda w, x: self.multiply(x, w))

    def _one_by_one(self, xs: Sequence[Tensor], row: Sequence[Tensor]) -> Tensor:
        terms = [self.multiply(x, w) for x, w in zip(xs, row, strict=True)]
        return sum(terms[1:], terms[0])


LINEAR = Bilinear(functional.linear, inner=(-1, -1), outer=(0, -1))


def product(multiply: Bilinear, x: Interval | Tensor, w: Interval | Tensor) -> Interval:
    """The range of a bilinear map over independent coordinates of two intervals.

    Each of these is exact for every single output (which is a sum of products, in each of which
    both factors move freely), except the last:

    - one factor is a tensor: two products, of centre and radius;
    - no coordinate of x is negative: four, x⁻w⁻ and so on being absent;
    - a Euclidean ball of weights: that of its centre, and radius times ‖x‖₂ of what each
      output sees;
    - otherwise five (Rump's form). A product [x][w] then is at most 4 − 2√2 ≈ 1.1716 times as
      wide as its range, and exact unless both factors hold 0 in their interior.

    No tensor larger than the arguments and the result is made.

    References:
        rump2012; rump1999.
    """
    if isinstance(w, Ball):
        return _with_ball(multiply, x, w)
    if isinstance(x, Tensor) or isinstance(w, Tensor):
        return _of_one(multiply, x, w)
    if x.nonnegative:
        return _of_nonnegative(multiply, x, w)
    if w.nonnegative:
        return _of_nonnegative(multiply.turned, w, x)
    return _of_any_sign(multiply, x, w)


def linear(
    x: Interval | Tensor, weight: Interval | Tensor, bias: Interval | Tensor | None = None
) -> Interval:
    """The range of x Wᵀ + b."""
    return _biased(product(LINEAR, x, weight), bias)


def matmul(x: Interval | Tensor, y: Interval | Tensor) -> Interval:
    """The range of the matrix product."""
    return product(Bilinear(lambda first, second: first @ second), x, y)


def convolution(
    function: Callable[..., Tensor],
    x: Interval | Tensor,
    weight: Interval | Tensor,
    bias: Interval | Tensor | None = None,
    *settings: Any,
    **named: Any,
) -> Interval:
    """The range of a convolution, transposed or not, at every place.

    Exact at each place by itself; places share their weights, which is not used.
    """

    def multiply(first: Tensor, second: Tensor) -> Tensor:
        return function(first, second, None, *settings, **named)

    channels = -(weight.ndim - 1)
    transposed = "transpose" in function.__name__
    given = settings[_GROUPS[transposed] :]
    groups = given[0] if given else named.get("groups", 1)
    bilinear = Bilinear(multiply)
    if groups == 1:
        inner, outer = (0, 1) if transposed else (1, 0)
        bilinear = Bilinear(multiply, (channels, inner), (outer, channels))
    result = product(bilinear, x, weight)
    places = result.ndim - (weight.ndim - 1)  # 1 for a batch, 0 for a single example
    return _biased(result, bias, (-1, *[1] * (result.ndim - 1 - places)))


def mul(x: Interval | Tensor | float | int, y: Interval | Tensor | float | int) -> Interval:
    """The exact range of the coordinatewise product."""
    like = x.parts[0] if isinstance(x, Interval) else y.parts[0]  # type: ignore[union-attr]
    first, second = as_interval(x, like), as_interval(y, like)
    ends = [a * b for a in first.parts for b in second.parts]
    lower, upper = ends[0], ends[0]
    for end in ends[1:]:
        lower, upper = lower.minimum(end), upper.maximum(end)
    return Interval.computed(lower, upper, nonnegative=first.nonnegative and second.nonnegative)


def _with_ball(multiply: Bilinear, x: Interval | Tensor, w: Ball) -> Interval:
    """The centre's product, and |⟨δ, x⟩| ≤ r ‖x‖₂ with the largest x of the interval."""
    middle = product(multiply, x, w.middle)
    largest = x.abs() if isinstance(x, Tensor) else x.lower.abs().maximum(x.upper.abs())
    seen = lengths(multiply(largest.square(), torch.ones_like(w.middle)))
    return Interval.computed(middle.lower - w.reach * seen, middle.upper + w.reach * seen)


def _of_one(multiply: Bilinear, x: Interval | Tensor, w: Interval | Tensor) -> Interval:
    """Of one interval: the centre's product, and the radius under the other factor's sizes."""
    if isinstance(x, Interval) and isinstance(w, Tensor):
        centre, radius = multiply(x.centre, w), multiply(x.radius, w.abs())
    elif isinstance(x, Tensor) and isinstance(w, Interval):
        centre, radius = multiply(x, w.centre), multiply(x.abs(), w.radius)
    else:
        assert isinstance(x, Tensor)
        assert isinstance(w, Tensor)
        return Interval.point(multiply(x, w))
    return Interval.computed(centre - radius, centre + radius)


def _of_nonnegative(multiply: Bilinear, x: Interval, w: Interval) -> Interval:
    """With x ≥ 0 a positive weight is worst at x's own end, a negative at the other."""
    lower, upper = multiply.sums(
        (x.lower, x.upper),
        (
            (w.lower.clamp_min(0), w.lower.clamp_max(0)),
            (w.upper.clamp_max(0), w.upper.clamp_min(0)),
        ),
    )
    return Interval.computed(lower, upper)


def _of_any_sign(multiply: Bilinear, x: Interval, w: Interval) -> Interval:
    """With m the centre, r the radius and ρ = sign(m) min(|m|, r) of each factor.

    The centre is m_x m_w + ρ_x ρ_w, the radius |m_x| r_w + r_x (|m_w| + r_w) − |ρ_x| |ρ_w|,
    written so that small radii are not the difference of large numbers.
    """
    mx, rx, mw, rw = x.centre, x.radius, w.centre, w.radius
    ax, aw = mx.abs(), mw.abs()
    px, pw = ax.minimum(rx), aw.minimum(rw)
    (centre,) = multiply.sums((mx, px * mx.sign()), ((mw, pw * mw.sign()),))
    (radius,) = multiply.sums((ax, rx, px), ((rw, aw + rw, -pw),))
    return Interval.computed(centre - radius, centre + radius)


def _biased(
    x: Interval, bias: Interval | Tensor | None, shape: tuple[int, ...] | None = None
) -> Interval:
    if bias is None:
        return x
    low, high = (bias.lower, bias.upper) if isinstance(bias, Interval) else (bias, bias)
    if shape is not None:
        low, high = low.reshape(shape), high.reshape(shape)
    return Interval.computed(x.lower + low, x.upper + high)


_GROUPS = {False: 3, True: 4}
"""Where torch's convolutions, plain and transposed, take their groups, after the bias."""

PRODUCTS = {
    "linear": linear,
    "matmul": matmul,
    "bmm": matmul,
    "mul": mul,
    **{
        name: partial(convolution, getattr(functional, name))
        for name in (
            "conv1d",
            "conv2d",
            "conv3d",
            "conv_transpose1d",
            "conv_transpose2d",
            "conv_transpose3d",
        )
    },
}
