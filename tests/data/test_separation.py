"""The polylines that separate the arms: they do, and with as few segments as can be."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from gnomon.data.separation import separate
from gnomon.data.spiral_geometry import Spiral
from reference.separation import crossings, fewest_segments


def inner_end(spiral: Spiral, arm: int) -> np.ndarray:
    return spiral.points(np.array([spiral.phi_min]), arm)


def ahead_of(
    start: np.ndarray, end: np.ndarray, spiral: Spiral, arm: int
) -> tuple[np.ndarray, np.ndarray]:
    """The angles by which points of a segment are ahead of an arm, and whether it is there.

    A point at radius bφ and polar angle α is ahead by φ − (α − 2πk/m), modulo 2π.
    """
    share = np.linspace(0, 1, 4001)[:, None]
    points = (1 - share) * start + share * end
    phi = np.linalg.norm(points, axis=1) / spiral.growth
    ahead = phi - np.arctan2(points[:, 1], points[:, 0]) + spiral.turn * arm
    ahead = (ahead + math.pi) % (2 * math.pi) - math.pi
    return ahead, (phi >= spiral.phi_min) & (phi <= spiral.phi_max)


def clearance(start: np.ndarray, end: np.ndarray, spiral: Spiral, arm: int) -> float:
    ahead, there = ahead_of(start, end, spiral, arm)
    return float(np.abs(ahead[there]).min(initial=math.inf))


def meets(start: np.ndarray, end: np.ndarray, spiral: Spiral, arm: int) -> bool:
    """Whether a segment passes from one side of an arm to the other."""
    ahead, there = ahead_of(start, end, spiral, arm)
    there &= np.abs(ahead) < 1  # else the sign changes half a turn away from the arm
    return bool((there[:-1] & there[1:] & (ahead[:-1] * ahead[1:] <= 0)).any())


@settings(max_examples=15)
@given(st.floats(0.02, 10), st.floats(0.1, 25), st.integers(2, 5))
def test_no_segment_meets_an_arm(phi_min: float, length: float, arms: int) -> None:
    spiral = Spiral(1.3, phi_min, phi_min + length, arms)
    for polyline in separate(spiral).polylines:
        for start, end in itertools.pairwise(polyline):
            assert not any(meets(start, end, spiral, arm) for arm in range(arms))


@pytest.mark.parametrize("arms", [2, 3])
@pytest.mark.parametrize("length", [4.0, 8.0, 20.0])
def test_every_segment_keeps_the_slack_from_every_arm(length: float, arms: int) -> None:
    """It is the angle by which points are ahead; links end on the walls moved by it."""
    spiral = Spiral(1.3, 0.8, 0.8 + length, arms)
    separation = separate(spiral)
    nearest = min(
        clearance(start, end, spiral, arm)
        for polyline in separation.polylines
        for start, end in itertools.pairwise(polyline)
        for arm in range(arms)
    )
    # Reached where a link ends; 1e-9 is far above the rounding of angles of up to 21 radians.
    assert nearest == pytest.approx(separation.slack, abs=1e-9)


def test_a_segment_across_an_arm_is_seen_to_meet_it() -> None:
    spiral = Spiral(1.0, 1.0, 9.0)
    outside = np.array([20.0, 3.0])
    assert all(meets(np.zeros(2), outside, spiral, arm) for arm in (0, 1))


@settings(max_examples=15)
@given(st.floats(0.02, 10), st.floats(0.1, 25))
def test_the_arms_lie_on_different_sides(phi_min: float, length: float) -> None:
    """From one inner end to the other, the polyline is crossed an odd number of times."""
    spiral = Spiral(1.0, phi_min, phi_min + length)
    (polyline,) = separate(spiral).polylines
    start, end = inner_end(spiral, 0), inner_end(spiral, 1)
    assert crossings(start, end, polyline).sum() % 2 == 1


@pytest.mark.parametrize("arms", [3, 4, 5])
def test_neighbouring_arms_lie_on_different_sides_of_a_star(arms: int) -> None:
    spiral = Spiral(1.0, 1.0, 9.0, arms)
    polylines = separate(spiral).polylines
    for arm in range(arms):
        start, end = inner_end(spiral, arm), inner_end(spiral, arm + 1)
        assert sum(crossings(start, end, line).sum() for line in polylines) == 1


def test_the_ends_stand_for_rays_that_leave_the_spiral() -> None:
    spiral = Spiral(2.0, 1.0, 9.0)
    (polyline,) = separate(spiral).polylines
    for inner, outer in ((polyline[1], polyline[0]), (polyline[-2], polyline[-1])):
        assert np.linalg.norm(outer) > spiral.radius
        assert (outer - inner) @ outer > 0  # from there on, ever further away


@pytest.mark.parametrize("phi_min", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("length", [2.0, 4.0, 5.7])
def test_a_search_over_random_vertices_finds_the_same_number(
    phi_min: float, length: float
) -> None:
    spiral = Spiral(1.0, phi_min, phi_min + length)
    found = fewest_segments(spiral, 200, np.random.default_rng(0))
    assert separate(spiral).segments == found


@pytest.mark.parametrize(
    ("phi_min", "length", "room"),
    [(1.0, 8.0, 0), (0.3, 10.0, 0), (1.0, 10.0, 2), (3.0, 8.0, 2), (3.0, 10.0, 2)],
)
def test_a_search_in_longer_spirals_finds_no_fewer(
    phi_min: float, length: float, room: int
) -> None:
    """Where links fit narrowly, few random vertices lie right: `room` more are allowed."""
    spiral = Spiral(1.0, phi_min, phi_min + length)
    found = fewest_segments(spiral, 400, np.random.default_rng(0))
    assert separate(spiral).segments <= found <= separate(spiral).segments + room


def test_one_line_separates_arms_of_less_than_half_a_turn_and_no_longer_ones() -> None:
    below, above = Spiral(1.0, 2.0, 1.999 + math.pi), Spiral(1.0, 2.0, 2.001 + math.pi)
    assert separate(below).segments == 1
    assert separate(above).segments == 3


def test_the_number_does_not_depend_on_the_growth_and_never_falls_with_the_entanglement() -> (
    None
):
    numbers = [
        separate(Spiral(b, 1.0, 1.0 + e)).segments
        for e in (2, 5, 8, 12, 20)
        for b in (1.0, 7.0)
    ]
    assert numbers == sorted(numbers)
    assert numbers[::2] == numbers[1::2]


def test_opposite_innermost_segments_of_an_even_star_count_once() -> None:
    straight = Spiral(1.0, 1.0, 1.1, 4)
    assert separate(straight).segments == 2  # two crossing lines
    assert separate(Spiral(1.0, 1.0, 1.1, 3)).segments == 3
