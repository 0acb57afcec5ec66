"""Representations, probes, extents and movement, against what is known of them."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor, nn

from gnomon.representation import (
    class_spreads,
    distance_from_centre,
    distance_moved,
    linear_separability,
    rank_correlation,
    represent,
    spread_of,
    spread_ratio,
)
from gnomon.seeds import generator


def _normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 30), nn.Tanh(), nn.Linear(30, 3)).eval()


def test_row_i_is_the_same_example_in_every_stage_whatever_the_batch() -> None:
    network, x = _network(), _normal(50, 4)
    found = represent(network, x, generator=generator(0), batch=7)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    shuffled = represent(network, x[order], generator=generator(0), batch=50)
    assert [each.stage for each in found] == ["input", "hidden1", "output"]
    for here, there in zip(found, shuffled, strict=True):
        # Rounding of a product whose rows are taken in other groups.
        assert torch.allclose(here.points[order], there.points, atol=1e-5)
    assert torch.equal(found[0].points, x)


def test_a_wide_stage_is_sketched_alike_each_time_and_keeps_distances() -> None:
    network, x = nn.Sequential(nn.Linear(20, 5000), nn.Linear(5000, 2)).eval(), _normal(40, 20)
    _, wide, _ = represent(network, x, generator=generator(3), batch=16)
    _, again, _ = represent(network, x, generator=generator(3), batch=40)
    assert (wide.width, wide.points.shape[1], wide.sketched) == (5000, 1024, True)
    assert torch.allclose(wide.points, again.points, atol=1e-4)
    with torch.no_grad():
        exact = torch.pdist(network[0](x)) ** 2
    ratio = torch.pdist(wide.points) ** 2 / exact
    # Standard deviation √(2/1024) each; the mean of strongly dependent pairs within that.
    assert abs(float(ratio.mean()) - 1) < 3 * math.sqrt(2 / 1024)
    assert float(ratio.std()) < 3 * math.sqrt(2 / 1024)


def test_separable_points_are_separated_and_a_circle_in_a_ring_is_not() -> None:
    angle = 2 * math.pi * torch.rand(400, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(400) % 2
    circle = torch.stack([angle.cos(), angle.sin()], dim=1) * (1 + 2 * labels[:, None])
    lifted = torch.cat([circle, (circle**2).sum(dim=1, keepdim=True)], dim=1)
    flat = linear_separability(circle[200:], labels[200:], circle[:200], labels[:200])
    high = linear_separability(lifted[200:], labels[200:], lifted[:200], labels[:200])
    assert flat is not None
    assert high is not None
    assert flat.accuracy < 0.65
    assert (high.accuracy, high.converged, high.examples) == (1.0, True, 200)


def test_the_probe_is_tried_on_other_points_than_it_was_fitted_on() -> None:
    points, labels = _normal(60, 100), torch.arange(60) % 2
    other = _normal(2000, 100, seed=1)
    found = linear_separability(other, torch.arange(2000) % 2, points, labels)
    assert found is not None
    assert 0.45 < found.accuracy < 0.55  # there is nothing to learn; on its own it reaches 1


def test_no_probe_without_two_classes_or_without_finite_numbers() -> None:
    points, labels = _normal(20, 3), torch.arange(20) % 2
    assert linear_separability(points, labels, points, torch.zeros_like(labels)) is None
    broken = points.clone()
    broken[3, 1] = torch.nan
    assert linear_separability(broken, labels, points, labels) is None
    assert linear_separability(points, labels, broken, labels) is None


def test_a_constant_coordinate_does_no_harm_to_the_probe() -> None:
    labels = torch.arange(40) % 2
    points = torch.stack([labels.float(), torch.full((40,), 7.0)], dim=1)
    found = linear_separability(points, labels, points, labels)
    assert found is not None
    assert found.accuracy == 1


@pytest.mark.parametrize("width", [3, 200])
def test_rank_and_spread_of_chosen_singular_values(width: int) -> None:
    left = torch.linalg.qr(_normal(50, 3).double() - _normal(50, 3).double().mean(dim=0)).Q
    left = torch.linalg.qr(left - left.mean(dim=0)).Q  # centred columns
    right = torch.linalg.qr(_normal(width, 3, seed=2).double()).Q
    values = torch.tensor([4.0, 2.0, 2.0], dtype=torch.float64)
    found = spread_of(left @ values.diag() @ right.T + 5)
    share = np.array([0.5, 0.25, 0.25])
    assert math.isclose(found.effective_rank, math.exp(-(share * np.log(share)).sum()))
    assert math.isclose(found.spread, math.sqrt((16 + 4 + 4) / 50))
    assert found.examples == 50


def test_a_line_has_rank_one_and_a_point_none_even_far_from_zero() -> None:
    line = torch.linspace(0, 1, 30)[:, None] * torch.tensor([1.0, -2.0, 3.0]) + 1000
    assert math.isclose(spread_of(line).effective_rank, 1, abs_tol=1e-6)
    point = torch.full((30, 3), 1000.1)
    assert (spread_of(point).spread, spread_of(point).effective_rank) == (0.0, 0.0)


def test_a_collapsed_class_has_ratio_zero_and_equal_ones_have_one() -> None:
    labels = torch.tensor([0] * 20 + [1] * 20)
    cloud = _normal(20, 4)
    alike = class_spreads(torch.cat([cloud, cloud + 9]), labels, 2)
    assert math.isclose(spread_ratio(alike) or 0, 1, rel_tol=1e-5)
    collapsed = class_spreads(torch.cat([cloud, torch.ones(20, 4)]), labels, 2)
    assert spread_ratio(collapsed) == 0
    half = class_spreads(torch.cat([cloud, cloud / 2]), labels, 2)
    assert math.isclose(spread_ratio(half) or 0, 0.5, rel_tol=1e-6)


def test_no_ratio_where_a_class_is_missing_or_all_are_points() -> None:
    labels = torch.tensor([0] * 20 + [1])
    assert class_spreads(_normal(21, 2), labels, 3)[1:] == (None, None)
    assert spread_ratio(class_spreads(_normal(21, 2), labels, 3)) is None
    constant = class_spreads(torch.ones(20, 2), torch.arange(20) % 2, 2)
    assert spread_ratio(constant) is None


def test_distances_are_measured_example_by_example() -> None:
    before, shift = _normal(9, 2), _normal(9, 2, seed=1)
    moved = distance_moved(before, before + shift)
    assert moved is not None
    assert torch.allclose(moved, shift.double().norm(dim=1), atol=1e-6)
    assert distance_moved(before, _normal(9, 3)) is None
    square = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    assert distance_from_centre(square).tolist() == pytest.approx([math.sqrt(2)] * 4)


@given(st.lists(st.integers(0, 6), min_size=4, max_size=30), st.integers(0, 99))
def test_the_rank_correlation_is_that_of_the_definition(values: list[int], seed: int) -> None:
    x = torch.tensor(values, dtype=torch.float64)
    y = (
        torch.rand(len(values), generator=torch.Generator().manual_seed(seed))
        .double()
        .round(decimals=1)
    )
    found = rank_correlation(x, y)
    if len(set(values)) == 1 or len(set(y.tolist())) == 1:
        assert found is None
        return
    assert found is not None
    ranks = [[(v > w).double().sum() + (v == w).double().sum() / 2 for v in w] for w in (x, y)]
    first, second = (torch.stack(each) for each in ranks)
    expected = float(torch.corrcoef(torch.stack([first, second]))[0, 1])
    assert math.isclose(found.value, expected, abs_tol=1e-9)
    assert found.error[0] <= found.value <= found.error[1]


def test_the_interval_of_independent_ranks_covers_zero_as_often_as_it_says() -> None:
    source = torch.Generator().manual_seed(0)
    hits = 0
    for _ in range(400):
        x, y = torch.rand(2, 60, generator=source)
        found = rank_correlation(x, y)
        assert found is not None
        hits += found.error[0] <= 0 <= found.error[1]
    # 95 %, four standard errors of 400 draws.
    assert abs(hits / 400 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 400)


def test_no_correlation_of_few_examples_or_numbers_that_are_not_finite() -> None:
    x = torch.arange(5.0)
    assert rank_correlation(x[:3], x[:3]) is None
    y = x.clone()
    y[0] = torch.inf
    assert rank_correlation(x, y) is None
    found = rank_correlation(x, -x)
    assert found is not None
    assert math.isclose(found.value, -1)
