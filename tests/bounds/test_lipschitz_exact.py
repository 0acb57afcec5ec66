"""Lipschitz bounds where the constant is known: linear networks, every activation pattern."""

from functools import cache

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import Interval
from gnomon.bounds.lipschitz import (
    ECLipsEFast,
    IntervalJacobian,
    LipschitzBound,
    Norm,
    NormProduct,
    SteepestAscent,
    tightest,
)
from gnomon.errors import SettingError, ShapeError
from gnomon.seeds import generator
from reference.activation_patterns import jacobians, norm_of, relu_network

NORMS: tuple[Norm, ...] = ("L1", "L2", "Linf")
WIDTHS = ((2, 6, 3), (2, 4, 4, 2))


def _box(dimension: int, radius: float, seed: int = 1) -> Interval:
    centre = torch.randn(1, dimension, generator=generator(seed)).double()
    return Interval.around(centre, radius)


def _bounds(network: nn.Module, box: Interval, norm: Norm) -> dict[str, LipschitzBound]:
    """What every method says of the box."""
    found = {
        "product": NormProduct(norm)(network, box.lower),
        "product in the box": NormProduct(norm)(network, box.lower, box),
        "intervals": IntervalJacobian(norm, "interval")(network, box.lower, box),
        "relaxed": IntervalJacobian(norm, "relaxed")(network, box.lower, box),
    }
    if norm == "L2":
        found["forms"] = ECLipsEFast(direction="forward")(network, box.lower)
        found["both forms"] = ECLipsEFast()(network, box.lower)
        found["forms in the box"] = ECLipsEFast()(network, box.lower, box)
    return found


@cache
def _network(*widths: int, seed: int = 0) -> nn.Sequential:
    return relu_network(*widths, seed=seed)


def _pieces(network: nn.Sequential, box: Interval) -> list[Tensor]:
    return jacobians(network, tuple(box.lower[0].tolist()), tuple(box.upper[0].tolist()))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("radius", [0.2, 3.0])
def test_no_bound_is_below_the_exact_constant(
    widths: tuple[int, ...], norm: Norm, radius: float
) -> None:
    """Of all logits, of each one, and of each difference, over every linear piece in a box."""
    network, box = _network(*widths), _box(widths[0], radius)
    pieces = _pieces(network, box)
    exact = max(norm_of(piece, norm) for piece in pieces)
    order = {"L1": torch.inf, "L2": 2, "Linf": 1}[norm]
    outputs = torch.stack([torch.linalg.vector_norm(p, order, dim=1) for p in pieces]).amax(0)
    pairs = torch.stack(
        [torch.linalg.vector_norm(p[:, None] - p[None], order, dim=2) for p in pieces]
    ).amax(0)
    for name, found in _bounds(network, box, norm).items():
        assert found.norm == norm
        assert float(found.values[0]) >= exact * (1 - 1e-12), name
        assert bool((found.outputs[0] >= outputs * (1 - 1e-12)).all()), name
        assert bool((found.margins[0] >= pairs * (1 - 1e-12)).all()), name
        assert found.margins[0].diagonal().count_nonzero() == 0


@pytest.mark.parametrize("norm", NORMS)
def test_the_steepest_point_is_found_and_nothing_steeper(norm: Norm) -> None:
    network, box = _network(2, 6, 3, seed=1), _box(2, 3.0)
    exact = max(norm_of(piece, norm) for piece in _pieces(network, box))
    many = box.each(Tensor.expand, 40, 2)
    source = generator(3)
    starts = many.lower + torch.rand(40, 2, generator=source).double() * many.width
    found = SteepestAscent(norm, steps=100)(network, starts, many, source)
    assert exact * 0.98 <= found.value <= exact * (1 + 1e-9)
    assert bool(((found.points >= many.lower) & (found.points <= many.upper)).all())


def test_ascent_climbs() -> None:
    """From one start far from the steepest piece, and never down."""
    network, box = _network(2, 6, 3), _box(2, 3.0)
    still = SteepestAscent(steps=0)(network, box.centre, box, generator(0))
    found = SteepestAscent(steps=60)(network, box.centre, box, generator(0))
    exact = max(norm_of(piece, "L2") for piece in _pieces(network, box))
    assert still.value < 0.5 * exact
    assert found.value > 0.95 * exact


@pytest.mark.parametrize("norm", NORMS)
def test_without_undecided_neurons_the_interval_jacobian_is_the_jacobian(norm: Norm) -> None:
    network, box = _network(3, 3, 3, 2), _box(3, 1e-6)
    (piece,) = _pieces(network, box)
    found = IntervalJacobian(norm)(network, box.lower, box)
    assert found.value == pytest.approx(norm_of(piece, norm), rel=1e-12)
    held = IntervalJacobian(norm).jacobian(network, box)
    assert held.shape == (1, 2, 3)
    assert torch.allclose(held.lower[0], piece)
    assert torch.allclose(held.upper[0], piece)


@pytest.mark.parametrize("norm", NORMS)
def test_linear_networks_are_exact(norm: Norm) -> None:
    """Also where a chain of matrices, batch normalisation and an average follow each other."""
    source = generator(2)
    first, last = nn.Linear(12, 8).double(), nn.Linear(4, 3).double()
    scale = nn.BatchNorm1d(8).double()
    with torch.no_grad():
        for tensor in (first.weight, last.weight, scale.weight, scale.running_mean):
            assert tensor is not None
            tensor.copy_(torch.randn(tensor.shape, generator=source))
        assert scale.running_var is not None
        scale.running_var.copy_(0.5 + torch.rand(8, generator=source))
    layers = (nn.Flatten(), first, scale, nn.Dropout(), nn.Unflatten(1, (1, 8)))
    network = nn.Sequential(*layers, nn.AvgPool1d(2), nn.Flatten(), last)
    box = Interval.around(torch.randn(2, 3, 4, generator=source).double(), 0.3)
    network.eval()
    matrix = torch.func.jacrev(network)(box.centre[:1])[0, :, 0].flatten(1).detach()
    network.train()
    for name, found in _bounds(network, box, norm).items():
        assert found.value == pytest.approx(norm_of(matrix, norm), rel=1e-9), name
        differences = matrix[:, None] - matrix[None]
        order = {"L1": torch.inf, "L2": 2, "Linf": 1}[norm]
        exact = torch.linalg.vector_norm(differences, order, dim=2)
        assert torch.allclose(found.margins[0], exact, atol=1e-9), name
    assert all(module.training for module in network.modules())
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("norm", NORMS)
def test_the_radius_of_a_linear_classifier_is_its_distance(norm: Norm) -> None:
    """|w_y − w_j| in the dual norm divides the margin."""
    source = generator(4)
    layer = nn.Linear(5, 3).double()
    weight = layer.weight.detach()
    x = torch.randn(50, 5, generator=source).double()
    logits = layer(x).detach()
    labels = torch.arange(50) % 3
    order = {"L1": torch.inf, "L2": 2, "Linf": 1}[norm]
    found = NormProduct(norm)(layer, x[:1]).radius(logits, labels)
    for point, label, radius in zip(logits, labels.tolist(), found.tolist(), strict=True):
        others = [j for j in range(3) if j != label]
        distances = [
            (point[label] - point[j])
            / torch.linalg.vector_norm(weight[label] - weight[j], order)
            for j in others
        ]
        assert radius == pytest.approx(max(0.0, float(min(distances))), rel=1e-9)


def test_no_point_within_the_radius_has_another_class() -> None:
    """Bounds that hold everywhere, and bounds in a box that reach as far as it does."""
    network, source = relu_network(2, 8, 8, 3, scale=0.6), generator(6)
    x = torch.randn(30, 2, generator=source).double()
    logits = network(x).detach()
    labels = logits.argmax(1)
    box = Interval.around(x, 0.2)
    local = tightest(ECLipsEFast()(network, x, box), IntervalJacobian("L2")(network, x, box))
    radii = {
        "everywhere": ECLipsEFast()(network, x).radius(logits, labels),
        "near": local.radius(logits, labels, reach=0.2),
    }
    assert float(radii["near"].max()) <= 0.2
    for radius in radii.values():
        assert bool((radius > 0).all())
        for _ in range(200):
            direction = torch.randn(x.shape, generator=source).double()
            step = direction / direction.norm(dim=1, keepdim=True) * radius[:, None]
            assert bool((network(x + 0.999 * step).argmax(1) == labels).all())


def test_a_wrong_example_has_no_radius_and_regions_must_fit() -> None:
    layer = nn.Linear(2, 2).double()
    bound = NormProduct()(layer, torch.zeros(1, 2).double())
    logits = torch.tensor([[1.0, 0.0], [0.0, 0.0]]).double()
    assert bound.radius(logits, torch.tensor([1, 0])).tolist() == [0.0, 0.0]
    box = Interval.around(torch.zeros(3, 2).double(), 0.1)
    with pytest.raises(ShapeError, match="1 or 2 regions"):
        NormProduct()(layer, box.lower, box).radius(logits, torch.tensor([1, 0]))
    with pytest.raises(SettingError, match="one norm"):
        tightest(bound, NormProduct("Linf")(layer, torch.zeros(1, 2).double()))


def test_only_margins_of_the_label_where_labels_are_given() -> None:
    network, box = relu_network(2, 5, 3), Interval.around(torch.zeros(2, 2).double(), 0.5)
    every = IntervalJacobian("L2")(network, box.lower, box)
    own = IntervalJacobian("L2")(network, box.lower, box, torch.tensor([2, 0]))
    assert torch.equal(own.margins[0, 2], every.margins[0, 2])
    assert torch.equal(own.margins[1, :, 0], every.margins[1, :, 0])
    assert float(own.margins[0, 0, 1]) == torch.inf
    assert torch.equal(own.values, every.values)
