"""Lipschitz bounds of networks of all kinds: never below what is found, and in their order."""

import copy

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import Interval
from gnomon.bounds.lipschitz import (
    ECLipsEFast,
    IntervalJacobian,
    Norm,
    NormProduct,
    SteepestAscent,
)
from gnomon.errors import SettingError, ShapeError, SubjectError, UnsupportedOperationError
from gnomon.seeds import generator
from reference.networks_of_all_kinds import networks

UNKNOWN = {
    "lenet, layer norm",
    "lenet, instance norm",
    "lenet, group norm",
    "linear, softmax",
    "linear, layer norm",
    "linear, rms norm",
    "linear, group norm",
}
"""Their slopes depend on the example's own statistics."""
NETWORKS = {name: make for name, make in networks().items() if name not in UNKNOWN}
NORMS: tuple[Norm, ...] = ("L1", "L2", "Linf")


CASES = [
    *((name, "L2") for name in NETWORKS),
    *((name, norm) for name in ("residual", "lenet, batch norm") for norm in ("L1", "Linf")),
]


@pytest.mark.parametrize(("name", "norm"), CASES)
def test_nothing_found_is_above_a_bound(name: str, norm: Norm) -> None:
    """Jacobians, and quotients of two points, in a box and anywhere."""
    network, x = NETWORKS[name]()
    box = Interval.around(x, 0.02)
    found = SteepestAscent(norm, steps=2)(network, x, box, generator(0)).values
    near = IntervalJacobian(norm, "interval")(network, x, box)
    everywhere = NormProduct(norm, widest=256)(network, x)
    order = {"L1": 1, "L2": 2, "Linf": torch.inf}[norm]
    ends = [
        box.lower + torch.rand(x.shape, generator=generator(k)).double() * box.width
        for k in (1, 2)
    ]
    with torch.no_grad():
        moved = torch.linalg.vector_norm(network(ends[1]) - network(ends[0]), order, dim=1)
    quotient = moved / torch.linalg.vector_norm((ends[1] - ends[0]).flatten(1), order, dim=1)
    for steep in (found, quotient):
        assert bool((steep <= near.values * (1 + 1e-9)).all())
        assert float(steep.max()) <= everywhere.value * (1 + 1e-9)


@pytest.mark.parametrize(
    "name", ["mlp, gelu", "mlp, tanh", "residual", "cnn4", "linear, prelu"]
)
def test_forms_are_never_above_the_product(name: str) -> None:
    network, x = NETWORKS[name]()
    box = Interval.around(x, 0.02)
    plain = NormProduct(widest=256)(network, x)
    forward = ECLipsEFast(256, direction="forward")(network, x)
    both = ECLipsEFast(256)(network, x)
    near = ECLipsEFast(256, "interval" if name == "residual" else "relaxed")(network, x, box)
    found = SteepestAscent(steps=3)(network, x, box, generator(0)).values
    assert both.value <= forward.value <= plain.value * (1 + 1e-9)
    assert bool((near.values <= both.value * (1 + 1e-9)).all())
    assert bool((found <= near.values * (1 + 1e-9)).all())
    assert bool((both.margins <= plain.margins * (1 + 1e-9)).all())
    assert bool((both.margins[0] <= 2**0.5 * both.value * (1 + 1e-12)).all())


@pytest.mark.parametrize(
    ("name", "norm"), [("mlp, gelu", "L1"), ("linear, leaky relu", "L2"), ("residual", "Linf")]
)
def test_a_larger_box_has_a_larger_bound_that_comes_near_the_jacobian(
    name: str, norm: Norm
) -> None:
    network, x = NETWORKS[name]()
    method, last = IntervalJacobian(norm, "interval"), None
    for radius in (1e-9, 0.01, 0.5):
        found = method(network, x, Interval.around(x, radius))
        assert last is None or bool((found.values >= last * (1 - 1e-9)).all())
        last = found.values
    point = SteepestAscent(norm, steps=0)(network, x, Interval.around(x, 1e-9), generator(0))
    near = method(network, x, Interval.around(x, 1e-9)).values
    assert torch.allclose(near, point.values, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "enclosure"), [("residual", "interval"), ("mlp, gelu", "relaxed")]
)
def test_boxes_are_bounded_as_if_they_were_alone(name: str, enclosure: str) -> None:
    network, x = NETWORKS[name]()
    method = IntervalJacobian("L2", enclosure)  # type: ignore[arg-type]
    both = method(network, x, Interval.around(x, 0.05))
    alone = [method(network, x, Interval.around(each[None], 0.05)) for each in x]
    assert torch.allclose(both.values, torch.cat([each.values for each in alone]))
    assert torch.allclose(both.margins, torch.cat([each.margins for each in alone]))


@pytest.mark.parametrize("norm", NORMS)
def test_bounds_scale_with_the_last_layer_and_with_the_inputs(norm: Norm) -> None:
    network, x = NETWORKS["mlp, tanh"]()
    steeper = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in list(steeper.children())[-1].parameters():
            parameter.mul_(-3)
    methods = [NormProduct(norm), *([ECLipsEFast()] if norm == "L2" else [])]
    for method in methods:
        assert method(steeper, x).value == pytest.approx(3 * method(network, x).value)
    local, box = IntervalJacobian(norm), Interval.around(x, 0.1)
    assert torch.allclose(local(steeper, x, box).values, 3 * local(network, x, box).values)
    halved = nn.Sequential(_Halved(), network)  # x / 2 comes before everything
    assert NormProduct(norm)(halved, x).value == pytest.approx(
        NormProduct(norm)(network, x).value / 2
    )
    twice = Interval.computed(2 * box.lower, 2 * box.upper)
    assert torch.allclose(local(halved, x, twice).values, local(network, x, box).values / 2)


class _Halved(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x / 2


class _Branches(nn.Module):
    """|x| side by side with x, as relu(x) + relu(−x) and 1 · x − 0."""

    def forward(self, x: Tensor) -> Tensor:
        size = torch.relu(x) + torch.relu(-x)
        return torch.cat([size, 1 - x], dim=1)


def test_branches_are_added_and_put_side_by_side() -> None:
    """The truth is √2, 1 and 2; each half of |x| counts as a branch of its own."""
    x = torch.randn(4, 3, generator=generator(0)).double()
    found = {norm: NormProduct(norm)(_Branches(), x).value for norm in NORMS}
    assert found["Linf"] == pytest.approx(2.0)
    assert found["L2"] == pytest.approx(5**0.5)
    assert found["L1"] == pytest.approx(3.0)
    box = Interval.around(x.sign() * (x.abs() + 0.5), 0.4)
    assert IntervalJacobian("L2")(_Branches(), x, box).value == pytest.approx(2**0.5)


def test_of_weights_that_are_not_numbers_nothing_is_known() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        network.get_parameter("0.weight")[1, 1] = torch.nan
    x = torch.zeros(2, 3)
    box = Interval.around(x, 0.1)
    bounds = [NormProduct(norm)(network, x) for norm in NORMS]
    bounds += [NormProduct(norm, widest=1)(network, x) for norm in NORMS]
    bounds += [ECLipsEFast()(network, x), ECLipsEFast(enclosure="interval")(network, x, box)]
    bounds += [IntervalJacobian(norm, "interval")(network, x, box) for norm in NORMS]
    logits = torch.tensor([[1.0, 0.0]] * 2)
    for bound in bounds:
        assert bound.value == torch.inf
        assert bound.radius(logits, torch.tensor([0, 0])).tolist() == [0.0, 0.0]


def test_the_figures_of_a_network_at_its_default_initialisation() -> None:
    """784-512-512-10: 0.78 by norms, 0.47 by forms, and 0.44 with the transposed chain."""
    source, layers = generator(0), list[nn.Module]()
    for inputs, outputs in ((784, 512), (512, 512), (512, 10)):
        layer = nn.Linear(inputs, outputs)
        nn.init.uniform_(layer.weight, -(inputs**-0.5), inputs**-0.5, generator=source)
        layers += [layer, nn.ReLU()]
    network, x = nn.Sequential(*layers[:-1]), torch.zeros(1, 784)
    assert NormProduct()(network, x).value == pytest.approx(0.78, abs=0.03)
    assert ECLipsEFast(direction="forward")(network, x).value == pytest.approx(0.46, abs=0.02)
    assert ECLipsEFast()(network, x).value == pytest.approx(0.43, abs=0.02)


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_what_is_not_known_is_refused_by_name(name: str) -> None:
    network, x = networks()[name]()
    with pytest.raises(UnsupportedOperationError, match="Traced: expected an operation"):
        NormProduct()(network, x)


class _Odd(nn.Module):
    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)  # type: ignore[operator]


def _square(x: Tensor) -> Tensor:
    return x * x


def _inverse(x: Tensor) -> Tensor:
    return 1 / x


def _constant(x: Tensor) -> Tensor:
    return torch.zeros(len(x), 2).double()


def _flat(x: Tensor) -> Tensor:
    return x.reshape(-1)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (_square, UnsupportedOperationError),
        (_inverse, UnsupportedOperationError),
        (_constant, UnsupportedOperationError),
        (_flat, ShapeError),
    ],
)
def test_networks_that_are_refused(function: object, error: type[Exception]) -> None:
    with pytest.raises(error, match="Lipschitz bound: expected"):
        NormProduct()(_Odd(function), torch.ones(2, 2).double())


def test_settings_of_the_ascent_are_checked() -> None:
    with pytest.raises(SettingError, match="steps ≥ 0"):
        SteepestAscent(steps=-1)
    with pytest.raises(SettingError, match="reach > 0"):
        SteepestAscent(reach=0.0)
    box = Interval.around(torch.ones(2, 2).double(), 0.1)
    with pytest.raises(SubjectError, match="cut off"):
        SteepestAscent()(_Odd(_constant), box.centre, box, generator(0))


def test_the_same_seed_finds_the_same_points() -> None:
    network, x = NETWORKS["mlp, gelu"]()
    box = Interval.around(x, 0.5)
    first, again = (SteepestAscent()(network, x, box, generator(4)) for _ in range(2))
    assert torch.equal(first.points, again.points)
    assert torch.equal(first.values, again.values)
