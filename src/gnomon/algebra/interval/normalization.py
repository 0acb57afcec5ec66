"""Normalisations: with fixed statistics, and with those of the example itself."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gnomon.algebra.interval.averages import mean
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.interval.operands import arithmetic_of, as_interval
from gnomon.algebra.interval.products import mul
from gnomon.algebra.interval.sums import sub
from gnomon.algebra.normalization import Normalizations, count, last_axes, transformed
from gnomon.algebra.rounding import unit_roundoff
from gnomon.algebra.value import Rule
from gnomon.errors import UnsupportedOperationError

Operand = Interval | Tensor | None


def by_given(
    x: Interval | Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Operand,
    bias: Operand,
    eps: float,
) -> Interval:
    """The exact range of (x − μ) / √(v + ε) · γ + β.

    Executions may also compute x · α + (β − μ α) with α = γ / √(v + ε): at most 16 roundings of
    |x| |α|, |μ| |α| and |β|.
    """
    like = next(each for each in (x, weight, bias) if isinstance(each, Interval))
    like = like.at(arithmetic_of(like, (x, mean, variance, weight, bias)))
    box, centre, spread = (as_interval(each, like).idealised for each in (x, mean, variance))
    scale = _inverse_root(spread, eps)
    slope, shift = (
        None if each is None else as_interval(each, like).idealised for each in (weight, bias)
    )
    result = transformed(mul(sub(box, centre), scale), slope, shift).at(like.arithmetic)
    if not like.arithmetic.executed:
        return result
    inflate = like.arithmetic.inflate
    size = inflate((box.magnitude + centre.magnitude) * scale.magnitude)
    for each, joined in ((slope, torch.mul), (shift, torch.add)):
        if each is not None:
            size = inflate(joined(size, each.magnitude))
    return result.settle(result.lower, result.upper, 16, size)


def standardised(x: Interval, axes: tuple[int, ...], eps: float) -> Interval:
    """A range of (x − mean) / √(variance + ε) over the axes, in real arithmetic.

    The deviations d_i = (1 − 1/n) x_i − Σ_{j≠i} x_j / n have exact ranges; no |d_i| exceeds
    √(n − 1) standard deviations, since they sum to 0.
    """
    _refuse_executions(x, "normalisation by an example's own statistics")
    n, arithmetic, (low, high) = count(x, axes), x.arithmetic, x.parts
    if x.thin and not arithmetic.outwards:
        deviation = low - low.mean(axes, keepdim=True)
        variance = deviation.square().mean(axes, keepdim=True)
        return Interval.point(deviation * (variance + eps).rsqrt())
    centres = mean(x, axes, keepdim=True)
    down, up = arithmetic.down, arithmetic.up
    step = down(down((high - low) / n))
    deviation = x.made(
        down(down(low - centres.upper) + step), up(up(high - centres.lower) - step)
    )
    return _divided(deviation, axes, eps, n - 1)


def rms_norm(
    x: Interval | Tensor,
    normalized_shape: Sequence[int],
    weight: Operand = None,
    eps: float | None = None,
) -> Interval:
    """A range of x / √(mean x² + ε) · γ over the last axes, in real arithmetic.

    Without ε it is that of the type of the weight, which may be float32 or float64 where the
    weight varies and bounds are kept in numbers of their own.
    """
    like = next(each for each in (x, weight) if isinstance(each, Interval))
    _refuse_executions(like, "rms_norm")
    axes, box = last_axes(normalized_shape), as_interval(x, like)
    added = _smallest(like, weight) if eps is None else eps
    return transformed(_divided(box, axes, added, count(box, axes)), weight, None)


def _smallest(like: Interval, weight: Operand) -> float | Interval:
    """The ε of a normalisation without one: the distance of 1 to the next larger number."""
    if not like.arithmetic.outwards:
        return torch.finfo(like.precision).eps
    kinds = [weight.dtype] if isinstance(weight, Tensor) else [torch.float32, torch.float64]
    sizes = [torch.finfo(kind).eps for kind in kinds]  # powers of two, exact in any type
    return like.made(*(like.lower.new_tensor(size) for size in (min(sizes), max(sizes))))


def _divided(d: Interval, axes: tuple[int, ...], eps: float | Interval, most: int) -> Interval:
    """A range of d / √(mean d² + ε), whose square is never larger than `most`."""
    result = mul(d, _inverse_root(mean(_square(d), axes, keepdim=True), eps))
    if not d.arithmetic.outwards:
        cap = result.lower.new_tensor(math.sqrt(most))
        # Where an end is infinite, it can be NaN here; the cap is known of it all the same.
        return result.made(torch.fmax(result.lower, -cap), torch.fmin(result.upper, cap))
    limit = math.sqrt(most) * (1 + 8 * unit_roundoff(d.precision))
    finite = result.lower.isfinite()  # where nothing is known of d, nothing is of its quotient
    lower = torch.where(finite, result.lower.clamp_min(-limit), result.lower)
    return result.made(lower, torch.where(finite, result.upper.clamp_max(limit), result.upper))


def _square(d: Interval) -> Interval:
    """The exact range of d²; its ends are rounded once."""
    ends = (d.lower.square(), d.upper.square())
    apart = (d.lower > 0) | (d.upper < 0)
    least = torch.where(apart, ends[0].minimum(ends[1]), torch.zeros_like(ends[0]))
    return d.settle(least, ends[0].maximum(ends[1]), 0, nonnegative=True)


def _inverse_root(variance: Interval, eps: float | Interval) -> Interval:
    """The range of 1 / √(v + ε)."""
    low, high = eps.parts if isinstance(eps, Interval) else (eps, eps)
    if variance.arithmetic.outwards and not isinstance(eps, Interval):
        low, high = variance.like(eps).parts
    lower = variance.lower + low
    upper = lower if variance.thin and low is high else variance.upper + high
    if not variance.arithmetic.outwards:
        least = upper.rsqrt()
        return variance.made(
            least, least if upper is lower else lower.rsqrt(), nonnegative=True
        )
    root = Interval.rules["sqrt"](variance.settle(lower, upper, 0))
    inverse = Interval.rules["reciprocal"](root)
    return variance.made(*inverse.parts, nonnegative=True)


def _refuse_executions(x: Interval, name: str) -> None:
    """Refuses a function whose executions differ too much to be bounded.

    Raises:
        UnsupportedOperationError: at the level of executions.
    """
    if x.arithmetic.executed:
        raise UnsupportedOperationError(
            f"Interval: expected a network without {name} at the level of executions, of which "
            "there are many that find mean and variance differently. Use REAL."
        )


NORMALIZATION: dict[str, Rule] = {
    **Normalizations(by_given, standardised).rules,
    "rms_norm": rms_norm,
}
