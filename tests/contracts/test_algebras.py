"""What every algebra that claims to enclose promises, on networks of all kinds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import (
    Interval,
    LinearRelaxation,
    Moments,
    Parameters,
    Value,
    Zonotope,
    evaluate,
    exactly,
)
from gnomon.bounds import Falsifier
from gnomon.seeds import generator
from gnomon.sets import Linf, ParameterRegion, TensorBox
from reference.networks_of_all_kinds import networks

RADIUS, RELATIVE = 0.03, 0.01
ROUNDING = 1e-9  # of float64, on values below about 10⁴
NETWORKS = networks()


@dataclass(frozen=True)
class Row:
    """One algebra of the table."""

    around: Callable[[Tensor, float | Tensor], Value]
    bounds: Callable[[Any], tuple[Tensor, Tensor]]
    inclusion: bool = True
    """Whether a larger set always has wider bounds."""
    correlated: bool = False
    """Whether it is exact on affine networks of many layers, for boxes of inputs."""
    prepared: Callable[[Parameters], Parameters] = dict
    """What is done to boxes of parameters."""


def _ends(found: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401 - a value of any row
    return found.lower, found.upper


ALGEBRAS = {
    "interval": Row(Interval.around, _ends),
    "exact interval": Row(Interval.around, _ends, prepared=exactly),
    "affine": Row(Zonotope.around, _ends, inclusion=False, correlated=True),
    "relaxed": Row(LinearRelaxation.around, _ends, inclusion=False, correlated=True),
}
DEAR = {("relaxed", name) for name in ("lenet", "cnn4_conv", "residual", "resnet20")}
"""Seconds for each evaluation."""

EXACTLY = {"mlp, relu", "mlp, gelu", "linear, prelu", "linear, layer norm", "lenet, group norm"}
"""Networks on which the reference form is always tested; the others take their time."""


def _takes_long(row: str, name: str) -> bool:
    return (row, name) in DEAR or (row == "exact interval" and name not in EXACTLY)


@dataclass(frozen=True)
class Case:
    """One algebra on one network."""

    algebra: Row
    network: nn.Module
    x: Tensor


@pytest.fixture(
    params=[
        pytest.param(
            (row, name),
            id=f"{row}-{name}",
            marks=[pytest.mark.slow] if _takes_long(row, name) else [],
        )
        for row in ALGEBRAS
        for name in NETWORKS
    ]
)
def case(request: pytest.FixtureRequest) -> Case:
    row, name = request.param
    network, x = NETWORKS[name]()
    # Images are dear for all but intervals.
    return Case(ALGEBRAS[row], network, x if row == "interval" or x.ndim == 2 else x[:1])


@pytest.fixture(params=ALGEBRAS)
def algebra(request: pytest.FixtureRequest) -> Row:
    return ALGEBRAS[request.param]


def boxes(network: nn.Module, relative: float) -> dict[str, Interval]:
    """A box around every parameter: relative, and a little more where it is 0."""
    return {
        name: Interval.around(value.detach(), relative * (value.detach().abs() + 0.01))
        for name, value in network.named_parameters()
    }


def enclosure(
    row: Row, network: nn.Module, x: Tensor, radius: float, parameters: Parameters | None
) -> tuple[Tensor, Tensor]:
    prepared = None if parameters is None else row.prepared(parameters)
    return row.bounds(evaluate(network, row.around(x, radius), prepared))


def corner(box: Interval, signs: Tensor) -> Tensor:
    return torch.where(signs > 0, box.upper, box.lower)


def output(network: nn.Module, x: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    return torch.func.functional_call(network, dict(parameters), (x,))


def assert_contains(bounds: tuple[Tensor, Tensor], points: Tensor) -> None:
    slack = ROUNDING * (1 + max(float(each.detach().abs().max()) for each in bounds))
    below, above = bounds[0] - points, points - bounds[1]
    assert float(torch.maximum(below, above).detach().max()) <= slack


def test_sampled_points_and_vertices_are_inside(case: Case) -> None:
    algebra, network, x = case.algebra, case.network, case.x
    box, parameters, source = Interval.around(x, RADIUS), boxes(network, RELATIVE), generator(5)
    bounds = enclosure(algebra, network, x, RADIUS, parameters)
    all_boxes = (box, *parameters.values())
    for draw in range(12):
        share = [torch.rand(each.shape, generator=source).double() for each in all_boxes]
        if draw % 2:
            share = [each.round() for each in share]
        point, *weights = (
            each.lower + part * (each.upper - each.lower)
            for each, part in zip(all_boxes, share, strict=True)
        )
        with torch.no_grad():
            found = output(network, point, dict(zip(parameters, weights, strict=True)))
        assert_contains(bounds, found)


@pytest.mark.parametrize("vary", ["inputs", "parameters", "both"])
def test_attacked_points_are_inside(case: Case, vary: str) -> None:
    """Signed gradient steps on inputs and parameters towards each bound of each logit."""
    algebra, network, x = case.algebra, case.network, case.x
    radius = 0.0 if vary == "parameters" else RADIUS
    around = boxes(network, 0.0 if vary == "inputs" else RELATIVE)
    given = None if vary == "inputs" else around
    if vary == "inputs":
        around = {name: Interval.point(box.centre) for name, box in around.items()}
    box = Interval.around(x, radius)
    bounds = enclosure(algebra, network, x, radius, given)
    for logit in range(3):
        for direction in (1.0, -1.0):
            point = x.clone()
            weights = {name: each.centre for name, each in around.items()}
            for _ in range(3):
                leaves = [each.requires_grad_() for each in (point, *weights.values())]
                goal = direction * output(network, point, weights)[:, logit].sum()
                slopes = torch.autograd.grad(goal, leaves, materialize_grads=True)
                steps = [slope.detach() for slope in slopes]
                point = corner(box, steps[0])
                weights = {
                    name: corner(around[name], step)
                    for name, step in zip(weights, steps[1:], strict=True)
                }
            with torch.no_grad():
                assert_contains(bounds, output(network, point, weights))


@pytest.mark.parametrize("name", ["mlp, relu", "mlp, tanh", "linear, softmax", "linear, prelu"])
def test_no_search_beats_the_bounds(algebra: Row, name: str) -> None:
    """Members, corners and ascents of every output, on inputs and parameters at once."""
    network, x = NETWORKS[name]()
    around = boxes(network, RELATIVE)
    sets = {name: TensorBox(box.centre, box.radius) for name, box in around.items()}
    low, high = enclosure(algebra, network, x, RADIUS, around)
    falsifier = Falsifier(members=10, corners=10, steps=5)
    region, source = ParameterRegion(sets), generator(6)
    claimed = Interval(low.detach(), high.detach())
    found = falsifier(network, x, claimed, Linf(RADIUS), region, source)
    assert not found.beaten
    attained = found.attained
    inner = Interval(attained.lower + 0.01 * attained.width, attained.upper)
    assert falsifier(network, x, inner, Linf(RADIUS), region, source).beaten


def test_a_point_maps_to_a_point(case: Case) -> None:
    algebra, network, x = case.algebra, case.network, case.x
    lower, upper = enclosure(algebra, network, x, 0.0, boxes(network, 0.0))
    expected = network(x)
    assert torch.allclose(lower, expected, rtol=1e-9, atol=1e-9)
    assert torch.allclose(upper, expected, rtol=1e-9, atol=1e-9)


def test_a_larger_set_has_wider_bounds(case: Case) -> None:
    if not case.algebra.inclusion:
        pytest.skip("a relaxation is chosen anew for each set")
    algebra, network, x = case.algebra, case.network, case.x
    small = enclosure(algebra, network, x, RADIUS / 2, boxes(network, RELATIVE / 2))
    large = enclosure(algebra, network, x, RADIUS, boxes(network, RELATIVE))
    assert_contains(large, small[0])
    assert_contains(large, small[1])
    narrow, wide = (float((high - low).detach().min()) for low, high in (small, large))
    assert wide > narrow > 0


def test_bounds_can_be_differentiated(case: Case) -> None:
    algebra, network, x = case.algebra, case.network, case.x
    # Small: bounds of normalised values are constant where the cap by √(n − 1) holds.
    radius = torch.full_like(x, 1e-4).requires_grad_()
    lower, upper = algebra.bounds(evaluate(network, algebra.around(x, radius)))
    (upper - lower).sum().backward()
    assert radius.grad is not None
    assert bool(radius.grad.isfinite().all())
    assert float(radius.grad.abs().max()) > 0


def test_bounds_are_never_wider_than_those_of_intervals(case: Case) -> None:
    algebra, network, x = case.algebra, case.network, case.x
    low, high = enclosure(algebra, network, x, RADIUS, boxes(network, RELATIVE))
    wide = evaluate(network, Interval.around(x, RADIUS), boxes(network, RELATIVE))
    assert bool((low >= wide.lower - ROUNDING).all())
    assert bool((high <= wide.upper + ROUNDING).all())


def test_one_affine_layer_is_exact(algebra: Row) -> None:
    layer = nn.Linear(4, 3).double()
    x = torch.randn(5, 4, generator=generator(0)).double()
    lower, upper = enclosure(algebra, layer, x, RADIUS, None)
    spread = RADIUS * layer.weight.abs().sum(dim=1)
    assert torch.allclose(upper, layer(x) + spread)
    assert torch.allclose(lower, layer(x) - spread)


AFFINE_NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "matrices": (
        lambda: nn.Sequential(nn.Linear(4, 9), nn.BatchNorm1d(9), nn.Linear(9, 3)),
        (3, 4),
    ),
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, stride=2, padding=1),
            nn.AvgPool2d(2),
            nn.ConvTranspose2d(4, 3, 2),
            nn.Flatten(),
            nn.Linear(27, 3),
        ),
        (2, 2, 8, 8),
    ),
}


@pytest.mark.parametrize("name", AFFINE_NETWORKS)
def test_affine_networks_are_exact(algebra: Row, name: str) -> None:
    """For a box of inputs, f(x) ± r Σ_j |∂f/∂x_j|; a box between layers loses that."""
    make, shape = AFFINE_NETWORKS[name]
    network = make().double().eval()
    x = torch.randn(shape, generator=generator(6)).double()
    lower, upper = enclosure(algebra, network, x, RADIUS, None)
    slopes = torch.func.vmap(torch.func.jacrev(lambda v: network(v[None])[0]))(x)
    spread = RADIUS * slopes.flatten(2).abs().sum(dim=2)
    if algebra.correlated:
        assert torch.allclose(upper, network(x) + spread)
        assert torch.allclose(lower, network(x) - spread)
    else:
        assert bool((upper > network(x) + spread + 1e-3).any())


@pytest.mark.parametrize("name", NETWORKS)
def test_moments_of_a_point_are_a_point(name: str) -> None:
    """What can be promised of estimates: nothing varies where nothing is varied."""
    network, x = NETWORKS[name]()
    thin = {key: Interval.point(each.detach()) for key, each in network.named_parameters()}
    found = evaluate(network, Moments.gaussian(x, 0.0), thin)
    assert torch.allclose(found.centre, network(x), rtol=1e-6, atol=1e-6)
    assert float(found.variance.detach().abs().max()) <= 1e-12
    wide = evaluate(network, Moments.gaussian(x, 0.01), boxes(network, RELATIVE))
    assert bool((wide.variance > 0).all())
