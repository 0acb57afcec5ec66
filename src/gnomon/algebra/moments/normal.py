"""The larger of two normal variables, and the positive part of one. Not sound."""

import math

import torch
from torch import Tensor

from gnomon.algebra.moments.moments import Moments, root


def larger(first: Moments, second: Moments) -> Moments:
    """Mean and variance of the larger of two independent normal variables, by Clark's formulas.

    With θ² = v₁ + v₂, α = (m₁ − m₂)/θ, P = Φ(α) and Q = 1 − P the mean is m₁ P + m₂ Q + θ φ(α)
    and the variance v₁ P + v₂ Q + θ² (α² P Q + α φ(α) (Q − P) − φ(α)²): Clark's second moment
    less the square of the mean, in a form in which large means do not cancel. The maximum is
    not normal, and is taken to be so wherever it goes next: not sound.

    References:
        clark1961, equations 2 and 3.
    """
    gap, spread = first.centre - second.centre, first.variance + second.variance
    theta = root(spread)
    varies = theta > 0
    ratio = gap / torch.where(varies, theta, torch.ones_like(theta))
    ratio = torch.where(varies, ratio, gap.sign() * _CERTAIN).clamp(-_CERTAIN, _CERTAIN)
    above, below, height = _distribution(ratio), _distribution(-ratio), _density(ratio)
    mean = first.centre * above + second.centre * below + theta * height
    bend = ratio.square() * above * below + ratio * height * (below - above) - height.square()
    variance = first.variance * above + second.variance * below + spread * bend
    return Moments.computed(mean, variance.clamp_min(0))


def positive(x: Moments) -> Moments:
    """Mean and variance of max(x, 0) for normal x."""
    zero = torch.zeros_like(x.centre)
    return larger(x, Moments.computed(zero, zero))


_CERTAIN = 40.0
"""So many standard deviations that Φ is 0 or 1 in floating point."""


def _density(z: Tensor) -> Tensor:
    return (-z.square() / 2).exp() / math.sqrt(2 * math.pi)


def _distribution(z: Tensor) -> Tensor:
    return torch.special.ndtr(z)
