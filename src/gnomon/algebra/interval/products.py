"""Products of intervals: matrices and convolutions whose inputs and weights both vary."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.bilinear import (
    LINEAR,
    MATMUL,
    Bilinear,
    of_convolution,
    of_convolutions,
)
from gnomon.algebra.interval.ball import Ball, lengths
from gnomon.algebra.interval.exact import Exact, exact_sums
from gnomon.algebra.interval.interval import Interval, as_interval, extremes
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.algebra.interval.relative_box import RelativeBox
from gnomon.algebra.interval.unbounded import collapsed, opened, reaching, times
from gnomon.algebra.value import Rule


def product(multiply: Bilinear, x: Interval | Tensor, w: Interval | Tensor) -> Interval:
    """The range of a bilinear map over independent coordinates of two intervals.

    Each of these is exact for every single output (which is a sum of products, in each of which
    both factors move freely), except the last:

    - one factor is a tensor: two products, of centre and radius;
    - one is an `Exact` box: the terms themselves;
    - no coordinate of x is negative: four, x⁻w⁻ and so on being absent;
    - weights that vary by a share of themselves (`RelativeBox`): two, of wider inputs;
    - a Euclidean ball of weights: that of its centre, and radius times ‖x‖₂ of what each
      output sees;
    - a ball of inputs: that of its centre, and radius times the dual norm of the weights, cut
      with what the box gives; exact for a tensor of weights and a ball that no domain cuts;
    - otherwise five (Rump's form). A product [x][w] then is at most 4 − 2√2 ≈ 1.1716 times as
      wide as its range, and exact unless both factors hold 0 in their interior; of weights
      that each have one sign, it is exact for all inputs.

    Infinite bounds are set apart first. No tensor larger than the arguments and the result is
    made.

    References:
        rump2012; rump1999.
    """
    return _form(x, w)(multiply, x, w)


def linear(
    x: Interval | Tensor, weight: Interval | Tensor, bias: Interval | Tensor | None = None
) -> Interval:
    """The range of x Wᵀ + b."""
    return _biased(product(LINEAR, _by_example(x, x.ndim > 1), weight), bias)


def matmul(x: Interval | Tensor, y: Interval | Tensor) -> Interval:
    """The range of the matrix product."""
    whole = y.ndim <= x.ndim > 1
    return product(MATMUL, _by_example(x, whole), y)


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
    bilinear = of_convolution(function, weight.ndim, settings, named)
    result = product(bilinear, _by_example(x, x.ndim == weight.ndim), weight)
    places = result.ndim - (weight.ndim - 1)  # 1 for a batch, 0 for a single example
    return _biased(result, bias, (-1, *[1] * (result.ndim - 1 - places)))


def mul(x: Interval | Tensor | float | int, y: Interval | Tensor | float | int) -> Interval:
    """The exact range of the coordinatewise product."""
    like = x.parts[0] if isinstance(x, Interval) else y.parts[0]  # type: ignore[union-attr]
    first, second = as_interval(x, like), as_interval(y, like)
    unbounded = first.unbounded or second.unbounded
    multiply = times if unbounded else torch.mul
    lower, upper = extremes([multiply(a, b) for a in first.parts for b in second.parts])
    nonnegative = first.nonnegative and second.nonnegative
    return Interval.computed(lower, upper, nonnegative=nonnegative, unbounded=unbounded)


def _form(x: Interval | Tensor, w: Interval | Tensor) -> Callable[..., Interval]:
    """The first of these forms that applies."""
    both = (x, w)
    boxes = [each for each in both if isinstance(each, Interval)]
    forms = (
        (any(box.unbounded for box in boxes), _of_infinite),
        (isinstance(w, Ball), _with_ball),
        (isinstance(x, NormBall), _of_norm_ball),
        (isinstance(w, RelativeBox), _with_relative),
        (len(boxes) < len(both), _of_one),
        (any(isinstance(box, Exact) for box in boxes), _written_out),
        (any(box.nonnegative for box in boxes[:1]), _of_nonnegative),
        (any(box.nonnegative for box in boxes[1:]), _of_nonnegative_weights),
        (True, _of_any_sign),
    )
    return next(form for applies, form in forms if applies)


def _of_infinite(multiply: Bilinear, x: Interval | Tensor, w: Interval | Tensor) -> Interval:
    """The product of the finite ends; outputs that an infinite end reaches are unbounded."""
    like = x if isinstance(x, Tensor) else x.lower
    open_sides = reaching(multiply, as_interval(x, like), as_interval(w, like))
    finite = [
        collapsed(each) if isinstance(each, Interval) and each.unbounded else each
        for each in (x, w)
    ]
    if (isinstance(x, Exact) or isinstance(w, Exact)) and isinstance(finite[1], Interval):
        finite[1] = Exact.of(finite[1])
    return opened(product(multiply, *finite), *open_sides)


def _written_out(multiply: Bilinear, x: Interval, w: Interval) -> Interval:
    """Term by term; what shape the result has is seen from the product of the centres."""
    rows, columns = zip(*map(multiply.rows, x.parts, w.parts), strict=True)
    shape = multiply(x.lower, w.lower).shape
    lower, upper = exact_sums((rows[0], rows[1]), (columns[0], columns[1]))
    return Interval.computed(lower.reshape(shape), upper.reshape(shape))


def _with_ball(multiply: Bilinear, x: Interval | Tensor, w: Ball) -> Interval:
    """The centre's product, and |⟨δ, x⟩| ≤ r ‖x‖₂ with the largest x of the interval."""
    middle = product(multiply, x, w.middle)
    largest = x.abs() if isinstance(x, Tensor) else x.lower.abs().maximum(x.upper.abs())
    seen = lengths(multiply(largest.square(), torch.ones_like(w.middle)))
    return Interval.computed(middle.lower - w.reach * seen, middle.upper + w.reach * seen)


def _of_norm_ball(multiply: Bilinear, x: NormBall, w: Interval | Tensor) -> Interval:
    """The centre's product and r ‖s w‖*, and |w − w_c| |x| where weights vary; or the box's."""
    box = product(multiply, x.box, w)
    centre = w if isinstance(w, Tensor) else w.centre
    middle = multiply(x.middle, centre)
    up, down = (_dual_l1 if x.norm == "L1" else _dual_l2)(multiply, x, centre)
    reach = x.reach.reshape(-1, *[1] * (middle.ndim - 1))
    lower, upper = middle - reach * down, middle + reach * up
    if isinstance(w, Interval):
        error = multiply(x.lower.abs().maximum(x.upper.abs()), w.radius)
        lower, upper = lower - error, upper + error
    return box.cut(lower, upper)


def _dual_l2(multiply: Bilinear, x: NormBall, w: Tensor) -> tuple[Tensor, Tensor]:
    """‖s w‖₂, upwards and downwards, of the coordinates that have room on that side."""
    square = x.scale.square().expand_as(x.middle)
    if x.whole:
        both = lengths(multiply(square, w.square()))
        return both, both
    sides = (square * (x.upper > x.middle), square * (x.lower < x.middle))
    rising, falling = w.clamp_min(0).square(), w.clamp_max(0).square()
    up, down = multiply.sums(sides, ((rising, falling), (falling, rising)))
    return lengths(up), lengths(down)


def _dual_l1(multiply: Bilinear, x: NormBall, w: Tensor) -> tuple[Tensor, Tensor]:
    """``max_i |s w_i|``, with the largest s; or ‖s w‖₂, which it cannot exceed either."""
    up, down = _dual_l2(multiply, x, w)
    if multiply.outer is None:
        return up, down
    rows = w.abs().transpose(0, multiply.outer[0]).flatten(1).amax(dim=1)
    largest = x.scale.flatten(1).amax(dim=1)
    places = [1] * (-multiply.outer[1] - 1)
    largest = largest.reshape(-1, *[1] * (up.ndim - 1)) * rows.reshape(-1, *places)
    return up.minimum(largest), down.minimum(largest)


def _with_relative(multiply: Bilinear, x: Interval | Tensor, w: RelativeBox) -> Interval:
    """Each weight's factor goes to the input that it is multiplied by."""
    return _of_one(multiply, w.widened(x), w.middle)


def _by_example(x: Interval | Tensor, apart: bool) -> Interval | Tensor:
    """A ball as its box where the product mixes the examples of the first axis."""
    return x if apart or not isinstance(x, NormBall) else x.box


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


def _of_nonnegative_weights(multiply: Bilinear, x: Interval, w: Interval) -> Interval:
    return _of_nonnegative(multiply.turned, w, x)


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


PRODUCTS: dict[str, Rule] = {
    "linear": linear,
    "matmul": matmul,
    "bmm": matmul,
    "mul": mul,
    **of_convolutions(convolution),
}
