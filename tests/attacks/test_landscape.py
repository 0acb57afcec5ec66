"""Landscapes and flatness of the loss, against networks whose loss is known by thought."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gnomon.attacks.climb import Climb
from gnomon.attacks.flatness import AverageFlatness, Flatness, WorstFlatness
from gnomon.attacks.landscape import (
    filter_normalised,
    landscape,
    random_direction,
    steepest_direction,
)
from gnomon.attacks.losses import losses
from gnomon.attacks.parameters import JointPGD
from gnomon.errors import SettingError, ShapeError
from gnomon.networks.alternative import Alternative
from gnomon.objectives import cross_entropy
from gnomon.seeds import generator
from gnomon.sets import Linf, ParameterBall

CLIMB = Climb(5)


def _line(slope: float = 2.0) -> nn.Module:
    """Logits (−s x, s x) of one number x."""
    layer = nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[-slope], [slope]]))
    return layer.eval()


def _net() -> nn.Module:
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 2))
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            parameter.normal_(0, 0.4, generator=generator(0, name))
    return network.eval()


IMAGES = torch.rand(30, 1, 6, 6, generator=generator(0, "images"))
LABELS = _net()(IMAGES).argmax(dim=1)
BATCHES = [(IMAGES[:20], LABELS[:20]), (IMAGES[20:], LABELS[20:])]


def test_losses_are_those_of_the_worst_inputs_of_a_linear_network() -> None:
    """The logits (−2 x, 2 x) of class 1 are worst at x − ε: CE = log(1 + exp(−4 (x − ε)))."""
    x, y = torch.tensor([[0.1], [1.0]]), torch.tensor([1, 1])
    found = losses(_line(), [(x, y)], Linf(0.3), CLIMB, generator(0))
    clean = [math.log1p(math.exp(-4 * each)) for each in (0.1, 1.0)]
    worst = [math.log1p(math.exp(-4 * (each - 0.3))) for each in (0.1, 1.0)]
    assert found.loss == pytest.approx(sum(clean) / 2, rel=1e-5)
    assert found.attacked_loss == pytest.approx(sum(worst) / 2, rel=1e-5)
    assert (found.accuracy, found.attacked_accuracy) == (1.0, 0.5)


def test_directions_are_of_the_weights_computed_ones_too() -> None:
    """A normalisation's scale and shift stay, of two axes here, and so do lengths by rows."""
    plain = nn.Sequential(nn.Linear(4, 6), nn.Unflatten(1, (2, 3)), nn.LayerNorm([2, 3]))
    computed = copy.deepcopy(plain)
    parametrizations.weight_norm(computed[0])
    batches = [(torch.rand(9, 4, generator=generator(0)), torch.arange(9) % 6)]
    for network in (plain, computed):
        network.append(nn.Flatten()).eval()
        assert set(random_direction(network, generator(0))) == {"0.weight"}
    steep = [steepest_direction(network, batches)["0.weight"] for network in (plain, computed)]
    torch.testing.assert_close(steep[0], steep[1], rtol=1e-4, atol=1e-6)
    at = torch.tensor([[0.0], [0.3]])
    found = [
        landscape(network, [{"0.weight": steep[0]}], at, batches, None, CLIMB, generator(0))
        for network in (plain, computed)
    ]
    values = [[each.loss for each in points.losses] for points in found]
    assert values[0] == pytest.approx(values[1], rel=1e-4)
    assert values[0][1] > values[0][0]


def test_each_filter_is_as_long_as_the_networks() -> None:
    network = _net()
    direction = random_direction(network, generator(1))
    assert set(direction) == {"0.weight", "3.weight"}
    for name, tensor in direction.items():
        own = dict(network.named_parameters())[name].detach()
        torch.testing.assert_close(tensor.flatten(1).norm(dim=1), own.flatten(1).norm(dim=1))


def test_rescaled_layers_have_the_same_landscape() -> None:
    """A ReLU layer times 4 and the next divided by 4 is the same function."""
    network, rescaled = _net(), _net()
    with torch.no_grad():
        rescaled.get_parameter("0.weight").mul_(4)
        rescaled.get_parameter("0.bias").mul_(4)
        rescaled.get_parameter("3.weight").div_(4)
    positions = torch.linspace(-1, 1, 5)[:, None]
    found = [
        landscape(
            each, [random_direction(each, generator(3))], positions, BATCHES, None, CLIMB,
            generator(0),
        )
        for each in (network, rescaled)
    ]  # fmt: skip
    for first, second in zip(found[0].losses, found[1].losses, strict=True):
        # The bias of the second layer keeps its place: only it is not rescaled, nor moved.
        assert first.loss == pytest.approx(second.loss, rel=1e-4)


def test_the_landscape_is_that_of_the_moved_networks() -> None:
    network = _net()
    directions = [random_direction(network, generator(seed)) for seed in (1, 2)]
    positions = torch.tensor([[0.0, 0.0], [0.5, -0.25]])
    found = landscape(network, directions, positions, BATCHES, Linf(0.1), CLIMB, generator(0))
    moved = dict(network.named_parameters())
    for direction, step in zip(directions, (0.5, -0.25), strict=True):
        moved = {**moved, **{key: moved[key] + step * each for key, each in direction.items()}}
    with torch.no_grad():
        logits = Alternative(network, moved)(IMAGES)
    assert found.losses[1].loss == pytest.approx(float(cross_entropy(logits, LABELS).mean()))
    assert found.losses[0].accuracy == 1
    for each in found.losses:
        assert each.attacked_loss > each.loss
        assert each.attacked_accuracy <= each.accuracy


def test_the_loss_rises_along_its_steepest_direction() -> None:
    network = _net()
    direction = steepest_direction(network, BATCHES)
    positions = torch.tensor([[-0.01], [0.0], [0.01]])
    found = landscape(network, [direction], positions, BATCHES, None, CLIMB, generator(0))
    values = [each.loss for each in found.losses]
    assert values == sorted(values)


def test_a_filter_of_the_network_that_is_zero_does_not_move() -> None:
    network = _net()
    with torch.no_grad():
        network.get_parameter("0.weight")[1] = 0
    direction = filter_normalised(network, {"0.weight": torch.ones(3, 1, 3, 3)})
    assert float(direction["0.weight"][1].abs().max()) == 0
    assert float(direction["0.weight"][0].abs().min()) > 0


@pytest.mark.parametrize("size", [1e-30, 1e30, 1e-40])
def test_the_size_of_a_direction_does_not_matter_though_its_square_has_none(
    size: float,
) -> None:
    """As of the gradient of a unit that is nearly dead."""
    network = _net()
    plain = filter_normalised(network, {"0.weight": torch.ones(3, 1, 3, 3)})
    found = filter_normalised(network, {"0.weight": torch.full((3, 1, 3, 3), size)})
    torch.testing.assert_close(found, plain)
    none = filter_normalised(network, {"0.weight": torch.zeros(3, 1, 3, 3)})
    assert not none["0.weight"].any()


def test_coordinates_and_directions_must_match() -> None:
    network = _net()
    with pytest.raises(ShapeError, match="expected 1 coordinates"):
        landscape(
            network,
            [random_direction(network, generator(0))],
            torch.zeros(3, 2),
            BATCHES,
            None,
            CLIMB,
            generator(0),
        )


def test_average_flatness_of_a_linear_network_is_its_mean_rise() -> None:
    """θ = (−2, 2) within a ball of ratio ξ: the rise is a function of the one margin 2δ."""
    x, y = torch.ones(1, 1), torch.tensor([1])
    found = AverageFlatness(ParameterBall(0.5), 400, CLIMB)(
        _line(), [(x, y)], None, generator(0)
    )
    radius = 0.5 * math.sqrt(8)
    disc = torch.rand(200_000, 2, generator=generator(5)) * 2 - 1
    disc = disc[disc.norm(dim=1) <= 1] * radius
    margin = 4 + (disc[:, 1] - disc[:, 0])
    rises = torch.log1p(torch.exp(-margin)) - math.log1p(math.exp(-4))
    assert abs(found.mean - float(rises.mean())) < 5 * float(rises.std()) / 20
    assert found.standard_error == pytest.approx(float(rises.std()) / 20, rel=0.3)
    assert found.loss == pytest.approx(math.log1p(math.exp(-4)), rel=1e-5)


def test_worst_flatness_of_a_linear_network_is_its_largest_rise() -> None:
    """The worst of the ball of radius r lowers the margin by r √2, the worst input by 4 ε."""
    x, y = torch.ones(1, 1), torch.tensor([1])
    search = JointPGD(20, 2, objective=cross_entropy, over="all")
    found = WorstFlatness(ParameterBall(0.1), search, CLIMB)(
        _line(), [(x, y)], None, generator(0)
    )
    margin = 4 - 0.1 * math.sqrt(8) * math.sqrt(2)
    wanted = math.log1p(math.exp(-margin)) - math.log1p(math.exp(-4))
    assert found.worst == pytest.approx(wanted, rel=1e-3)


def test_worst_is_at_least_average_in_the_same_ball_and_grows_with_it() -> None:
    network = _net()
    search = JointPGD(10, 2, objective=cross_entropy, over="all")
    worst = [
        WorstFlatness(ParameterBall(size), search, CLIMB)(
            network, BATCHES, Linf(0.05), generator(0)
        ).worst
        for size in (0.02, 0.1)
    ]
    average = AverageFlatness(ParameterBall(0.1), 5, CLIMB)(
        network, BATCHES, Linf(0.05), generator(0)
    )
    assert average.worst < worst[1]
    assert 0 < worst[0] < worst[1]


def test_the_edges_of_flatness() -> None:
    assert Flatness(1.0, (0.5,)).standard_error == math.inf
    assert Flatness(1.0, (0.0, 1.0)).standard_error == pytest.approx(0.5)
    with pytest.raises(SettingError, match="samples ≥ 1"):
        AverageFlatness(samples=0)


def test_everything_is_left_as_it_was() -> None:
    network = _net().train()
    before: dict[str, Tensor] = {
        name: value.clone() for name, value in network.state_dict().items()
    }
    AverageFlatness(samples=1, climb=CLIMB)(network, BATCHES, Linf(0.05), generator(0))
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
