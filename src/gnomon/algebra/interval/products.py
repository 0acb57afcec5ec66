"""Products of intervals: matrices and convolutions whose inputs and weights both vary.

Where rounding is counted, the theorem behind each form is this: a sum of n products computed in
any order, with m ≥ n roundings of each term at most, fused or not, misses Σ a_i b_i by at most
γ_m Σ |a_i b_i| + m tiny. The second sum is not computed by a product of its own. The factor of
the radius, or of the bound, is widened by the part κ of its size before it is multiplied, which
adds κ Σ |a_i b_i| to the result, and costs nothing.

References:
    higham2002; section 3.1. rump1999; rump2012.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.arithmetic import Ends
from gnomon.algebra.bilinear import (
    LINEAR,
    MATMUL,
    Bilinear,
    groups_of,
    of_convolution,
    of_convolutions,
)
from gnomon.algebra.interval.ball import Ball, lengths
from gnomon.algebra.interval.exact import Exact, exact_sums
from gnomon.algebra.interval.interval import Interval, extremes
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.algebra.interval.operands import together
from gnomon.algebra.interval.relative_box import RelativeBox
from gnomon.algebra.interval.unbounded import collapsed, opened, reaching, times
from gnomon.algebra.value import Rule

Operand = Interval | Tensor


def product(multiply: Bilinear, x: Interval, w: Interval, terms: int) -> Interval:
    """The range of a bilinear map over independent coordinates of two intervals.

    Each of these is exact for every single output (which is a sum of products, in each of which
    both factors move freely), except the last:

    - weights that vary by a share of themselves (`RelativeBox`): two products, of wider inputs;
    - one factor is a point: two, of centre and radius;
    - one is an `Exact` box: the terms themselves;
    - no coordinate of x is negative: four, x⁻w⁻ and so on being absent;
    - a Euclidean ball of weights: that of its centre, and radius times ‖x‖₂ of what each
      output sees;
    - a ball of inputs: that of its centre, and radius times the dual norm of the weights, cut
      with what the box gives; exact for a point of weights and a ball that no domain cuts;
    - otherwise five (Rump's form). A product [x][w] then is at most 4 − 2√2 ≈ 1.1716 times as
      wide as its range, and exact unless both factors hold 0 in their interior; of weights
      that each have one sign, it is exact for all inputs.

    Infinite bounds are set apart first. No tensor larger than the arguments and the result is
    made. An execution is taken to add one more term, such as a bias, to each sum.

    Args:
        multiply: the map.
        x: its first argument.
        w: its second.
        terms: the largest number of products that one output is the sum of.

    References:
        rump2012; rump1999.
    """
    if x.unbounded or w.unbounded:
        return _of_infinite(multiply, x, w, terms)
    with x.arithmetic.kernels(x.lower, w.lower):
        ends = _form(x, w)(multiply, x, w, terms)
    return x.made(*x.arithmetic.underflow(*ends, terms + 1))


def linear(x: Operand, weight: Operand, bias: Operand | None = None) -> Interval:
    """The range of x Wᵀ + b."""
    x, weight, *rest = together(x, weight, *([] if bias is None else [bias]))
    terms = weight.shape[-1]
    return biased(
        product(LINEAR, _by_example(x, x.ndim > 1), weight, terms), *rest, terms=terms
    )


def matmul(x: Operand, y: Operand) -> Interval:
    """The range of the matrix product."""
    x, y = together(x, y)
    return product(MATMUL, _by_example(x, y.ndim <= x.ndim > 1), y, x.shape[-1])


def convolution(
    function: Callable[..., Tensor],
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
    *settings: Any,
    **named: Any,
) -> Interval:
    """The range of a convolution, transposed or not, at every place.

    Exact at each place by itself; places share their weights, which is not used.
    """
    x, weight, *rest = together(x, weight, *([] if bias is None else [bias]))
    bilinear = of_convolution(function, weight.ndim, settings, named)
    transposed, groups = "transpose" in function.__name__, groups_of(settings, named)
    # One output sees each entry of its channel's kernels at most once.
    inputs = weight.shape[0] // groups if transposed else weight.shape[1]
    terms = inputs * weight.shape[2:].numel()
    result = product(bilinear, _by_example(x, x.ndim == weight.ndim), weight, terms)
    shape = (-1, *[1] * (weight.ndim - 2))
    return biased(result, *rest, terms=terms, shape=shape)


def mul(x: Operand | float | int, y: Operand | float | int) -> Interval:
    """The exact range of the coordinatewise product; its ends are rounded once."""
    first, second = together(x, y)
    unbounded = first.unbounded or second.unbounded
    multiply = times if unbounded else torch.mul
    if second.thin and second.nonnegative:  # nothing changes its order
        lower, upper = (multiply(end, second.lower) for end in first.parts)
    else:
        lower, upper = extremes([multiply(a, b) for a in first.ends for b in second.ends])
    nonnegative = first.nonnegative and second.nonnegative
    return first.settle(lower, upper, nonnegative=nonnegative, unbounded=unbounded)


def _form(x: Interval, w: Interval) -> Callable[..., Ends]:
    """The first of these forms that applies."""
    forms = (
        (isinstance(w, Ball), _with_ball),
        (isinstance(x, NormBall), _of_norm_ball),
        (isinstance(w, RelativeBox) and w.core.thin, _with_relative),
        (x.thin or w.thin, _of_one),
        (isinstance(x, Exact) or isinstance(w, Exact), _written_out),
        (x.nonnegative, _of_nonnegative),
        (w.nonnegative, _of_nonnegative_weights),
        (True, _of_any_sign),
    )
    return next(form for applies, form in forms if applies)


def _of_infinite(multiply: Bilinear, x: Interval, w: Interval, terms: int) -> Interval:
    """The product of the finite ends; outputs that an infinite end reaches are unbounded."""
    open_sides = reaching(multiply, x, w)
    finite = [collapsed(each) if each.unbounded else each for each in (x, w)]
    if (isinstance(x, Exact) or isinstance(w, Exact)) and not w.thin:
        finite[1] = Exact.of(finite[1])
    return opened(product(multiply, finite[0], finite[1], terms), *open_sides)


def _written_out(multiply: Bilinear, x: Interval, w: Interval, terms: int) -> Ends:
    """Term by term; what shape the result has is seen from the product of the centres.

    Each term is one of four products, each rounded, and the sum misses γ of the largest sizes.
    """
    rows, columns = zip(*map(multiply.rows, x.parts, w.parts), strict=True)
    middle = multiply(x.lower, w.lower)
    lower, upper = exact_sums((rows[0], rows[1]), (columns[0], columns[1]))
    lower, upper = lower.reshape(middle.shape), upper.reshape(middle.shape)
    arithmetic = x.arithmetic
    if not arithmetic.outwards:
        return lower, upper
    size = arithmetic.inflate(multiply(x.magnitude, w.magnitude), terms)
    missed = arithmetic.inflate(arithmetic.share(terms + 1, terms + 1) * size)
    return arithmetic.settle(lower - missed, upper + missed, 0)


def _with_ball(multiply: Bilinear, x: Interval, w: Ball, terms: int) -> Ends:
    """The centre's product, and |⟨δ, x⟩| ≤ r ‖x‖₂ with the largest x of the interval.

    An execution misses ⟨δ, x⟩ by γ* Σ |δ_i x_i| ≤ γ* r ‖x‖₂ more.
    """
    middle, inflate = product(multiply, x, w.core, terms), x.arithmetic.inflate
    squares = multiply(x.magnitude.square(), torch.ones_like(w.lower))
    reach = inflate(w.reach * inflate(lengths(inflate(squares, terms))))
    return x.arithmetic.settle(middle.lower - reach, middle.upper + reach, 0)


def _of_norm_ball(multiply: Bilinear, x: NormBall, w: Interval, terms: int) -> Ends:
    """The centre's product and r ‖s w‖*, and |w − w_c| |x| where weights vary; or the box's.

    An execution misses γ* Σ |x_i w_i|, of which each of the three parts brings its share. A
    coordinate that the box holds where it is, but for rounding, counts with its room alone.
    """
    arithmetic = x.arithmetic
    box = product(multiply, x.box, w, terms)
    centre, radius = (w.lower, None) if w.thin else w.ball()
    middle = product(multiply, x.core, w.with_ends(centre, centre), terms)
    duals = (_dual_l1 if x.norm == "L1" else _dual_l2)(multiply, x, centre, terms)
    reach = x.reach.reshape(-1, *[1] * (middle.ndim - 1))
    up, down = (arithmetic.inflate(reach * dual) for dual in duals)
    if arithmetic.outwards and not x.whole:
        still = arithmetic.inflate(multiply(x.least_room, centre.abs()), terms)
        up, down = arithmetic.inflate(up + still), arithmetic.inflate(down + still)
    lower, upper = arithmetic.settle(middle.lower - down, middle.upper + up, 0)
    if radius is not None:
        error = arithmetic.inflate(multiply(x.magnitude, radius), terms)
        lower, upper = arithmetic.settle(lower - error, upper + error, 0)
    return box.cut(lower, upper).parts


def _dual_l2(multiply: Bilinear, x: NormBall, w: Tensor, terms: int) -> Ends:
    """‖s w‖₂, upwards and downwards, of the coordinates that have room on that side."""
    square = x.scale.square().expand_as(x.lower)
    inflate = x.arithmetic.inflate
    if x.whole:
        both = inflate(lengths(inflate(multiply(square, w.square()), terms)))
        return both, both
    above, below = x.core.lower, x.core.upper
    if x.arithmetic.outwards:
        above, below = above + x.least_room / 2, below - x.least_room / 2
    sides = (square * (x.upper > above), square * (x.lower < below))
    rising, falling = w.clamp_min(0).square(), w.clamp_max(0).square()
    up, down = multiply.sums(sides, ((rising, falling), (falling, rising)))
    up, down = (inflate(lengths(inflate(total, 2 * terms))) for total in (up, down))
    return up, down


def _dual_l1(multiply: Bilinear, x: NormBall, w: Tensor, terms: int) -> Ends:
    """``max_i |s w_i|``, with the largest s; or ‖s w‖₂, which it cannot exceed either.

    Executions miss a part of Σ |s w_i δ_i| ≤ max_i |s w_i| Σ |δ_i| at most.
    """
    up, down = _dual_l2(multiply, x, w, terms)
    if multiply.outer is None:
        return up, down
    rows = w.abs().transpose(0, multiply.outer[0]).flatten(1).amax(dim=1)
    largest = x.scale.flatten(1).amax(dim=1)
    places = [1] * (-multiply.outer[1] - 1)
    largest = largest.reshape(-1, *[1] * (up.ndim - 1)) * rows.reshape(-1, *places)
    largest = x.arithmetic.inflate(largest, terms)
    return up.minimum(largest), down.minimum(largest)


def _with_relative(multiply: Bilinear, x: Interval, w: RelativeBox, terms: int) -> Ends:
    """Each weight's factor goes to the input that it is multiplied by."""
    lower, upper = _of_one(multiply, w.widened(x), w.core, terms)
    if not w.specks:
        return lower, upper
    lost = x.arithmetic.inflate(terms * w.specks * x.magnitude.amax(), terms)
    return x.arithmetic.settle(lower - lost, upper + lost, 0)


def _by_example(x: Interval, apart: bool) -> Interval:
    """A ball as its box where the product mixes the examples of the first axis."""
    return x if apart or not isinstance(x, NormBall) else x.box


def _of_one(multiply: Bilinear, x: Interval, w: Interval, terms: int) -> Ends:
    """One factor is a point p, the other within r of c: p·c, give or take |p|·r.

    Computed are y = p·c and R = |p|·v with v ≥ r + κ (|c| + r). The computed R is at least
    (1 − γ) |p|·v − n tiny, which is |p|·r + (γ + γ*) |p|·(|c| + r) − n tiny if κ (1 − γ) is at
    least 2γ + γ*; and γ |p|·|c| + n tiny is what y misses.
    """
    arithmetic = x.arithmetic
    if x.thin and w.thin and not arithmetic.outwards:
        point = multiply(x.lower, w.lower)
        return point, point
    kappa = arithmetic.share(terms + 1, terms, 2)
    if w.thin:
        centre, radius = x.ball(kappa)
        middle, reach = multiply(centre, w.lower), multiply(radius, w.lower.abs())
    else:
        centre, radius = w.ball(kappa)
        middle, reach = multiply(x.lower, centre), multiply(x.lower.abs(), radius)
    return arithmetic.around(middle, reach)


def _of_nonnegative(multiply: Bilinear, x: Interval, w: Interval, terms: int) -> Ends:
    """With x ≥ 0 a positive weight is worst at x's own end, a negative at the other.

    The sum for the lower bound has 2n terms x p, of which p ≥ 0 is lowered to (1 − κ) p, and
    p < 0 to (1 + κ) p. What is computed is at most (1 + γ) times its positive part less (1 − γ)
    times its negative part, and so at most the true sum less γ* of its magnitude, since κ
    (1 − γ) ≥ γ + γ*. The upper bound likewise.
    """
    kappa = x.arithmetic.share(terms + 1, 2 * terms)
    positive, negative = x.arithmetic.raised(w.upper, kappa)
    lower, upper = multiply.sums(
        (x.lower, x.upper),
        (x.arithmetic.lowered(w.lower, kappa), (negative, positive)),
    )
    return lower, upper


def _of_nonnegative_weights(multiply: Bilinear, x: Interval, w: Interval, terms: int) -> Ends:
    return _of_nonnegative(multiply.turned, w, x, terms)


def _of_any_sign(multiply: Bilinear, x: Interval, w: Interval, terms: int) -> Ends:
    """With m the centre, r the radius and ρ = sign(m) min(|m|, r) of each factor.

    The centre is m_x m_w + ρ_x ρ_w, the radius |m_x| r_w + r_x B − |ρ_x| |ρ_w| with B ≥ |m_w| +
    r_w, written so that small radii are not the difference of large numbers. Let S be Σ (|m_x|
    + r_x) B. The centre misses 2 γ_2n S at most; the radius is computed with r_w + κ B for r_w
    and (1 + κ) B for B, which adds κ S, and misses γ_3n (2 + κ) S at most. An execution misses
    γ* S. So κ (1 − γ_3n) ≥ 4 γ_3n + γ* is enough.
    """
    arithmetic = x.arithmetic
    kappa = arithmetic.share(terms + 1, 3 * terms, 5)
    (mx, rx), (mw, rw) = x.ball(), w.ball()
    ax, aw = mx.abs(), mw.abs()
    px, pw = ax.minimum(rx), aw.minimum(rw)
    (centre,) = multiply.sums((mx, px * mx.sign()), ((mw, pw * mw.sign()),))
    both = arithmetic.inflate(aw + rw)
    rows = (arithmetic.widen(rw, both, kappa), arithmetic.widen(both, both, kappa), -pw)
    (radius,) = multiply.sums((ax, rx, px), (rows,))
    return arithmetic.around(centre, radius)


def biased(
    x: Interval,
    bias: Operand | None = None,
    *,
    terms: int,
    shape: tuple[int, ...] | None = None,
) -> Interval:
    """The sum of a product of so many terms, and a bias, which may be added anywhere in it."""
    if bias is None:
        return x
    x, box = together(x, bias)
    if shape is not None:
        box = box.each(torch.reshape, shape)
    size = box.magnitude if x.arithmetic.executed else None
    return x.settle(x.lower + box.lower, x.upper + box.upper, terms + 1, size)


PRODUCTS: dict[str, Rule] = {
    "linear": linear,
    "matmul": matmul,
    "bmm": matmul,
    "mul": mul,
    **of_convolutions(convolution),
}
