"""Intervals and effect sizes: published figures, other implementations, simulated coverage."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from gnomon.study.statistics import (
    bootstrap_interval,
    cohens_dz,
    rank_biserial,
    student_interval,
    student_mean,
)
from gnomon.study.statistics.estimates import Values

SLEEP = np.array([1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4])
"""Additional hours of sleep, second less first drug: Student (1908), page 20."""

_DRAWS = 200
_FOUR_ERRORS = 4 * math.sqrt(0.95 * 0.05 / _DRAWS)
"""Four standard errors of a share of 0.95 in so many draws."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_student_s_own_example() -> None:
    """Mean 1.58, standard deviation 1.17 with n (Student), t = 4.06 with n − 1."""
    found = student_mean("difference", SLEEP)
    assert found.value == pytest.approx(1.58)
    assert SLEEP.std() == pytest.approx(1.17, abs=0.005)
    assert found.low == pytest.approx(0.70, abs=0.005)
    assert found.high == pytest.approx(2.46, abs=0.005)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_student_agrees_with_scipy(confidence: float, rng: np.random.Generator) -> None:
    values = rng.normal(size=7)
    wanted = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert student_interval(values, confidence) == pytest.approx(tuple(wanted))


def test_what_has_no_interval_has_none(rng: np.random.Generator) -> None:
    one = np.array([2.0])
    assert student_interval(one) is None
    assert bootstrap_interval(one, np.mean, rng) is None
    assert cohens_dz(one) is None
    found = student_mean("mean", one)
    assert (found.value, found.low, found.high) == (2.0, None, None)


def test_equal_values_have_an_interval_without_width(rng: np.random.Generator) -> None:
    same = np.full(5, 0.1)
    assert student_interval(same) == pytest.approx((0.1, 0.1))
    assert bootstrap_interval(same, np.mean, rng) == pytest.approx((0.1, 0.1))
    assert cohens_dz(same) is None
    assert rank_biserial(np.zeros(5), rng) is None


def coverage(interval: Callable[[Values], tuple[float, float] | None], truth: float) -> float:
    rng, hits = np.random.default_rng(3), 0
    for _ in range(_DRAWS):
        ends = interval(rng.normal(truth, 1, 8))
        assert ends is not None
        hits += ends[0] <= truth <= ends[1]
    return hits / _DRAWS


def test_student_covers_as_often_as_it_says() -> None:
    """Within 4 standard errors of 0.95."""
    assert coverage(student_interval, 0.7) == pytest.approx(
        0.95, abs=4 * math.sqrt(0.0475 / 400)
    )


def test_the_bootstrap_covers_less_often_with_few_values() -> None:
    rng = np.random.default_rng(4)

    def interval(values: Values) -> tuple[float, float] | None:
        return bootstrap_interval(values, np.mean, rng, resamples=499)

    assert 0.82 < coverage(interval, 0.7) < 0.95


def test_the_bootstrap_follows_its_statistic(rng: np.random.Generator) -> None:
    """Of many values, the interval of the mean is Student's."""
    values = rng.normal(3, 1, 200)
    assert bootstrap_interval(values, np.mean, rng) == pytest.approx(
        student_interval(values), abs=0.03
    )


def test_a_statistic_at_its_bound_has_an_interval(rng: np.random.Generator) -> None:
    """All differences are positive: every resample has a rank-biserial correlation of 1."""
    found = rank_biserial(np.array([0.3, 0.5, 0.1, 0.9]), rng)
    assert found is not None
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_rank_biserial_of_kerby_s_difference_formula(rng: np.random.Generator) -> None:
    """Favourable less unfavourable ranks: (W⁺ − W⁻) / (n (n + 1) / 2), W⁺ from scipy."""
    differences = rng.normal(0.4, 1, 12)
    favourable: Any = stats.wilcoxon(differences, alternative="greater")
    found = rank_biserial(differences, rng)
    assert found is not None
    assert found.value == pytest.approx((2 * favourable.statistic - 78) / 78)


def test_rank_biserial_leaves_zeros_out(rng: np.random.Generator) -> None:
    with_zeros = rank_biserial(np.array([0.0, 2.0, -1.0, 0.0, 3.0]), rng)
    assert with_zeros is not None
    assert with_zeros.value == pytest.approx((2 + 3 - 1) / 6)


def test_the_interval_of_d_z_holds_what_makes_the_seen_unlikely(
    rng: np.random.Generator,
) -> None:
    values = rng.normal(0.8, 1, 9)
    found = cohens_dz(values)
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    t = float(values.mean() / values.std(ddof=1) * 3)
    assert found.value == pytest.approx(t / 3)
    assert stats.nct.sf(t, 8, 3 * found.low) == pytest.approx(0.025, rel=1e-6)
    assert stats.nct.cdf(t, 8, 3 * found.high) == pytest.approx(0.025, rel=1e-6)


def test_d_z_covers_as_often_as_it_says() -> None:
    def interval(values: Values) -> tuple[float, float] | None:
        found = cohens_dz(values)
        return (found.low, found.high) if found and found.low and found.high else None

    assert coverage(interval, 1.5) == pytest.approx(0.95, abs=_FOUR_ERRORS)


def test_d_z_of_a_large_effect_exists() -> None:
    found = cohens_dz(np.array([10.0, 10.1, 9.9, 10.05, 9.97]))
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high


@pytest.mark.parametrize("sign", [1, -1])
def test_d_z_of_differences_that_hardly_vary_continues_that_of_others(
    sign: int, rng: np.random.Generator
) -> None:
    """d_z and both ends grow as the spread shrinks, beyond what scipy can compute, too."""
    drawn = rng.normal(size=8)
    found = [cohens_dz(sign * (1 + 10.0**-place * drawn)) for place in (3, 4, 6)]
    ends = [(each.value, each.low, each.high) for each in found if each]
    shares = [(low / value, high / value) for value, low, high in ends if low and high]
    assert len(shares) == 3
    for each in shares[1:]:
        assert each == pytest.approx(shares[0], rel=2e-3)
