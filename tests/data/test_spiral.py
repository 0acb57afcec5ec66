"""The double spiral as a data set."""

import math
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from gnomon.data import Dataset, DoubleSpiral, Source, Store
from gnomon.errors import DataError, SettingError

NOWHERE = Store(None, Path("unused"))


def draw(**settings: Any) -> Dataset:  # noqa: ANN401  (of any type, as settings are)
    return DoubleSpiral(**settings)(0, NOWHERE)


def every_input(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    splits = (data.train, data.validation, data.test)
    inputs = torch.cat([split.inputs for split in splits]).numpy().astype(np.float64)
    return inputs, torch.cat([split.labels for split in splits]).numpy()


def test_points_lie_on_their_arms() -> None:
    inputs, labels = every_input(draw(growth=1.5, phi_min=0.5, entanglement=5.0, points=200))
    phi = np.linalg.norm(inputs, axis=1) / 1.5
    sign = np.where(labels == 0, 1.5, -1.5) * phi
    expected = np.stack([sign * np.cos(phi), sign * np.sin(phi)], axis=1)
    np.testing.assert_allclose(
        inputs, expected, atol=1e-5
    )  # float32 angles of up to 5.5 radians
    assert phi.min() == pytest.approx(0.5, rel=1e-6)
    assert phi.max() == pytest.approx(5.5, rel=1e-6)


def test_the_default_reports_the_geometry_of_the_curves() -> None:
    facts = draw().facts
    assert facts["growth"] == 2.0
    assert facts["distance_l2"] == pytest.approx(4.0, rel=1e-9)
    assert facts["distance_linf"] == pytest.approx(3.366, abs=5e-4)
    assert facts["misclassification_proof_radius_linf"] == pytest.approx(1.683, abs=5e-4)
    assert facts["codimension"] == 1
    assert facts["entanglement"] == 8.0
    assert facts["turns"] == pytest.approx(8 / (2 * math.pi))
    assert facts["separating_segments"] == 7


def test_noise_does_not_change_what_is_reported() -> None:
    assert draw(noise=0.7).facts == draw().facts


@pytest.mark.parametrize("distance", [0.5, 4.0, 11.0])
def test_a_wanted_distance_is_the_distance_reported(distance: float) -> None:
    facts = draw(distance=distance, phi_min=2.0, points=50).facts
    assert facts["distance_l2"] == pytest.approx(distance, rel=1e-9)
    assert facts["growth"] != pytest.approx(distance, rel=0.1)


def test_turns_are_another_unit_of_entanglement() -> None:
    one, other = draw(turns=1.25), draw(entanglement=2.5 * math.pi)
    assert one.fingerprint == other.fingerprint
    assert one.facts["turns"] == pytest.approx(1.25)


@hypothesis.settings(max_examples=20)
@given(st.integers(3, 40), st.integers(0, 5))
def test_the_embedding_is_an_isometry(dimension: int, seed: int) -> None:
    q = DoubleSpiral(dimension=dimension).embedding(seed)
    np.testing.assert_allclose(q.T @ q, np.eye(2), atol=1e-14)


def test_an_embedding_keeps_l2_distances_and_raises_the_codimension() -> None:
    plane, space = draw(points=50), draw(points=50, dimension=7)
    flat, lifted = (
        torch.cdist(data.train.inputs, data.train.inputs) for data in (plane, space)
    )
    torch.testing.assert_close(flat, lifted, atol=2e-2, rtol=0)  # cdist squares in float32
    assert space.facts["codimension"] == 6
    assert space.facts["distance_l2"] == plane.facts["distance_l2"]
    assert space.facts["distance_linf"] < plane.facts["distance_linf"]  # pyright: ignore[reportOperatorIssue]


def test_the_embedding_depends_on_the_seed() -> None:
    source = DoubleSpiral(dimension=3)
    assert not np.allclose(source.embedding(0), source.embedding(1))


def test_noise_off_the_manifold_leaves_the_plane_of_the_spiral_alone() -> None:
    clean = draw(dimension=20, points=400)
    noisy = draw(dimension=20, points=400, off_manifold_noise=0.3)
    q = DoubleSpiral(dimension=20).embedding(0)
    shift = (noisy.train.inputs - clean.train.inputs).double().numpy()
    np.testing.assert_allclose(shift @ q, 0, atol=1e-5)  # float32 at a radius of 18
    # 18 free directions per point, 544 points: five standard errors of a standard deviation.
    within = 5 * 0.3 / math.sqrt(2 * shift.shape[0] * 18)
    assert math.sqrt((shift**2).sum() / (shift.shape[0] * 18)) == pytest.approx(0.3, abs=within)


def test_uniform_noise_stays_in_its_box_and_fills_it() -> None:
    shift = (draw(noise=0.5).train.inputs - draw().train.inputs).abs()
    assert shift.max() <= 0.5 + 1e-5  # float32 at a radius of 18
    assert shift.max() > 0.49  # 2720 coordinates: probability of none above, 1e-24


def test_gaussian_noise_has_its_standard_deviation() -> None:
    shift = draw(noise=0.5, noise_kind="gaussian").train.inputs - draw().train.inputs
    within = 5 * 0.5 / math.sqrt(2 * shift.numel())  # five standard errors
    assert shift.std() == pytest.approx(0.5, abs=within)


@pytest.mark.parametrize(
    ("noise_on", "noisy"),
    [
        ("both", (True, True, True)),
        ("train", (True, True, False)),
        ("test", (False, False, True)),
    ],
)
def test_noise_goes_where_it_is_told(noise_on: str, noisy: tuple[bool, bool, bool]) -> None:
    clean, moved = draw(), draw(noise=0.3, noise_on=noise_on)
    for name, expected in zip(("train", "validation", "test"), noisy, strict=True):
        same = torch.equal(getattr(clean, name).inputs, getattr(moved, name).inputs)
        assert same is not expected


def test_arc_length_sampling_spreads_the_points_evenly() -> None:
    inputs, labels = every_input(draw(points=500, sampling="arc_length"))
    arm = inputs[labels == 0]
    arm = arm[np.argsort(np.linalg.norm(arm, axis=1))]
    steps = np.linalg.norm(np.diff(arm, axis=0), axis=1)
    assert np.ptp(steps) < 0.01 * steps.mean()  # chords against arcs, at the sharp inner end


def test_more_arms_are_turned_copies_and_classes_of_their_own() -> None:
    data = draw(arms=3, points=100)
    inputs, labels = every_input(data)
    assert data.class_names == ("S1", "S2", "S3")
    phi = np.linalg.norm(inputs, axis=1) / 2
    turned = np.arctan2(inputs[:, 1], inputs[:, 0]) - phi - labels * 2 * math.pi / 3
    np.testing.assert_allclose(np.cos(turned), 1, atol=1e-6)


def test_the_splits_are_disjoint_and_have_their_shares() -> None:
    data = draw(points=1000, test_share=0.2, validation_share=0.15)
    assert [len(s) for s in (data.train, data.validation, data.test)] == [1360, 240, 400]
    inputs, _ = every_input(data)
    assert len(np.unique(inputs, axis=0)) == 2000
    for split in (data.train, data.validation, data.test):
        assert split.labels.bincount().tolist() == [len(split) // 2] * 2


def test_the_same_seed_gives_the_same_data_and_another_seed_others() -> None:
    noisy = DoubleSpiral(noise=0.1, dimension=4)
    assert noisy(3, NOWHERE).fingerprint == noisy(3, NOWHERE).fingerprint
    assert noisy(3, NOWHERE).fingerprint != noisy(4, NOWHERE).fingerprint


def test_the_plane_is_unbounded_and_the_customary_sets_are_half_the_proof_radii() -> None:
    data = draw()
    assert data.domain is None
    linf, l2 = data.customary
    assert (linf.norm, l2.norm) == ("Linf", "L2")
    assert linf.radius == data.facts["misclassification_proof_radius_linf"] / 2  # pyright: ignore[reportOperatorIssue]
    assert l2.radius == data.facts["misclassification_proof_radius_l2"] / 2  # pyright: ignore[reportOperatorIssue]


def test_a_spiral_is_a_source() -> None:
    assert isinstance(DoubleSpiral(), Source)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"phi_min": -1.0}, "phi_min must be > 0, got -1.0"),
        ({"phi_min": 0.0}, "phi_min must be > 0"),
        ({"growth": 0.0}, "growth must be > 0"),
        ({"distance": -2.0}, "distance must be > 0"),
        ({"entanglement": math.inf}, "entanglement must be > 0"),
        ({"turns": math.nan}, "turns must be > 0"),
        ({"growth": 1.0, "distance": 1.0}, "give growth or distance, got both"),
        ({"entanglement": 1.0, "turns": 1.0}, "give entanglement or turns, got both"),
        ({"points": 3}, "points must be ≥ 10"),
        ({"dimension": 1}, "dimension must be ≥ 2"),
        ({"arms": 1}, "arms must be ≥ 2"),
        ({"noise": -0.1}, "noise must be ≥ 0"),
        ({"off_manifold_noise": 0.1}, "off_manifold_noise needs a dimension above 2"),
        ({"test_share": 1.0}, "test_share must lie between 0 and 1"),
        ({"validation_share": 0.0}, "validation_share must lie between 0 and 1"),
        ({"validation_share": 0.6, "test_share": 0.5}, "must sum to less than 1"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        DoubleSpiral(**wrong)


def test_shares_that_leave_a_split_empty_are_an_error() -> None:
    with pytest.raises(DataError, match="validation: expected examples, got none"):
        draw(points=10, validation_share=0.01)
