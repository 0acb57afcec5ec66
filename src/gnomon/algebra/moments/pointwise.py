"""Functions of one coordinate, which is taken to be normally distributed. Not sound."""

import functools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gnomon.activations import ELU, GELU, SELU, Activation, Mish, ReLU, Sigmoid, SiLU, Tanh
from gnomon.algebra.functions import with_settings
from gnomon.algebra.moments.moments import Moments, as_moments
from gnomon.algebra.moments.normal import positive
from gnomon.algebra.moments.products import mul, neg

NODES = 64


def activation(function: Activation, x: Moments) -> Moments:
    """Of an activation function at a normal variable with x's mean and variance.

    In closed form where f is homogeneous (ReLU), else by quadrature. Statistical, not sound:
    no pre-activation is exactly normal.
    """
    if not function.homogeneous:
        return through(function, x)
    one = torch.ones((), dtype=x.dtype, device=x.device)
    return rectified(x, float(function(one)), -float(function(-one)))


def through(function: Callable[[Tensor], Tensor], x: Moments) -> Moments:
    """Of f(m + √v Z), Z standard normal, by Gauss–Hermite quadrature with 64 nodes.

    Means of f − f(m) and of its square are summed node by node, so that no tensor larger than x
    is made (autograd keeps one for each node), and small variances are not the difference of
    large numbers. Exact for polynomials f up to degree 63; where f has a kink, or bends within
    less than √v / 4, right to about one per cent of √v.
    """
    start, deviation = function(x.centre), x.deviation
    first = second = torch.zeros_like(start)
    for node, weight in zip(*_gauss_hermite(), strict=True):
        step = function(x.centre + node * deviation) - start
        first = first + weight * step
        second = second + weight * step.square()
    return Moments.computed(start + first, (second - first.square()).clamp_min(0))


def rectified(x: Moments, right: float, left: Any) -> Moments:
    """Of p max(x, 0) + q min(x, 0) for normal x, in closed form; q may vary by itself.

    The parts x⁺ and x⁻ = max(−x, 0) are never both positive: E x⁺ x⁻ = 0.
    """
    above, below = positive(x), positive(neg(x))
    slope = as_moments(left, x.centre)
    scaled = mul(slope, below)
    mean = right * above.centre - scaled.centre
    together = 2 * right * above.centre * scaled.centre
    return Moments.computed(mean, right**2 * above.variance + scaled.variance + together)


def prelu(x: Any, weight: Any) -> Moments:
    """Of max(x, 0) + w min(x, 0), one slope w for each channel or for all."""
    like = x.centre if isinstance(x, Moments) else x
    value, slope = as_moments(x, like), as_moments(weight, like)
    shape = (-1, *[1] * (like.ndim - 2)) if weight.numel() > 1 else ()
    return rectified(value, 1.0, slope.each(torch.reshape, shape))


def leaky_relu(x: Moments, negative_slope: float = 0.01) -> Any:
    """Of max(x, 0) + slope · min(x, 0)."""
    return rectified(x, 1.0, negative_slope)


@functools.cache
def _gauss_hermite() -> tuple[list[float], list[float]]:
    """Nodes and weights of ∫ f(z) φ(z) dz, exact for polynomials up to degree 127."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return nodes.tolist(), (weights / weights.sum()).tolist()


def _catalogued(make: Callable[..., Activation]) -> Callable[..., Any]:
    """The rule of a torch function that an activation of the catalogue also is."""

    def rule(x: Moments, *settings: Any, **named: Any) -> Any:
        return activation(make(*settings, **named), x)

    return rule


def _integrated(name: str) -> Callable[..., Any]:
    """The rule of a torch function, by quadrature."""

    def rule(x: Moments, *settings: Any, **named: Any) -> Any:
        return through(with_settings(name, settings, named), x)

    return rule


POINTWISE: dict[str, Any] = {
    "activation": activation,
    "relu": _catalogued(ReLU),
    "elu": _catalogued(ELU),
    "selu": _catalogued(SELU),
    "silu": _catalogued(SiLU),
    "mish": _catalogued(Mish),
    "tanh": _catalogued(Tanh),
    "sigmoid": _catalogued(Sigmoid),
    "gelu": lambda x, approximate="none": through(
        GELU() if approximate == "none" else partial(functional.gelu, approximate=approximate),
        x,
    ),
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "abs": lambda x: rectified(x, 1.0, -1.0),
    **{
        name: _integrated(name)
        for name in (
            "celu",
            "clamp",
            "clamp_max",
            "clamp_min",
            "erf",
            "exp",
            "hardsigmoid",
            "hardswish",
            "hardtanh",
            "log_sigmoid",
            "logsigmoid",
            "pow",
            "relu6",
            "softplus",
            "softsign",
            "square",
            "tanhshrink",
        )
    },
}
