"""Rules of affine operations with weights: they are followed backwards exactly."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.bilinear import CONVOLUTIONS
from gnomon.algebra.interval import Ball, Interval
from gnomon.algebra.interval.ball import lengths
from gnomon.algebra.interval.operands import as_interval
from gnomon.algebra.normalization import batch_norm
from gnomon.algebra.relaxation.geometry import Geometry, channels_last
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation
from gnomon.algebra.relaxation.origins import Mapped, Multiplied, Shifted
from gnomon.algebra.relaxation.record import fresh, record

Transpose = Callable[[Tensor, Tensor], Tensor]


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """X Wᵀ + b; each may be a box."""
    if not _alone(x, weight, bias) or x.ndim < 2:
        return fresh("linear", x, weight, bias)
    box = Interval.rules["linear"](x.interval, weight)
    seen = _seen("linear", x, weight)
    found = _multiplied(x, box, torch.matmul, weight, dense=True, seen=seen)
    return found if bias is None else add(found, bias)


def matmul(x: Any, y: Any) -> Any:
    """X W, for a matrix W that may be a box."""
    if not _alone(x, y) or x.ndim < 2 or y.ndim != 2:
        return fresh("matmul", x, y)
    box = Interval.rules["matmul"](x.interval, y)
    seen = _seen("matmul", x, y)
    return _multiplied(x, box, lambda rows, w: rows @ w.T, y, seen=seen)


def convolution(
    name: str, x: Any, weight: Any, bias: Any = None, *settings: Any, **named: Any
) -> Any:
    """A convolution, transposed or not; weight and bias may be boxes."""
    if not _alone(x, weight, bias) or x.ndim != weight.ndim:
        return fresh(name, x, weight, bias, *settings, **named)
    box = Interval.rules[name](x.interval, weight, None, *settings, **named)
    back = partial(_transposed, name, x.shape, settings, named)
    found = _multiplied(
        x,
        box,
        back,
        weight,
        geometry=_geometry(name, x.ndim - 2, settings, named),
        seen=_seen(name, x, weight, None, *settings, **named),
        outputs=1 - x.ndim,
    )
    return found if bias is None else add(found, _shaped(bias, (-1, *[1] * (x.ndim - 2))))


def add(x: Any, y: Any, *, alpha: float | int = 1) -> Any:
    """X + alpha y."""
    if alpha != 1:
        return add(x, _scaled(y, alpha))
    if isinstance(x, LinearRelaxation) and isinstance(y, LinearRelaxation):
        return _sum(x, y)
    value, other = (x, y) if isinstance(x, LinearRelaxation) else (y, x)
    box = Interval.rules["add"](value.interval, other)
    if box.shape[:1] != value.shape[:1] or box.ndim != value.ndim:
        return fresh("add", x, y)
    constant = as_interval(other, box)
    thin = constant.lower is constant.upper
    node = _broadcast(value, box.shape).node
    return record(
        value,
        box,
        Shifted((node,), constant, box.shape),
        settled=node.settled,
        independent=node.independent and thin,
    )


def sub(x: Any, y: Any, *, alpha: float | int = 1) -> Any:
    """X − alpha y."""
    return add(x, _scaled(y, -alpha))


def neg(x: LinearRelaxation) -> Any:
    """−x."""
    return mul(x, -1.0)


def mul(x: Any, y: Any) -> Any:
    """X · y, where only one of the two depends on the inputs; the other may be a box."""
    if isinstance(x, LinearRelaxation) and isinstance(y, LinearRelaxation):
        return fresh("mul", x, y)
    value, other = (x, y) if isinstance(x, LinearRelaxation) else (y, x)
    box = Interval.rules["mul"](value.interval, other)
    weight = other if isinstance(other, Interval) else as_interval(other, box).lower
    if box.shape != value.shape:
        if box.shape[:1] != value.shape[:1] or box.ndim != value.ndim:
            return fresh("mul", x, y)
        value = _broadcast(value, box.shape)
    return _multiplied(value, box, torch.mul, weight, pointwise=True)


def div(x: Any, y: Any) -> Any:
    """X / y, where only x depends on the inputs; y may be a box."""
    if isinstance(y, LinearRelaxation):
        return fresh("div", x, y)
    if isinstance(y, Interval):
        return mul(x, Interval.rules["reciprocal"](y))
    return mul(x, 1 / y)


def by_given(x: Any, mean: Tensor, variance: Tensor, weight: Any, bias: Any, eps: float) -> Any:
    """(x − μ) / √(v + ε) · γ + β; γ and β may be boxes."""
    if not _alone(x, weight, bias):
        return fresh("batch_norm", x, mean, variance, weight, bias, eps=eps)
    scale: Any = (variance + eps).rsqrt()
    found = mul(sub(x, mean), scale if weight is None else _scaled(weight, scale))
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
    """With running statistics a batch normalisation; with its own, afresh."""
    if not use_input_stats:
        return batch_norm(by_given)(x, running_mean, running_var, weight, bias, eps=eps)
    settings = (running_mean, running_var, weight, bias, use_input_stats, momentum, eps)
    return fresh("instance_norm", x, *settings)


def _alone(x: Any, *others: Any) -> bool:
    """Whether x depends on the inputs and the others do not."""
    return isinstance(x, LinearRelaxation) and not any(
        isinstance(each, LinearRelaxation) for each in others
    )


def _multiplied(
    x: LinearRelaxation,
    box: Interval,
    transpose: Transpose,
    weight: Any,
    *,
    pointwise: bool = False,
    dense: bool = False,
    geometry: Geometry | None = None,
    seen: Tensor | None = None,
    outputs: int = -1,
) -> LinearRelaxation:
    node = x.node
    if isinstance(weight, Interval) and weight.lower is weight.upper:
        weight = weight.lower
    # A factor for each example cannot be used for some of them.
    separable = not pointwise or weight.ndim < x.ndim or weight.shape[0] == 1
    return record(
        x,
        box,
        Multiplied(
            (node,), transpose, weight, dense, geometry, seen, outputs, separable=separable
        ),
        settled=node.independent or (pointwise and node.settled),
        independent=node.independent and pointwise and isinstance(weight, Tensor),
    )


def _seen(
    name: str, x: LinearRelaxation, weight: Any, *settings: Any, **named: Any
) -> Tensor | None:
    """The greatest ‖h‖₂ of what each output sees, which balls of weights need."""
    if not isinstance(weight, Ball):
        return None
    low, high = x.interval.parts
    square = Interval.point(low.abs().maximum(high.abs()).square())
    ones = torch.ones_like(weight.middle)
    return lengths(Interval.rules[name](square, ones, *settings, **named).lower)


def _sum(x: LinearRelaxation, y: LinearRelaxation) -> Any:
    box = Interval.rules["add"](x.interval, y.interval)
    alike = all(each.ndim == box.ndim and each.shape[0] == box.shape[0] for each in (x, y))
    if not alike or x.node.examples != y.node.examples:
        return fresh("add", x, y)
    return record(x, box, Mapped((x.node, y.node), torch.add, box.shape, separable=True))


def _broadcast(x: LinearRelaxation, shape: torch.Size) -> LinearRelaxation:
    if x.shape == shape:
        return x
    box = x.interval.each(Tensor.expand, shape)
    return record(x, box, Mapped((x.node,), lambda value: value.expand(shape), shape))


def _scaled(value: Any, factor: Any) -> Any:
    """A value, a box, a tensor or a number, times a constant."""
    if isinstance(value, Interval):
        return Interval.rules["mul"](value, factor)
    return mul(value, factor) if isinstance(value, LinearRelaxation) else value * factor


def _shaped(value: Any, shape: tuple[int, ...]) -> Any:
    if isinstance(value, Interval):
        return value.each(torch.reshape, shape)
    return value.reshape(shape)


def _transposed(
    name: str,
    shape: torch.Size,
    settings: tuple[Any, ...],
    named: dict[str, Any],
    rows: Tensor,
    weight: Tensor,
) -> Tensor:
    """Rows over the image of a convolution, pulled back to inputs of this shape."""
    flat = channels_last(rows).flatten(0, 1)
    geometry = _geometry(name, weight.ndim - 2, settings, named)
    if geometry is None:
        like = torch.zeros((), dtype=rows.dtype, device=rows.device)
        function = partial(_unbiased, getattr(functional, name), weight, settings, named)
        back = torch.func.vjp(function, like.expand(len(flat), *shape[1:]))[1]
        return back(flat)[0].reshape(*rows.shape[:2], *shape[1:])
    found = _transposed_convolution(name, shape, flat, weight, geometry)
    return found.unflatten(0, rows.shape[:2])


def _geometry(
    name: str, axes: int, settings: tuple[Any, ...], named: dict[str, Any]
) -> Geometry | None:
    """Of a convolution that is neither transposed nor padded by a name."""
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    given = {**defaults, **dict(zip(defaults, settings, strict=False)), **named}
    if "transpose" in name or isinstance(given["padding"], str):
        return None
    stride, padding, dilation = (
        (each,) * axes if isinstance(each, int) else tuple(each)
        for each in (given["stride"], given["padding"], given["dilation"])
    )
    return Geometry(stride, padding, dilation, given["groups"])


def _unbiased(
    function: Callable[..., Tensor],
    weight: Tensor,
    settings: tuple[Any, ...],
    named: dict[str, Any],
    x: Tensor,
) -> Tensor:
    return function(x, weight, None, *settings, **named)


def _transposed_convolution(
    name: str,
    shape: torch.Size,
    rows: Tensor,
    weight: Tensor,
    geometry: Geometry,
) -> Tensor:
    """A transposed convolution of the same settings; what the stride left over is added."""
    steps, pads, gaps = geometry.stride, geometry.padding, geometry.dilation
    left = [
        shape[2 + axis]
        + 2 * pads[axis]
        - gaps[axis] * (weight.shape[2 + axis] - 1)
        - (rows.shape[2 + axis] - 1) * steps[axis]
        - 1
        for axis in range(weight.ndim - 2)
    ]
    function = getattr(functional, name.replace("conv", "conv_transpose"))
    return function(rows, weight, None, steps, pads, left, geometry.groups, gaps)


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
