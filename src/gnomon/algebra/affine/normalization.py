"""Normalisations: by fixed statistics, which is affine, and by those of the example itself."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.affine.affine import Affine
from gnomon.algebra.affine.arithmetic import add
from gnomon.algebra.affine.hull import through_intervals
from gnomon.algebra.affine.products import mul
from gnomon.algebra.interval import Interval
from gnomon.errors import UnsupportedOperationError

Given = Interval | Tensor | None


def batch_norm(
    x: Any,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Given = None,
    bias: Given = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Affine:
    """The value (x − μ) / √(v + ε) · γ + β with the running statistics.

    Raises:
        UnsupportedOperationError: in training mode, where they depend on the batch.
    """
    if training or running_mean is None or running_var is None:
        raise UnsupportedOperationError(
            "Affine: expected batch normalisation by running statistics, got training mode "
            "or none kept. Call network.eval() first."
        )
    if not isinstance(x, Affine):
        return through_intervals(
            "batch_norm", x, running_mean, running_var, weight, bias, training, momentum, eps
        )
    shape = (-1, *[1] * (x.ndim - 2))
    scale = (running_var + eps).rsqrt().reshape(shape)
    return _transformed(mul(add(x, -running_mean.reshape(shape)), scale), weight, bias, shape)


def layer_norm(
    x: Any,
    normalized_shape: Sequence[int],
    weight: Given = None,
    bias: Given = None,
    eps: float = 1e-5,
) -> Affine:
    """Normalisation over the last axes, by the example's own statistics."""
    if not isinstance(x, Affine):
        return through_intervals("layer_norm", x, normalized_shape, weight, bias, eps)
    axes = tuple(range(-len(normalized_shape), 0))
    box = Interval.rules["layer_norm"](x.interval, normalized_shape, None, None, eps)
    return _transformed(_standardised(x, axes, eps, box), weight, bias, tuple(normalized_shape))


def group_norm(
    x: Any, num_groups: int, weight: Given = None, bias: Given = None, eps: float = 1e-5
) -> Affine:
    """Normalisation over groups of channels and all places."""
    if not isinstance(x, Affine):
        return through_intervals("group_norm", x, num_groups, weight, bias, eps)
    box = Interval.rules["group_norm"](x.interval, num_groups, None, None, eps)
    shape = (x.shape[0], num_groups, -1)
    normal = _standardised(x.reshape(shape), (-1,), eps, box.each(torch.reshape, shape))
    return _transformed(normal.reshape(x.shape), weight, bias, (-1, *[1] * (x.ndim - 2)))


def instance_norm(
    x: Any,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Given = None,
    bias: Given = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Affine:
    """Normalisation of each channel over its places, or by the statistics that are kept."""
    del momentum
    if not use_input_stats:
        return batch_norm(x, running_mean, running_var, weight, bias, eps=eps)
    return group_norm(x, x.shape[1], weight, bias, eps)


def _standardised(x: Affine, axes: tuple[int, ...], eps: float, box: Interval) -> Affine:
    """(x − mean) / √(variance + ε): an affine map, times a factor that lies in an interval.

    The factor's bounds come from those of the deviations d = x − mean, as mean d² does.
    """
    deviation = add(x, -x.mean(axes, keepdim=True))
    bounds = deviation.interval
    apart = (bounds.lower > 0) | (bounds.upper < 0)
    ends = (bounds.lower.square(), bounds.upper.square())
    least = torch.where(apart, ends[0].minimum(ends[1]), torch.zeros_like(ends[0]))
    factor = Interval.computed(
        (ends[0].maximum(ends[1]).mean(axes, keepdim=True) + eps).rsqrt(),
        (least.mean(axes, keepdim=True) + eps).rsqrt(),
        nonnegative=True,
    )
    return mul(deviation, factor).but(box=box)


def _transformed(x: Affine, weight: Given, bias: Given, shape: tuple[int, ...]) -> Affine:
    if weight is not None:
        x = mul(x, _shaped(weight, shape))
    return x if bias is None else add(x, _shaped(bias, shape))


def _shaped(given: Interval | Tensor, shape: tuple[int, ...]) -> Interval | Tensor:
    if isinstance(given, Tensor):
        return given.reshape(shape)
    return given.each(Tensor.reshape, shape)


NORMALIZATION: dict[str, Any] = {
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
}
