"""The allowances for functions of one number, so that bounds of them hold as they are computed.

How accurately programs compute functions is stated in `gnomon.algebra.library`. Bounds are
computed by PyTorch, eager; an execution by any program of its level's library.
"""

from typing import Any

import torch
from torch import Tensor

from gnomon.activations import Evaluation, per_channel
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.library import TORCH, Library
from gnomon.algebra.rounding import Deployed, Level, outward, speck, unit_roundoff


def exact(evaluation: Evaluation, library: Library) -> bool:
    """Returns True if no program of the library misses any value."""
    claims = library.accuracies(evaluation.name)
    return evaluation.more == evaluation.beside == 0 and all(each.exact for each in claims)


def missed(
    evaluation: Evaluation,
    library: Library,
    x: tuple[Tensor, Tensor],
    values: Tensor,
    dtype: torch.dtype,
) -> Tensor:
    """Returns by how much values can be missed; infinite where nothing is claimed.

    Args:
        evaluation: s f(c x).
        library: that computes them.
        x: bounds of the arguments.
        values: the largest |s f(c x)| of these.
        dtype: of the numbers in which it is computed.
    """
    inner, most = _inner(evaluation, x[0]), x[0].abs().maximum(x[1].abs())
    ends = (x[0] * inner, x[1] * inner)
    low, high = ends[0].minimum(ends[1]), ends[0].maximum(ends[1])
    size = evaluation.size * most if evaluation.gates else evaluation.size
    miss = torch.full_like(most, torch.inf)
    for claim in reversed(library.accuracies(evaluation.name)):
        own = (
            (claim.relative + evaluation.more) * values
            + (claim.argument * abs(inner) * size) * most
            + (claim.absolute + evaluation.beside) * size
        )
        inside = (low >= claim.within[0]) & (high <= claim.within[1])
        miss = torch.where(inside, own, miss)
    return 1.01 * unit_roundoff(dtype) * miss + 1.01 * speck(dtype)


def executed(
    evaluation: Evaluation, level: Level, x: tuple[Tensor, Tensor], values: Tensor
) -> Tensor | None:
    """Returns by how much executions of a level can miss values; None if they cannot.

    On the way, a program may multiply the argument by a number of up to 8, and overflow
    although the value does not: of larger arguments nothing is claimed.

    Args:
        evaluation: the function.
        level: of the executions.
        x: bounds of the arguments.
        values: their largest size.
    """
    if not isinstance(level, Deployed) or exact(evaluation, level.library):
        return None
    miss = missed(evaluation, level.library, x, values, level.dtype)
    inner = abs(_inner(evaluation, x[0]))
    fits = x[0].abs().maximum(x[1].abs()) * inner <= level.largest / 16
    return torch.where(fits.detach(), miss, torch.full_like(miss, torch.inf))


def enclosed(
    x: Interval, lower: Tensor, upper: Tensor, *evaluations: Evaluation, nonnegative: bool
) -> Interval:
    """Returns the range of a function whose least and greatest values were computed.

    Bounds that are rounded to nearest stay as they are. For others: real values miss the
    computed ones by u of the numbers computed in; an execution misses real values by u of its
    own, for arguments and values anywhere in the range. What is not known of x is not known of
    f(x), however bounded f is.

    Args:
        x: the arguments.
        lower: the least value of the function, as PyTorch computes it here.
        upper: the greatest.
        evaluations: of the function, or of the lowest and the highest of several.
        nonnegative: True if no execution gives a negative number.
    """
    if not x.arithmetic.outwards:
        return x.made(lower, upper, nonnegative=nonnegative)
    ends, most = (x.lower, x.upper), lower.abs().maximum(upper.abs())
    level = x.arithmetic.level
    executions = [executed(each, level, ends, most) for each in evaluations]
    computed = [
        None if exact(each, TORCH) else missed(each, TORCH, ends, most, x.precision)
        for each in evaluations
    ]
    for misses in (executions, computed):
        sizes = [each for each in misses if each is not None]
        if sizes:
            miss = sizes[0].maximum(sizes[-1])
            lower, upper = outward(lower - miss, upper + miss)
    lost = torch.full_like(lower, torch.nan)
    finite = x.lower.isfinite() & x.upper.isfinite()
    return x.made(
        torch.where(finite, lower, lost),
        torch.where(finite, upper, lost),
        nonnegative=nonnegative,
    )


def _inner(evaluation: Evaluation, like: Tensor) -> Any:
    """The factor of the argument, in a shape that fits it."""
    inner = evaluation.inner
    return per_channel(inner, like) if isinstance(inner, Tensor) else inner
