"""Normalisations: by fixed statistics, which is affine, and by those of the example itself."""

from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.interval import Interval
from gnomon.algebra.interval.normalization import standardised
from gnomon.algebra.normalization import Normalizations, transformed
from gnomon.algebra.zonotope.arithmetic import add
from gnomon.algebra.zonotope.products import mul
from gnomon.algebra.zonotope.zonotope import Zonotope


def by_given(
    x: Any, mean: Tensor, variance: Tensor, weight: Any, bias: Any, eps: float
) -> Zonotope:
    """The value (x − μ) / √(v + ε) · γ + β."""
    return transformed((x - mean) * (variance + eps).rsqrt(), weight, bias)


def by_own(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    """(x − mean) / √(variance + ε): an affine map, times a factor that lies in an interval.

    The factor's bounds come from those of the deviations d = x − mean, as mean d² does.
    """
    if not isinstance(x, Zonotope):
        return standardised(x, axes, eps)
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
    return mul(deviation, factor).but(box=standardised(x.interval, axes, eps))


NORMALIZATION = Normalizations(by_given, by_own).rules
