"""Trends along an ordered axis, with seeds as blocks: Spearman's ρ and Page's L."""

import math
from collections import Counter
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gnomon.study.statistics.estimates import Values
from gnomon.study.statistics.paired import Significance

Grid = NDArray[np.float64]
"""A row for each seed, a column for each value of the axis, in ascending order."""
Direction = Literal["rises", "falls"]

_MOST_EXACT_LEVELS = 9
"""Maximum number of values of the axis for which all orders are counted."""


def spearman_of_seeds(grid: Grid) -> Values:
    """Spearman's ρ of each seed between the axis and the values; ties share their mean rank.

    A seed with equal values shows no trend and has ρ = 0.

    References:
        spearman1904.
    """
    ranks = stats.rankdata(grid, axis=1)
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    steps = np.arange(grid.shape[1]) - (grid.shape[1] - 1) / 2
    size = np.sqrt((centred**2).sum(axis=1) * (steps**2).sum())
    return np.where(size > 0, centred @ steps / np.where(size > 0, size, 1.0), 0.0)


def page_test(grid: Grid, direction: Direction) -> Significance:
    """Page's test for ordered alternatives: L = Σ over seeds Σⱼ j · r(seed, j).

    r are the ranks within a seed, j = 1 … k the values of the axis in ascending order (for
    "falls", in descending order). Where the axis changes nothing, every order of a seed's
    values was as likely as the one seen, in each seed independently. Without ties L is a linear
    function of the mean of Spearman's ρ over the seeds.

    Ties share their mean rank. Up to 9 values of the axis, p is exact for the ranks that there
    are: all orders are counted, and the distributions of the seeds are convolved. With more, L
    is taken as normal with the mean n k (k+1)² / 4 and the variance that the orders of those
    ranks have.

    References:
        page1963.
    """
    steps = grid if direction == "rises" else grid[:, ::-1]
    levels = steps.shape[1]
    doubled = np.rint(2 * stats.rankdata(steps, axis=1)).astype(np.int64)
    statistic = int((doubled @ np.arange(1, levels + 1)).sum())
    name = "Page's trend test"
    if levels > _MOST_EXACT_LEVELS:
        p = _normal_tail(doubled / 2, statistic / 2)
        return Significance(name, statistic / 2, p, "normal approximation")
    chances = _chances_of_all([tuple(sorted(map(int, row))) for row in doubled])
    p = min(1.0, float(chances[statistic:].sum()))
    return Significance(name, statistic / 2, p, "exact")


def least_seeds_for_trend(level: float, levels: int, claims: int = 1) -> int:
    """The number of seeds from which Page's test can pass Holm's first step.

    Its smallest p with n seeds and k values of the axis is (k!)⁻ⁿ.

    >>> least_seeds_for_trend(0.05, 5), least_seeds_for_trend(0.05, 2, claims=2)
    (1, 6)
    """
    return math.ceil(math.log(claims / level) / math.lgamma(levels + 1))


def _normal_tail(ranks: Grid, statistic: float) -> float:
    seeds, levels = ranks.shape
    mean = seeds * levels * (levels + 1) ** 2 / 4
    spread_of_steps = levels * (levels**2 - 1) / 12
    spread_of_ranks = ((ranks - (levels + 1) / 2) ** 2).sum()
    variance = spread_of_steps * spread_of_ranks / (levels - 1)
    return float(stats.norm.sf((statistic - mean) / math.sqrt(variance))) if variance else 1.0


def _chances_of_all(rows: list[tuple[int, ...]]) -> Values:
    """The chance of each sum over all seeds; equal rows of ranks share their distribution."""
    chances = np.ones(1)
    for row, times in Counter(rows).items():
        for _ in range(times):
            chances = np.convolve(chances, _chances_of_one(row))
    return chances


@cache
def _chances_of_one(ranks: tuple[int, ...]) -> Values:
    """The chance of each value of Σⱼ j · rank(j) over all orders of the ranks.

    Ranks are placed at j = 1, 2 … one after the other. Only the set of those already placed
    matters, so that the counts are kept for each subset.
    """
    levels = len(ranks)
    longest = 1 + sum(place * rank for place, rank in enumerate(ranks, start=1))
    counts = np.zeros((1 << levels, longest))
    counts[0, 0] = 1
    for placed in range(1 << levels):
        place = placed.bit_count() + 1
        for index, rank in enumerate(ranks):
            if not placed & (1 << index):
                shift = place * rank
                counts[placed | (1 << index), shift:] += counts[placed, : longest - shift]
    return counts[-1] / math.factorial(levels)
