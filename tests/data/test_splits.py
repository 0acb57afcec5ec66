"""Holding out: stratified, by whole groups, seeded."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from gnomon.data import MNIST
from gnomon.data.splits import hold_out, hold_out_test
from gnomon.errors import SettingError
from gnomon.seeds import generator

labels_of_classes = st.lists(st.integers(0, 4), min_size=1, max_size=200).map(np.array)


@given(labels_of_classes, st.floats(0.05, 0.95), st.integers(0, 10))
def test_each_class_loses_its_share_to_within_half_an_example(
    labels: np.ndarray, share: float, seed: int
) -> None:
    kept, held = hold_out(labels, share, generator(seed))
    lost = np.bincount(labels[held], minlength=5)
    assert np.abs(lost - share * np.bincount(labels, minlength=5)).max() <= 0.5 + 1e-9
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(len(labels)))


@given(st.lists(st.integers(0, 12), min_size=1, max_size=200), st.floats(0.05, 0.5))
def test_groups_stay_whole_and_classes_lose_their_share_to_within_a_group(
    groups: list[int], share: float
) -> None:
    numbers = np.array(groups) * 100  # any numbers will do
    labels = np.array(groups) % 3  # each group lies in one class
    kept, held = hold_out(labels, share, generator(0), numbers)
    assert not set(numbers[kept]) & set(numbers[held])
    largest = max(np.bincount(groups))
    for label in set(labels.tolist()):
        lost, of = (labels[held] == label).sum(), (labels == label).sum()
        assert lost <= share * of + largest / 2
        assert (labels[kept] == label).any()  # share ≤ ½ never takes all


def test_equal_groups_lose_the_share_to_within_half_a_group() -> None:
    labels = np.repeat(np.arange(4), 300)
    groups = np.arange(1200) // 30
    _, held = hold_out(labels, 0.25, generator(0), groups)
    assert np.abs(np.bincount(labels[held]) - 75).max() <= 15


def test_groups_that_span_classes_stay_whole() -> None:
    labels = np.tile(np.arange(3), 40)
    groups = np.arange(120) // 6
    kept, held = hold_out(labels, 0.3, generator(0), groups)
    assert not set(groups[kept]) & set(groups[held])
    assert np.bincount(labels[held]).tolist() == [12, 12, 12]


def test_what_is_held_out_depends_on_the_seed_and_not_on_the_order_of_groups_numbers() -> None:
    labels = np.zeros(100, dtype=np.int64)
    first, again, other = (hold_out(labels, 0.2, generator(s))[1].tolist() for s in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_test_split_is_the_same_every_time() -> None:
    labels = np.repeat(np.arange(3), 50)
    state = torch.random.get_rng_state()
    one, other = hold_out_test(labels, 0.2), hold_out_test(labels, 0.2)
    np.testing.assert_array_equal(one[1], other[1])
    assert torch.equal(state, torch.random.get_rng_state())


def test_sixty_thousand_examples_are_divided_in_a_moment() -> None:

    labels = np.random.default_rng(0).integers(0, 10, 60_000)
    start = time.perf_counter()
    hold_out(labels, 0.1, generator(0))
    assert time.perf_counter() - start < 3  # 0.2 on a machine at rest


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_outside_the_unit_interval_is_an_error(share: float) -> None:
    with pytest.raises(SettingError, match="MNIST: validation_share must lie between 0 and 1"):
        MNIST(validation_share=share)
