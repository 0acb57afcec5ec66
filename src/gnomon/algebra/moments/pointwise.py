"""Functions of one coordinate, which is taken to be normally distributed. Not sound."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from gnomon.activations import Activation, PReLU, Profile, per_channel
from gnomon.algebra.functions import with_settings
from gnomon.algebra.moments.moments import Moments, as_moments
from gnomon.algebra.moments.normal import positive
from gnomon.algebra.moments.products import mul, neg
from gnomon.algebra.profiles import CURVED, PROFILES

NODES = 64
"""Number of points at which a function of a normal variable is evaluated."""


def activation(function: Activation, x: Any) -> Any:
    """Moments of an activation function at a normal variable with x's mean and variance.

    In closed form where f is homogeneous (ReLU), else by quadrature; where coefficients vary,
    by the formula, whose operands are taken to be independent. Statistical, not sound: no
    pre-activation is exactly normal.
    """
    if function.varying():
        return function.formula(x)
    return _by_facts(function, function.profile(), x)


def through(function: Callable[[Tensor], Tensor], x: Moments) -> Moments:
    """Moments of f(m + √v Z), Z standard normal, by Gauss–Hermite quadrature with 64 nodes.

    Means of f − f(m) and of its square are summed node by node, so that no tensor larger than x
    is made (autograd keeps one for each node), and small variances are not the difference of
    large numbers. Exact for polynomials f up to degree 63; where f has a kink, or bends within
    less than √v / 4, right to about one per cent of √v.
    """
    start, deviation = function(x.centre), x.deviation
    first = second = start * 0
    for node, weight in zip(*_gauss_hermite(), strict=True):
        step = function(x.centre + node * deviation) - start
        first = first + weight * step
        second = second + weight * step.square()
    return Moments.computed(start + first, (second - first.square()).clamp_min(0))


def rectified(x: Moments, right: Any, left: Any) -> Moments:
    """Moments of p max(x, 0) + q min(x, 0) for normal x, in closed form; q may vary by itself.

    The parts x⁺ and x⁻ = max(−x, 0) are never both positive: E x⁺ x⁻ = 0.
    """
    above, below = positive(x), positive(neg(x))
    slope = as_moments(left, x.centre)
    scaled = mul(slope, below)
    mean = right * above.centre - scaled.centre
    together = 2 * right * above.centre * scaled.centre
    return Moments.computed(mean, right**2 * above.variance + scaled.variance + together)


def prelu(x: Any, weight: Any) -> Moments:
    """Moments of max(x, 0) + w min(x, 0), one slope w for each channel or for all."""
    like = x.centre if isinstance(x, Moments) else x
    value, slope = as_moments(x, like), as_moments(weight, like)
    return rectified(value, 1.0, slope.each(lambda part: per_channel(part, like)))


@functools.cache
def _gauss_hermite() -> tuple[list[float], list[float]]:
    """Nodes and weights of ∫ f(z) φ(z) dz, exact for polynomials up to degree 127."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes.tolist(), (weights / weights.sum()).tolist()


def _by_facts(
    function: Callable[[Tensor], Tensor], profile: Profile | None, x: Moments
) -> Moments:
    if isinstance(function, PReLU):
        return prelu(x, function.weight)
    if profile is None or profile.sides is None:
        return through(function, x)
    left, right = profile.sides
    return rectified(x, right, left)


def _named(name: str) -> Callable[..., Any]:
    """The rule of a torch function, by its facts."""

    def rule(x: Moments, *settings: Any, **named: Any) -> Any:
        profile = PROFILES[name](*settings, **named)
        return _by_facts(with_settings(name, settings, named), profile, x)

    return rule


POINTWISE: dict[str, Any] = {
    **{name: _named(name) for name in CURVED},
    "activation": activation,
    "prelu": prelu,
}
