"""Rules of affine maps with weights: they are followed backwards exactly."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.bilinear import CONVOLUTIONS
from gnomon.algebra.interval import Ball, Interval
from gnomon.algebra.interval.ball import lengths
from gnomon.algebra.interval.operands import as_interval
from gnomon.algebra.interval.products import biased
from gnomon.algebra.normalization import batch_norm
from gnomon.algebra.relaxation.backward_steps import Mapped, Multiplied, Shifted
from gnomon.algebra.relaxation.convolution import Geometry, geometry_of, pulled_back
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation
from gnomon.algebra.relaxation.losses import most
from gnomon.algebra.relaxation.noise import (
    map_noise,
    product_noise,
    shift_noise,
    step_noise,
    sum_noise,
)
from gnomon.algebra.relaxation.recording import fresh, record
from gnomon.algebra.value import Rule

_BATCH_NORM = 16
"""Number of roundings in any way of computing a normalisation by given statistics."""


@dataclass(frozen=True)
class Product:
    """A sum of products of coordinates and weights.

    Attributes:
        multiply: W h, of h and W.
        transpose: Wᵀ a, of rows a and W.
        terms: at least the number of products in any sum, there or back.
        pointwise: True if each coordinate is multiplied by a weight of its own.
        dense: True if W is the weight itself, neurons × inputs.
        geometry: of a convolution; None if W is no convolution.
        outputs: the axis of outputs that share a weight, from the last.
    """

    multiply: Callable[[Tensor, Tensor], Tensor]
    transpose: Callable[[Tensor, Tensor], Tensor]
    terms: int
    pointwise: bool = False
    dense: bool = False
    geometry: Geometry | None = None
    outputs: int = -1


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """X Wᵀ + b; each may be a box."""
    if not _alone(x, weight, bias) or x.ndim < 2:
        return fresh("linear", x, weight, bias)
    product = Product(functional.linear, torch.matmul, max(weight.shape), dense=True)
    return _multiplied(x, Interval.rules["linear"], product, weight, bias)


def matmul(x: Any, y: Any) -> Any:
    """X W, for a matrix W that may be a box."""
    if not _alone(x, y) or x.ndim < 2 or y.ndim != 2:
        return fresh("matmul", x, y)
    product = Product(torch.matmul, lambda rows, w: rows @ w.T, max(y.shape))
    return _multiplied(x, Interval.rules["matmul"], product, y)


def convolution(
    name: str, x: Any, weight: Any, bias: Any = None, *settings: Any, **named: Any
) -> Any:
    """A convolution, transposed or not; weight and bias may be boxes."""
    if not _alone(x, weight, bias) or x.ndim != weight.ndim:
        return fresh(name, x, weight, bias, *settings, **named)

    def unbiased(function: Rule) -> Rule:
        return lambda h, w: function(h, w, None, *settings, **named)

    product = Product(
        unbiased(getattr(functional, name)),
        partial(pulled_back, name, x.shape, settings, named),
        # Each place sums over a kernel of all channels at most, there and back.
        terms=max(weight.shape[:2]) * weight.shape[2:].numel(),
        geometry=geometry_of(name, x.ndim - 2, settings, named),
        outputs=1 - x.ndim,
    )
    if bias is not None:
        bias = _shaped(bias, (-1, *[1] * (x.ndim - 2)))
    return _multiplied(x, unbiased(Interval.rules[name]), product, weight, bias)


def add(x: Any, y: Any, *, alpha: float | int = 1) -> Any:
    """X + alpha y."""
    value, other = (x, y) if isinstance(x, LinearRelaxation) else (y, x)
    if alpha != 1:
        return add(x, _scaled(y, alpha, value))
    if isinstance(x, LinearRelaxation) and isinstance(y, LinearRelaxation):
        return _sum(x, y)
    box = Interval.rules["add"](value.interval, other)
    if not _fits(value, box):
        return fresh("add", x, y)
    return _shifted(_broadcast(value, box.shape), box, other)


def sub(x: Any, y: Any, *, alpha: float | int = 1) -> Any:
    """X − alpha y."""
    like = x if isinstance(x, LinearRelaxation) else y
    return add(x, _scaled(y, -alpha, like))


def neg(x: LinearRelaxation) -> Any:
    """−x, which no arithmetic rounds."""
    box = Interval.rules["neg"](x.interval)
    return _factored(x, box, box.lower.new_tensor(-1.0), terms=0)


def mul(x: Any, y: Any) -> Any:
    """X · y, where only one of the two depends on the inputs; the other may be a box."""
    if isinstance(x, LinearRelaxation) and isinstance(y, LinearRelaxation):
        return fresh("mul", x, y)
    value, other = (x, y) if isinstance(x, LinearRelaxation) else (y, x)
    box = Interval.rules["mul"](value.interval, other)
    return _factored(value, box, other) if _fits(value, box) else fresh("mul", x, y)


def div(x: Any, y: Any) -> Any:
    """X / y, where only x depends on the inputs; y may be a box."""
    if isinstance(y, LinearRelaxation):
        return fresh("div", x, y)
    if isinstance(y, Interval):
        return mul(x, Interval.rules["reciprocal"](y))
    if not x.interval.arithmetic.outwards:
        return mul(x, 1 / y)
    box = Interval.rules["div"](x.interval, y)
    # The reciprocal, and a number that the type does not hold, are roundings of the factor.
    inverse = 1 / torch.as_tensor(y, dtype=box.lower.dtype, device=x.device)
    return _factored(x, box, inverse, terms=8) if _fits(x, box) else fresh("div", x, y)


def by_given(x: Any, mean: Tensor, variance: Tensor, weight: Any, bias: Any, eps: float) -> Any:
    """(x − μ) / √(v + ε) · γ + β; γ and β may be boxes."""
    if not _alone(x, weight, bias):
        return fresh("batch_norm", x, mean, variance, weight, bias, eps=eps)
    if x.interval.arithmetic.outwards:
        return _by_given_outwards(x, mean, variance, weight, bias, eps)
    scale: Any = (variance + eps).rsqrt()
    found = mul(sub(x, mean), scale if weight is None else _scaled(weight, scale, x))
    return found if bias is None else add(found, bias)


def instance_norm(
    x: Any,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """A batch normalisation with running statistics; a box with the example's own."""
    if not use_input_stats:
        return batch_norm(by_given)(x, running_mean, running_var, weight, bias, eps=eps)
    settings = (running_mean, running_var, weight, bias, use_input_stats, momentum, eps)
    return fresh("instance_norm", x, *settings)


def _by_given_outwards(
    x: LinearRelaxation, mean: Tensor, variance: Tensor, weight: Any, bias: Any, eps: float
) -> LinearRelaxation:
    """The steps in real arithmetic, and at the end what executions in any order miss.

    Executions compute (x − μ) α + β or x α + (β − μ α) with α = γ / √(v + ε): at most 16
    roundings of |x| |α|, |μ| |α| and |β|. As many are allowed here, for α and β − μ α. Where γ
    varies, |x − μ| is multiplied by its radius, which is less than |x| + |μ|.
    """
    box = Interval.rules["batch_norm"](x.interval, mean, variance, weight, bias, eps=eps)
    arithmetic, before, real = box.arithmetic, x.interval.idealised, box.idealised
    mean, scale = mean.to(x.precision), 1 / (variance.to(x.precision) + eps).sqrt()
    slope, shift = (
        given.idealised if isinstance(given, Interval) else real.like(given)
        for given in (1.0 if weight is None else weight, 0.0 if bias is None else bias)
    )
    if slope.thin:
        factor: Any = scale * slope.lower
        added = shift.each(lambda end: end - mean * factor)
    else:
        x = _shifted(x, Interval.rules["sub"](before, mean), -mean)
        factor, added = Interval.rules["mul"](slope, scale), shift
    middle = Interval.rules["mul"](x.interval.idealised, factor)
    node = _shifted(_factored(x, middle, factor, _BATCH_NORM), real, added, terms=0).node
    size = (most(before) + mean.abs()) * scale * slope.magnitude + shift.magnitude
    size = arithmetic.above(size, _BATCH_NORM)
    lost = arithmetic.up(size * arithmetic.gamma(_BATCH_NORM))
    missed = [arithmetic.level.extra(_BATCH_NORM, size), lost]
    noise = step_noise(missed, arithmetic, examples=node.examples)
    noise = noise if node.noise is None else noise.plus(node.noise, arithmetic)
    return record(x, box, node.origin, noise=noise, settled=node.settled)


def _alone(x: Any, *others: Any) -> bool:
    """True if x depends on the inputs and the others do not."""
    return isinstance(x, LinearRelaxation) and not any(
        isinstance(each, LinearRelaxation) for each in others
    )


def _fits(x: LinearRelaxation, box: Interval) -> bool:
    """True if the examples of a result are those of x."""
    return box.shape[:1] == x.shape[:1] and box.ndim == x.ndim


def _factored(
    x: LinearRelaxation, box: Interval, factor: Any, terms: int = 1
) -> LinearRelaxation:
    """The product of coordinates, a factor of which is known up to `terms` roundings."""
    weight = factor if isinstance(factor, Interval) else as_interval(factor, box)
    x = _broadcast(x, box.shape)
    product = Product(torch.mul, torch.mul, terms, pointwise=True)
    return _recorded(x, box, product, weight)


def _multiplied(
    x: LinearRelaxation, rule: Rule, product: Product, weight: Any, bias: Any = None
) -> LinearRelaxation:
    """The steps W h and + b, of which executions form the sum in any order."""
    box = rule(x.interval, weight)
    found = _recorded(x, box, product, weight, _seen(rule, x, weight))
    if bias is None:
        return found
    return _shifted(found, biased(box, bias, terms=product.terms), bias, product.terms)


def _recorded(
    x: LinearRelaxation,
    box: Interval,
    product: Product,
    weight: Any,
    seen: Tensor | None = None,
) -> LinearRelaxation:
    node, noise = x.node, None
    if box.arithmetic.outwards:
        weight = as_interval(weight, box)
    if isinstance(weight, Interval) and weight.lower is weight.upper:
        weight = weight.lower
    if box.arithmetic.outwards and product.terms:
        noise = product_noise(
            node, product.multiply, weight, product.terms, box.arithmetic, seen
        )
    # A factor for each example cannot be used for some of them.
    separable = not product.pointwise or weight.ndim < x.ndim or weight.shape[0] == 1
    return record(
        x,
        box,
        Multiplied(
            (node,),
            product.transpose,
            weight,
            product.dense,
            product.geometry,
            seen,
            product.outputs,
            separable=separable,
        ),
        settled=node.independent or (product.pointwise and node.settled),
        independent=node.independent and product.pointwise and isinstance(weight, Tensor),
        noise=noise,
    )


def _shifted(
    x: LinearRelaxation, box: Interval, other: Any, terms: int | None = None
) -> LinearRelaxation:
    """The step x + b.

    Args:
        x: of the result's shape.
        box: of the result.
        other: b.
        terms: of the sum x, if b is added to it anywhere; its noise is then that of the result.
    """
    constant, node, noise = as_interval(other, box), x.node, None
    thin = constant.lower is constant.upper
    if box.arithmetic.outwards:
        constant, noise = shift_noise(node, constant, box, terms)
        if terms is not None and node.noise is not None:
            noise, node.noise = noise.plus(node.noise, box.arithmetic), None
    return record(
        x,
        box,
        Shifted((node,), constant, box.shape),
        settled=node.settled,
        independent=node.independent and thin,
        noise=noise,
    )


def _seen(rule: Rule, x: LinearRelaxation, weight: Any) -> Tensor | None:
    """The greatest ‖h‖₂ of what each output sees, which balls of weights need."""
    if not isinstance(weight, Ball):
        return None
    low, high = x.interval.parts
    square = Interval.point(low.abs().maximum(high.abs()).square())
    return lengths(rule(square, torch.ones_like(weight.middle)).lower)


def _sum(x: LinearRelaxation, y: LinearRelaxation) -> Any:
    box = Interval.rules["add"](x.interval, y.interval)
    if not (_fits(x, box) and _fits(y, box)) or x.node.examples != y.node.examples:
        return fresh("add", x, y)
    noise = None
    if box.arithmetic.outwards:
        x, y = _broadcast(x, box.shape), _broadcast(y, box.shape)
        noise = sum_noise((x.node, y.node), box.arithmetic)
    origin = Mapped((x.node, y.node), torch.add, box.shape, separable=True)
    return record(x, box, origin, noise=noise)


def _broadcast(x: LinearRelaxation, shape: torch.Size) -> LinearRelaxation:
    if x.shape == shape:
        return x
    box, node, noise = x.interval.each(Tensor.expand, shape), x.node, None
    if box.arithmetic.outwards:
        times = shape.numel() // max(x.numel(), 1)
        noise = map_noise(node, lambda value: value.expand(shape), times, box.arithmetic)
    return record(
        x, box, Mapped((node,), lambda value: value.expand(shape), shape), noise=noise
    )


def _scaled(value: Any, factor: Any, like: LinearRelaxation) -> Any:
    """A value, a box, a tensor or a number, times a constant, in the arithmetic of another."""
    if isinstance(value, LinearRelaxation):
        return neg(value) if factor == -1 else mul(value, factor)
    if like.interval.arithmetic.outwards:
        value = as_interval(value, like.interval)
        return (
            Interval.rules["neg"](value)
            if factor == -1
            else Interval.rules["mul"](value, factor)
        )
    return (
        Interval.rules["mul"](value, factor) if isinstance(value, Interval) else value * factor
    )


def _shaped(value: Any, shape: tuple[int, ...]) -> Any:
    if isinstance(value, Interval):
        return value.each(torch.reshape, shape)
    return value.reshape(shape)


AFFINE = {
    "linear": linear,
    "matmul": matmul,
    "add": add,
    "sub": sub,
    "neg": neg,
    "mul": mul,
    "div": div,
    "batch_norm": batch_norm(by_given),
    "instance_norm": instance_norm,
    **{name: partial(convolution, name) for name in CONVOLUTIONS},
}
