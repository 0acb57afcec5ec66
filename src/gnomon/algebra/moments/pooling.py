"""Averages and maxima of independent coordinates. Not sound."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.moments.moments import Moments, as_moments
from gnomon.algebra.moments.normal import larger
from gnomon.algebra.moments.products import neg
from gnomon.errors import UnsupportedOperationError


def total(x: Moments, *settings: Any, **named: Any) -> Moments:
    """Mean and variance of sums of independent coordinates."""
    return x.each(Tensor.sum, *settings, **named)


def mean(x: Moments, *settings: Any, **named: Any) -> Moments:
    """Mean and variance of averages of independent coordinates: the variance is v/n."""
    result = x.each(Tensor.mean, *settings, **named)
    terms = x.numel() / max(result.numel(), 1)
    return Moments.computed(result.centre, result.variance / terms)


def avg_pool2d(
    x: Moments,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Moments:
    """Mean and variance of averages of squares: with weights 1/d the variance is Σ v / d²."""

    def pooled(v: Tensor, divisor: int | None) -> Tensor:
        return functional.avg_pool2d(
            v, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor
        )

    ones = torch.ones_like(x.centre)
    weight = pooled(ones, divisor_override) / pooled(ones, 1)
    means, sums = pooled(x.centre, divisor_override), pooled(x.variance, divisor_override)
    return Moments.computed(means, sums * weight)


def avg_pool1d(
    x: Moments,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Moments:
    """Mean and variance of averages along one axis."""
    kernel, step, border = (_last(v) for v in (kernel_size, stride or kernel_size, padding))
    flat = x.each(torch.unsqueeze, -2)
    pooled = avg_pool2d(flat, (1, kernel), (1, step), (0, border), ceil_mode, count_include_pad)
    return pooled.each(torch.squeeze, -2)


def adaptive_avg_pool(x: Moments, output_size: Any, axes: int) -> Moments:
    """Mean and variance of averages over windows that part each axis evenly."""
    function = getattr(functional, f"adaptive_avg_pool{axes}d")
    result = x.each(function, output_size)
    count = torch.ones((), dtype=x.dtype, device=x.device)
    for size, pieces in zip(x.shape[-axes:], result.shape[-axes:], strict=True):
        lengths = [-(-(i + 1) * size // pieces) - i * size // pieces for i in range(pieces)]
        count = count[..., None] * torch.tensor(lengths).to(count)
    return Moments.computed(result.centre, result.variance / count)


def maximum(x: Any, y: Any) -> Moments:
    """Mean and variance of the larger of two independent normal variables."""
    like = next(each.centre for each in (x, y) if isinstance(each, Moments))
    return larger(as_moments(x, like), as_moments(y, like))


def minimum(x: Any, y: Any) -> Moments:
    """Mean and variance of the smaller of two independent normal variables."""
    return neg(maximum(-x, -y))


def max_pool(
    axes: int,
    x: Moments,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Moments:
    """Moments of the largest of each window, by Clark's formulas for one pair after the other.

    Each maximum is taken to be normal again, which it is not: an approximation.
    """
    if ceil_mode or return_indices or set(_each(dilation, axes)) != {1}:
        raise UnsupportedOperationError(
            "Moments: expected max pooling without dilation, ceil_mode and indices, got one of "
            "these. Use another algebra."
        )
    border = [side for size in reversed(_each(padding, axes)) for side in (size, size)]
    # A padded place is so low that it is never the largest.
    lowest = float((x.centre - 20 * x.deviation).detach().min()) - 1
    centre = functional.pad(x.centre, border, value=lowest)
    variance = functional.pad(x.variance, border)
    sizes, steps = _each(kernel_size, axes), _each(stride or kernel_size, axes)
    for size, step in zip(sizes, steps, strict=True):
        # The axis turned into windows moves to the end, and the next takes its place.
        centre, variance = (v.unfold(-axes, size, step) for v in (centre, variance))
    windows = Moments.computed(centre.flatten(-axes), variance.flatten(-axes))
    largest = windows.each(torch.select, -1, 0)
    for place in range(1, math.prod(sizes)):
        largest = larger(largest, windows.each(torch.select, -1, place))
    return largest


def _each(setting: Any, axes: int) -> tuple[int, ...]:
    return tuple(setting) if isinstance(setting, Sequence) else (setting,) * axes


def _last(setting: Any) -> int:
    return setting[-1] if isinstance(setting, Sequence) else setting
