"""Products of matrices and convolutions of intervals, with their rounding errors enclosed.

The theorem behind each of them: a sum of n products computed in any order, with m ≥ n roundings
of each term at most, fused or not, misses Σ a_i b_i by at most γ_m Σ |a_i b_i| + m tiny. The
second sum is not computed by a product of its own. The factor of the radius, or of the bound,
is widened by the part κ of its size before it is multiplied, which adds κ Σ |a_i b_i| to the
result, and costs nothing.

References:
    higham2002; section 3.1. rump1999; rump2012.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.bilinear import (
    LINEAR,
    MATMUL,
    Bilinear,
    groups_of,
    of_convolution,
    of_convolutions,
)
from gnomon.algebra.rounded.allowance import ball, inflated, settled, share, speck
from gnomon.algebra.rounded.kept import together
from gnomon.algebra.rounded.rounded_interval import RoundedBall, RoundedInterval
from gnomon.algebra.rounding import gamma, outward, safe_kernels
from gnomon.algebra.value import Rule

Operand = RoundedInterval | Tensor


def product(
    multiply: Bilinear, x: RoundedInterval, w: RoundedInterval, terms: int
) -> RoundedInterval:
    """The range of a bilinear map over independent coordinates of two intervals.

    The cases are those of `Interval`, and so is the number of products. A level's execution
    is taken to add one more term, such as a bias, to each sum.

    Args:
        multiply: the map.
        x: its first argument.
        w: its second.
        terms: the largest number of products that one output is the sum of.
    """
    with safe_kernels(x.lower, w.lower):
        if isinstance(w, RoundedBall):
            return _with_ball(multiply, x, w, terms)
        if x.thin or w.thin:
            lower, upper = _of_one(multiply, x, w, terms)
        elif x.nonnegative:
            lower, upper = _of_nonnegative(multiply, x, w, terms)
        elif w.nonnegative:
            lower, upper = _of_nonnegative(multiply.turned, w, x, terms)
        else:
            lower, upper = _of_any_sign(multiply, x, w, terms)
    lost = (terms + 1) * x.level.smallest
    lower, upper = outward(lower - lost, upper + lost)
    return RoundedInterval.computed(lower, upper, x.level)


def linear(x: Operand, weight: Operand, bias: Operand | None = None) -> RoundedInterval:
    """The range of x Wᵀ + b."""
    x, weight = pair(x, weight)
    terms = weight.shape[-1]
    return biased(product(LINEAR, x, weight, terms), bias, terms)


def matmul(x: Operand, y: Operand) -> RoundedInterval:
    """The range of the matrix product."""
    x, y = pair(x, y)
    return product(MATMUL, x, y, x.shape[-1])


def convolution(
    function: Callable[..., Tensor],
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
    *settings: Any,
    **named: Any,
) -> RoundedInterval:
    """The range of a convolution, transposed or not, at every place."""
    x, weight = pair(x, weight)
    bilinear = of_convolution(function, weight.ndim, settings, named)
    transposed, groups = "transpose" in function.__name__, groups_of(settings, named)
    # One output sees each entry of its channel's kernels at most once.
    inputs = weight.shape[0] // groups if transposed else weight.shape[1]
    terms = inputs * weight.shape[2:].numel()
    result = product(bilinear, x, weight, terms)
    return biased(result, bias, terms, (-1, *[1] * (weight.ndim - 2)))


def biased(
    x: RoundedInterval,
    bias: Operand | None,
    terms: int,
    shape: tuple[int, ...] | None = None,
) -> RoundedInterval:
    """The sum of a product of so many terms, and a bias, which may be added anywhere in it."""
    if bias is None:
        return x
    x, box = together(x, bias)
    low, high = box.parts if shape is None else (end.reshape(shape) for end in box.parts)
    lower, upper = outward(x.lower + low, x.upper + high)
    if x.level.relative(1) > 0:
        missed = x.level.extra(terms + 1, low.abs().maximum(high.abs()))
        lower, upper = outward(lower - missed, upper + missed)
    return RoundedInterval.computed(lower, upper, x.level)


def mul(x: Any, y: Any) -> RoundedInterval:
    """The range of the coordinatewise product: its ends are rounded once."""
    first, second = pair(x, y)
    ends = [a * b for a in ends_of(first) for b in ends_of(second)]
    lower, upper = ends[0], ends[0]
    for end in ends[1:]:
        lower, upper = lower.minimum(end), upper.maximum(end)
    nonnegative = first.nonnegative and second.nonnegative
    return settled(lower, upper, first.level, 1, nonnegative=nonnegative)


def pair(x: Any, y: Any) -> tuple[RoundedInterval, RoundedInterval]:
    """Two operands, one of which is rounded, at its level."""
    first, second = together(x, y)
    return first, second


def ends_of(x: RoundedInterval) -> tuple[Tensor, ...]:
    """Its bounds, once where they are the same."""
    return (x.lower,) if x.thin else x.parts


def _with_ball(
    multiply: Bilinear, x: RoundedInterval, w: RoundedBall, terms: int
) -> RoundedInterval:
    """The centre's product, and |⟨δ, x⟩| ≤ r ‖x‖₂ with the largest x of the interval.

    ‖x‖₂² is a sum of terms that are not negative: the true one is at most 1 / (1 − γ) times as
    large, but for underflow. An execution misses ⟨δ, x⟩ by γ* Σ |δ_i x_i| ≤ γ* r ‖x‖₂ more.
    """
    middle = product(multiply, x, w.middle, terms)
    squares = multiply(x.magnitude.square(), torch.ones_like(w.lower))
    more = 1 + 2 * gamma(terms + 4, x.precision) + x.level.relative(terms + 1)
    lost = 2 * terms * speck(x.precision)
    reach = inflated(inflated((squares + lost).sqrt()) * w.reach * more)
    lower, upper = outward(middle.lower - reach, middle.upper + reach)
    return RoundedInterval.computed(lower, upper, x.level)


def _of_one(
    multiply: Bilinear, x: RoundedInterval, w: RoundedInterval, terms: int
) -> tuple[Tensor, Tensor]:
    """One factor is a point p, the other within r of c: p·c, give or take |p|·r.

    Computed are y = p·c and R = |p|·v with v ≥ r + κ (|c| + r). The computed R is at least
    (1 − γ) |p|·v − n tiny, which is |p|·r + (γ + γ*) |p|·(|c| + r) − n tiny if κ (1 − γ) is at
    least 2γ + γ*; and γ |p|·|c| + n tiny is what y misses.
    """
    kappa = share(terms + 1, terms, x.precision, x.level, 2)
    if w.thin:
        centre, radius = ball(x)
        spread = inflated(radius + kappa * (centre.abs() + radius))
        y, widths = multiply(centre, w.lower), multiply(spread, w.lower.abs())
    else:
        centre, radius = ball(w)
        spread = inflated(radius + kappa * (centre.abs() + radius))
        y, widths = multiply(x.lower, centre), multiply(x.lower.abs(), spread)
    reach = inflated(widths) + 4 * terms * speck(x.precision)
    return outward(y - reach, y + reach)


def _of_nonnegative(
    multiply: Bilinear, x: RoundedInterval, w: RoundedInterval, terms: int
) -> tuple[Tensor, Tensor]:
    """With x ≥ 0 a positive weight is worst at x's own end, a negative at the other.

    The sum for the lower bound has 2n terms x p, of which p ≥ 0 is lowered to (1 − κ) p, and
    p < 0 to (1 + κ) p. What is computed is at most (1 + γ) times its positive part less (1 − γ)
    times its negative part, and so at most the true sum less γ* of its magnitude, since κ
    (1 − γ) ≥ γ + γ*. The upper bound likewise.
    """
    kappa = share(terms + 1, 2 * terms, x.precision, x.level, 1)
    lower, upper = multiply.sums(
        (x.lower, x.upper),
        (
            (_shrunk(w.lower, kappa), -_grown(-w.lower, kappa)),
            (-_shrunk(-w.upper, kappa), _grown(w.upper, kappa)),
        ),
    )
    lost = 4 * terms * speck(x.precision)
    return outward(lower - lost, upper + lost)


def _of_any_sign(
    multiply: Bilinear, x: RoundedInterval, w: RoundedInterval, terms: int
) -> tuple[Tensor, Tensor]:
    """With m the centre, r the radius and ρ = sign(m) min(|m|, r) of each factor.

    The centre is m_x m_w + ρ_x ρ_w, the radius |m_x| r_w + r_x B − |ρ_x| |ρ_w| with B ≥ |m_w| +
    r_w. Let S = Σ (|m_x| + r_x) B. The centre misses 2 γ_2n S at most; the radius is computed
    with r_w + κ B for r_w and (1 + κ) B for B, which adds κ S, and misses γ_3n (2 + κ) S at
    most. An execution misses γ* S. So κ (1 − γ_3n) ≥ 4 γ_3n + γ* is enough.
    """
    kappa = share(terms + 1, 3 * terms, x.precision, x.level, 5)
    (mx, rx), (mw, rw) = ball(x), ball(w)
    ax, aw = mx.abs(), mw.abs()
    px, pw = ax.minimum(rx), aw.minimum(rw)
    (centre,) = multiply.sums((mx, px * mx.sign()), ((mw, pw * mw.sign()),))
    both = inflated(aw + rw)
    rows = (inflated(rw + kappa * both), inflated((1 + kappa) * both), -pw)
    (radius,) = multiply.sums((ax, rx, px), (rows,))
    reach = inflated(radius.clamp_min(0)) + 6 * terms * speck(x.precision)
    return outward(centre - reach, centre + reach)


def _shrunk(w: Tensor, kappa: float) -> Tensor:
    """The positive part of w, at most (1 − κ) times as large."""
    return (w * (1 - kappa) - speck(w.dtype)).clamp_min(0)


def _grown(w: Tensor, kappa: float) -> Tensor:
    """The positive part of w, at least (1 + κ) times as large."""
    return (w * (1 + kappa) + speck(w.dtype)).clamp_min(0)


PRODUCTS: dict[str, Rule] = {
    "linear": linear,
    "matmul": matmul,
    "bmm": matmul,
    "mul": mul,
    **of_convolutions(convolution),
}
