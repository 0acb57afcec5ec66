"""Softmax and the logarithm of a sum of exponentials."""

import math
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.library import TORCH, Accuracy, Library
from gnomon.algebra.rounding import Deployed, gamma, speck, unit_roundoff
from gnomon.algebra.value import Rule
from gnomon.errors import UnsupportedOperationError


def softmax(x: Interval, dim: int, **named: Any) -> Interval:
    """The exact range of each coordinate of the softmax.

    A coordinate is least where its own logit is low and all others are high. It is computed
    as σ(x_i − log Σ_{j≠i} exp x_j), of which nothing cancels. With rounding, the argument is
    moved by what the logarithm and the difference miss, and σ by its accuracy.

    An execution that subtracts the maximum misses the coordinate by the relative error of its
    exponentials, u (D + r) for logits that differ by at most D, of a sum, and a quotient; and
    by n + 1 times what else an exponential misses, as the sum is at least about 1. However far
    logits are apart, no term is larger than the sum of all, but for the rounding of both.
    """
    del named
    if x.shape[dim] == 1:
        ones = torch.ones_like(x.lower)
        return x.made(ones, ones, nonnegative=True)
    low = x.lower - log_sum_of_others(x.upper, dim)
    high = x.upper - log_sum_of_others(x.lower, dim)
    if not x.arithmetic.outwards:
        least, most = torch.sigmoid(low), torch.sigmoid(high)
        if x.unbounded:  # ∞ − ∞: of that coordinate, nothing else is known
            least, most = least.nan_to_num(0.0), most.nan_to_num(1.0)
        return x.made(least, most, nonnegative=True)
    arithmetic = x.arithmetic
    miss = _missed(x, x.magnitude.amax(dim, keepdim=True), x.shape[dim], executed=False)
    low, high = arithmetic.settle(low, high, 0)
    low, high = arithmetic.settle(low - miss, high + miss, 0)
    off = (_everywhere(TORCH, "sigmoid").relative + 2) * unit_roundoff(x.precision)
    least = (torch.sigmoid(low) * (1 - off) - speck(x.precision)).clamp(0, 1)
    most = (torch.sigmoid(high) * (1 + off) + speck(x.precision)).clamp(0, 1)
    least, most = _executed(x, dim, least, most)
    finite = (x.upper - x.lower).isfinite().all(dim, keepdim=True)
    nan = torch.full_like(least, torch.nan)
    return x.made(
        torch.where(finite, least, nan), torch.where(finite, most, nan), nonnegative=True
    )


def logsumexp(x: Interval, dim: Any, keepdim: bool = False) -> Interval:
    """The range of log Σ exp x, which rises with every coordinate.

    With the maximum m subtracted, a difference D misses u D, which changes its exponential by
    u D exp(−D) < u, the sum and its logarithm miss γ, and the last sum u (|m| + log n); the sum
    of exponentials is at least about 1.
    """
    axes = (dim,) if isinstance(dim, int) else tuple(dim)
    result = x.each(torch.logsumexp, axes, keepdim=keepdim)
    if not x.arithmetic.outwards:
        return result
    size = math.prod(x.shape[axis] for axis in axes)
    largest = x.magnitude.amax(axes, keepdim=keepdim)
    miss = _missed(x, largest, size, executed=True)
    return x.settle(result.lower - miss, result.upper + miss, 0)


def log_sum_of_others(x: Tensor, dim: int) -> Tensor:
    """The logarithm of Σ_{j≠i} exp x_j for each i along an axis, for at least two of them.

    For the largest coordinate it is that of the others alone. For any other the largest is in
    the sum, so that taking the own term off the sum of all loses no more than its rounding.
    """
    largest = torch.zeros_like(x, dtype=torch.bool)
    largest = largest.scatter(dim, x.argmax(dim, keepdim=True), value=True)
    top = x.detach().amax(dim, keepdim=True)
    terms = (x - top).exp()
    rest = (terms.sum(dim, keepdim=True) - terms).clamp_min(1)
    others = x.masked_fill(largest, -torch.inf).logsumexp(dim, keepdim=True)
    return torch.where(largest, others, top + rest.log())


def _missed(x: Interval, largest: Tensor, terms: int, *, executed: bool) -> Tensor:
    """The largest error of a logarithm of a sum of exponentials of at most this size.

    In a sum without one term, that of the largest stays, so that the rest is at least about 1
    and half the whole: its relative error is twice that of the whole, which is allowed for.
    """
    programs = [(x.precision, TORCH)]
    level = x.arithmetic.level
    if executed and isinstance(level, Deployed):
        programs.append((level.dtype, level.library))
    miss = torch.zeros_like(largest)
    for dtype, library in programs:
        exp, log = (_everywhere(library, name) for name in ("exp", "log"))
        steps = terms + 16 + math.ceil(exp.relative + log.relative)
        size = 4 * (
            gamma(steps, dtype) * (math.log(terms) + 1) + unit_roundoff(dtype) * largest
        )
        beside = terms * (exp.absolute + log.argument + 2 * exp.argument * largest)
        beside = 4 * unit_roundoff(dtype) * (beside + log.absolute)
        miss = x.arithmetic.inflate(miss + size + beside)
    return miss


def _executed(x: Interval, dim: int, least: Tensor, most: Tensor) -> tuple[Tensor, Tensor]:
    """Bounds of the softmax, moved by what executions can miss."""
    level, inflate = x.arithmetic.level, x.arithmetic.inflate
    if not isinstance(level, Deployed):
        return least, most
    size, unit, exp = x.shape[dim], level.unit, _everywhere(level.library, "exp")
    apart = x.upper.amax(dim, keepdim=True) - x.lower.amin(dim, keepdim=True)
    steps = size + 24 + math.ceil(exp.relative)
    part = 4 * unit * (apart + math.log(size) + 1) + 2 * gamma(steps, level.dtype)
    part = torch.where(part < 0.5, inflate(torch.expm1(part)), torch.ones_like(part))
    beside = 4 * (size + 1) * unit * (exp.absolute + exp.argument * apart)
    lost = inflate(beside + 4 * size * speck(level.dtype))
    most = (most * (1 + part)).clamp_max(1 + 4 * gamma(steps, level.dtype))
    return x.arithmetic.settle(least * (1 - part) - lost, most + lost, 0)


def _everywhere(library: Library, function: str) -> Accuracy:
    """The accuracy of a function at all arguments.

    Raises:
        UnsupportedOperationError: it is not claimed for all.
    """
    claim = library.accuracies(function)[-1]
    if claim.within != (-math.inf, math.inf):
        raise UnsupportedOperationError(
            f"Deployed: expected {function} with an accuracy claimed for all arguments, got "
            f"{claim.within} in {library.name!r}. State one, or compute softmax without it."
        )
    return claim


SOFTMAX: dict[str, Rule] = {"softmax": softmax, "logsumexp": logsumexp}
