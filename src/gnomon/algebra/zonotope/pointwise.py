"""Functions of one coordinate, by the linear relaxation with the least error."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gnomon.activations import Activation, PReLU
from gnomon.algebra.functions import with_settings
from gnomon.algebra.interval import Interval
from gnomon.algebra.profiles import CURVED, PROFILES
from gnomon.algebra.subdivision import Formula
from gnomon.algebra.zonotope.hull import through_intervals
from gnomon.algebra.zonotope.relaxation import Curve, Relaxation
from gnomon.algebra.zonotope.zonotope import Zonotope

Relax = Callable[[Tensor, Tensor], Relaxation]


def activation(function: Activation, x: Any) -> Zonotope:
    """λ x + μ ± δ, with the narrowest strip that holds the activation's graph.

    Where coefficients vary, the strip holds the graphs of the lowest and the highest function.
    Where it is not stated how a function bends, the strip is found cell by cell.
    """
    box = x.interval
    image = Interval.rules["activation"](function, box)
    return relaxed(x, box, strip_of(function), image)


def relaxed(x: Zonotope, bounds: Interval, relax: Relax, image: Interval) -> Zonotope:
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
    """The strip around max(x, 0) + w min(x, 0), for slopes w that may lie in a box."""
    if not isinstance(x, Zonotope) or isinstance(weight, Zonotope):
        return through_intervals("prelu", x, weight)
    return activation(PReLU.of(weight), x)


def _named(name: str) -> Callable[..., Any]:
    """The rule of a torch function; by intervals where it is not known how it bends."""

    def rule(x: Any, *settings: Any, **named: Any) -> Any:
        profile = PROFILES[name](*settings, **named)
        if profile is None or not profile.bends:
            return through_intervals(name, x, *settings, **named)
        curve = Curve(with_settings(name, settings, named), profile)
        bounds = x.interval
        image = Interval.rules[name](bounds, *settings, **named)
        return relaxed(x, bounds, curve, image)

    return rule


def strip_of(function: Activation) -> Relax:
    """Returns the function that finds the strip around an activation in each interval."""
    if function.varying():
        envelope = function.envelope()
        if envelope is not None:
            return partial(_around_both, *(strip_of(each) for each in envelope))
    else:
        profile = function.profile()
        if profile is not None and profile.bends:
            return Curve(function, profile)
    return partial(_found, function)


def _found(function: Activation, lower: Tensor, upper: Tensor) -> Relaxation:
    """The strip between two lines, with the mean of their slopes."""
    box = Interval.computed(lower, upper)
    below, low, above, high = Formula(function, box).lines(box)
    return _between(
        (below, low, torch.zeros_like(low)), (above, high, torch.zeros_like(high)), box
    )


def _around_both(lowest: Relax, highest: Relax, lower: Tensor, upper: Tensor) -> Relaxation:
    """The strip around the graphs of two functions and all between."""
    return _between(
        lowest(lower, upper), highest(lower, upper), Interval.computed(lower, upper)
    )


def _between(below: Relaxation, above: Relaxation, box: Interval) -> Relaxation:
    """The strip from the lower edge of one to the upper edge of another.

    Edges with other slopes than the strip's differ from its own most at an end of the interval.
    """
    slope = (below[0] + above[0]) / 2
    turned = [(strip[0] - slope) * end for strip in (below, above) for end in box.parts]
    low = below[1] - below[2] + turned[0].minimum(turned[1])
    high = above[1] + above[2] + turned[2].maximum(turned[3])
    return slope, (low + high) / 2, (high - low) / 2


POINTWISE: dict[str, Any] = {
    "activation": activation,
    "prelu": prelu,
    **{name: _named(name) for name in CURVED},
}
