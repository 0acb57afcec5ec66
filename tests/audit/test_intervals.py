"""The Clopper–Pearson interval against sums of the binomial distribution."""

import math

import pytest

from gnomon.audit import clopper_pearson


def tail(probability: float, trials: int, counts: range) -> float:
    return sum(
        math.comb(trials, k) * probability**k * (1 - probability) ** (trials - k)
        for k in counts
    )


@pytest.mark.parametrize(("successes", "trials"), [(1, 10), (5, 10), (9, 10), (37, 50), (1, 1)])
def test_each_end_leaves_the_count_a_chance_of_a_fortieth(successes: int, trials: int) -> None:
    low, high = clopper_pearson(successes, trials)
    # 1e-9: the ends are found to about 1e-12, and the tails have slopes below a hundred.
    at_low = tail(low, trials, range(successes, trials + 1))
    assert at_low == pytest.approx(0.025, abs=1e-9)
    if successes < trials:
        at_high = tail(high, trials, range(successes + 1))
        assert at_high == pytest.approx(0.025, abs=1e-9)


def test_the_edges_are_as_stated() -> None:
    assert clopper_pearson(0, 10)[0] == 0
    assert clopper_pearson(10, 10)[1] == 1
    assert clopper_pearson(0, 0) == (0, 1)


def test_a_fraction_lies_between_its_neighbours() -> None:
    lows, highs = zip(*(clopper_pearson(count, 10) for count in (6, 6.5, 7)), strict=True)
    assert list(lows) == sorted(set(lows))
    assert list(highs) == sorted(set(highs))
