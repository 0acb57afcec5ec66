"""The smallest distance between the arms, against dense samples and known values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from gnomon.data import arm_distance
from gnomon.data.arm_distance import smallest_distance
from gnomon.data.plane_norms import Euclidean, Polyhedral, between_segments, corners
from gnomon.data.spiral_geometry import Spiral
from reference.arm_distance import largest_error, sampled_distance

PLANE = np.eye(2)
spirals = st.builds(
    lambda growth, phi_min, length, arms: Spiral(growth, phi_min, phi_min + length, arms),
    st.floats(0.1, 5),
    st.floats(0.05, 6),
    st.floats(0.5, 15),
    st.integers(2, 4),
)


def test_the_growth_is_not_the_distance_between_the_arms() -> None:
    """The source work took b = 2 for the distance of the spirals; they are 4.0 apart."""
    spiral = Spiral(2.0, 1.0, 9.0)
    assert smallest_distance(spiral) == pytest.approx(4.0, rel=1e-10)  # the method's precision
    assert smallest_distance(spiral, PLANE) == pytest.approx(3.366, abs=5e-4)  # as published


def test_the_inner_ends_are_the_nearest_points_of_a_short_wide_spiral() -> None:
    """Both are at the radius b φ_min, in opposite directions."""
    spiral = Spiral(2.0, 1.0, 9.0)
    assert smallest_distance(spiral, PLANE) == pytest.approx(4 * math.sin(1), rel=1e-10)


@pytest.mark.parametrize(("length", "expected"), [(10.0, 5.98), (2.0, 7.31)])
def test_known_distances_for_phi_min_2(length: float, expected: float) -> None:
    assert smallest_distance(Spiral(2.0, 2.0, 2.0 + length)) == pytest.approx(
        expected, abs=5e-3
    )


@settings(max_examples=15)
@given(spirals)
def test_no_sample_is_nearer_and_a_dense_one_is_as_near(spiral: Spiral) -> None:
    slack = largest_error(spiral, 400)
    for order, functionals in ((2.0, None), (np.inf, PLANE)):
        exact = smallest_distance(spiral, functionals)
        sampled = sampled_distance(spiral, order, samples=400)
        # The answer may exceed the smallest distance by a relative 1e-10.
        assert exact * (1 - 1e-9) <= sampled <= exact + slack


def test_the_precision_is_that_of_a_local_minimisation() -> None:
    """In the interior of both arms: refine the sampled minimum until it moves no more."""
    spiral = Spiral(2.0, 2.0, 12.0)
    centre, width, nearest = np.array([2.0, 5.0]), 4.0, math.inf
    for _ in range(60):
        phi, psi = (np.linspace(max(2.0, c - width), min(12.0, c + width), 41) for c in centre)
        apart = np.linalg.norm(
            spiral.points(phi)[:, None] - spiral.points(psi, 1)[None], axis=-1
        )
        i, j = np.unravel_index(int(apart.argmin()), apart.shape)
        centre, width = np.array([phi[i], psi[j]]), width / 2
        nearest = min(nearest, float(apart.min()))
    assert smallest_distance(spiral) == pytest.approx(nearest, rel=1e-9)


@pytest.mark.parametrize("piece", [0.9, 3.0, 100.0])
def test_the_size_of_the_first_pieces_does_not_matter(
    piece: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With pieces of whole turns, the bound holds by the sagitta alone."""
    several = [Spiral(1.0, 2.0, end, arms) for end in (4.0, 9.0) for arms in (2, 3)]
    fine = [smallest_distance(spiral, norm) for spiral in several for norm in (None, PLANE)]
    monkeypatch.setattr(arm_distance, "_PIECE", piece)
    coarse = [smallest_distance(spiral, norm) for spiral in several for norm in (None, PLANE)]
    np.testing.assert_allclose(coarse, fine, rtol=1e-9)


@pytest.mark.parametrize("width", [0.01, 0.25, 3.0])
def test_no_point_of_a_piece_is_further_from_its_chord_than_stated(width: float) -> None:
    spiral = Spiral(1.7, 0.3, 30.0)
    share = np.linspace(0, 1, 501)
    for start in (0.3, 4.0, 25.0):
        ends = spiral.points(np.array([start, start + width]))
        chord = (1 - share)[:, None] * ends[0] + share[:, None] * ends[1]
        piece = spiral.points(start + share * width)
        furthest = np.linalg.norm(piece - chord, axis=1).max()
        stated = arm_distance.sagitta(spiral, np.array([start + width]), width)[0]
        assert furthest <= stated
        if width < 0.1:  # and short pieces come near it
            assert stated <= 1.05 * furthest


def test_the_distance_between_segments_is_that_of_their_points() -> None:
    rng = np.random.default_rng(0)
    ends = rng.normal(size=(4, 200, 2))
    ends[2:, ::2] += 2  # every other pair is well apart
    share = np.linspace(0, 1, 101)[:, None, None]
    one, other = ((1 - share) * ends[k] + share * ends[k + 1] for k in (0, 2))
    for norm in (Euclidean(), Polyhedral(PLANE), Polyhedral(rng.normal(size=(9, 2)))):
        exact = between_segments(norm, (ends[0], ends[1]), (ends[2], ends[3]))
        for pair in range(200):
            apart = (one[:, None, pair] - other[None, :, pair]).reshape(-1, 2)
            sampled = norm(apart).min()
            lengths = np.linalg.norm(ends[1] - ends[0], axis=1) + np.linalg.norm(
                ends[3] - ends[2], axis=1
            )
            assert exact[pair] <= sampled + 1e-12
            assert sampled <= exact[pair] + norm.stretch * lengths[pair] / 200  # half a step


@pytest.mark.parametrize("dimension", [3, 10, 60])
def test_linf_distances_hold_in_the_space_the_plane_is_embedded_in(dimension: int) -> None:
    gaussian = np.random.default_rng(dimension).normal(size=(dimension, 2))
    embedding = np.linalg.qr(gaussian)[0]
    spiral = Spiral(2.0, 1.0, 9.0)
    exact = smallest_distance(spiral, embedding)
    sampled = sampled_distance(spiral, np.inf, embedding, samples=400)
    assert exact * (1 - 1e-9) <= sampled <= exact + largest_error(spiral, 400)


def test_distances_are_proportional_to_the_growth() -> None:
    one, three = Spiral(1.0, 0.4, 20.0), Spiral(3.0, 0.4, 20.0)
    assert smallest_distance(three) == pytest.approx(3 * smallest_distance(one), rel=1e-9)


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_the_corners_of_the_dual_ball_give_the_same_norm(count: int) -> None:
    rng = np.random.default_rng(count)
    functionals = np.concatenate([PLANE, rng.normal(size=(count, 2))])
    vectors = rng.normal(size=(500, 2))
    every = np.abs(vectors @ functionals.T).max(axis=1)
    assert len(corners(functionals)) <= len(functionals)
    np.testing.assert_allclose(Polyhedral(functionals)(vectors), every, rtol=1e-14)


def test_the_norm_lies_between_its_stated_multiples_of_the_euclidean_norm() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(2000, 2))
    norm = Polyhedral(rng.normal(size=(20, 2)))
    ratio = norm(vectors) / np.linalg.norm(vectors, axis=1)
    assert norm.shrink <= ratio.min()
    assert ratio.max() <= norm.stretch
    assert ratio.max() >= norm.stretch * (
        1 - 1e-5
    )  # 2000 directions: some are nearly a corner's


@given(st.floats(0.01, 5), st.floats(0.1, 60), st.integers(2, 50))
def test_equal_arc_length_means_equal_steps_along_the_arm(
    phi_min: float, length: float, count: int
) -> None:
    spiral = Spiral(1.3, phi_min, phi_min + length)
    phi = spiral.angles_of_equal_arc_length(count)
    assert phi[0] == pytest.approx(phi_min, rel=1e-12)
    assert phi[-1] == spiral.phi_max
    # Chords of a fine subdivision add up to the length of each step.
    fine = np.linspace(phi[:-1], phi[1:], 400)
    steps = np.hypot(*np.diff(_along(spiral, fine), axis=1)).sum(axis=0)
    assert np.ptp(steps) <= 1e-3 * steps.mean()  # chords fall short by up to (step/400)²/24


def _along(spiral: Spiral, phi: np.ndarray) -> np.ndarray:
    return spiral.growth * np.stack([phi * np.cos(phi), phi * np.sin(phi)])
