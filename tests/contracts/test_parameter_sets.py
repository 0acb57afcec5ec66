"""What every set of parameters promises."""

import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from gnomon.errors import ShapeError, UnknownNameError
from gnomon.seeds import generator
from gnomon.sets.parameters import (
    ParameterBall,
    ParameterBox,
    ParameterRegion,
    ParameterSet,
    TensorBall,
    TensorBox,
)
from gnomon.sets.radius import Constant, Relative, Tanh

SETS: list[ParameterSet] = [
    ParameterBox(Constant(0.05)),
    ParameterBox(Constant(1e-8)),  # below an ulp of most parameters
    ParameterBox(Relative(0.01)),
    ParameterBox(Relative(1.7)),  # wider than the parameters are large
    ParameterBox(Tanh(0.3)),
    ParameterBox(Relative(0.1), biases=False),
    ParameterBox(Relative(0.1), only=("0.*",)),
    ParameterBall(0.1),
    ParameterBall(1e-7),
    ParameterBall(3.0, biases=False),
    ParameterBox(Relative(0.0)),
    ParameterBall(0.0),
]
PRECISIONS = [torch.float32, torch.float64]


class _Scaled(nn.Module):
    """One number as a parameter, and one that is 0."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.3))
        self.shift = nn.Parameter(torch.tensor(0.0))


def _network(precision: torch.dtype = torch.float32) -> nn.Module:
    """A convolution, a layer used twice, normalisation, and numbers."""
    shared = nn.Linear(6, 6)
    network = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.Flatten(), shared, shared, nn.BatchNorm1d(6), _Scaled()
    )
    random = generator(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random))
            parameter.flatten()[:1] = 0  # where a relative radius is 0
    return network.to(precision)


@pytest.fixture(params=PRECISIONS, ids=str)
def network(request: pytest.FixtureRequest) -> nn.Module:
    return _network(request.param)


@pytest.fixture(params=SETS, ids=repr)
def allowed(request: pytest.FixtureRequest) -> ParameterSet:
    return request.param


@pytest.fixture
def region(allowed: ParameterSet, network: nn.Module) -> ParameterRegion:
    return allowed.of(network).detach()


def _directions(region: ParameterRegion, seed: int = 0) -> dict[str, Tensor]:
    random = generator(seed, "directions")
    return {
        name: torch.randn(each.centre.shape, generator=random).to(each.centre)
        for name, each in region.items()
    }


def _moved(region: ParameterRegion, seed: int, length: float) -> dict[str, Tensor]:
    directions = _directions(region, seed)
    return {name: each.centre + length * directions[name] for name, each in region.items()}


def _members(region: ParameterRegion) -> list[dict[str, Tensor]]:
    """Every way in which a member is handed out, several times."""
    return [
        member
        for seed in range(3)
        for member in (
            region.sample(generator(seed)),
            region.vertex(generator(seed)),
            region.steepest(_directions(region, seed)),
            region.project(_moved(region, seed, 10.0)),
            region.project(_moved(region, seed, 1e-3)),
            region.perturb(_directions(region, seed)),
        )
    ]


def _radius(each: object) -> Tensor:
    assert isinstance(each, TensorBox | TensorBall)
    return each.radius


def _inner(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> float:
    return sum(float((first[name].double() * second[name].double()).sum()) for name in first)


def _rounding(region: ParameterRegion) -> float:
    """A few roundings of sums over all parameters."""
    values = [
        float(each.centre.abs().max()) + float(_radius(each).max()) for each in region.values()
    ]
    count = sum(each.centre.numel() for each in region.values())
    return 4 * torch.finfo(next(iter(region.values())).centre.dtype).eps * max(values) * count


def test_members_are_in_the_set_without_tolerance(region: ParameterRegion) -> None:
    """The judge here is independent of `contains`: float64 distances from the centre."""
    for member in _members(region):
        assert member.keys() == region.keys()
        assert region.contains(member)
        for name, each in region.items():
            away = (member[name].double() - each.centre.double()).abs()
            distance = away if isinstance(each, TensorBox) else away.norm()
            assert bool((distance <= _radius(each).double()).all())
            assert member[name].dtype == each.centre.dtype


def test_projecting_keeps_members(region: ParameterRegion) -> None:
    for member in _members(region):
        again = region.project(member)
        assert all(torch.equal(again[name], member[name]) for name in member)


def test_projection_is_nearest(region: ParameterRegion) -> None:
    """Against the definition in float64: clip to the box, or shorten to the ball."""
    for seed, length in ((0, 10.0), (1, 0.01), (2, 1e-7)):
        outside = _moved(region, seed, length)
        nearest = region.project(outside)
        for name, each in region.items():
            step = outside[name].double() - each.centre.double()
            radius = _radius(each).double()
            if isinstance(each, TensorBox):
                step = torch.maximum(torch.minimum(step, radius), -radius)
            else:
                step *= min(1.0, float(radius) / max(float(step.norm()), 1e-300))
            # Four ulps of the largest number of the sum.
            scale = float(each.centre.abs().max()) + float(radius.max())
            torch.testing.assert_close(
                nearest[name].double(),
                each.centre.double() + step,
                rtol=0,
                atol=4 * torch.finfo(each.centre.dtype).eps * scale,
            )


def test_support_is_the_value_at_the_steepest_member(region: ParameterRegion) -> None:
    for seed in range(2):
        direction = _directions(region, seed)
        value = _inner(region.steepest(direction), direction)
        assert float(region.support(direction)) == pytest.approx(value, abs=_rounding(region))


def test_no_member_exceeds_the_support(region: ParameterRegion) -> None:
    for seed in range(2):
        direction = _directions(region, seed)
        bound = float(region.support(direction)) + _rounding(region)
        assert all(_inner(member, direction) <= bound for member in _members(region))


def test_where_the_direction_is_zero_the_steepest_member_is_the_centre(
    region: ParameterRegion,
) -> None:
    centre = region.centre()
    nothing = {name: torch.zeros_like(value) for name, value in centre.items()}
    steepest = region.steepest(nothing)
    assert all(torch.equal(steepest[name], centre[name]) for name in centre)
    assert float(region.support(nothing)) == 0


def test_vertices_are_extreme(region: ParameterRegion) -> None:
    """In a box every coordinate is an ulp from an end; in a ball the length is the radius."""
    vertex = region.vertex(generator(0))
    for name, each in region.items():
        away = (vertex[name].double() - each.centre.double()).abs()
        eps = torch.finfo(each.centre.dtype).eps
        radius = _radius(each).double()
        slack = 2 * eps * (each.centre.double().abs() + radius)
        if isinstance(each, TensorBall):
            away, slack = away.norm(), slack.norm() + 32 * eps * radius
        assert bool((away >= radius - slack).all())


def test_vertices_differ(region: ParameterRegion, allowed: ParameterSet) -> None:
    if allowed.size < 1e-3:
        return
    vertices = [region.vertex(generator(seed)) for seed in range(40)]
    for name, each in region.items():
        values = torch.stack([vertex[name] for vertex in vertices])
        spread = values.amax(dim=0) > values.amin(dim=0)
        movable = _radius(each).expand_as(each.centre) > 0
        assert torch.equal(spread, movable)


def test_nothing_but_members_is_contained(region: ParameterRegion) -> None:
    vertex, centre = region.vertex(generator(0)), region.centre()
    for name in region:
        step = (vertex[name] - centre[name]) * 1.01
        beyond = centre[name] + step + torch.where(step < 0, -1e-4, 1e-4).to(step)
        assert not region.contains({**centre, name: beyond})
        assert not region.contains({**centre, name: torch.full_like(beyond, math.nan)})


def test_size_zero_leaves_the_network_alone(allowed: ParameterSet, network: nn.Module) -> None:
    region = allowed.with_size(0.0).of(network).detach()
    own = dict(network.named_parameters())
    for member in _members(region):
        assert all(torch.equal(member[name], own[name]) for name in region)


def test_a_larger_set_contains_a_smaller_one(allowed: ParameterSet, network: nn.Module) -> None:
    smaller = allowed.of(network).detach()
    larger = allowed.with_size(1.5 * allowed.size).of(network).detach()
    assert all(larger.contains(member) for member in _members(smaller))
    for seed in range(2):
        direction = _directions(smaller, seed)
        assert float(larger.support(direction)) >= float(smaller.support(direction))


def test_the_same_generator_gives_the_same_member(region: ParameterRegion) -> None:
    for draw in (region.sample, region.vertex):
        first, second = draw(generator(5)), draw(generator(5))
        assert all(torch.equal(first[name], second[name]) for name in region)


def test_a_region_is_around_the_networks_own_parameters(
    allowed: ParameterSet, network: nn.Module
) -> None:
    own = dict(network.named_parameters())
    centre = allowed.of(network).centre()
    assert centre
    assert all(centre[name] is own[name] for name in centre)


def test_a_region_is_of_the_network_as_it_is_now(allowed: ParameterSet) -> None:
    network = _network()
    before = {name: _radius(each).clone() for name, each in allowed.of(network).items()}
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    after = allowed.of(network)
    for name, radius in before.items():
        if isinstance(allowed, ParameterBall) or isinstance(allowed.radius, Relative):  # pyright: ignore[reportAttributeAccessIssue]
            torch.testing.assert_close(_radius(after[name]), 2 * radius)


def test_members_are_differentiated_through_centre_and_radius(allowed: ParameterSet) -> None:
    """Where the member is θ + t r(θ), its derivative is 1 + t r'(θ), by finite differences."""
    network = _network(torch.float64)
    name, parameter = next(iter(network.named_parameters()))
    direction = _directions(allowed.of(network))
    for move in (lambda r: r.steepest(direction), lambda r: r.sample(generator(0))):
        value = move(allowed.of(network))[name].sum()
        (gradient,) = torch.autograd.grad(value, parameter)
        step, at = 1e-6, (2, 1, 2, 2)
        ends: list[float] = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter[at] += sign * step
                ends.append(float(move(allowed.of(network))[name].sum()))
                parameter[at] -= sign * step
        slope = (ends[0] - ends[1]) / (2 * step)
        assert float(gradient[at]) == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_a_detached_region_is_a_constant(region: ParameterRegion) -> None:
    assert not any(value.requires_grad for value in region.sample(generator(0)).values())
    assert not region.support(_directions(region)).requires_grad


def test_more_names_than_needed_do_no_harm(region: ParameterRegion) -> None:
    given = {**region.centre(), "another": torch.zeros(3)}
    assert region.contains(given)
    assert region.project(given).keys() == region.keys()


def test_a_missing_name_is_named(region: ParameterRegion) -> None:
    missing = next(iter(region))
    given = {name: value for name, value in region.centre().items() if name != missing}
    for use in (region.project, region.steepest, region.contains, region.perturb):
        with pytest.raises(UnknownNameError, match=missing):
            use(given)


def test_a_tensor_of_another_shape_is_refused(region: ParameterRegion) -> None:
    name = next(iter(region))
    given = {**region.centre(), name: torch.zeros(1)}
    with pytest.raises(ShapeError, match="Use the network that the region was made for"):
        region.support(given)


def test_a_region_cannot_be_changed(region: ParameterRegion) -> None:
    name = next(iter(region))
    with pytest.raises(TypeError):
        region[name] = region[name]  # pyright: ignore[reportIndexIssue]
