"""What every perturbation set promises."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, strategies as st

from gnomon.errors import SettingError, ShapeError
from gnomon.seeds import generator
from gnomon.sets import L2, InputSet, Linf, PerturbationSet
from gnomon.sets.balls import L1, Box
from reference.projection import nearest_in_cut_ball, support_of_cut_l1_ball

PER_CHANNEL = torch.tensor([0.05, 0.3]).reshape(2, 1, 1)

SETS: list[InputSet] = [
    Linf(0.1, (0.0, 1.0)),
    Linf(8 / 255),
    L2(0.5, (0.0, 1.0)),
    L2(3.0, (0.0, 1.0)),  # larger than many corners of the cut: steepest members are vertices
    L2(0.25),
    L1(0.8, (0.0, 1.0)),
    L1(6.0, (0.0, 1.0)),  # larger than many corners of the cut
    L1(0.5),
    Box(-0.1, PER_CHANNEL, (0.0, 1.0)),
    Box(-2 * PER_CHANNEL, PER_CHANNEL, radius=0.7),
    Linf(0.0, (0.0, 1.0)),
    L2(0.0),
    L1(0.0, (0.0, 1.0)),
]
KINDS = [Linf, L2, L1]
Kind = type[Linf] | type[L2] | type[L1]


def _inputs(seed: int = 0) -> torch.Tensor:
    """Points of [0, 1]^(2·3·3), some coordinates exactly on the domain's border."""
    inputs = torch.rand(16, 2, 3, 3, generator=generator(seed, "inputs"))
    return (1.4 * inputs - 0.2).clamp(0, 1)


def _directions(seed: int = 0) -> torch.Tensor:
    return torch.randn(16, 2, 3, 3, generator=generator(seed, "directions"))


@pytest.fixture(params=SETS, ids=str)
def allowed(request: pytest.FixtureRequest) -> InputSet:
    return request.param


@pytest.fixture
def region(allowed: InputSet) -> PerturbationSet:
    return allowed.around(_inputs())


def _rounding(allowed: InputSet) -> float:
    """A few float32 roundings of numbers of the set's size."""
    return 8 * torch.finfo(torch.float32).eps * max(allowed.radius, 1.0)


def _is_member(allowed: InputSet, inputs: torch.Tensor, perturbation: torch.Tensor) -> bool:
    """Membership with a tolerance for the float32 the perturbation was computed in."""
    slack = _rounding(allowed)
    low, high = allowed.domain or (-math.inf, math.inf)
    moved = inputs.double() + perturbation.double()
    short = bool((allowed.distance(perturbation) <= allowed.radius + slack).all())
    return short and bool(((moved >= low - slack) & (moved <= high + slack)).all())


def test_projection_is_a_member(allowed: InputSet, region: PerturbationSet) -> None:
    assert _is_member(allowed, _inputs(), region.project(_directions()))


def test_projection_is_idempotent(allowed: InputSet, region: PerturbationSet) -> None:
    once = region.project(_directions())
    torch.testing.assert_close(region.project(once), once, rtol=0, atol=_rounding(allowed))


def test_projection_keeps_members(allowed: InputSet, region: PerturbationSet) -> None:
    member = region.sample(generator(1)) * 0.5
    torch.testing.assert_close(region.project(member), member, rtol=0, atol=_rounding(allowed))


def test_projection_is_nearest(allowed: InputSet, region: PerturbationSet) -> None:
    """Variational inequality: ⟨v − Πv, z − Πv⟩ ≤ 0 for every member z."""
    outside = _directions()
    nearest = region.project(outside)
    for seed in range(20):
        for member in (region.sample(generator(seed)), region.steepest(_directions(seed + 1))):
            products = ((outside - nearest) * (member - nearest)).flatten(1).sum(dim=1)
            assert float(products.max()) <= 100 * _rounding(allowed)


def test_steepest_is_a_member(allowed: InputSet, region: PerturbationSet) -> None:
    assert _is_member(allowed, _inputs(), region.steepest(_directions()))


def test_support_is_the_value_at_the_steepest_member(region: PerturbationSet) -> None:
    direction = _directions()
    value = (region.steepest(direction) * direction).flatten(1).sum(dim=1)
    torch.testing.assert_close(region.support(direction), value)


def test_no_member_exceeds_the_support(allowed: InputSet, region: PerturbationSet) -> None:
    direction = _directions()
    bound = region.support(direction) + 100 * _rounding(allowed)
    for seed in range(20):
        far = region.project(10 * _directions(seed + 1))
        for member in (region.sample(generator(seed)), far, region.steepest(_directions(seed))):
            assert bool(((member * direction).flatten(1).sum(dim=1) <= bound).all())


def test_samples_are_members(allowed: InputSet, region: PerturbationSet) -> None:
    assert _is_member(allowed, _inputs(), region.sample(generator(3)))


def test_samples_reach_every_side(allowed: InputSet, region: PerturbationSet) -> None:
    if allowed.radius == 0:
        return
    samples = torch.stack([region.sample(generator(seed)) for seed in range(200)])
    assert bool((samples.amax(dim=0) - samples.amin(dim=0) > 0).all())


def test_the_same_generator_gives_the_same_sample(region: PerturbationSet) -> None:
    assert torch.equal(region.sample(generator(5)), region.sample(generator(5)))
    assert torch.equal(region.sample(), region.sample(generator(0)))
    assert not torch.equal(
        Linf(1.0).around(_inputs()).sample(generator(5)),
        Linf(1.0).around(_inputs()).sample(generator(6)),
    )


def test_nothing_is_always_a_member(region: PerturbationSet) -> None:
    assert bool(region.contains(torch.zeros_like(_inputs())).all())


def test_contains_refuses_what_is_too_long_or_leaves_the_domain(allowed: InputSet) -> None:
    inputs = _inputs()
    region = allowed.around(inputs)
    too_long = allowed.steepest(_directions(), allowed.radius * 1.001 + 1e-6)
    assert not bool(region.contains(too_long).any())
    if allowed.domain is not None and allowed.radius > 0:
        corner = torch.ones_like(inputs)
        step = torch.full_like(corner, allowed.radius / 100)
        assert not bool(allowed.around(corner).contains(step).any())


def test_perturbed_inputs_are_in_the_set_without_tolerance(allowed: InputSet) -> None:
    """float32's x + δ may lie an ulp outside; what is reported must not."""
    inputs = _inputs()
    region = allowed.around(inputs)
    for seed in range(50):
        for perturbation in (100 * _directions(seed), region.steepest(_directions(seed))):
            moved = region.perturb(perturbation)
            distance = allowed.distance(moved.double() - inputs.double())
            assert float(distance.max()) <= allowed.radius
            if allowed.domain is not None:
                assert float(moved.min()) >= allowed.domain[0]
                assert float(moved.max()) <= allowed.domain[1]


def test_perturbing_loses_only_roundings(allowed: InputSet, region: PerturbationSet) -> None:
    member = region.project(100 * _directions())
    moved = region.perturb(100 * _directions())
    torch.testing.assert_close(
        moved.double(),
        _inputs().double() + member.double(),
        rtol=0,
        atol=2 * _rounding(allowed),
    )


def test_the_free_step_has_its_length_and_direction(allowed: InputSet) -> None:
    step = allowed.steepest(_directions(), 0.7)
    torch.testing.assert_close(
        allowed.distance(step), torch.full((16,), 0.7, dtype=torch.float64), rtol=1e-6, atol=0
    )
    assert bool(((step * _directions()).flatten(1).sum(dim=1) > 0).all())
    nothing = torch.zeros_like(step)
    assert torch.equal(allowed.steepest(nothing, 0.7), nothing)


def test_another_radius_keeps_everything_else(allowed: InputSet) -> None:
    other = allowed.with_radius(0.75)
    assert (other.radius, other.domain, other.norm) == (0.75, allowed.domain, allowed.norm)


@given(
    seed=st.integers(0, 10_000),
    radius=st.floats(0.01, 5.0),
    size=st.integers(1, 12),
)
def test_l2_projection_agrees_with_alternating_projections(
    seed: int, radius: float, size: int
) -> None:
    random = np.random.default_rng(seed)
    centre, point = random.uniform(0, 1, (1, size)), random.normal(size=(1, size))
    ball = L2(radius, (0.0, 1.0)).around(torch.from_numpy(centre))
    slow = nearest_in_cut_ball(point[0], radius, -centre[0], 1 - centre[0])
    # Dykstra's error after 5,000 rounds is below 1e-6 here; ours is rounding.
    np.testing.assert_allclose(
        ball.project(torch.from_numpy(point))[0].numpy(), slow, atol=1e-5
    )


@given(
    seed=st.integers(0, 10_000),
    radius=st.floats(0.0, 5.0),
    size=st.integers(1, 12),
    free=st.booleans(),
)
@example(seed=0, radius=0.0, size=3, free=True)
def test_l1_projection_and_steepest_agree_with_a_linear_program(
    seed: int, radius: float, size: int, *, free: bool
) -> None:
    """The member p is nearest to v if and only if ⟨v − p, z⟩ is largest at z = p."""
    random = np.random.default_rng(seed)
    # A coarse grid makes ties, zeros and coordinates on the border of the domain.
    centre = random.integers(0, 5, (1, size)) / 4
    point = random.choice([random.normal(size=(1, size)), random.integers(-2, 3, (1, size))])
    lower, upper = -centre[0], 1 - centre[0]
    if free:
        lower, upper = np.full(size, -100.0), np.full(size, 100.0)
    ball = L1(radius, None if free else (0.0, 1.0)).around(torch.from_numpy(centre))
    vector = torch.from_numpy(point.astype(float))
    nearest = ball.project(vector)[0].numpy()
    assert np.abs(nearest).sum() <= radius + 1e-12
    assert ((nearest >= lower - 1e-12) & (nearest <= upper + 1e-12)).all()
    normal = point[0] - nearest
    # 1e-6 is the tolerance of the linear program.
    largest = support_of_cut_l1_ball(normal, radius, lower, upper)
    assert normal @ nearest == pytest.approx(largest, rel=1e-6, abs=1e-6)
    largest = support_of_cut_l1_ball(point[0], radius, lower, upper)
    assert float(ball.support(vector)) == pytest.approx(largest, rel=1e-6, abs=1e-6)


def test_an_l1_projection_survives_roundings_at_the_ends_of_its_pieces() -> None:
    """Where the radius is the length of the vector itself, or the sum of some rooms."""
    random = generator(0)
    for _ in range(50):
        vector = torch.randn(1, 200, generator=random, dtype=torch.float64)
        length = float(vector.abs().sum())
        nearest = L1(math.nextafter(length, 0)).around(torch.zeros_like(vector)).project(vector)
        torch.testing.assert_close(nearest, vector, rtol=0, atol=1e-12)
        # The rooms of the first nine coordinates are spent before the tenth comes in.
        inputs = torch.rand(1, 10, generator=random, dtype=torch.float64)
        inputs[0, 9] = 0
        wanted = torch.tensor([[9.0] * 9 + [1.0]], dtype=torch.float64)
        radius = math.fsum((1 - inputs[0, :9]).tolist())
        nearest = L1(radius, (0.0, 1.0)).around(inputs).project(wanted)
        assert float(nearest[0, 9]) <= 1e-12
        assert float(nearest.sum()) == pytest.approx(radius, rel=1e-12)


def test_many_small_coordinates_are_perturbed_without_losing_the_radius() -> None:
    """Every rounding of x + δ adds to the sum of sizes; only ulps of δ may be given up."""
    inputs = torch.rand(4, 3072, generator=generator(0))
    directions = torch.randn(4, 3072, generator=generator(1))
    for radius in (10.0, 1e-2):
        moved = L1(radius, (0.0, 1.0)).around(inputs).perturb(directions)
        length = (moved.double() - inputs.double()).abs().sum(dim=1)
        assert bool((length <= radius).all())
        assert bool((length >= 0.999 * radius).all())


@pytest.mark.parametrize("kind", KINDS)
def test_a_radius_of_few_ulps_of_the_input_is_not_given_up(kind: Kind) -> None:
    """Here rounding changes the length of δ by far more than an ulp of δ."""
    inputs = torch.rand(64, 6, generator=generator(0), dtype=torch.float64) + 1
    directions = torch.randn(64, 6, generator=generator(1), dtype=torch.float64)
    for radius in (1e-7, 1e-12):
        moved = kind(radius).around(inputs).perturb(directions)
        length = kind(radius).distance(moved - inputs)
        assert bool((length <= radius).all())
        # 6 roundings of half an ulp of 2, and as much again for each of a few attempts.
        assert bool((length >= radius - 100 * torch.finfo(torch.float64).eps).all())


def test_samples_of_the_l1_ball_are_uniform() -> None:
    """``‖δ‖₁ / r`` has the distribution function tⁿ, and each δ_i the variance of that ball."""
    size, examples, radius = 3, 20_000, 2.0
    samples = L1(radius).around(torch.zeros(examples, size)).sample(generator(0))
    share = (samples.abs().sum(dim=1) / radius).double()
    # Five standard errors of a share of 20,000.
    for end in (0.3, 0.6, 0.9):
        expected = end**size
        error = math.sqrt(expected * (1 - expected) / examples)
        assert float((share <= end).double().mean()) == pytest.approx(expected, abs=5 * error)
    # Var δ_i = 2 r² / ((n + 1)(n + 2)), from E E_i² / (ΣE)² = 2 / ((n + 1)(n + 2)).
    variance = 2 * radius**2 / ((size + 1) * (size + 2))
    torch.testing.assert_close(
        samples.square().mean(dim=0), torch.full((size,), variance), rtol=0.06, atol=0
    )
    assert float(samples.mean().abs()) < 5 * math.sqrt(variance / (3 * examples))


def test_radius_zero_leaves_inputs_alone(allowed: InputSet) -> None:
    region = allowed.with_radius(0.0).around(_inputs())
    assert torch.equal(region.perturb(_directions()), _inputs())
    for nothing in (
        region.project(_directions()),
        region.steepest(_directions()),
        region.sample(generator(0)),
    ):
        assert not bool(nothing.any())


def test_a_larger_set_contains_a_smaller_one(allowed: InputSet) -> None:
    if allowed.radius == 0:
        return
    smaller = allowed.with_radius(0.9 * allowed.radius).around(_inputs())
    larger = allowed.around(_inputs())
    moved = smaller.perturb(_directions())
    # In float64, where the domain is kept exactly by inputs that are kept in it.
    assert bool(larger.contains(moved.double() - _inputs().double()).all())
    bound = larger.support(_directions()) - smaller.support(_directions())
    assert bool((bound >= 0).all())


def test_every_feature_has_its_own_side_in_a_box() -> None:
    box = Box(torch.tensor([-0.1, -0.2, 0.0]), torch.tensor([0.3, 0.0, 0.0]))
    far = torch.tensor([[9.0, 9.0, 9.0], [-9.0, -9.0, -9.0]])
    region = box.around(torch.zeros(2, 3))
    expected = torch.tensor([[0.3, 0.0, 0.0], [-0.1, -0.2, 0.0]])
    assert torch.equal(region.project(far), expected)
    assert torch.equal(region.steepest(far), expected)
    torch.testing.assert_close(region.support(far), torch.tensor([2.7, 2.7]), rtol=1e-6, atol=0)
    assert box.distance(torch.tensor([[0.15, 0.0, 0.0], [0.15, -0.4, 0.0]])).tolist() == (
        pytest.approx([0.5, 2.0], rel=1e-6)
    )
    assert box.distance(torch.tensor([[0.0, 0.0, 1e-9]])).tolist() == [math.inf]


def test_an_asymmetric_box_is_sampled_uniformly() -> None:
    samples = Box(-1.0, 3.0).around(torch.zeros(1, 20_000)).sample(generator(0))
    # Five standard errors of the mean of a uniform variable of width 4.
    assert float(samples.mean()) == pytest.approx(1.0, abs=5 * 4 / math.sqrt(12 * 20_000))
    assert float(samples.min()) < -0.99
    assert float(samples.max()) > 2.99


def test_a_box_with_equal_sides_is_a_ball_of_the_maximum_norm() -> None:
    box, ball = Box(-0.1, 0.1, (0.0, 1.0)), Linf(0.1, (0.0, 1.0))
    assert torch.equal(
        box.around(_inputs()).project(_directions()),
        ball.around(_inputs()).project(_directions()),
    )
    assert torch.equal(
        box.steepest(_directions(), 0.5), ball.steepest(_directions(), 0.5 * 0.1)
    )


@pytest.mark.parametrize(
    ("lower", "upper"),
    [(0.1, 0.2), (-0.1, -0.2), (0.1, -0.1), (math.nan, 0.1), (-0.1, math.inf)],
)
def test_sides_that_are_no_box_around_the_input_are_refused(lower: float, upper: float) -> None:
    with pytest.raises(SettingError, match="lower ≤ 0 ≤ upper"):
        Box(torch.tensor([lower, -1.0]), upper)


def test_sides_of_another_shape_than_the_inputs_are_refused() -> None:
    box = Box(-torch.ones(4), 1.0)
    with pytest.raises(ShapeError, match="one number per coordinate"):
        box.around(torch.zeros(2, 3))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("radius", [-0.1, math.nan, math.inf])
def test_an_impossible_radius_is_refused(kind: Kind, radius: float) -> None:
    with pytest.raises(SettingError, match="expected a finite radius ≥ 0"):
        kind(radius)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_domain_is_refused(kind: Kind) -> None:
    with pytest.raises(SettingError, match="low < high"):
        kind(0.1, (1.0, 1.0))


@pytest.mark.parametrize("kind", KINDS)
def test_an_input_outside_the_domain_has_no_room_on_that_side(
    kind: Kind,
) -> None:
    region = kind(0.1, (0.0, 1.0)).around(torch.tensor([[1.5]]))
    assert float(region.project(torch.tensor([[0.05]]))) == 0.0
