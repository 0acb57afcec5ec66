"""Normalisations: with fixed statistics, and with those of the example itself."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gnomon.algebra.interval.interval import Interval, as_interval
from gnomon.algebra.interval.products import mul
from gnomon.algebra.normalization import Normalizations, count, last_axes, transformed
from gnomon.algebra.value import Rule

Given = Interval | Tensor | None


def by_given(
    x: Interval | Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Given,
    bias: Given,
    eps: float,
) -> Interval:
    """The exact range of (x − μ) / √(v + ε) · γ + β."""
    scale = (variance + eps).rsqrt()
    box = as_interval(x, mean)
    return transformed(box.each(lambda end: (end - mean) * scale), weight, bias)


def standardised(x: Interval | Tensor, axes: tuple[int, ...], eps: float) -> Interval:
    """A range of (x − mean) / √(variance + ε) over the axes.

    The deviations d_i = x_i − mean have exact ranges; no |d_i| exceeds √(n − 1) standard
    deviations, since they sum to 0.
    """
    like = x if isinstance(x, Tensor) else x.lower
    box, n = as_interval(x, like), count(like, axes)
    if box.lower is box.upper:
        deviation = like - like.mean(axes, keepdim=True)
        variance = deviation.square().mean(axes, keepdim=True)
        return Interval.point(deviation * (variance + eps).rsqrt())
    low, high = box.lower, box.upper
    mean_low, mean_high = low.mean(axes, keepdim=True), high.mean(axes, keepdim=True)
    step = (high - low) / n
    deviation = Interval.computed(low - mean_high + step, high - mean_low - step)
    return _divided(deviation, axes, eps, math.sqrt(n - 1))


def rms_norm(
    x: Interval | Tensor,
    normalized_shape: Sequence[int],
    weight: Given = None,
    eps: float | None = None,
) -> Interval:
    """A range of x / √(mean x² + ε) · γ over the last axes."""
    like = x if isinstance(x, Tensor) else x.lower
    axes = last_axes(normalized_shape)
    eps = torch.finfo(like.dtype).eps if eps is None else eps
    scaled = _divided(as_interval(x, like), axes, eps, math.sqrt(count(like, axes)))
    return transformed(scaled, weight, None)


def _divided(d: Interval, axes: tuple[int, ...], eps: float, most: float) -> Interval:
    """A range of d / √(mean d² + ε), which is never larger than `most`."""
    ends = (d.lower.square(), d.upper.square())
    apart = (d.lower > 0) | (d.upper < 0)
    least = torch.where(apart, ends[0].minimum(ends[1]), torch.zeros_like(ends[0]))
    greatest = ends[0].maximum(ends[1])
    scale = Interval.computed(
        (greatest.mean(axes, keepdim=True) + eps).rsqrt(),
        (least.mean(axes, keepdim=True) + eps).rsqrt(),
        nonnegative=True,
    )
    result = mul(d, scale)
    cap = result.lower.new_tensor(most)
    # Where an end is infinite, it can be NaN here; the cap is known of it all the same.
    return Interval.computed(torch.fmax(result.lower, -cap), torch.fmin(result.upper, cap))


NORMALIZATION: dict[str, Rule] = {
    **Normalizations(by_given, standardised).rules,
    "rms_norm": rms_norm,
}
