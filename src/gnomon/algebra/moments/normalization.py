"""Normalisations and softmax. Not sound; by the example's own statistics to first order."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.moments.moments import Moments, as_moments
from gnomon.algebra.moments.products import add, mul
from gnomon.algebra.normalization import Normalizations, count, last_axes, transformed
from gnomon.algebra.value import Rule


def by_given(
    x: Any, mean: Tensor, variance: Tensor, weight: Any, bias: Any, eps: float
) -> Moments:
    """Mean and variance of (x − μ) / √(v + ε) · γ + β."""
    scale = (variance + eps).rsqrt()
    return transformed(mul(add(as_moments(x, scale), -mean), scale), weight, bias)


def standardised(x: Any, axes: tuple[int, ...], eps: float) -> Moments:
    """Mean and variance of y = (x − mean) / s, s² = variance + ε, to first order.

    Its matrix of derivatives is (δ_ij − (1 + y_i y_j) / n) / s at the means; variances are
    summed with its squares.
    """
    varied = as_moments(x, torch.empty((), dtype=x.dtype, device=x.device))
    deviation = varied.centre - varied.centre.mean(axes, keepdim=True)
    scale = (deviation.square().mean(axes, keepdim=True) + eps).rsqrt()
    y, v, n = deviation * scale, varied.variance, count(deviation, axes)
    moments = [(y**power * v).sum(axes, keepdim=True) for power in (0, 1, 2)]
    common = (moments[0] + 2 * y * moments[1] + y.square() * moments[2]) / n**2
    variance = v * (1 - 2 * (1 + y.square()) / n) + common
    return Moments.computed(y, (variance * scale.square()).clamp_min(0))


def rms_norm(
    x: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None
) -> Moments:
    """Mean and variance of x / √(mean x² + ε) · γ over the last axes, to first order.

    Its matrix of derivatives is (δ_ij − y_i y_j / n) / s at the means.
    """
    axes = last_axes(normalized_shape)
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    varied = as_moments(x, torch.empty((), dtype=x.dtype, device=x.device))
    scale = (varied.centre.square().mean(axes, keepdim=True) + eps).rsqrt()
    y, v, n = varied.centre * scale, varied.variance, count(varied.centre, axes)
    common = y.square() * (y.square() * v).sum(axes, keepdim=True) / n**2
    variance = (v * (1 - 2 * y.square() / n) + common) * scale.square()
    return transformed(Moments.computed(y, variance), weight, None)


def softmax(x: Moments, dim: int, **named: Any) -> Moments:
    """Moments of the softmax, to first order: derivatives p_i (δ_ij − p_j) at the means."""
    del named
    p = x.centre.softmax(dim)
    common = (p.square() * x.variance).sum(dim, keepdim=True)
    return Moments.computed(p, p.square() * (x.variance * (1 - 2 * p) + common))


NORMALIZATION: dict[str, Rule] = {
    **Normalizations(by_given, standardised).rules,
    "rms_norm": rms_norm,
    "softmax": softmax,
}
