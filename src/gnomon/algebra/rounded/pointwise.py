"""Functions of one coordinate: extreme at the ends of an interval or at turning points."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from gnomon.algebra.rounded.accuracy import (
    EXACT,
    GATED,
    LIBRARY,
    ROUNDED,
    Accuracy,
    enclosed,
)
from gnomon.algebra.rounded.products import pair
from gnomon.algebra.rounded.rounded_interval import RoundedInterval
from gnomon.errors import UnsupportedOperationError


def over(
    function: Callable[[Tensor], Tensor],
    turning_points: tuple[float, ...],
    x: RoundedInterval,
    accuracy: Accuracy,
    *,
    nonnegative: bool = False,
    beside: Tensor | None = None,
) -> RoundedInterval:
    """The range of a continuous function with these turning points.

    A turning point t that was rounded is δ ≤ u |t| away from the true one, where the function
    differs by no more than sup |f''| δ² / 2, far below the error that is allowed for.
    """
    values = [function(end) for end in ((x.lower,) if x.thin else x.parts)]
    if not x.thin:
        values += [
            function(x.lower.clamp_min(point).minimum(x.upper)) for point in turning_points
        ]
    return enclosed(x, values, accuracy, nonnegative=nonnegative, beside=beside)


def activation(function: Activation, x: RoundedInterval) -> RoundedInterval:
    """The range of an activation function of the catalogue.

    Raises:
        UnsupportedOperationError: another one, whose error is not known.
    """
    return over(
        function,
        function.turning_points,
        x,
        _accuracy(function),
        nonnegative=function.nonnegative,
    )


def gelu(x: RoundedInterval, approximate: str = "none") -> RoundedInterval:
    """The range of x Φ(x), or of its approximation by tanh, which turns elsewhere."""
    if approximate == "none":
        return activation(GELU(), x)
    tanh = partial(functional.gelu, approximate=approximate)
    return over(tanh, (-0.7524614220710163,), x, GATED)


def leaky_relu(x: RoundedInterval, negative_slope: float = 0.01) -> RoundedInterval:
    """The range of max(x, 0) + slope · min(x, 0), for a slope of any sign."""
    slope = torch.tensor(negative_slope, dtype=torch.float64, device=x.device)
    return prelu(x, slope)


def prelu(x: Any, weight: Any) -> RoundedInterval:
    """The range of max(x, 0) + w min(x, 0), one slope w for each channel or for all.

    It is linear in w, and in x on either side of 0: its extremes lie where w is at an end and x
    at an end or at 0. One of the two terms is 0, so that only a product is rounded.
    """
    x, slopes = pair(x, weight)
    shape = (-1, *[1] * (x.ndim - 2)) if weight.numel() > 1 else ()
    places = (x.lower, x.upper, x.lower.clamp_min(0).minimum(x.upper))
    values = [
        place.clamp_min(0) + slope.reshape(shape) * place.clamp_max(0)
        for slope in slopes.parts
        for place in places
    ]
    return enclosed(x, values, ROUNDED)


def power(x: RoundedInterval, exponent: float | int) -> RoundedInterval:
    """The range of x to a whole power ≥ 1, or √x and the like where x ≥ 0 is known.

    Raises:
        UnsupportedOperationError: another exponent, or one that float32 cannot hold: a power
            is not continuous in it uniformly.
    """
    whole = float(exponent).is_integer() and exponent >= 1
    held = float(torch.tensor(exponent, dtype=torch.float32)) == exponent
    if not (whole or (x.nonnegative and exponent > 0)) or not held:
        raise UnsupportedOperationError(
            "RoundedInterval: expected a power 1, 2, 3, … or a base known to be ≥ 0 and an "
            f"exponent that float32 holds, got {exponent}."
        )
    even = whole and exponent % 2 == 0
    return over(
        lambda v: v**exponent,
        (0.0,) if even else (),
        x,
        Accuracy(relative=16 + 2 * exponent),
        nonnegative=even or x.nonnegative,
    )


def reciprocal(x: RoundedInterval) -> RoundedInterval:
    """The range of 1/x; everything where x may be 0."""
    apart = (x.lower > 0) | (x.upper < 0)
    nan = torch.full_like(x.lower, torch.nan)
    values = [torch.where(apart, end, nan).reciprocal() for end in x.parts]
    return enclosed(x, values, ROUNDED)


def softplus(x: RoundedInterval, beta: float = 1.0, threshold: float = 20.0) -> RoundedInterval:
    """The range of log(1 + exp(beta x)) / beta, and of x where beta x is above the threshold.

    Torch switches to x there, which is a step down by log(1 + exp(−threshold)) / beta. The
    range includes both sides of it wherever the argument may be near.
    """
    height = math.log1p(math.exp(-threshold * (1 - 1e-4))) / beta
    near = (x.upper * beta >= threshold * (1 - 1e-5)) & (
        x.lower * beta <= threshold * (1 + 1e-5)
    )
    step = torch.where(near, height, 0.0)
    function = partial(functional.softplus, beta=beta, threshold=threshold)
    return over(function, (), x, _softplus(beta), nonnegative=True, beside=step)


def celu(x: RoundedInterval, alpha: float = 1.0) -> RoundedInterval:
    """The range of max(0, x) + min(0, alpha (exp(x / alpha) − 1)), for alpha > 0."""
    accuracy = Accuracy(relative=16, argument=4, absolute=16 * alpha)
    return over(partial(functional.celu, alpha=alpha), (), x, accuracy)


def _softplus(beta: float) -> Accuracy:
    """An exponential and a logarithm, and the rounding of beta x before."""
    return Accuracy(relative=32, argument=8, absolute=8 / beta)


def _accuracy(function: Activation) -> Accuracy:
    """The accuracy of an activation function of the catalogue."""
    kind = type(function)
    if isinstance(function, ELU):
        return Accuracy(relative=16, absolute=16 * function.alpha)
    if isinstance(function, Softplus):
        return _softplus(function.beta)
    if kind not in _ACCURACIES:
        raise UnsupportedOperationError(
            f"RoundedInterval: expected an activation function whose rounding error is known, "
            f"got {kind.__name__}. Known are "
            f"{', '.join(sorted(each.__name__ for each in (*_ACCURACIES, ELU, Softplus)))}."
        )
    return _ACCURACIES[kind]


_ACCURACIES: dict[type[Activation], Accuracy] = {
    ReLU: EXACT,
    LeakyReLU: ROUNDED,
    SELU: Accuracy(relative=16, absolute=32),
    SiLU: Accuracy(relative=16),
    Mish: Accuracy(relative=32),
    GELU: GATED,
    Tanh: LIBRARY,
    Sigmoid: Accuracy(relative=16),
}


def _catalogued(make: Callable[..., Activation]) -> Callable[..., RoundedInterval]:
    """The rule of a torch function that an activation of the catalogue also is."""

    def rule(x: RoundedInterval, *settings: Any, **named: Any) -> RoundedInterval:
        return activation(make(*settings, **named), x)

    return rule


def _known(
    name: str, accuracy: Accuracy, *points: float, nonnegative: bool = False
) -> Callable[..., RoundedInterval]:
    """The rule of a torch function with these turning points; without one, it never falls."""
    function = getattr(functional, {"log_sigmoid": "logsigmoid"}.get(name, name), None)
    function = function or getattr(torch, name)

    def rule(x: RoundedInterval, *settings: Any, **named: Any) -> RoundedInterval:
        given = partial(_applied, function, settings, named)
        return over(given, points, x, accuracy, nonnegative=nonnegative)

    return rule


def _applied(
    function: Callable[..., Tensor], settings: tuple[Any, ...], named: dict[str, Any], v: Tensor
) -> Tensor:
    return function(v, *settings, **named)


_ONCE = Accuracy(relative=2)
_LOGARITHMIC = Accuracy(relative=32, argument=8, absolute=8)
_HARD = Accuracy(relative=8, argument=4, absolute=4)

POINTWISE = {
    "activation": activation,
    "relu": _catalogued(ReLU),
    "elu": _catalogued(ELU),
    "selu": _catalogued(SELU),
    "silu": _catalogued(SiLU),
    "mish": _catalogued(Mish),
    "tanh": _catalogued(Tanh),
    "sigmoid": _catalogued(Sigmoid),
    "gelu": gelu,
    "leaky_relu": leaky_relu,
    "prelu": prelu,
    "celu": celu,
    "pow": power,
    "square": partial(power, exponent=2),
    "reciprocal": reciprocal,
    "softplus": softplus,
    "abs": _known("abs", EXACT, 0.0, nonnegative=True),
    "clamp": _known("clamp", _ONCE),
    "clamp_max": _known("clamp_max", _ONCE),
    "clamp_min": _known("clamp_min", _ONCE),
    "erf": _known("erf", LIBRARY),
    "exp": _known("exp", LIBRARY, nonnegative=True),
    "hardsigmoid": _known("hardsigmoid", _HARD, nonnegative=True),
    "hardswish": _known("hardswish", _HARD, -1.5),
    "hardtanh": _known("hardtanh", _ONCE),
    "log": _known("log", LIBRARY),
    "logsigmoid": _known("logsigmoid", _LOGARITHMIC),
    "log_sigmoid": _known("log_sigmoid", _LOGARITHMIC),
    "relu6": _known("relu6", EXACT, nonnegative=True),
    "softsign": _known("softsign", Accuracy(relative=8)),
    "sqrt": _known("sqrt", LIBRARY, nonnegative=True),
    "tanhshrink": _known("tanhshrink", GATED),
}
