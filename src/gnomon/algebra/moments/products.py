"""Products and sums of independent variables: their means and variances. Not sound."""

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional

from gnomon.algebra.bilinear import of_convolutions
from gnomon.algebra.moments.moments import Moments, as_moments
from gnomon.algebra.value import Value
from gnomon.errors import UnsupportedOperationError

Bilinear = Callable[[Tensor, Tensor], Tensor]
"""A sum of products of a coordinate of the first and one of the second tensor, such as x Wᵀ."""


def product(multiply: Bilinear, x: Moments | Tensor, w: Moments | Tensor) -> Moments:
    """Σ_j w_j x_j of independent variables.

    Mean Σ m_w m_x; variance Σ (m_w² v_x + v_w (m_x² + v_x)). Statistical, not sound.
    """
    if isinstance(x, Moments) and isinstance(w, Moments):
        mean = multiply(x.centre, w.centre)
        variance = multiply(x.variance, w.centre.square() + w.variance)
        return Moments.computed(mean, variance + multiply(x.centre.square(), w.variance))
    if isinstance(x, Moments) and isinstance(w, Tensor):
        return Moments.computed(multiply(x.centre, w), multiply(x.variance, w.square()))
    if isinstance(x, Tensor) and isinstance(w, Moments):
        return Moments.computed(multiply(x, w.centre), multiply(x.square(), w.variance))
    raise AssertionError("one factor varies")


def linear(x: Any, weight: Any, bias: Any = None) -> Moments:
    """Mean and variance of x Wᵀ + b."""
    return _product_and_bias(functional.linear, x, weight, bias)


def convolution(
    function: Callable[..., Tensor],
    x: Any,
    weight: Any,
    bias: Any = None,
    *settings: Any,
    **named: Any,
) -> Moments:
    """Mean and variance of a convolution, transposed or not.

    Exact at each place by itself; places share their weights, and are not independent.
    """

    def multiply(first: Tensor, second: Tensor) -> Tensor:
        return function(first, second, None, *settings, **named)

    shape = (-1, *[1] * (weight.ndim - 2))
    return _product_and_bias(multiply, x, weight, bias, shape)


def matmul(x: Any, y: Any) -> Moments:
    """Mean and variance of the matrix product of independent matrices."""
    first, second = _known(x, y)
    return product(lambda v, w: v @ w, first, second)


def mul(x: Any, y: Any) -> Any:
    """Moments of the coordinatewise product of independent factors, or of a square."""
    if x is y:
        return x.square()
    if isinstance(x, int | float):
        return mul(y, x)
    if isinstance(y, int | float):
        return Moments.computed(x.centre * y, x.variance * y**2)
    first, second = _known(x, y)
    return product(lambda v, w: v * w, first, second)


def div(x: Any, y: Any) -> Moments:
    """Mean and variance of the quotient by what does not vary.

    Raises:
        UnsupportedOperationError: a denominator that varies; such a quotient has no variance.
    """
    if isinstance(y, Value):
        raise UnsupportedOperationError(
            "Moments: expected a denominator that does not vary, got one that does, whose "
            "quotient may have no variance. Use another algebra."
        )
    return mul(x, 1 / y)


def add(x: Any, y: Any, *, alpha: Any = 1) -> Moments:
    """Moments of x + alpha y: means and variances are added, as if both were independent."""
    if x is y:
        return mul(x, 1 + alpha)
    like = _mean_of(x, y)
    first, second = as_moments(x, like), as_moments(y, like)
    mean = first.centre + alpha * second.centre
    return Moments.computed(mean, first.variance + alpha**2 * second.variance)


def sub(x: Any, y: Any, *, alpha: Any = 1) -> Moments:
    """Mean and variance of x − alpha y: means are subtracted, and variances added."""
    return add(x, y, alpha=-alpha)


def neg(x: Moments) -> Moments:
    """Mean and variance of −x."""
    return Moments.computed(-x.centre, x.variance)


def _mean_of(*arguments: Any) -> Tensor:
    """The mean of the first that varies."""
    return next(each.centre for each in arguments if isinstance(each, Moments))


def _known(x: Any, y: Any) -> tuple[Any, Any]:
    """Both as moments; tensors stay tensors, whose variance need not be multiplied."""
    like = _mean_of(x, y)
    first, second = (v if isinstance(v, Tensor) else as_moments(v, like) for v in (x, y))
    return first, second


def _product_and_bias(
    multiply: Bilinear, x: Any, weight: Any, bias: Any, shape: tuple[int, ...] = (-1,)
) -> Moments:
    like = _mean_of(x, weight, bias)
    x, weight = (v if isinstance(v, Tensor) else as_moments(v, like) for v in (x, weight))
    if isinstance(x, Tensor) and isinstance(weight, Tensor):
        result = as_moments(multiply(x, weight), like)
    else:
        result = product(multiply, x, weight)
    if bias is None:
        return result
    return add(result, as_moments(bias, like).each(Tensor.reshape, shape))


PRODUCTS: dict[str, Any] = {
    "linear": linear,
    "matmul": matmul,
    "bmm": matmul,
    "mul": mul,
    "div": div,
    "add": add,
    "sub": sub,
    "neg": neg,
    **of_convolutions(convolution),
}
