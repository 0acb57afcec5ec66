"""Tests of paired differences: exact for the numbers of seeds that studies have."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gnomon.study.statistics.estimates import Values

Alternative = Literal["greater", "less", "two-sided"]
"""The side of 0 on which the differences are claimed to lie: above, below, or either."""

_SIGN_FLIPS = "sign-flip test of the mean (differences taken as symmetric)"
_MOST_EXACT_FLIPS = 32
"""Maximum number of differences for which all choices of signs are counted."""
_MOST_EXACT_RANKS = 50
"""Maximum number of differences for which the distribution of rank sums is computed."""
_FLIPS = 99_999
"""Number of random choices of signs, where not all are counted."""
_AT_ONCE = 10_000
"""Number of random choices held in memory at once."""


@dataclass(frozen=True)
class Significance:
    """The outcome of a test.

    Attributes:
        name: name of the test.
        statistic: value of its statistic.
        p: chance of a statistic at least as extreme if there is no effect.
        method: "exact", or the approximation.
    """

    name: str
    statistic: float
    p: float
    method: str


def sign_flip_test(
    differences: Values, alternative: Alternative, generator: np.random.Generator
) -> Significance:
    """Fisher's randomisation test of paired differences.

    Where the two values of a pair are exchangeable, every choice of signs s ∈ {−1, 1}ⁿ was as
    likely as the one seen, so that

        p = #{s : Σ sᵢ dᵢ ≥ Σ dᵢ} / 2ⁿ,

    and two-sided with absolute values. It is at least 2⁻ⁿ (two-sided 2¹⁻ⁿ). Up to 32
    differences all choices are counted: each sum is one of the first half plus one of the
    second, and for each of the first a binary search counts those of the second. With more,
    99,999 random choices and the one seen are counted.

    Where differences have mean 0 but are skewed, it rejects too often on the side of the short
    tail: of ten exponential ones less their mean 14 % instead of 5 %, one-sided. No test of a
    mean holds for every distribution, so that the name says what this one takes for granted.

    A difference of 0 is the same with both signs, and makes p no smaller. Without any
    difference p is 1.

    References:
        fisher1935; phipson2010 (why the choice seen is counted among the random ones).
    """
    signed = -differences if alternative == "less" else differences
    seen = float(signed.sum())
    target = abs(seen) if alternative == "two-sided" else seen
    # Sums that are equal but for the order of addition count as equal.
    target -= 4 * len(signed) * float(np.finfo(np.float64).eps * np.abs(signed).sum())
    if len(signed) <= _MOST_EXACT_FLIPS:
        share, method = _share_of_flips(signed, target), "exact"
    else:
        share, method = _share_of_random_flips(signed, target, generator), "99,999 random flips"
    if alternative == "two-sided":
        share = min(1.0, 2 * share)  # -s is as likely as s
    return Significance(_SIGN_FLIPS, float(differences.mean()), share, method)


def signed_rank_test(differences: Values, alternative: Alternative) -> Significance:
    """Wilcoxon's signed-rank test: W⁺ = Σ rank(|dᵢ|) over the positive differences.

    Differences of 0 are left out, as Wilcoxon did. Ties share their mean rank, and up to 50
    differences p is exact for the ranks that there are: the distribution of W⁺ over all signs
    is found by adding one rank after the other. With more it is the normal approximation.

    References:
        wilcoxon1945.
    """
    kept = differences[differences != 0]
    doubled = np.rint(2 * stats.rankdata(np.abs(kept))).astype(np.int64)
    statistic = int(doubled[kept > 0].sum())
    name = "Wilcoxon's signed-rank test"
    if len(kept) > _MOST_EXACT_RANKS:
        outcome: Any = stats.wilcoxon(kept, alternative=alternative, method="asymptotic")
        return Significance(name, statistic / 2, float(outcome.pvalue), "normal approximation")
    chances = _chances_of_sums(doubled)
    above, below = float(chances[statistic:].sum()), float(chances[: statistic + 1].sum())
    p = {"greater": above, "less": below, "two-sided": 2 * min(above, below)}[alternative]
    return Significance(name, statistic / 2, min(1.0, p), "exact")


def negligible_test(
    differences: Values, smallest: float, generator: np.random.Generator
) -> Significance:
    """Tests whether the mean difference lies within ± `smallest`.

    Two one-sided tests: d + smallest lies above 0, and d − smallest below; p is the larger.

    References:
        schuirmann1987.
    """
    above = sign_flip_test(differences + smallest, "greater", generator)
    below = sign_flip_test(differences - smallest, "less", generator)
    p = max(above.p, below.p)
    return Significance(
        "two one-sided sign-flip tests (differences taken as symmetric)",
        above.statistic - smallest,
        p,
        above.method,
    )


def least_seeds(level: float, claims: int = 1, *, two_sided: bool = False) -> int:
    """The number of seeds from which an exact paired test can pass Holm's first step.

    Its smallest p with n seeds is 2⁻ⁿ.

    It is the least n with claims · 2⁻ⁿ ≤ level (two-sided 2¹⁻ⁿ).

    >>> least_seeds(0.05), least_seeds(0.05, two_sided=True), least_seeds(0.05, claims=10)
    (5, 6, 8)
    """
    return math.ceil(math.log2(claims / level)) + two_sided


def _share_of_flips(signed: Values, target: float) -> float:
    """The share of all choices of signs with a sum of at least `target`."""
    half = len(signed) // 2
    first, second = _all_sums(signed[:half]), np.sort(_all_sums(signed[half:]))
    below = np.searchsorted(second, target - first, side="left")
    return float((len(second) - below).sum()) / 2.0 ** len(signed)


def _all_sums(values: Values) -> Values:
    """Σ sᵢ vᵢ for every choice of signs; of no values, 0."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums - value, sums + value])
    return sums


def _share_of_random_flips(
    signed: Values, target: float, generator: np.random.Generator
) -> float:
    reached = 1  # the choice seen
    for start in range(0, _FLIPS, _AT_ONCE):
        size = (min(_AT_ONCE, _FLIPS - start), len(signed))
        signs = 2.0 * generator.integers(0, 2, size) - 1.0
        reached += int((signs @ signed >= target).sum())
    return reached / (_FLIPS + 1)


def _chances_of_sums(ranks: NDArray[np.int64]) -> Values:
    """The chance of each sum where every rank is in or out with chance ½."""
    chances = np.ones(1)
    for rank in ranks:
        longer = np.zeros(len(chances) + int(rank))
        longer[: len(chances)] += chances / 2
        longer[int(rank) :] += chances / 2
        chances = longer
    return chances
