"""What every algebra that claims to enclose promises, on networks of all kinds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import Affine, Interval, Parameters, Relaxed, Value, evaluate
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


def _ends(found: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401 - a value of any row
    return found.lower, found.upper


ALGEBRAS = {
    "interval": Row(Interval.around, _ends),
    "affine": Row(Affine.around, _ends, inclusion=False),
    "relaxed": Row(Relaxed.around, _ends, inclusion=False),
}


@pytest.fixture(params=ALGEBRAS)
def algebra(request: pytest.FixtureRequest) -> Row:
    return ALGEBRAS[request.param]


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest, algebra: Row) -> tuple[nn.Module, Tensor]:
    network, x = NETWORKS[request.param]()
    if x.ndim > 2 and algebra is not ALGEBRAS["interval"]:
        pytest.skip("dear: on images these algebras have tests of their own")
    return network, x


def boxes(network: nn.Module, relative: float) -> dict[str, Interval]:
    """A box around every parameter: relative, and a little more where it is 0."""
    return {
        name: Interval.around(value.detach(), relative * (value.detach().abs() + 0.01))
        for name, value in network.named_parameters()
    }


def enclosure(
    row: Row, network: nn.Module, x: Tensor, radius: float, parameters: Parameters | None
) -> tuple[Tensor, Tensor]:
    return row.bounds(evaluate(network, row.around(x, radius), parameters))


def corner(box: Interval, signs: Tensor) -> Tensor:
    return torch.where(signs > 0, box.upper, box.lower)


def output(network: nn.Module, x: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    return torch.func.functional_call(network, dict(parameters), (x,))


def assert_contains(bounds: tuple[Tensor, Tensor], points: Tensor) -> None:
    slack = ROUNDING * (1 + max(float(each.detach().abs().max()) for each in bounds))
    below, above = bounds[0] - points, points - bounds[1]
    assert float(torch.maximum(below, above).detach().max()) <= slack


def test_sampled_points_and_vertices_are_inside(
    algebra: Row, case: tuple[nn.Module, Tensor]
) -> None:
    network, x = case
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
def test_attacked_points_are_inside(
    algebra: Row, case: tuple[nn.Module, Tensor], vary: str
) -> None:
    """Signed gradient steps on inputs and parameters towards each bound of each logit."""
    network, x = case
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


def test_a_point_maps_to_a_point(algebra: Row, case: tuple[nn.Module, Tensor]) -> None:
    network, x = case
    lower, upper = enclosure(algebra, network, x, 0.0, boxes(network, 0.0))
    expected = network(x)
    assert torch.allclose(lower, expected, rtol=1e-9, atol=1e-9)
    assert torch.allclose(upper, expected, rtol=1e-9, atol=1e-9)


def test_a_larger_set_has_wider_bounds(algebra: Row, case: tuple[nn.Module, Tensor]) -> None:
    if not algebra.inclusion:
        pytest.skip("a relaxation is chosen anew for each set")
    network, x = case
    small = enclosure(algebra, network, x, RADIUS / 2, boxes(network, RELATIVE / 2))
    large = enclosure(algebra, network, x, RADIUS, boxes(network, RELATIVE))
    assert_contains(large, small[0])
    assert_contains(large, small[1])
    narrow, wide = (float((high - low).detach().min()) for low, high in (small, large))
    assert wide > narrow > 0


def test_bounds_can_be_differentiated(algebra: Row, case: tuple[nn.Module, Tensor]) -> None:
    network, x = case
    # Small: bounds of normalised values are constant where the cap by √(n − 1) holds.
    radius = torch.full_like(x, 1e-4).requires_grad_()
    lower, upper = algebra.bounds(evaluate(network, algebra.around(x, radius)))
    (upper - lower).sum().backward()
    assert radius.grad is not None
    assert bool(radius.grad.isfinite().all())
    assert float(radius.grad.abs().max()) > 0


def test_bounds_are_never_wider_than_those_of_intervals(
    algebra: Row, case: tuple[nn.Module, Tensor]
) -> None:
    network, x = case
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
