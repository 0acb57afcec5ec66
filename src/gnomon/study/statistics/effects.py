"""Effect sizes of paired differences, with their intervals."""

import math
from typing import cast

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from gnomon.study.statistics.estimates import Estimate, Values, bootstrap_estimate

_LARGE = 1e4
"""Beyond it the noncentral distribution cannot be computed, and need not be."""


def cohens_dz(differences: Values, confidence: float = 0.95) -> Estimate | None:
    """Cohen's d_z = d̄ / s_d, the mean difference in its own standard deviations.

    √n · d_z has a noncentral t distribution with n − 1 degrees of freedom where differences are
    normal; the interval holds the noncentralities under which what was seen is not in either
    tail, divided by √n. None with fewer than two differences, or where all are equal.

    References:
        cohen1988; cumming2001 (the interval).
    """
    count = len(differences)
    if count < 2 or np.ptp(differences) <= _rounding(differences):
        return None
    value = float(differences.mean() / differences.std(ddof=1))
    tail = (1 - confidence) / 2
    root = math.sqrt(count)
    low, high = (_noncentrality(value * root, count - 1, at) for at in (1 - tail, tail))
    return Estimate("Cohen's d_z", value, low / root, high / root, "noncentral t", confidence)


def rank_biserial(
    differences: Values, generator: np.random.Generator, confidence: float = 0.95
) -> Estimate | None:
    """The matched-pairs rank-biserial correlation (W⁺ − W⁻) / (W⁺ + W⁻), in [−1, 1].

    The share of favourable rank sums less the share of unfavourable ones, differences of 0 left
    out. None where there is no difference.

    References:
        kerby2014; efron1987 (the interval).
    """
    if not differences.any():
        return None
    return bootstrap_estimate(
        "rank-biserial correlation", differences, _balance_of_ranks, generator, confidence
    )


def _balance_of_ranks(differences: Values, axis: int = -1) -> Values:
    """0 where all differences are."""
    kept = differences != 0
    # Zeros have the lowest ranks of all; without them every other rank is less by their number.
    ranks = stats.rankdata(np.abs(differences), axis=axis)
    ranks = np.where(kept, ranks - (~kept).sum(axis=axis, keepdims=True), 0.0)
    total = ranks.sum(axis=axis)
    balance = (np.sign(differences) * ranks).sum(axis=axis)
    return np.where(total > 0, balance / np.where(total > 0, total, 1.0), 0.0)


def _noncentrality(t: float, freedom: int, chance: float) -> float:
    """The noncentrality δ under which a value up to `t` has that chance.

    A large t is δ √(ν / χ²) but for the noise in its numerator, which is of size 1.
    """
    if abs(t) > _LARGE:
        tail = chance if t > 0 else 1 - chance
        return t * math.sqrt(float(stats.chi2.isf(tail, freedom)) / freedom)

    def excess(centre: float) -> float:
        return float(stats.nct.cdf(t, freedom, centre)) - chance

    reach = 2.0 + abs(t)
    low, high = t - reach, t + reach
    while excess(low) < 0:
        low -= reach
    while excess(high) > 0:
        high += reach
    return cast("float", brentq(excess, low, high))


def _rounding(values: Values) -> float:
    """Differences of this size are due to rounding."""
    return float(8 * np.finfo(np.float64).eps * np.abs(values).max())
