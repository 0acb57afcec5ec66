"""Rules of affine operations with weights: their steps backwards, and what these lose."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional, grad

from gnomon.algebra.bilinear import CONVOLUTIONS
from gnomon.algebra.interval import Interval
from gnomon.algebra.interval.operands import as_interval
from gnomon.algebra.normalization import batch_norm
from gnomon.algebra.relaxation.forms import Node
from gnomon.algebra.rounded.relaxed.lines import rounded_rectified
from gnomon.algebra.rounded.relaxed.losses import floor, most
from gnomon.algebra.rounded.relaxed.record import enclosure, fresh, record
from gnomon.algebra.rounded.relaxed.steps import Affine, Back, Spread, step_noise
from gnomon.algebra.rounded.relaxed.value import RoundedRelaxed
from gnomon.algebra.rounded.relaxed.weights import Centred, centred
from gnomon.algebra.rounding import gamma, up
from gnomon.algebra.value import Value


@dataclass(frozen=True)
class Product:
    """A sum of products of coordinates and weights.

    Attributes:
        multiply: W h, of h and W.
        transpose: Wᵀ a, of rows a and W.
        terms: at least the number of products in any sum, there or back.
        separable: whether the same weights serve all examples.
    """

    multiply: Callable[[Tensor, Tensor], Tensor]
    transpose: Callable[[Tensor, Tensor], Tensor]
    terms: int
    separable: bool = True


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """X Wᵀ + b; each may be a box."""
    if not _alone(x, weight, bias) or x.ndim < 2:
        return fresh("linear", x, weight, bias)
    box = enclosure("linear", x, weight, bias)
    product = Product(functional.linear, torch.matmul, max(weight.shape))
    return _multiplied(x, box, product, weight, bias)


def matmul(x: Any, y: Any) -> Any:
    """X W, for a matrix W that may be a box."""
    if not _alone(x, y) or x.ndim < 2 or y.ndim != 2:
        return fresh("matmul", x, y)
    box = enclosure("matmul", x, y)
    product = Product(torch.matmul, lambda rows, w: rows @ w.T, max(y.shape))
    return _multiplied(x, box, product, y)


def convolution(
    name: str, x: Any, weight: Any, bias: Any = None, *settings: Any, **named: Any
) -> Any:
    """A convolution, transposed or not; weight and bias may be boxes."""
    if not _alone(x, weight, bias) or x.ndim != weight.ndim:
        return fresh(name, x, weight, bias, *settings, **named)
    box = enclosure(name, x, weight, bias, *settings, **named)
    function = getattr(functional, name)

    def multiply(h: Tensor, w: Tensor) -> Tensor:
        return function(h, w, None, *settings, **named)

    # Each place sums over a kernel of all channels at most, there and back.
    terms = max(weight.shape[:2]) * weight.shape[2:].numel()
    back = _transposed(name, x.shape, settings, named)
    if bias is not None:
        bias = _reshaped(centred(bias, x.rounded), (-1, *[1] * (x.ndim - 2)))
    return _multiplied(x, box, Product(multiply, back, terms), weight, bias)


def add(x: Any, y: Any, *, alpha: float | int = 1) -> Any:
    """X + alpha y."""
    if alpha != 1:
        like = x if isinstance(x, RoundedRelaxed) else y
        scaled = y if isinstance(y, RoundedRelaxed) else as_interval(y, like.rounded)
        return add(x, mul(scaled, alpha))
    if isinstance(x, RoundedRelaxed) and isinstance(y, RoundedRelaxed):
        return _sum(x, y)
    value, other = (x, y) if isinstance(x, RoundedRelaxed) else (y, x)
    box = enclosure("add", value, other)
    if not _fits(value, box):
        return fresh("add", x, y)
    value = _broadcast(value, box)
    sizes = most(value.node.interval)
    shift = centred(other, value.rounded)
    loss = value.level.extra(2, up(sizes + shift.size))
    return record(value, box, _affine(value, [(value.node, _same)], [loss], shift))


def sub(x: Any, y: Any, *, alpha: float | int = 1) -> Any:
    """X − alpha y."""
    return add(x, neg(y) if isinstance(y, RoundedRelaxed) else -y, alpha=alpha)


def neg(x: RoundedRelaxed) -> Any:
    """−x, which is not rounded."""
    node, (low, high) = x.node, x.node.interval.parts
    step = _affine(x, [(node, torch.neg)], [torch.zeros_like(low)])
    box = Interval.computed(-high, -low)
    return record(x, box, step, settled=node.settled, independent=node.independent)


def mul(x: Any, y: Any) -> Any:
    """X · y, where only one of the two depends on the inputs; the other may be a box."""
    if isinstance(x, RoundedRelaxed) and isinstance(y, RoundedRelaxed):
        return fresh("mul", x, y)
    if not isinstance(x, RoundedRelaxed) and not isinstance(y, RoundedRelaxed):
        return Interval.rules["mul"](x, y)
    value, other = (x, y) if isinstance(x, RoundedRelaxed) else (y, x)
    box = enclosure("mul", value, other)
    if not _fits(value, box):
        return fresh("mul", x, y)
    value = _broadcast(value, box)
    weight = centred(other, value.rounded)
    return _multiplied(value, box, _pointwise(value, weight), weight)


def div(x: Any, y: Any) -> Any:
    """X / y, where only x depends on the inputs and y is a number or a tensor."""
    if not isinstance(x, RoundedRelaxed) or isinstance(y, Value):
        return fresh("div", x, y)
    box = enclosure("div", x, y)
    if not _fits(x, box):
        return fresh("div", x, y)
    x = _broadcast(x, box)
    weight = Centred(centred(y, x.rounded).centre.reciprocal())
    # The reciprocal, and a number that the type does not hold, are roundings of the factor.
    return _multiplied(x, box, _pointwise(x, weight, terms=8), weight)


def by_given(x: Any, mean: Tensor, variance: Tensor, weight: Any, bias: Any, eps: float) -> Any:
    """(x − μ) / √(v + ε) · γ + β; γ and β may be boxes."""
    settings = (mean, variance, weight, bias)
    if not _alone(x, weight, bias):
        return fresh("batch_norm", x, *settings, eps=eps)
    box = enclosure("batch_norm", x, *settings, eps=eps)
    mean, variance = (centred(each, x.rounded).centre for each in (mean, variance))
    inverse = 1 / (variance + eps).sqrt()
    scale = Centred(inverse) if weight is None else centred(weight, x.rounded)
    if weight is not None:
        radius = None if scale.radius is None else up(up(inverse * scale.radius) * (1 + _FEW))
        scale = Centred(inverse * scale.centre, radius)
    shift = Centred(torch.zeros_like(mean)) if bias is None else centred(bias, x.rounded)
    centre = shift.centre - mean * scale.centre
    # With boxes of γ, their radius also moves −μ.
    reach = None if scale.radius is None else up(mean.abs() * scale.radius)
    radii = [each for each in (shift.radius, reach) if each is not None]
    # Eight roundings make the scale and the shift; an execution may have as many.
    size = up(up(mean.abs() * scale.size) + shift.size)
    radii.append(up(size * (gamma(16, x.precision) + 2 * x.level.relative(16))))
    moved = Centred(centre, up(sum(radii[1:], radii[0]) * (1 + _FEW)))
    return _multiplied(x, box, _pointwise(x, scale, terms=16), scale, moved)


def _alone(x: Any, *others: Any) -> bool:
    """Whether x depends on the inputs and the others do not."""
    return isinstance(x, RoundedRelaxed) and not any(
        isinstance(each, RoundedRelaxed) for each in others
    )


def _multiplied(
    x: RoundedRelaxed, box: Interval, product: Product, weight: Any, bias: Any = None
) -> RoundedRelaxed:
    """The step W h + b, with |W − centre| ≤ R.

    With |h| ≤ m and n terms in a sum, what rounding does to Wᵀa, and with it to R ᵀ|a|, to its
    product with a slope and to their difference, is at most γ_{n+4} (|centre| + R) m; an
    execution misses W h + b by as much as `Level.extra` says of n + 1 terms of this size.
    """
    node, sizes = x.node, most(x.node.interval)
    weight = weight if isinstance(weight, Centred) else centred(weight, x.rounded)
    shift = bias if isinstance(bias, Centred | None) else centred(bias, x.rounded)
    large = _at_least(product, sizes, weight.size)
    losses = [up(large * gamma(product.terms + 4, sizes.dtype))]
    magnitude = large if shift is None else up(large + shift.size)
    losses.append(x.level.extra(product.terms + 1, magnitude))
    spread = None
    if weight.radius is not None:
        chord = rounded_rectified(-1.0, x.node.interval)  # around |h|
        losses.append(_at_least(product, chord.upper_offset, weight.radius))
        spread = Spread(partial(_back, product, weight.radius), chord.upper_slope)
    step = _affine(
        x,
        [(node, partial(_back, product, weight.centre))],
        losses,
        shift,
        below=floor(sizes, node.examples, product.terms + 4),
    )
    step = replace(step, spread=spread, separable=product.separable)
    return record(x, box, step, settled=node.independent)


def _affine(
    x: RoundedRelaxed,
    maps: list[tuple[Node, Back]],
    losses: list[Tensor],
    shift: Centred | None = None,
    below: Tensor | None = None,
) -> Affine:
    """The step Σ M_i h_i + b, which loses this much; the first loss has the result's shape."""
    constant, shape = None, losses[0].shape
    if shift is not None:
        several = shift.centre.ndim == len(shape) and len(shift.centre) > 1
        constant = shift.centre.expand(shape if several else (1, *shape[1:]))
        losses = losses if shift.radius is None else [*losses, shift.radius]
    noise = step_noise(losses, constant, x.node.examples, below)
    nodes, backs = zip(*maps, strict=True)
    return Affine(nodes, backs, noise, constant)


def _sum(x: RoundedRelaxed, y: RoundedRelaxed) -> Any:
    box = enclosure("add", x, y)
    if not (_fits(x, box) and _fits(y, box)) or x.node.examples != y.node.examples:
        return fresh("add", x, y)
    x, y = _broadcast(x, box), _broadcast(y, box)
    loss = x.level.extra(1, up(most(x.node.interval) + most(y.node.interval)))
    return record(x, box, _affine(x, [(x.node, _same), (y.node, _same)], [loss]))


def _fits(x: RoundedRelaxed, box: Interval) -> bool:
    """Whether the examples of a result are those of x."""
    return box.ndim == x.ndim and box.shape[0] == x.shape[0]


def _broadcast(x: RoundedRelaxed, box: Interval) -> RoundedRelaxed:
    return x if x.shape == box.shape else x.expand(box.shape)


def _pointwise(x: RoundedRelaxed, weight: Centred, terms: int = 1) -> Product:
    """The product of coordinates; a factor for each example cannot be used for some of them."""
    separable = weight.centre.ndim < x.ndim or len(weight.centre) == 1
    return Product(torch.mul, torch.mul, terms, separable)


def _at_least(product: Product, h: Tensor, w: Tensor) -> Tensor:
    """W h for tensors ≥ 0, rounded up."""
    terms = product.terms + 3
    found = product.multiply(h, w) * (1 + 2 * gamma(terms, h.dtype))
    return up(up(found) + terms * torch.finfo(h.dtype).tiny)


def _back(product: Product, weight: Tensor, rows: Tensor) -> Tensor:
    return product.transpose(rows, weight)


def _same(rows: Tensor) -> Tensor:
    return rows


def _reshaped(given: Centred, shape: tuple[int, ...]) -> Centred:
    radius = None if given.radius is None else given.radius.reshape(shape)
    return Centred(given.centre.reshape(shape), radius)


def _transposed(
    name: str, shape: torch.Size, settings: tuple[Any, ...], named: dict[str, Any]
) -> Callable[[Tensor, Tensor], Tensor]:
    """Rows over the image of a convolution, pulled back: its gradient by the input."""
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    given = {**defaults, **dict(zip(defaults, settings, strict=False)), **named}

    def back(rows: Tensor, weight: Tensor) -> Tensor:
        flat = rows.flatten(0, 1)
        size = (len(flat), *shape[1:])
        if "transpose" in name or isinstance(given["padding"], str):

            def forward(h: Tensor) -> Tensor:
                return getattr(functional, name)(h, weight, None, *settings, **named)

            found = torch.func.vjp(forward, flat.new_zeros(()).expand(size))[1](flat)[0]
        else:
            found = getattr(grad, f"{name}_input")(size, weight, flat, **given)
        return found.reshape(*rows.shape[:2], *shape[1:])

    return back


_FEW = 2.0**-20
"""Relative, and more than a handful of roundings of any type make."""

AFFINE = {
    "linear": linear,
    "matmul": matmul,
    "add": add,
    "sub": sub,
    "neg": neg,
    "mul": mul,
    "div": div,
    "batch_norm": batch_norm(by_given),
    **{name: partial(convolution, name) for name in CONVOLUTIONS},
}
