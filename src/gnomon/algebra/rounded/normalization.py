"""Softmax and normalisations: compositions of rules that are sound each by itself."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.library import TORCH, Accuracy, Library
from gnomon.algebra.normalization import Normalizations, count, last_axes, transformed
from gnomon.algebra.rounded.allowance import inflated, settled, speck
from gnomon.algebra.rounded.arithmetic import add, mean, sub
from gnomon.algebra.rounded.kept import met
from gnomon.algebra.rounded.pointwise import power, reciprocal, sqrt
from gnomon.algebra.rounded.products import mul
from gnomon.algebra.rounded.rounded_interval import RoundedInterval, as_rounded
from gnomon.algebra.rounding import Deployed, down, gamma, outward, unit_roundoff
from gnomon.algebra.value import Rule
from gnomon.errors import UnsupportedOperationError

Given = RoundedInterval | Tensor | None


def softmax(x: RoundedInterval, dim: int, **named: Any) -> RoundedInterval:
    """The range of each coordinate of the softmax.

    A coordinate is least where its own logit is low and all others are high; it is computed as
    1 / (1 + R G) with R = Σ_{j≠i} exp(x_j − top) and G = exp(top − x_i). R is a difference of
    two sums: its error is bounded by that of the sum, G's by its size.

    An execution that subtracts the maximum misses the coordinate by the relative error of its
    exponentials, u (D + r) for logits that differ by at most D, of a sum, and a quotient; and
    by n + 1 times what else an exponential misses, as the sum is at least about 1. However far
    logits are apart, no term is larger than the sum of all, but for the rounding of both.
    """
    del named
    least = _softmax_of(x.lower, x.upper, dim, 1.0)
    most = _softmax_of(x.upper, x.lower, dim, -1.0)
    if isinstance(x.level, Deployed):
        size = x.shape[dim]
        apart = x.upper.amax(dim, keepdim=True) - x.lower.amin(dim, keepdim=True)
        unit, exp = x.level.unit, _everywhere(x.level.library, "exp")
        steps = size + 24 + math.ceil(exp.relative)
        part = 4 * unit * (apart + math.log(size) + 1) + 2 * gamma(steps, x.level.dtype)
        part = torch.where(part < 0.5, inflated(torch.expm1(part)), torch.ones_like(part))
        beside = 4 * (size + 1) * unit * (exp.absolute + exp.argument * apart)
        lost = inflated(beside + 4 * size * speck(x.level.dtype))
        most = (most * (1 + part)).clamp_max(1 + 4 * gamma(steps, x.level.dtype))
        least, most = outward(least * (1 - part) - lost, most + lost)
    finite = (x.upper - x.lower).isfinite().all(dim, keepdim=True)
    nan = torch.full_like(least, torch.nan)
    return RoundedInterval.computed(
        torch.where(finite, least, nan),
        torch.where(finite, most, nan),
        x.level,
        nonnegative=True,
    )


def logsumexp(x: RoundedInterval, dim: Any, keepdim: bool = False) -> RoundedInterval:
    """The range of log Σ exp x, which rises with every coordinate.

    With the maximum m subtracted, the differences miss u |x_i − m| each, the sum and its
    logarithm γ, and the last sum u (|m| + log n); the sum is at least about 1.
    """
    axes = (dim,) if isinstance(dim, int) else tuple(dim)
    n = math.prod(x.shape[axis] for axis in axes)
    ends = [end.logsumexp(axes, keepdim=keepdim) for end in x.parts]
    largest = x.magnitude.amax(axes, keepdim=keepdim)
    programs = [(x.precision, TORCH)]
    if isinstance(x.level, Deployed):
        programs.append((x.level.dtype, x.level.library))
    miss = torch.zeros_like(largest)
    for dtype, library in programs:
        exp, log = (_everywhere(library, name) for name in ("exp", "log"))
        steps = n + 16 + math.ceil(exp.relative + log.relative)
        size = 2 * gamma(steps, dtype) * (3 * largest + math.log(n) + 1)
        beside = n * (exp.absolute + log.argument + 2 * exp.argument * largest) + log.absolute
        miss = inflated(miss + size + 4 * unit_roundoff(dtype) * beside)
    return RoundedInterval.computed(*outward(ends[0] - miss, ends[1] + miss), x.level)


def by_given(
    x: RoundedInterval | Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Given,
    bias: Given,
    eps: float,
) -> RoundedInterval:
    """The range of (x − μ) / √(v + ε) · γ + β.

    Executions may also compute x · α + (β − μ α) with α = γ / √(v + ε): at most 16 roundings of
    |x| |α|, |μ| |α| and |β|.
    """
    like = next(each for each in (x, weight, bias) if isinstance(each, RoundedInterval))
    like = like.at(met(like.level, (x, mean, variance, weight, bias)))
    box, centre, spread = (as_rounded(each, like).real for each in (x, mean, variance))
    scale = _inverse_root(spread, eps)
    slope, shift = (
        None if each is None else as_rounded(each, like).real for each in (weight, bias)
    )
    result = transformed(mul(sub(box, centre), scale), slope, shift)
    if like.level.relative(1) == 0:
        return RoundedInterval.computed(result.lower, result.upper, like.level)
    size = (box.magnitude + centre.magnitude) * scale.magnitude
    for each, joined in ((slope, torch.mul), (shift, torch.add)):
        if each is not None:
            size = inflated(joined(size, each.magnitude))
    return settled(result.lower, result.upper, like.level, 16, size)


def by_own(x: RoundedInterval, axes: tuple[int, ...], eps: float) -> RoundedInterval:
    """A range of (x − mean) / √(variance + ε) over the axes, in real arithmetic.

    The deviations d_i = (1 − 1/n) x_i − Σ_{j≠i} x_j / n have exact ranges; no |d_i| exceeds
    √(n − 1) standard deviations, since they sum to 0.
    """
    _real_only("normalisation by an example's own statistics", x)
    n = count(x, axes)
    centres = mean(x, axes, keepdim=True)
    low, high = x.parts
    step = down((high - low) / n).clamp_min(0)
    step = down(step)
    lower = down(down(low - centres.upper) + step)
    upper = -down(down(centres.lower - high) + step)
    deviation = RoundedInterval.computed(lower, upper, x.level)
    return _divided(deviation, axes, eps, n - 1)


def rms_norm(
    x: RoundedInterval | Tensor,
    normalized_shape: Sequence[int],
    weight: Given = None,
    eps: float | None = None,
) -> RoundedInterval:
    """A range of x / √(mean x² + ε) · γ over the last axes, in real arithmetic.

    Without ε it is that of the type of the weight, which may be float32 or float64 where the
    weight varies.
    """
    like = _real_only("rms_norm", x, weight)
    kinds = [weight.dtype] if isinstance(weight, Tensor) else [torch.float32, torch.float64]
    sizes = [torch.finfo(kind).eps for kind in kinds]  # powers of two, exact in any type
    ends = [like.lower.new_tensor(size) for size in (min(sizes), max(sizes))]
    added = RoundedInterval.computed(ends[0], ends[1], like.level) if eps is None else eps
    axes = last_axes(normalized_shape)
    box = as_rounded(x, like)
    scaled = _divided(box, axes, added, count(box, axes))
    return transformed(scaled, weight, None)


def _everywhere(library: Library, function: str) -> Accuracy:
    """The accuracy of a function at all arguments.

    Raises:
        UnsupportedOperationError: it is not claimed for all.
    """
    claim = library.accuracies(function)[-1]
    if claim.within != (-math.inf, math.inf):
        raise UnsupportedOperationError(
            f"Deployed: expected {function} with an accuracy claimed for all arguments, got "
            f"{claim.within} in {library.name!r}. State one, or compute softmax without it."
        )
    return claim


def _softmax_of(own: Tensor, others: Tensor, dim: int, side: float) -> Tensor:
    """A lower (side 1) or upper (side −1) bound of 1 / (1 + Σ_{j≠i} exp(others_j − own_i)).

    Each exponential misses a relative 10u, and u D for the rounding of its argument of size D,
    where exp(−D) D ≤ 1/2; the sum of n of them at most γ_n S.
    """
    n, u = own.shape[dim], unit_roundoff(own.dtype)
    top = others.amax(dim=dim, keepdim=True).detach()
    scaled = (others - top).exp()
    whole = scaled.sum(dim=dim, keepdim=True)
    rest = whole - scaled
    miss = inflated(4 * gamma(n + 16, own.dtype) * whole)
    rest = (rest + side * miss).clamp_min(0)
    gap = top - own
    growth = gap.exp() * (1 + side * (16 * u + 4 * u * gap.abs().clamp_max(1e6)))
    ratio = (1 + rest * growth).reciprocal()
    found = ratio * (1 - side * 16 * u) - side * speck(own.dtype)
    return found.clamp(0, 1)


def _divided(
    d: RoundedInterval, axes: tuple[int, ...], eps: float | RoundedInterval, most: int
) -> RoundedInterval:
    """A range of d / √(mean d² + ε), whose square is never larger than `most`."""
    scale = _inverse_root(mean(power(d, 2), axes, keepdim=True), eps)
    result = mul(d, scale)
    cap = math.nextafter(math.nextafter(math.sqrt(most), math.inf), math.inf)
    cap = cap * (1 + 4 * unit_roundoff(d.precision))
    finite = result.lower.isfinite()
    lower = torch.where(finite, result.lower.clamp_min(-cap), result.lower)
    upper = torch.where(finite, result.upper.clamp_max(cap), result.upper)
    return RoundedInterval.computed(lower, upper, d.level)


def _inverse_root(variance: RoundedInterval, eps: float | RoundedInterval) -> RoundedInterval:
    """The range of 1 / √(v + ε)."""
    shifted = add(variance, eps)
    root = sqrt(shifted)
    result = reciprocal(root)
    result.nonnegative = True
    return result


def _real_only(name: str, *given: Given) -> RoundedInterval:
    """The first value, of a function whose executions differ too much to be bounded."""
    like = next(each for each in given if isinstance(each, RoundedInterval))
    if like.level.relative(1) > 0:
        raise UnsupportedOperationError(
            f"RoundedInterval: expected a network without {name} at the level of executions, "
            "of which there are many that find mean and variance differently. Use REAL."
        )
    return like


NORMALIZATION: dict[str, Rule] = {
    **Normalizations(by_given, by_own).rules,
    "rms_norm": rms_norm,
    "softmax": softmax,
    "logsumexp": logsumexp,
}
