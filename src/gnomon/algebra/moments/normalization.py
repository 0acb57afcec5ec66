"""Normalisations and softmax. Not sound; by the example's own statistics to first order."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.moments.moments import Moments, as_moments
from gnomon.algebra.moments.products import add, mul
from gnomon.errors import UnsupportedOperationError


def batch_norm(
    x: Any,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Moments:
    """Of (x − μ) / √(v + ε) · γ + β with the running statistics.

    Raises:
        UnsupportedOperationError: in training mode, where they depend on the batch.
    """
    del momentum
    if training or running_mean is None or running_var is None:
        raise UnsupportedOperationError(
            "Moments: expected batch normalisation by running statistics, got training mode "
            "or none kept. Call network.eval() first."
        )
    shape = (-1, *[1] * (x.ndim - 2))
    scale = (running_var + eps).rsqrt().reshape(shape)
    normal = as_moments(x, scale)
    normal = mul(add(normal, -running_mean.reshape(shape)), scale)
    return _transformed(normal, weight, bias, shape)


def layer_norm(
    x: Any,
    normalized_shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Moments:
    """Of layer normalisation over the last axes, to first order in the deviations."""
    axes = tuple(range(-len(normalized_shape), 0))
    return _transformed(_standardised(x, axes, eps), weight, bias, tuple(normalized_shape))


def group_norm(
    x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Moments:
    """Of normalisation over groups of channels and all places, to first order."""
    grouped = x.reshape(x.shape[0], num_groups, -1)
    normal = _standardised(grouped, (-1,), eps).reshape(x.shape)
    return _transformed(normal, weight, bias, (-1, *[1] * (x.ndim - 2)))


def instance_norm(
    x: Any,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Moments:
    """Of each channel over its places, or by the statistics that are kept."""
    del momentum
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, eps=eps)
    return group_norm(x, x.shape[1], weight, bias, eps)


def rms_norm(
    x: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None
) -> Moments:
    """Of x / √(mean x² + ε) · γ over the last axes, to first order.

    Its matrix of derivatives is (δ_ij − y_i y_j / n) / s at the means.
    """
    axes = tuple(range(-len(normalized_shape), 0))
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    varied = as_moments(x, torch.empty((), dtype=x.dtype, device=x.device))
    scale = (varied.centre.square().mean(axes, keepdim=True) + eps).rsqrt()
    y, v, n = varied.centre * scale, varied.variance, _count(varied.centre, axes)
    common = y.square() * (y.square() * v).sum(axes, keepdim=True) / n**2
    variance = (v * (1 - 2 * y.square() / n) + common) * scale.square()
    return _transformed(Moments.computed(y, variance), weight, None, tuple(normalized_shape))


def softmax(x: Moments, dim: int, **named: Any) -> Moments:
    """Of the softmax, to first order: its derivatives are p_i (δ_ij − p_j) at the means."""
    del named
    p = x.centre.softmax(dim)
    common = (p.square() * x.variance).sum(dim, keepdim=True)
    return Moments.computed(p, p.square() * (x.variance * (1 - 2 * p) + common))


def _standardised(x: Any, axes: tuple[int, ...], eps: float) -> Moments:
    """Of y = (x − mean) / s, s² = variance + ε, to first order.

    Its matrix of derivatives is (δ_ij − (1 + y_i y_j) / n) / s at the means; variances are
    summed with its squares.
    """
    varied = as_moments(x, torch.empty((), dtype=x.dtype, device=x.device))
    deviation = varied.centre - varied.centre.mean(axes, keepdim=True)
    scale = (deviation.square().mean(axes, keepdim=True) + eps).rsqrt()
    y, v, n = deviation * scale, varied.variance, _count(deviation, axes)
    moments = [(y**power * v).sum(axes, keepdim=True) for power in (0, 1, 2)]
    common = (moments[0] + 2 * y * moments[1] + y.square() * moments[2]) / n**2
    variance = v * (1 - 2 * (1 + y.square()) / n) + common
    return Moments.computed(y, (variance * scale.square()).clamp_min(0))


def _transformed(x: Moments, weight: Any, bias: Any, shape: tuple[int, ...]) -> Moments:
    if weight is not None:
        x = mul(x, as_moments(weight, x.centre).each(torch.reshape, shape))
    if bias is not None:
        x = add(x, as_moments(bias, x.centre).each(torch.reshape, shape))
    return x


def _count(like: Tensor, axes: tuple[int, ...]) -> int:
    return math.prod(like.shape[axis] for axis in axes)


NORMALIZATION: dict[str, Any] = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "rms_norm": rms_norm,
    "softmax": softmax,
}
