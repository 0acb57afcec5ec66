"""Differences of a network's outputs, as far as its last matrix determines them."""

import math

from jaxtyping import Float, Int
from torch import Tensor

from gnomon.algebra.bilinear import LINEAR
from gnomon.algebra.interval.ball import Ball
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.interval.operands import together
from gnomon.algebra.interval.products import product

Operand = Interval | Tensor


def differences(
    features: Operand, weight: Operand, bias: Operand | None, own: Int[Tensor, " own"]
) -> Float[Tensor, " batch own classes"]:
    """Upper bounds of z_j − z_k for z = W h + b, all k in `own` and all j.

    They are those of (W_j − W_k) h + (b_j − b_k), which is never wider than the difference of
    the bounds of z_j and z_k; so also where W and b are intervals: their rows are independent
    of one another. An execution finds z_j and z_k, not their difference: it misses both by a
    rounding error of |W| |h| + |b|.

    Args:
        features: h, batch × n; at least one of the three varies.
        weight: W, classes × n.
        bias: b, if there is one.
        own: the k, as numbers of rows.
    """
    parts = (features, weight) if bias is None else (features, weight, bias)
    features, weight, *rest = together(*parts)
    terms, shape = weight.shape[-1], (len(own), len(weight))
    upper = product(
        LINEAR, features.idealised, _differences(weight.idealised, own), terms
    ).upper
    upper = upper.unflatten(1, shape)
    up = features.arithmetic.up
    for shift in rest:
        upper = up(upper + _differences(shift.idealised, own).upper.unflatten(0, shape))
    if not features.arithmetic.executed:
        return upper
    missed = _missed(features, weight, rest)
    return up(upper + up(missed[:, None] + missed[:, own, None]))


def _differences(rows: Interval, own: Int[Tensor, " own"]) -> Interval:
    """Row j minus row k, for k in `own` and every j, one after the other.

    Rows of an interval are independent of one another, so that the difference of two different
    rows is exact. That of a row and itself is not 0 here, and not used.
    """
    if isinstance(rows, Ball):
        # ‖δ_j − δ_k‖ ≤ √2 ‖δ‖, where the box would give 2 r for each entry.
        reach = rows.arithmetic.inflate(rows.reach * math.sqrt(2))
        return Ball.of(_differences(rows.core, own), reach)
    lower = (rows.lower[None] - rows.upper[own, None]).flatten(0, 1)
    if rows.thin:
        return rows.idealised.settle(lower, lower, 0)
    return rows.idealised.settle(
        lower, (rows.upper[None] - rows.lower[own, None]).flatten(0, 1), 0
    )


def _missed(
    features: Interval, weight: Interval, bias: list[Interval]
) -> Float[Tensor, " batch classes"]:
    """Bounds on the rounding error of an execution in each logit, given the features."""
    sizes = [
        each.idealised.with_ends(each.magnitude, each.magnitude) for each in (features, weight)
    ]
    terms = weight.shape[-1]
    total = product(LINEAR, sizes[0], sizes[1], terms).upper
    for shift in bias:
        total = features.arithmetic.up(total + shift.magnitude)
    return features.arithmetic.level.extra(terms + 1, total)
