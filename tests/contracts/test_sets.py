"""What every perturbation set promises."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from gnomon.errors import SettingError
from gnomon.seeds import generator
from gnomon.sets import L2, InputSet, Linf, PerturbationSet
from reference.projection import nearest_in_cut_ball

SETS: list[InputSet] = [
    Linf(0.1, (0.0, 1.0)),
    Linf(8 / 255),
    L2(0.5, (0.0, 1.0)),
    L2(3.0, (0.0, 1.0)),  # larger than many corners of the cut: steepest members are vertices
    L2(0.25),
    Linf(0.0, (0.0, 1.0)),
    L2(0.0),
]


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
    assert torch.equal(allowed.steepest(torch.zeros(2, 3), 0.7), torch.zeros(2, 3))


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


@pytest.mark.parametrize("kind", [Linf, L2])
@pytest.mark.parametrize("radius", [-0.1, math.nan, math.inf])
def test_an_impossible_radius_is_refused(kind: type[Linf] | type[L2], radius: float) -> None:
    with pytest.raises(SettingError, match="expected a finite radius ≥ 0"):
        kind(radius)


@pytest.mark.parametrize("kind", [Linf, L2])
def test_an_empty_domain_is_refused(kind: type[Linf] | type[L2]) -> None:
    with pytest.raises(SettingError, match="low < high"):
        kind(0.1, (1.0, 1.0))


@pytest.mark.parametrize("kind", [Linf, L2])
def test_an_input_outside_the_domain_has_no_room_on_that_side(
    kind: type[Linf] | type[L2],
) -> None:
    region = kind(0.1, (0.0, 1.0)).around(torch.tensor([[1.5]]))
    assert float(region.project(torch.tensor([[0.05]]))) == 0.0
