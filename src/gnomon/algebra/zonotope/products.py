"""Products with weights: exact on centre and generators, by sizes on the radius."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor
from torch.nn import functional

from gnomon.algebra.interval import Ball, Interval
from gnomon.algebra.interval.ball import lengths
from gnomon.algebra.zonotope.hull import through_intervals
from gnomon.algebra.zonotope.rows import keeps_rows, spread_to
from gnomon.algebra.zonotope.zonotope import Zonotope

Bilinear = Callable[[Tensor, Tensor], Tensor]

Given = Interval | Tensor | None


def product(multiply: Bilinear, x: Zonotope, w: Interval | Tensor, box: Interval) -> Zonotope:
    """The image under a matrix or convolution that is known, or known up to a box.

    With weights W_c ± R, outputs are W_c x + e with |e_i| ≤ Σ_j R_ij max |x_j|: one error of
    its own for each output, whatever W in the box is. With weights in a Euclidean ball of
    radius R it is |e_i| ≤ R ‖x‖₂ (Cauchy–Schwarz).
    """
    if isinstance(w, Tensor):
        return x.mapped(lambda v: multiply(v, w), lambda r: multiply(r, w.abs()), box)
    centre, size = w.centre, w.centre.abs()
    reach = x.interval
    largest = reach.lower.abs().maximum(reach.upper.abs())
    if isinstance(w, Ball):
        error = lengths(multiply(largest.square(), w.radius.square()))
    else:
        error = multiply(largest, w.radius)
    result = x.mapped(lambda v: multiply(v, centre), lambda r: multiply(r, size) + error, box)
    return result.with_new_symbols()


def linear(x: Any, weight: Any, bias: Given = None) -> Zonotope:
    """The image x Wᵀ + b."""
    if _is_unusual(x, weight, bias, axes=2):
        return through_intervals("linear", x, weight, bias)
    box = Interval.rules["linear"](x.box, weight, bias)
    return _biased(product(functional.linear, x, weight, box), bias)


def convolution(
    name: str, x: Any, weight: Any, bias: Given = None, *settings: Any, **named: Any
) -> Zonotope:
    """The image under a convolution, transposed or not, with all its settings."""
    if _is_unusual(x, weight, bias, axes=weight.ndim):
        return through_intervals(name, x, weight, bias, *settings, **named)
    function = getattr(functional, name)

    def multiply(first: Tensor, second: Tensor) -> Tensor:
        return function(first, second, None, *settings, **named)

    box = Interval.rules[name](x.box, weight, bias, *settings, **named)
    places = [1] * (weight.ndim - 2)
    return _biased(product(multiply, x, weight, box), bias, (-1, *places))


def matmul(x: Any, y: Any) -> Zonotope:
    """The matrix product with a matrix on either side; by intervals where both vary."""
    if isinstance(x, Zonotope) == isinstance(y, Zonotope):
        return through_intervals("matmul", x, y)
    value, other = (x, y) if isinstance(x, Zonotope) else (y, x)

    def multiply(v: Tensor, w: Tensor) -> Tensor:
        return v @ w if isinstance(x, Zonotope) else w @ v

    some = other.lower if isinstance(other, Interval) else other
    if not keeps_rows(lambda v: multiply(v, some.abs().to(v) + 1), value.centre):
        return through_intervals("matmul", x, y)
    box = Interval.rules["matmul"](*(each.box if each is value else each for each in (x, y)))
    return product(multiply, value, other, box)


def mul(x: Any, y: Any) -> Zonotope:
    """The coordinatewise product; by intervals where both factors vary."""
    if isinstance(x, Zonotope) and isinstance(y, Zonotope):
        return x.square() if x is y else through_intervals("mul", x, y)
    value, other = (x, y) if isinstance(x, Zonotope) else (y, x)
    box = Interval.rules["mul"](value.box, other)
    wide = spread_to(value, box.shape)
    if wide is None:
        return through_intervals("mul", x, y)
    if not isinstance(other, Interval):
        size = other.abs() if isinstance(other, Tensor) else abs(other)
        return wide.mapped(lambda v: v * other, lambda r: r * size, box)
    centre, reach = other.centre, wide.interval
    error = reach.lower.abs().maximum(reach.upper.abs()) * other.radius
    result = wide.mapped(lambda v: v * centre, lambda r: r * centre.abs() + error, box)
    return result.with_new_symbols()


def div(x: Any, y: Any) -> Zonotope:
    """The quotient by what does not vary; by intervals otherwise."""
    if isinstance(y, Zonotope):
        return through_intervals("div", x, y)
    if isinstance(y, Interval):
        return mul(x, Interval.rules["reciprocal"](y))
    box = Interval.rules["div"](x.box, y)
    wide = spread_to(x, box.shape)
    if wide is None:
        return through_intervals("div", x, y)
    size = y.abs() if isinstance(y, Tensor) else abs(y)
    return wide.mapped(lambda v: v / y, lambda r: r / size, box)


def _is_unusual(x: Any, weight: Any, bias: Any, axes: int) -> bool:
    """True if something else than one batch of inputs is a zonotope."""
    others = isinstance(weight, Zonotope) or isinstance(bias, Zonotope)
    return others or not isinstance(x, Zonotope) or x.ndim < axes


def _biased(x: Zonotope, bias: Given, shape: tuple[int, ...] = (-1,)) -> Zonotope:
    if bias is None:
        return x
    if isinstance(bias, Tensor):
        return x.but(centre=x.centre + bias.reshape(shape))
    centre, radius = bias.centre.reshape(shape), bias.radius.reshape(shape)
    return x.but(centre=x.centre + centre, radius=x.radius + radius)


PRODUCTS = {
    "linear": linear,
    "matmul": matmul,
    "mul": mul,
    "div": div,
    **{
        name: partial(convolution, name)
        for name in (
            "conv1d",
            "conv2d",
            "conv3d",
            "conv_transpose1d",
            "conv_transpose2d",
            "conv_transpose3d",
        )
    },
}
