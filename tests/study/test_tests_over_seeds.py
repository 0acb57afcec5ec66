"""Tests over seeds against enumeration, other implementations, and published examples."""

import math
from collections.abc import Callable
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gnomon.study.statistics import (
    holm,
    least_seeds,
    least_seeds_for_trend,
    negligible_test,
    page_test,
    sign_flip_test,
    signed_rank_test,
    spearman_of_seeds,
)
from gnomon.study.statistics.paired import Alternative

ALTERNATIVES: tuple[Alternative, ...] = ("greater", "less", "two-sided")

DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], dtype=float)
"""Crossed less self-fertilised plants in eighths of an inch: Fisher (1935), §17."""

SEMINARS = np.array(
    [
        [3, 4, 3],
        [2, 2, 4],
        [3, 3, 5],
        [1, 3, 2],
        [2, 3, 2],
        [2, 4, 5],
        [1, 2, 4],
        [3, 4, 4],
        [2, 4, 5],
        [1, 3, 4],
    ],
    dtype=float,
)
"""Ratings with ties, of the example in the documentation of `scipy.stats.page_trend_test`."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def flipped(differences: np.ndarray) -> np.ndarray:
    """The sum under every choice of signs."""
    signs = np.array(list(product([-1.0, 1.0], repeat=len(differences))))
    return signs @ differences


def share(sums: np.ndarray, seen: float, alternative: Alternative) -> float:
    if alternative == "two-sided":
        return float((np.abs(sums) >= abs(seen) - 1e-9).mean())
    side = 1 if alternative == "greater" else -1
    return float((side * sums >= side * seen - 1e-9).mean())


@pytest.mark.parametrize("alternative", ALTERNATIVES)
@pytest.mark.parametrize("count", [1, 2, 5, 9])
@pytest.mark.parametrize("decimals", [0, 12], ids=["tied", "distinct"])
def test_sign_flips_are_all_counted(
    count: int, decimals: int, alternative: Alternative, rng: np.random.Generator
) -> None:
    for _ in range(5):
        differences = np.round(rng.normal(0.4, 1, count), decimals)
        found = sign_flip_test(differences, alternative, rng)
        wanted = share(flipped(differences), differences.sum(), alternative)
        assert found.p == pytest.approx(wanted, abs=1e-12)
        assert found.method == "exact"


def _rejected(
    draw: Callable[[], Any], alternative: Alternative, rng: np.random.Generator
) -> int:
    """Of 2,000 samples with mean 0 how many are rejected at 5 %."""
    return sum(sign_flip_test(draw(), alternative, rng).p <= 0.05 for _ in range(2000))


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_symmetric_differences_are_rejected_at_the_level(
    alternative: Alternative, rng: np.random.Generator
) -> None:
    """100 of 2,000 are expected at most, with a standard deviation of √(2000 · 0.05 · 0.95)."""
    most = 100 + 4 * math.sqrt(2000 * 0.05 * 0.95)
    assert _rejected(lambda: rng.standard_t(3, 10), alternative, rng) < most


def test_skewed_differences_are_rejected_as_often_as_is_said(rng: np.random.Generator) -> None:
    """14 % of ten exponential ones less their mean: 280 of 2,000, with deviation 15.5."""
    rejected = _rejected(lambda: rng.exponential(size=10) - 1, "less", rng)
    assert abs(rejected - 280) < 4 * 15.5
    assert "taken as symmetric" in sign_flip_test(np.ones(5), "less", rng).name


def test_fisher_s_example_has_fisher_s_number(rng: np.random.Generator) -> None:
    """Of the 2^15 choices 863 give a sum at least as large: 835 larger and 28 equal."""
    found = sign_flip_test(DARWIN, "greater", rng)
    assert found.p == 863 / 2**15
    assert sign_flip_test(DARWIN, "two-sided", rng).p == 1726 / 2**15


def test_sums_equal_but_for_rounding_count_as_equal(rng: np.random.Generator) -> None:
    """0.1 + 0.2 − 0.3 is 5.6e−17, and 0 in truth."""
    tenths = sign_flip_test(np.array([0.1, 0.2, -0.3]), "greater", rng)
    whole = sign_flip_test(np.array([1.0, 2.0, -3.0]), "greater", rng)
    assert tenths.p == whole.p == 5 / 8


def test_random_flips_agree_with_the_normal_limit(rng: np.random.Generator) -> None:
    differences = rng.normal(0.2, 1, 60)
    found = sign_flip_test(differences, "greater", rng)
    limit = stats.norm.sf(differences.sum() / math.sqrt((differences**2).sum()))
    assert found.method != "exact"
    assert found.p == pytest.approx(limit, abs=0.006)
    assert sign_flip_test(np.ones(60), "greater", rng).p == 1e-5


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_signed_ranks_agree_with_scipy_without_ties(
    alternative: Alternative, rng: np.random.Generator
) -> None:
    for count in (3, 8, 20, 50, 51):
        differences = rng.normal(0.3, 1, count)
        method = "exact" if count <= 50 else "asymptotic"
        wanted: Any = stats.wilcoxon(differences, alternative=alternative, method=method)
        found = signed_rank_test(differences, alternative)
        assert found.p == pytest.approx(wanted.pvalue, rel=1e-9)


@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_signed_ranks_with_ties_and_zeros_are_all_counted(
    alternative: Alternative, rng: np.random.Generator
) -> None:
    for _ in range(8):
        differences = rng.integers(-2, 5, 9).astype(float)
        kept = differences[differences != 0]
        ranks = stats.rankdata(np.abs(kept))
        wanted = share(flipped(ranks), float((np.sign(kept) * ranks).sum()), alternative)
        assert signed_rank_test(differences, alternative).p == pytest.approx(wanted)


@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_no_difference_proves_nothing(
    alternative: Alternative, rng: np.random.Generator
) -> None:
    assert sign_flip_test(np.zeros(6), alternative, rng).p == 1
    assert signed_rank_test(np.zeros(6), alternative).p == 1


def test_a_small_difference_is_shown_to_be_small(rng: np.random.Generator) -> None:
    """With every difference within the margin each one-sided test has its smallest p."""
    assert negligible_test(np.zeros(5), 0.1, rng).p == 1 / 32
    assert negligible_test(rng.uniform(-0.09, 0.09, 8), 0.1, rng).p == 1 / 256
    assert negligible_test(np.full(5, 0.2), 0.1, rng).p == 1


@pytest.mark.parametrize("seeds", range(1, 12))
@pytest.mark.parametrize("claims", [1, 3, 10])
def test_the_least_number_of_seeds_is_the_least(
    seeds: int, claims: int, rng: np.random.Generator
) -> None:
    shown = np.ones(seeds)
    one = sign_flip_test(shown, "greater", rng).p
    both = sign_flip_test(shown, "two-sided", rng).p
    assert (claims * one <= 0.05) == (seeds >= least_seeds(0.05, claims))
    assert (claims * both <= 0.05) == (seeds >= least_seeds(0.05, claims, two_sided=True))
    levels = np.tile(np.arange(3.0), (seeds, 1))
    assert (claims * page_test(levels, "rises").p <= 0.05) == (
        seeds >= least_seeds_for_trend(0.05, 3, claims)
    )


def test_page_agrees_with_scipy_without_ties(rng: np.random.Generator) -> None:
    for seeds, levels in [(2, 3), (4, 5), (10, 6), (3, 9)]:
        grid = rng.normal(size=(seeds, levels)) + 0.3 * np.arange(levels)
        wanted = stats.page_trend_test(grid, method="exact")
        found = page_test(grid, "rises")
        assert (found.method, found.statistic) == ("exact", wanted.statistic)
        assert found.p == pytest.approx(float(wanted.pvalue), rel=1e-9)
        assert page_test(-grid, "falls").p == pytest.approx(found.p)


def test_page_of_many_levels_is_normal_and_agrees_with_scipy(rng: np.random.Generator) -> None:
    grid = rng.normal(size=(6, 14)) + 0.1 * np.arange(14)
    wanted = stats.page_trend_test(grid, method="asymptotic")
    found = page_test(grid, "rises")
    assert found.method == "normal approximation"
    assert found.p == pytest.approx(float(wanted.pvalue), rel=1e-9)


def test_the_published_ratings_have_their_statistic() -> None:
    found = page_test(SEMINARS, "rises")
    assert found.statistic == 133.5
    # Ties make the sum vary less than scipy's table of untied ranks has it.
    assert found.p < stats.page_trend_test(SEMINARS).pvalue


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_page_with_ties_counts_all_orders(levels: int, rng: np.random.Generator) -> None:
    for _ in range(4):
        grid = rng.integers(0, 3, (2, levels)).astype(float)
        ranks = stats.rankdata(grid, axis=1)
        steps = np.arange(1, levels + 1)
        sums = [
            np.array([steps @ np.array(order) for order in permutations(row)]) for row in ranks
        ]
        every = np.add.outer(*sums)
        wanted = float((every >= (ranks @ steps).sum() - 1e-9).mean())
        assert page_test(grid, "rises").p == pytest.approx(wanted)


def test_page_of_constants_proves_nothing() -> None:
    assert page_test(np.ones((4, 5)), "rises").p == pytest.approx(1)
    assert page_test(np.ones((4, 12)), "rises").p == 1
    assert page_test(np.array([[1.0], [2.0]]), "rises").p == 1


def test_spearman_of_each_seed_is_scipy_s(rng: np.random.Generator) -> None:
    grid = rng.integers(0, 4, (6, 5)).astype(float)
    grid[0] = 2.0
    found = spearman_of_seeds(grid)
    assert found[0] == 0  # constant: no trend
    for row, rho in zip(grid[1:], found[1:], strict=True):
        wanted: Any = stats.spearmanr(np.arange(5), row)
        assert rho == pytest.approx(wanted.statistic)


def test_page_s_statistic_is_the_mean_rho(rng: np.random.Generator) -> None:
    """L = n k (k+1)² / 4 + n ρ̄ k (k² − 1) / 12 without ties."""
    grid = rng.normal(size=(7, 6))
    rho = float(spearman_of_seeds(grid).mean())
    linear = 7 * 6 * 49 / 4 + 7 * rho * 6 * 35 / 12
    assert page_test(grid, "rises").statistic == pytest.approx(linear)


def test_holm_s_steps_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1, and never below the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([0.2]) == (0.2,)
    assert holm([]) == ()


def test_holm_keeps_the_chance_of_any_wrong_claim() -> None:
    rng = np.random.default_rng(1)
    wrong = sum(min(holm(rng.uniform(size=8).tolist())) <= 0.05 for _ in range(2000))
    assert wrong / 2000 == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 2000))
