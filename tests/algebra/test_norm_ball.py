"""Balls of inputs: never below what is found in them, and exact where that is known."""

from collections.abc import Callable
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import Interval, LinearRelaxation, NormBall, Value, enclose, evaluate
from gnomon.errors import SettingError, UnsupportedOperationError
from gnomon.networks.standardize import Standardize
from gnomon.seeds import generator
from gnomon.sets import (
    L1,
    L2,
    Box,
    Domain,
    InputSet,
    ParameterBall,
    ParameterBox,
    PerturbationSet,
    TensorBall,
)
from gnomon.sets.radius import Relative
from reference.networks_of_all_kinds import networks

NETWORKS = networks()
X = torch.rand(5, 6, generator=generator(0)).double()
CUT = [L2(0.9, (0.0, 1.0)), L1(1.4, (0.0, 1.0)), L2(0.2, (0.0, 1.0)), L1(0.2, (0.0, 1.0))]
FREE = [L2(0.3), L1(0.3)]


def _layer(outputs: int = 4) -> nn.Linear:
    layer = nn.Linear(6, outputs).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(1)))
    return layer


def _dual(within: InputSet) -> float:
    return {"L2": 2.0, "L1": torch.inf}[within.norm]


@pytest.mark.parametrize("within", FREE, ids=str)
@pytest.mark.parametrize(
    "lift", [lambda v: v, LinearRelaxation.of], ids=["interval", "relaxed"]
)
def test_one_layer_is_exact(within: InputSet, lift: Callable[[Interval], Value]) -> None:
    layer = _layer()
    found = evaluate(layer, lift(enclose(X, within)))
    spread = within.radius * torch.linalg.vector_norm(layer.weight, ord=_dual(within), dim=1)
    assert torch.allclose(found.upper, layer(X) + spread, rtol=1e-12)
    assert torch.allclose(found.lower, layer(X) - spread, rtol=1e-12)


@pytest.mark.parametrize("within", CUT, ids=str)
def test_relaxations_reach_the_support_of_a_ball_cut_with_the_domain(within: InputSet) -> None:
    """The support of the set itself, which is a member's value, is attained."""
    x = X.clone()
    x[:, 0], x[:, 1] = 0.0, 1.0
    layer = _layer()
    found = evaluate(layer, LinearRelaxation.of(enclose(x, within)))
    around = within.around(x)
    with torch.no_grad():
        for output, row in enumerate(layer.weight):
            direction = row.expand_as(x)
            expected = layer(x)[:, output] + around.support(direction)
            assert torch.allclose(found.upper[:, output], expected, rtol=1e-9)
            expected = layer(x)[:, output] - around.support(-direction)
            assert torch.allclose(found.lower[:, output], expected, rtol=1e-9)


@pytest.mark.parametrize("within", CUT, ids=str)
def test_intervals_of_one_layer_hold_the_support_and_use_the_ball(within: InputSet) -> None:
    x = X.clone()
    x[:, 0], x[:, 1] = 0.0, 1.0
    layer, around = _layer(), within.around(x)
    found = evaluate(layer, enclose(x, within))
    wide = evaluate(layer, Interval.around(x, within.radius, within.domain))
    assert bool((found.upper <= wide.upper).all())
    for output, row in enumerate(layer.weight.detach()):
        most = layer(x)[:, output] + around.support(row.expand_as(x))
        assert bool((found.upper[:, output] >= most - 1e-12).all())
    if within.radius < 0.5:
        assert float((wide.width - found.width).detach().min()) > 0.01


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_coordinate_without_room_on_a_side_costs_nothing_there(sign: float) -> None:
    """At the corner 0 of [0, 1] only what rises counts: r ‖w⁺‖ upwards, r ‖w⁻‖ downwards."""
    layer = _layer()
    with torch.no_grad():
        layer.weight.mul_(sign)
    x = torch.zeros(1, 6).double()
    found = evaluate(layer, enclose(x, L2(0.3, (0.0, 1.0))))
    up, down = (0.3 * w.norm(dim=1) for w in (layer.weight.clamp_min(0), -layer.weight))
    down = 0.3 * layer.weight.clamp_max(0).norm(dim=1)
    assert torch.allclose(found.upper, layer.bias + up)
    assert torch.allclose(found.lower, layer.bias - down)


def _brute_force(around: object, network: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """The extremes over many members: at random, and furthest in random directions."""
    source, low, high = generator(7), None, None
    for draw in range(60):
        member = around.sample(source)  # type: ignore[attr-defined]
        if draw % 2:
            direction = torch.randn(x.shape, generator=source).double()
            member = around.steepest(direction ** (1 + 2 * (draw % 3)))  # type: ignore[attr-defined]
        with torch.no_grad():
            found = network(x + member)
        low = found if low is None else low.minimum(found)
        high = found if high is None else high.maximum(found)
    assert low is not None
    assert high is not None
    return low, high


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor]:
    return NETWORKS[request.param]()


@pytest.mark.parametrize("within", [L2(0.2), L1(0.3)], ids=str)
def test_members_are_inside_on_all_networks(
    case: tuple[nn.Module, Tensor], within: InputSet
) -> None:
    network, x = case
    found = evaluate(network, enclose(x, within))
    low, high = _brute_force(within.around(x), network, x)
    slack = 1e-9 * (1 + float(found.upper.detach().abs().max()))
    assert found.contains(low, slack)
    assert found.contains(high, slack)
    wide = evaluate(network, Interval.around(x, within.radius))
    assert bool((found.width <= wide.width + slack).all())


CONVOLUTIONS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: nn.Conv2d(2, 4, 3, stride=2, padding=1),
    "groups": lambda: nn.Conv2d(2, 4, 3, groups=2),
    "dilation": lambda: nn.Conv2d(2, 3, 2, dilation=2),
    "transposed": lambda: nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1),
    "flat": lambda: nn.Sequential(nn.Flatten(), nn.Linear(72, 3)),
    "standardised": lambda: nn.Sequential(
        Standardize((0.3, 0.4), (0.2, 0.3), 3),
        nn.Conv2d(2, 3, 3),
        nn.ReLU(),
        nn.Conv2d(3, 2, 3),
    ),
    "two": lambda: nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(3, 2, 3, padding=1)
    ),
}


@pytest.mark.parametrize("make", CONVOLUTIONS.values(), ids=list(CONVOLUTIONS))
@pytest.mark.parametrize("within", [*CUT[:2], *FREE], ids=str)
@pytest.mark.parametrize(
    "lift", [lambda v: v, LinearRelaxation.of], ids=["interval", "relaxed"]
)
def test_images_are_enclosed(
    make: Callable[[], nn.Module], within: InputSet, lift: Callable[[Interval], Value]
) -> None:
    network = make().double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(5)))
    x = torch.rand(3, 2, 6, 6, generator=generator(6)).round(decimals=1).double()
    x[:, 0, 0] = 0
    found = evaluate(network, lift(enclose(x, within)))
    low, high = _brute_force(within.around(x), network, x)
    assert found.contains(low, 1e-9)
    assert found.contains(high, 1e-9)
    box = lift(Interval.around(x, within.radius, within.domain))
    assert float((found.width / evaluate(network, box).width).detach().mean()) < 0.98


def test_a_convolution_sees_its_patch() -> None:
    layer = nn.Conv2d(2, 3, 3, padding=1).double()
    x = torch.rand(2, 2, 5, 5, generator=generator(2)).double()
    for within in (L2(0.2), L1(0.2)):
        found = evaluate(layer, enclose(x, within))
        rows = layer.weight.flatten(1)
        inner = torch.linalg.vector_norm(rows, ord=_dual(within), dim=1)
        upper = layer(x)[:, :, 2, 2] + 0.2 * inner
        assert torch.allclose(found.upper[:, :, 2, 2], upper, rtol=1e-12)


def test_shifts_and_factors_keep_the_ball_and_other_functions_do_not() -> None:
    ball = enclose(X, L2(0.3))
    layer = _layer()
    size = torch.linspace(0.5, 3.0, 6).double()
    for kept, weight in (
        ((ball - 0.2) / size, layer.weight / size),
        (-(ball + X) * 2.0, -2 * layer.weight),
        (1.5 - size * ball, -layer.weight * size),
        (ball.reshape(5, 2, 3).flatten(1), layer.weight),
    ):
        assert isinstance(kept, NormBall)
        found = evaluate(layer, kept)
        assert torch.allclose(found.width, (0.6 * weight.norm(dim=1)).expand(5, -1))
    for lost in (ball.relu(), ball[:3], ball.T, ball + ball, 1 / (ball + 9), ball.flatten()):
        assert not isinstance(lost, NormBall)


def test_a_ball_in_place_is_what_it_becomes() -> None:
    ball = enclose(X - 0.5, L2(0.3))
    ball.relu_()
    assert not isinstance(ball, NormBall)
    assert float(ball.lower.min()) == 0
    point = torch.full_like(X, 0.7).relu()
    layer = _layer()
    bounds = evaluate(layer, ball)
    assert bounds.contains(layer((X - 0.5).relu()))
    assert not bounds.contains(layer(point + 9))


def test_products_that_mix_examples_use_the_box() -> None:
    """The first axis of an image without a batch is its channels."""
    x = torch.rand(2, 5, 5, generator=generator(2)).double()
    layer = nn.Conv2d(2, 3, 3).double()
    box = evaluate(layer, Interval.around(x, 0.1))
    assert torch.equal(evaluate(layer, enclose(x, L2(0.1))).upper, box.upper)


@pytest.mark.parametrize("law", [ParameterBox(Relative(0.1)), ParameterBall(0.1)], ids=str)
@pytest.mark.parametrize("within", [L2(0.3), L1(0.3, (0.0, 1.0))], ids=str)
@pytest.mark.parametrize(
    "lift", [lambda v: v, LinearRelaxation.of], ids=["interval", "relaxed"]
)
def test_inputs_and_parameters_vary_together(
    law: ParameterBox | ParameterBall, within: InputSet, lift: Callable[[Interval], Value]
) -> None:
    network = nn.Sequential(_layer(5), nn.Tanh(), nn.Linear(5, 2).double())
    region, around, source = law.of(network).detach(), within.around(X), generator(3)
    found = evaluate(network, lift(enclose(X, within)), region)
    for draw in range(40):
        direction = torch.randn(X.shape, generator=source).double()
        point = X + (around.steepest(direction) if draw % 2 else around.sample(source))
        weights = region.vertex(source) if draw % 3 else region.sample(source)
        with torch.no_grad():
            outputs = torch.func.functional_call(network, weights, (point,))
        assert found.contains(outputs, 1e-9)


def test_relaxations_use_the_length_of_balls_of_weights() -> None:
    """⟨a, Δ h⟩ ≤ r ‖a‖₂ ‖h‖₂: a difference of two rows is √2 r ‖h‖, and not 2 r ‖h‖₁."""
    layer = _layer()
    reach = torch.tensor(0.3).double()
    ball = {"weight": TensorBall(layer.weight.detach(), reach)}
    found = evaluate(layer, LinearRelaxation.of(Interval.point(X)), ball)
    rows = torch.tensor([[1.0, -1.0, 0.0, 0.0]]).double()
    middle = layer(X) @ rows.T
    spread = 0.3 * 2**0.5 * X.norm(dim=1, keepdim=True)
    assert torch.allclose(found.bound(rows).upper, middle + spread)
    assert torch.allclose(found.bound(rows).lower, middle - spread)


@pytest.mark.parametrize(("stride", "padding", "groups"), [(1, 0, 1), (1, 0, 2), (2, 1, 1)])
def test_relaxations_of_convolutions_with_balls_of_weights(
    stride: int, padding: int, groups: int
) -> None:
    """Against the best member for random forms, and sums over places."""
    x = torch.randn(2, 4, 5, 5, generator=generator(2)).double()
    layer = nn.Conv2d(4, 6, 3, stride, padding, groups=groups, bias=False).double()
    region = ParameterBall(0.3).of(layer).detach()
    found = evaluate(layer, LinearRelaxation.of(Interval.point(x)), region)
    box = evaluate(layer, LinearRelaxation.of(Interval.point(x)), _box_of(region))
    shape = found.shape[1:]
    rows = torch.randn(3, *shape, generator=generator(4)).double()
    bounds, wide = found.bound(rows), box.bound(rows)
    for index, row in enumerate(rows):
        for example in range(2):
            weight = layer.weight.detach().requires_grad_()
            image = functional.conv2d(
                x[example][None], weight, stride=stride, padding=padding, groups=groups
            )
            (slope,) = torch.autograd.grad((image[0] * row).sum(), weight)
            best = region["weight"].support(slope)
            assert float(best) <= float(bounds.upper[example, index]) + 1e-9
    assert bool((bounds.width < wide.width).all())


def _box_of(region: object) -> dict[str, Interval]:
    return {
        name: Interval.around(each.centre, each.radius)
        for name, each in region.items()  # type: ignore[attr-defined]
    }


def test_a_box_of_inputs_has_its_own_sides() -> None:
    within = Box(torch.linspace(-3.0, 0.0, 6), 2.0, (-1.0, 2.0))
    found, around = enclose(X, within), within.around(X)
    assert torch.equal(found.lower, X + around.lower)
    assert torch.equal(found.upper, X + around.upper)
    assert float(found.upper.max()) == 2.0
    assert float(found.lower.min()) == -1.0


def test_gradients_and_radius_zero() -> None:
    x = X.clone().requires_grad_()
    network = nn.Sequential(_layer(), nn.ReLU(), nn.Linear(4, 2).double())
    for within in (L2(0.3, (0.0, 1.0)), L1(0.3, (0.0, 1.0)), L2(0.0), L1(0.0)):
        for found in (
            evaluate(network, enclose(x, within)),
            evaluate(network, LinearRelaxation.of(enclose(x, within))),
        ):
            (slope,) = torch.autograd.grad(found.upper.sum(), x)
            assert bool(slope.isfinite().all())
            if within.radius == 0:
                assert torch.allclose(found.upper, network(x))
                assert torch.allclose(found.lower, network(x))


def test_wrong_sets_and_inputs_are_refused() -> None:
    with pytest.raises(SettingError, match="centre in"):
        enclose(X + 2, L2(0.1, (0.0, 1.0)))
    with pytest.raises(SettingError, match="two axes"):
        enclose(X[0], L2(0.1))
    with pytest.raises(UnsupportedOperationError, match="expected Linf"):
        enclose(X, _Other())


class _Other:
    norm: ClassVar[str] = "other"
    radius, domain = 1.0, None

    def around(self, inputs: Tensor) -> PerturbationSet:
        return L2(1.0).around(inputs)

    def with_radius(self, radius: float) -> "_Other":
        del radius
        return self

    def with_domain(self, domain: Domain) -> "_Other":
        del domain
        return self

    def distance(self, perturbation: Tensor) -> Tensor:
        return perturbation

    def steepest(self, direction: Tensor, length: float) -> Tensor:
        return direction * length
