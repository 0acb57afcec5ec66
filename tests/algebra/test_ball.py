"""Euclidean balls of weights, biases and factors: sound for all of them, tight for matrices."""

import math

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import Ball, Interval, evaluate
from gnomon.seeds import generator
from gnomon.sets.parameters import ParameterBall, ParameterBox, TensorBall, TensorBox
from gnomon.sets.radius import Relative
from reference.networks_of_all_kinds import networks

NETWORKS = networks()


def _layer() -> nn.Linear:
    layer = nn.Linear(4, 3).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(1)))
    return layer


X = torch.randn(5, 4, generator=generator(0)).double()


@pytest.mark.parametrize("name", ["weight", "bias"])
def test_one_layer_reaches_its_bound_exactly(name: str) -> None:
    layer, reach = _layer(), 0.3
    centre = layer.get_parameter(name).detach()
    found = evaluate(layer, X, {name: TensorBall(centre, torch.tensor(reach).double())})
    seen = X.norm(dim=1, keepdim=True) if name == "weight" else torch.ones(5, 1).double()
    assert torch.allclose(found.upper, layer(X) + reach * seen)
    assert torch.allclose(found.lower, layer(X) - reach * seen)
    # The worst member for output 1 of example 2 attains it.
    worst = centre.clone()
    worst[1] += reach * (X[2] / X[2].norm() if name == "weight" else 1.0)
    changed = torch.func.functional_call(layer, {name: worst}, (X,))
    assert changed[2, 1].item() == pytest.approx(found.upper[2, 1].item())


def test_inputs_that_vary_too_are_taken_at_their_largest() -> None:
    layer = _layer()
    ball = Ball(layer.weight.detach(), torch.tensor(0.3).double())
    found = evaluate(layer, Interval.around(X, 0.1), {"weight": ball})
    spread = 0.1 * layer.weight.abs().sum(dim=1) + 0.3 * (X.abs() + 0.1).norm(dim=1)[:, None]
    assert torch.allclose(found.upper, layer(X) + spread)


def test_a_convolution_sees_its_patch() -> None:
    layer = nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False).double()
    x = torch.randn(2, 2, 5, 5, generator=generator(2)).double()
    ball = Ball(layer.weight.detach(), torch.tensor(0.2).double())
    found = evaluate(layer, x, {"weight": ball})
    patches = torch.nn.functional.unfold(x, 3, padding=1, stride=2)
    seen = patches.norm(dim=1).reshape(2, 1, 3, 3)
    assert torch.allclose(found.upper, layer(x) + 0.2 * seen)


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor]:
    return NETWORKS[request.param]()


def test_members_of_layer_wise_balls_are_inside_on_all_networks(
    case: tuple[nn.Module, Tensor],
) -> None:
    """Zonotope factors and biases of normalisations among them, at the ends of gradients."""
    network, x = case
    region = ParameterBall(0.05).of(network).detach()
    found = evaluate(network, Interval.point(x), region)
    source = generator(4)
    for draw in range(9):
        members = dict(region.vertex(source) if draw % 3 else region.sample(source))
        if draw % 3 == 2:
            leaves = {name: each.requires_grad_() for name, each in members.items()}
            goal = torch.func.functional_call(network, leaves, (x,))[:, draw % 3].sum()
            slopes = torch.autograd.grad(goal, list(leaves.values()), materialize_grads=True)
            direction = dict(zip(leaves, slopes, strict=True))
            members = dict(region.steepest(direction))
        with torch.no_grad():
            outputs = torch.func.functional_call(network, members, (x,))
        slack = 1e-9 * (1 + float(found.upper.detach().abs().max()))
        assert found.contains(outputs, slack)


def test_regions_are_lifted_and_gradients_reach_the_parameters() -> None:
    network = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)).double()
    for law in (ParameterBox(Relative(0.1)), ParameterBall(0.1)):
        region = law.of(network)
        assert isinstance(region["0.weight"], TensorBox | TensorBall)
        found = evaluate(network, Interval.around(X, 0.1), region)
        network.zero_grad()
        found.width.sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_the_ball_is_tighter_than_its_box_by_the_ratio_of_norms() -> None:
    layer = _layer()
    x = torch.ones(1, 4).double()
    reach = torch.tensor(0.3).double()
    centre = layer.weight.detach()
    ball = evaluate(layer, x, {"weight": Ball(centre, reach)})
    box = evaluate(layer, x, {"weight": Interval.around(centre, reach)})
    assert torch.allclose(box.width / ball.width, torch.tensor(math.sqrt(4)).double())
