"""Functions of one coordinate, by the linear relaxation with the least error."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.activations import Activation
from gnomon.algebra.curvature import FUNCTIONS, Curvature
from gnomon.algebra.interval import Interval
from gnomon.algebra.zonotope.hull import through_intervals
from gnomon.algebra.zonotope.relaxation import Curve, Relaxation, by_lipschitz, curve_of
from gnomon.algebra.zonotope.zonotope import Zonotope


def activation(function: Activation, x: Any) -> Zonotope:
    """λ x + μ ± δ, with the narrowest strip that holds the activation's graph.

    Where an activation's inflections are not known, its Lipschitz constant gives the strip.
    """
    curve = curve_of(function)
    bounds = x.interval
    image = Interval.rules["activation"](function, bounds)
    return relaxed(x, bounds, curve or partial(by_lipschitz, function), image)


def relaxed(
    x: Zonotope,
    bounds: Interval,
    relax: Callable[[Tensor, Tensor], Relaxation],
    image: Interval,
) -> Zonotope:
    """The value after a function, given its bounds before, a relaxation and the range after.

    The flat strip of the range is taken where the relaxation gives no finite numbers.
    """
    finite = bounds.lower.isfinite() & bounds.upper.isfinite()
    zero = torch.zeros_like(bounds.lower)
    slope, offset, error = relax(
        torch.where(finite, bounds.lower, zero), torch.where(finite, bounds.upper, zero)
    )
    usable = finite & slope.isfinite() & offset.isfinite() & error.isfinite()
    slope = torch.where(usable, slope, zero)
    offset = torch.where(
        usable, offset, torch.where(image.centre.isfinite(), image.centre, zero)
    )
    error = torch.where(usable, error, image.radius)
    centre = torch.where(usable, x.centre, zero)
    return x.but(
        centre=slope * centre + offset,
        generators=slope * x.generators,
        radius=slope.abs() * torch.where(usable, x.radius, zero) + error,
        box=image,
    ).with_new_symbols()


def prelu(x: Any, weight: Any) -> Zonotope:
    """Of max(x, 0) + w min(x, 0).

    With w in a box of radius R, R max(−x, 0) is an error more.
    """
    if not isinstance(x, Zonotope) or isinstance(weight, Zonotope):
        return through_intervals("prelu", x, weight)
    bounds = x.interval
    image = Interval.rules["prelu"](bounds, weight)
    shape = (-1, *[1] * (x.ndim - 2)) if weight.numel() > 1 else ()
    box = weight if isinstance(weight, Interval) else Interval.point(weight)
    slope, spread = box.centre.reshape(shape), box.radius.reshape(shape)

    def function(v: Tensor) -> Tensor:
        return v.clamp_min(0) + slope * v.clamp_max(0)

    result = relaxed(x, bounds, Curve(function, Curvature((0.0,), "00")), image)
    if not isinstance(weight, Interval):
        return result
    error = spread * (-bounds.lower).clamp_min(0)
    return result.but(radius=result.radius + error)


def power(x: Zonotope, exponent: float | int) -> Zonotope:
    """Of a power; by intervals where it is not known how it bends."""
    curvature = FUNCTIONS["pow"](exponent)
    if curvature is None:
        return through_intervals("pow", x, float(exponent))
    bounds = x.interval
    image = Interval.rules["pow"](bounds, float(exponent))
    return relaxed(x, bounds, Curve(lambda v: v**exponent, curvature), image)


def _curved(name: str) -> Callable[..., Any]:
    """The rule of a torch function; by intervals where it is not known how it bends."""
    public = name.replace("log_sigmoid", "logsigmoid")
    function = getattr(functional, public, None) or getattr(torch, public)

    def rule(x: Any, *settings: Any, **named: Any) -> Any:
        curvature = FUNCTIONS[name](*settings, **named)
        if curvature is None:
            return through_intervals(name, x, *settings, **named)
        curve = Curve(lambda v: function(v, *settings, **named), curvature)
        bounds = x.interval
        image = Interval.rules[name](bounds, *settings, **named)
        return relaxed(x, bounds, curve, image)

    return rule


POINTWISE: dict[str, Any] = {
    "activation": activation,
    "prelu": prelu,
    **{name: _curved(name) for name in FUNCTIONS if name in Interval.rules},
    "pow": power,
    "square": partial(power, exponent=2),
}
