"""Dead and saturated units, and distributions of activations, on networks known by thought."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ELU, GELU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from gnomon.errors import DataError, SettingError
from gnomon.networks import CNN4, MLP, LeNet, Signature
from gnomon.representation.units import BINS, Activity, Units, unit_activity
from gnomon.seeds import generator

INPUTS = torch.randn(60, 4, generator=generator(0))


def of(network: nn.Module, inputs: Tensor = INPUTS, batch: int = 500) -> Activity:
    return unit_activity(network, inputs, generator=generator(5), batch=batch)


def two_layers(*between: nn.Module, width: int = 8) -> nn.Sequential:
    network = nn.Sequential(nn.Linear(4, width), *between, nn.Linear(width, 3))
    draws = generator(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draws))
    return network


def slopes_of(
    network: nn.Sequential, f: Callable[[Tensor], Tensor], inputs: Tensor = INPUTS
) -> Tensor:
    """|f'(z)| by `torch.func`, for z the output of the first module."""
    z = network[0](inputs).detach()
    return torch.func.vmap(torch.func.grad(f))(z.flatten()).reshape(z.shape).abs()


def check(found: Units, slopes: Tensor, threshold: float = 0.01) -> None:
    """Examples × units of slopes give these counts."""
    assert found.threshold == threshold
    assert found.dead is not None
    assert found.saturated is not None
    assert torch.equal(found.dead, (slopes == 0).all(dim=0))
    assert torch.equal(found.saturated, (slopes < threshold).double().mean(dim=0))


@pytest.mark.parametrize(
    "activation", [ReLU(), ELU(), GELU(), SiLU(), Sigmoid(), Softplus(), Tanh()], ids=repr
)
def test_the_slope_of_an_elementwise_activation_is_its_derivative(
    activation: Callable[[Tensor], Tensor],
) -> None:
    assert isinstance(activation, nn.Module)
    network = two_layers(activation)
    (found,) = of(network, 20 * INPUTS).units
    check(found, slopes_of(network, activation, 20 * INPUTS))
    assert (found.stage, found.layer, found.count) == ("hidden1", "0", 8)


def test_dead_units_by_construction() -> None:
    network = two_layers(nn.ReLU())
    with torch.no_grad():
        network.get_parameter("0.bias")[[1, 4, 5]] = -1000.0
    (found,) = of(network, batch=7).units
    assert found.dead is not None
    assert found.dead.nonzero().flatten().tolist() == [1, 4, 5]
    assert found.dead_count == 3
    assert found.saturated is not None
    assert found.saturated[[1, 4, 5]].tolist() == [1, 1, 1]


def test_a_unit_that_lives_for_one_example_is_not_dead() -> None:
    network = two_layers(nn.ReLU())
    with torch.no_grad():
        network.get_parameter("0.weight").fill_(1.0)
        network.get_parameter("0.bias").copy_(-INPUTS.sum(dim=1).topk(2).values.mean())
    (found,) = of(network, batch=20).units
    assert found.dead_count == 0
    assert found.saturated is not None
    assert torch.allclose(found.saturated, torch.full((8,), 59 / 60, dtype=torch.float64))
    assert found.often_saturated(0.95) == 8
    assert found.often_saturated(0.99) == 0


def test_a_tanh_network_with_huge_weights_is_saturated() -> None:
    network = two_layers(nn.Tanh())
    with torch.no_grad():
        network.get_parameter("0.weight").mul_(1000)
    (found,) = of(network).units
    assert found.often_saturated() == found.count == 8
    (mild,) = of(two_layers(nn.Tanh()), 0.1 * INPUTS).units
    assert mild.often_saturated() == 0


def test_without_an_activation_every_slope_is_one() -> None:
    for saturation, often in ((0.999, 0), (1.001, 8)):
        found = unit_activity(
            two_layers(), INPUTS, generator=generator(0), saturation=saturation
        )
        assert found.units[0].often_saturated() == often
        assert found.units[0].dead_count == 0


class Called(nn.Module):
    """Activations as functions, one in place."""

    def __init__(self, like: nn.Sequential, relu: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last = like[0], like[-1]
        self.relu = relu

    def forward(self, inputs: Tensor) -> Tensor:
        return self.last(self.relu(self.first(inputs)))


def numbers(found: Activity) -> tuple[object, ...]:
    units = [
        (each.dead.tolist(), each.saturated.tolist())
        for each in found.units
        if each.dead is not None and each.saturated is not None
    ]
    return units, found.distributions


def test_however_the_activation_is_written_the_numbers_are_the_same() -> None:
    network = two_layers(ReLU())
    wanted = numbers(of(network))
    assert numbers(of(two_layers(nn.ReLU()))) == wanted
    assert numbers(of(two_layers(nn.ReLU(inplace=True)))) == wanted
    assert numbers(of(Called(network, functional.relu))) == wanted
    assert numbers(of(Called(network, functional.relu_))) == wanted
    assert numbers(of(Called(network, lambda z: z.clamp_min(0)))) == wanted


def test_a_normalisation_stands_before_the_activation() -> None:
    normalization = nn.BatchNorm1d(8)
    network = two_layers(normalization, nn.Tanh())
    with torch.no_grad():
        normalization.weight.fill_(50.0)
        normalization.running_mean = torch.linspace(-1, 1, 8)
    (found,) = of(network.train()).units
    assert network.training
    z = network.eval()[:2](INPUTS).detach()
    slopes = (1 - z.double().tanh().square()).abs()
    assert found.saturated is not None
    # Within one example of 60: tanh' rounds differently in float32.
    assert torch.allclose(
        found.saturated, (slopes < 0.01).double().mean(dim=0), atol=1 / 60 + 1e-9
    )


def convolution(*between: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), *between, nn.Flatten(), nn.LazyLinear(3)
    )


PIXELS = torch.rand(20, 1, 8, 8, generator=generator(2))


def test_a_channel_is_dead_where_it_is_so_at_every_position() -> None:
    network = convolution(nn.ReLU())
    network(PIXELS)
    with torch.no_grad():
        network.get_parameter("0.bias")[:2] = -1000.0
    (found,) = of(network, PIXELS).units
    z = network[0](PIXELS).detach()
    check(found, (z > 0).flatten(2).any(dim=2).double())
    assert found.count == 6
    assert found.dead_count >= 2


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.AvgPool2d(4), nn.AdaptiveAvgPool2d(1)])
def test_pooling_does_not_pass_for_saturation(pool: nn.Module) -> None:
    network = convolution(nn.Softplus(beta=20), pool)
    network(PIXELS)
    with torch.no_grad():
        network.get_parameter("0.bias").fill_(10.0)
        network.get_parameter("0.bias")[3] = -1000.0
    (found,) = of(network, PIXELS).units
    assert found.dead is not None
    assert found.saturated is not None
    assert found.dead.tolist() == [False, False, False, True, False, False]
    assert found.saturated.tolist() == [0, 0, 0, 1, 0, 0]


def test_average_pooling_leaves_the_share_of_saturation_as_it_is() -> None:
    shares: list[Tensor] = []
    for between in ([nn.Tanh()], [nn.Tanh(), nn.AvgPool2d(2)]):
        network = convolution(*between)
        network(PIXELS)
        with torch.no_grad():
            weight = network.get_parameter("0.weight")
            weight.copy_(5 * torch.randn(weight.shape, generator=generator(3)))
            network.get_parameter("0.bias").copy_(torch.linspace(-8, 8, 6))
        found = of(network, PIXELS).units[0].saturated
        assert found is not None
        shares.append(found)
    assert torch.equal(*shares)
    assert 0 < float(shares[0].mean()) < 1


def test_on_a_residual_branch_the_slope_is_that_of_what_follows() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.start, self.branch = nn.Linear(4, 5), nn.Linear(5, 5)
            self.shortcut, self.last = nn.Linear(5, 5), nn.Linear(5, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            start = self.start(inputs).relu()
            return self.last((self.branch(start) + self.shortcut(start)).relu())

    network = Residual()
    with torch.no_grad():
        network.shortcut.bias[2] = -1000.0
    found = of(network).units
    assert [each.layer for each in found] == ["start", "branch", "shortcut"]
    assert [each.absent for each in found] == ["", "", ""]
    for each in found[1:]:
        assert each.dead is not None
        assert bool(each.dead[2])
        assert each.dead_count < 5


def test_a_matrix_at_many_positions_has_its_units_along_the_last_axis() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 7), nn.Linear(7, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.last(self.first(inputs).relu()).mean(dim=1)

    network = Tokens()
    with torch.no_grad():
        network.first.bias[6] = -1000.0
    (found,) = of(network, INPUTS.reshape(20, 3, 4)).units
    assert found.dead is not None
    assert found.dead.tolist() == [False] * 6 + [True]


def test_slopes_that_do_not_exist_are_said_to_be_absent() -> None:
    class Steps(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x > 0).float()

    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (0 * x).sqrt()

    (steps,) = of(two_layers(Steps())).units
    assert steps.dead is None
    assert "differentiably" in steps.absent
    (broken,) = of(two_layers(Broken())).units
    assert broken.absent == "slopes that are not finite"
    assert (broken.count, broken.dead_count, broken.often_saturated()) == (0, 0, 0)


@pytest.mark.parametrize(
    ("network", "calls"),
    [(nn.Linear(4, 2), 1), (nn.Identity(), 0), (nn.Sequential(nn.Linear(4, 3), nn.ReLU()), 1)],
)
def test_fewer_than_two_weight_layers_have_no_units(network: nn.Module, calls: int) -> None:
    found = of(network)
    assert (found.units, found.calls) == ((), calls)
    assert [each.stage for each in found.distributions] == ["input", "output"]


NETWORKS = {
    "lenet": LeNet(),
    "cnn4": CNN4(width=1, linear=8, normalization="group"),
    "mlp": MLP((9, 9), normalization="batch", dropout=0.5),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_batches_do_not_change_the_activity(name: str) -> None:
    network = NETWORKS[name](Signature((1, 28, 28), 3, (0.5,), (0.5,)), generator(0))
    inputs = torch.rand(12, 1, 28, 28, generator=generator(1))
    one, all_at_once = of(network.train(), inputs, batch=5), of(network, inputs)
    assert all(module.training for module in network.modules())
    assert all(each.grad is None and each.requires_grad for each in network.parameters())
    for few, many in zip(one.units, all_at_once.units, strict=True):
        assert few.dead_count == many.dead_count
        assert few.often_saturated() == many.often_saturated()
    for few, many in zip(one.distributions, all_at_once.distributions, strict=True):
        assert (few.count, few.zeros, few.coordinates) == (
            many.count,
            many.zeros,
            many.coordinates,
        )
        assert few.mean == pytest.approx(many.mean, rel=1e-4, abs=1e-6)
        assert few.deviation == pytest.approx(many.deviation, rel=1e-4)
        assert few.quantiles == pytest.approx(many.quantiles, rel=1e-3, abs=1e-5)


def test_a_distribution_is_that_of_all_values() -> None:
    network = two_layers(nn.ReLU())
    found = of(network, batch=7).distributions
    values = network[:2](INPUTS).detach().double().flatten()
    hidden = found[1]
    assert [each.stage for each in found] == ["input", "hidden1", "output"]
    assert (hidden.count, hidden.zeros, hidden.nonfinite) == (480, int((values == 0).sum()), 0)
    assert hidden.mean == pytest.approx(float(values.mean()), rel=1e-5)
    assert hidden.deviation == pytest.approx(float(values.std(correction=0)), rel=1e-5)
    assert hidden.coordinates == 8
    ordered = values.sort().values
    assert hidden.quantiles[3] == pytest.approx(float(ordered[239]), abs=1e-6)
    assert hidden.quantiles[0] == 0
    # A half per cent of the values that are not zero lies outside on each side.
    assert 0.98 * (480 - hidden.zeros) <= sum(hidden.counts) <= 480 - hidden.zeros
    assert (len(hidden.edges), len(hidden.counts)) == (BINS + 1, BINS)


def test_the_sample_looks_at_the_same_coordinates_of_every_example() -> None:
    inputs = torch.arange(100.0).repeat(30, 1)
    found = unit_activity(nn.Identity(), inputs, generator=generator(0), sampled=90)
    assert found.distributions[0].coordinates == 3
    assert len({round(value) for value in found.distributions[0].quantiles}) <= 3
    assert found.distributions[0].mean == pytest.approx(49.5)


def test_values_that_are_constant_or_not_finite_are_described() -> None:
    class Strange(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([x[:, 0] * math.inf, 0 * x[:, 1] + 3], dim=1)

    found = of(Strange()).distributions[1]
    assert (found.count, found.nonfinite, found.zeros) == (120, 60, 0)
    assert (found.mean, found.deviation) == (3, 0)
    assert found.quantiles == (3,) * 7
    assert sum(found.counts) == 60
    zero = of(two_layers(nn.ReLU(), nn.Threshold(1e9, 0.0))).distributions[1]
    assert (zero.zeros, zero.edges, zero.counts) == (480, (), ())


def test_the_same_seed_gives_the_same_activity() -> None:
    network = two_layers(nn.Tanh(), nn.LayerNorm(8))
    assert numbers(of(network)) == numbers(of(network))


def test_bad_input_is_refused() -> None:
    with pytest.raises(DataError, match="expected examples"):
        of(two_layers(), INPUTS[:0])
    with pytest.raises(SettingError, match="saturation"):
        unit_activity(two_layers(), INPUTS, generator=generator(0), saturation=0.0)
