"""Normalisations: with fixed statistics, and with those of the example itself."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.interval.arithmetic import add
from gnomon.algebra.interval.interval import Interval, as_interval
from gnomon.algebra.interval.products import mul
from gnomon.errors import UnsupportedOperationError

Given = Interval | Tensor | None


def batch_norm(
    x: Interval | Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Given = None,
    bias: Given = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Interval:
    """The exact range of (x − μ) / √(v + ε) · γ + β with the running statistics.

    Raises:
        UnsupportedOperationError: in training mode, where they depend on the batch.
    """
    del momentum
    if training or running_mean is None or running_var is None:
        raise UnsupportedOperationError(
            "Interval: expected batch normalisation by running statistics, got training mode "
            "or none kept. Call network.eval() first."
        )
    like = x if isinstance(x, Tensor) else x.lower
    shape = (-1, *[1] * (like.ndim - 2))
    scale = (running_var + eps).rsqrt().reshape(shape)
    shift = running_mean.reshape(shape)
    box = as_interval(x, like)
    return _affine(
        box.each(lambda end: (end - shift) * scale),
        weight,
        bias,
        shape,
    )


def layer_norm(
    x: Interval | Tensor,
    normalized_shape: Sequence[int],
    weight: Given = None,
    bias: Given = None,
    eps: float = 1e-5,
) -> Interval:
    """A range of layer normalisation over the last axes."""
    axes = tuple(range(-len(normalized_shape), 0))
    return _affine(_standardised(x, axes, eps), weight, bias, tuple(normalized_shape))


def group_norm(
    x: Interval | Tensor,
    num_groups: int,
    weight: Given = None,
    bias: Given = None,
    eps: float = 1e-5,
) -> Interval:
    """A range of normalisation over groups of channels and all places."""
    like = x if isinstance(x, Tensor) else x.lower
    box = as_interval(x, like).each(torch.reshape, (len(like), num_groups, -1))
    normal = _standardised(box, (-1,), eps).each(torch.reshape, like.shape)
    return _affine(normal, weight, bias, (-1, *[1] * (like.ndim - 2)))


def instance_norm(
    x: Interval | Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Given = None,
    bias: Given = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Interval:
    """A range of normalisation of each channel over its places."""
    del momentum
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, eps=eps)
    like = x if isinstance(x, Tensor) else x.lower
    axes = tuple(range(2, like.ndim))
    return _affine(_standardised(x, axes, eps), weight, bias, (-1, *[1] * (like.ndim - 2)))


def rms_norm(
    x: Interval | Tensor,
    normalized_shape: Sequence[int],
    weight: Given = None,
    eps: float | None = None,
) -> Interval:
    """A range of x / √(mean x² + ε) · γ over the last axes."""
    like = x if isinstance(x, Tensor) else x.lower
    axes = tuple(range(-len(normalized_shape), 0))
    eps = torch.finfo(like.dtype).eps if eps is None else eps
    scaled = _divided(as_interval(x, like), axes, eps, math.sqrt(_count(like, axes)))
    return _affine(scaled, weight, None, tuple(normalized_shape))


def _standardised(x: Interval | Tensor, axes: tuple[int, ...], eps: float) -> Interval:
    """(x − mean) / √(variance + ε) over the axes.

    The deviations d_i = x_i − mean have exact ranges; no |d_i| exceeds √(n − 1) standard
    deviations, since they sum to 0.
    """
    like = x if isinstance(x, Tensor) else x.lower
    box, n = as_interval(x, like), _count(like, axes)
    if box.lower is box.upper:
        deviation = like - like.mean(axes, keepdim=True)
        variance = deviation.square().mean(axes, keepdim=True)
        return Interval.point(deviation * (variance + eps).rsqrt())
    low, high = box.lower, box.upper
    mean_low, mean_high = low.mean(axes, keepdim=True), high.mean(axes, keepdim=True)
    step = (high - low) / n
    deviation = Interval.computed(low - mean_high + step, high - mean_low - step)
    return _divided(deviation, axes, eps, math.sqrt(n - 1))


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


def _affine(x: Interval, weight: Given, bias: Given, shape: tuple[int, ...]) -> Interval:
    if weight is not None:
        x = mul(x, as_interval(weight, x.lower).each(torch.reshape, shape))
    if bias is not None:
        x = add(x, as_interval(bias, x.lower).each(torch.reshape, shape))
    return x


def _count(like: Tensor, axes: tuple[int, ...]) -> int:
    return math.prod(like.shape[axis] for axis in axes)


NORMALIZATION: dict[str, Any] = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "rms_norm": rms_norm,
}
