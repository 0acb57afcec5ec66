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
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.interval.operands import together
from gnomon.algebra.rounded.accuracy import Called, enclosed
from gnomon.errors import UnsupportedOperationError


def over(
    function: Callable[[Tensor], Tensor],
    turning_points: tuple[float, ...],
    x: Interval,
    called: Called,
    *,
    nonnegative: bool = False,
) -> Interval:
    """The range of a continuous function with these turning points.

    A turning point t that was rounded is δ ≤ u |t| away from the true one, where the function
    differs by no more than sup |f''| δ² / 2, far below the error that is allowed for.
    """
    values = [function(end) for end in ((x.lower,) if x.thin else x.parts)]
    if not x.thin:
        values += [
            function(x.lower.clamp_min(point).minimum(x.upper)) for point in turning_points
        ]
    return enclosed(x, values, called, nonnegative=nonnegative)


def activation(function: Activation, x: Interval) -> Interval:
    """The range of an activation function of the catalogue.

    Raises:
        UnsupportedOperationError: another one, whose error is not known.
    """
    return over(
        function,
        function.turning_points,
        x,
        called_by(function),
        nonnegative=function.nonnegative,
    )


def gelu(x: Interval, approximate: str = "none") -> Interval:
    """The range of x Φ(x), or of its approximation by tanh, which turns elsewhere."""
    if approximate == "none":
        return activation(GELU(), x)
    tanh = partial(functional.gelu, approximate=approximate)
    return over(tanh, (-0.7524614220710163,), x, Called("gelu"))


def leaky_relu(x: Interval, negative_slope: float = 0.01) -> Interval:
    """The range of max(x, 0) + slope · min(x, 0), for a slope of any sign."""
    slope = torch.tensor(negative_slope, dtype=torch.float64, device=x.device)
    return prelu(x, slope)


def prelu(x: Any, weight: Any) -> Interval:
    """The range of max(x, 0) + w min(x, 0), one slope w for each channel or for all.

    It is linear in w, and in x on either side of 0: its extremes lie where w is at an end and x
    at an end or at 0. One of the two terms is 0, so that only a product is rounded.
    """
    x, slopes = together(x, weight)
    shape = (-1, *[1] * (x.ndim - 2)) if weight.numel() > 1 else ()
    places = (x.lower, x.upper, x.lower.clamp_min(0).minimum(x.upper))
    values = [
        place.clamp_min(0) + slope.reshape(shape) * place.clamp_max(0)
        for slope in slopes.parts
        for place in places
    ]
    return enclosed(x, values, Called("prelu"))


def power(x: Interval, exponent: float | int) -> Interval:
    """The range of x to a whole power ≥ 1, or √x and the like where x ≥ 0 is known.

    Raises:
        UnsupportedOperationError: another exponent, or one that float32 cannot hold: a power
            is not continuous in it uniformly.
    """
    whole = float(exponent).is_integer() and exponent >= 1
    held = float(torch.tensor(exponent, dtype=torch.float32)) == exponent
    if not (whole or (x.nonnegative and exponent > 0)) or not held:
        raise UnsupportedOperationError(
            "Interval: expected a power 1, 2, 3, … or a base known to be ≥ 0 and an "
            f"exponent that float32 holds, got {exponent}."
        )
    even = whole and exponent % 2 == 0
    return over(
        lambda v: v**exponent,
        (0.0,) if even else (),
        x,
        called_as("pow", exponent),
        nonnegative=even or x.nonnegative,
    )


def reciprocal(x: Interval) -> Interval:
    """The range of 1/x; everything where x may be 0."""
    apart = (x.lower > 0) | (x.upper < 0)
    nan = torch.full_like(x.lower, torch.nan)
    values = [torch.where(apart, end, nan).reciprocal() for end in x.parts]
    return enclosed(x, values, Called("reciprocal"))


def softplus(x: Interval, beta: float = 1.0, threshold: float = 20.0) -> Interval:
    """The range of log(1 + exp(beta x)) / beta, and of x where beta x is above the threshold.

    Torch switches to x there, which is a step down by log(1 + exp(−threshold)) / beta. Each of
    the two functions rises; the range is that of both over the part of the interval that may
    reach it. Near the threshold, rounding decides which of them is computed. Where exp(beta x)
    overflows below a large threshold, nothing is known of executions.

    Raises:
        UnsupportedOperationError: beta ≤ 0.
    """
    if not beta > 0:
        raise UnsupportedOperationError(
            f"Interval: expected softplus with beta > 0, got {beta}. Write it as an "
            "activation function."
        )
    edge = threshold / beta
    near = 1e-5 * abs(edge) if math.isfinite(edge) else 0.0
    curved = x.lower.clamp_max(edge + near), x.upper.clamp_max(edge + near)
    straight = x.lower.clamp_min(edge - near), x.upper.clamp_min(edge - near)
    bends, runs = x.lower <= edge + near, x.upper >= edge - near
    values = [
        torch.where(bends, -functional.logsigmoid(-beta * curved[end]) / beta, straight[end])
        for end in (0, 1)
    ]
    values += [torch.where(runs, straight[end], values[end]) for end in (0, 1)]
    most = (
        math.log(x.arithmetic.level.largest) - 1
        if math.isfinite(x.arithmetic.level.largest)
        else math.inf
    )
    lost = bends & (curved[1] * beta > most)
    values = [torch.where(lost, torch.nan, value) for value in values]
    called = called_as("softplus", beta)
    return enclosed(x, values, called, nonnegative=threshold >= 0)


def celu(x: Interval, alpha: float = 1.0) -> Interval:
    """The range of max(0, x) + min(0, alpha (exp(x / alpha) − 1)), for alpha > 0."""
    function = partial(functional.celu, alpha=alpha)
    return over(function, (), x, called_as("celu", alpha))


def called_by(function: Activation) -> Called:
    """An activation function of the catalogue, as a function of the libraries' tables.

    Raises:
        UnsupportedOperationError: another one, whose error is not known.
    """
    kind = type(function)
    if isinstance(function, ELU):
        return called_as("elu", function.alpha)
    if isinstance(function, Softplus):  # it is −log σ(−beta x) / beta
        return Called("logsigmoid", -function.beta, 1 / function.beta)
    if kind not in _NAMES:
        raise UnsupportedOperationError(
            f"Interval: expected an activation function whose rounding error is known, "
            f"got {kind.__name__}. Known are "
            f"{', '.join(sorted(each.__name__ for each in (*_NAMES, ELU, Softplus)))}."
        )
    return Called(_NAMES[kind])


def called_as(name: str, *settings: Any, **named: Any) -> Called:
    """A torch function with its settings, as a function of the libraries' tables."""
    if name in _WITH_SETTINGS:
        return _WITH_SETTINGS[name](*settings, **named)
    return Called(_SPELLED.get(name, name))


_WITH_SETTINGS: dict[str, Callable[..., Called]] = {
    "celu": lambda alpha=1.0: Called("celu", 1 / alpha, abs(alpha)),
    "elu": lambda alpha=1.0: Called("elu", size=abs(alpha)),
    "pow": lambda exponent: Called("pow", more=2 * exponent),
    "softplus": lambda beta=1.0, threshold=20.0: Called("softplus", beta, 1 / beta),  # noqa: ARG005
    "square": lambda: Called("pow", more=4),
}

_SPELLED = {"clamp_max": "clamp", "clamp_min": "clamp", "log_sigmoid": "logsigmoid"}

_NAMES: dict[type[Activation], str] = {
    ReLU: "relu",
    LeakyReLU: "leaky_relu",
    SELU: "selu",
    SiLU: "silu",
    Mish: "mish",
    GELU: "gelu",
    Tanh: "tanh",
    Sigmoid: "sigmoid",
}


def _catalogued(make: Callable[..., Activation]) -> Callable[..., Interval]:
    """The rule of a torch function that an activation of the catalogue also is."""

    def rule(x: Interval, *settings: Any, **named: Any) -> Interval:
        return activation(make(*settings, **named), x)

    return rule


def _known(name: str, *points: float, nonnegative: bool = False) -> Callable[..., Interval]:
    """The rule of a torch function with these turning points; without one, it never falls."""
    function = getattr(functional, {"log_sigmoid": "logsigmoid"}.get(name, name), None)
    function = function or getattr(torch, name)

    def rule(x: Interval, *settings: Any, **named: Any) -> Interval:
        given = partial(_applied, function, settings, named)
        return over(given, points, x, called_as(name), nonnegative=nonnegative)

    return rule


def _applied(
    function: Callable[..., Tensor], settings: tuple[Any, ...], named: dict[str, Any], v: Tensor
) -> Tensor:
    return function(v, *settings, **named)


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
    "abs": _known("abs", 0.0, nonnegative=True),
    "clamp": _known("clamp"),
    "clamp_max": _known("clamp_max"),
    "clamp_min": _known("clamp_min"),
    "erf": _known("erf"),
    "exp": _known("exp", nonnegative=True),
    "hardsigmoid": _known("hardsigmoid", nonnegative=True),
    "hardswish": _known("hardswish", -1.5),
    "hardtanh": _known("hardtanh"),
    "log": _known("log"),
    "logsigmoid": _known("logsigmoid"),
    "log_sigmoid": _known("log_sigmoid"),
    "relu6": _known("relu6", nonnegative=True),
    "softsign": _known("softsign"),
    "sqrt": _known("sqrt", nonnegative=True),
    "tanhshrink": _known("tanhshrink"),
}
