"""Attacks on parameters against their definitions and closed forms."""

import itertools

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.attacks import PGD
from gnomon.attacks.climb import Climb
from gnomon.attacks.parameters import (
    AdversarialParameterAttack,
    AlternativeNetworks,
    GaussianFaults,
    JointPGD,
    ParameterPGD,
    ProgressiveBitFlips,
    Quantisation,
    RandomBitFlips,
    RobustnessLost,
    SingleFault,
    SparseParameterAttack,
    StuckAtZero,
    awp_direction,
)
from gnomon.attacks.parameters.fixed_point import FixedPoint
from gnomon.errors import SettingError
from gnomon.networks.alternative import Alternative
from gnomon.objectives import cross_entropy, margin
from gnomon.seeds import generator
from gnomon.sets import Linf, ParameterBall, ParameterBox
from gnomon.sets.radius import Constant, Relative


def _rings() -> tuple[Tensor, Tensor]:
    """Two classes in the plane: inside a circle, and around it."""
    angle = 6.2831853 * torch.rand(300, generator=generator(0, "angle"))
    label = (torch.arange(300) % 2).to(torch.int64)
    radius = 0.5 + label + 0.15 * torch.randn(300, generator=generator(0, "radius"))
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), label


def _trained() -> nn.Module:
    """A perceptron that is right on nearly all points of the rings."""
    network = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 2))
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            parameter.normal_(0, 0.7, generator=generator(1, name))
    inputs, labels = _rings()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        functional.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
    network.zero_grad()
    for parameter in network.parameters():
        parameter.grad = None
    return network.eval()


TRAINED = _trained()
BATCHES = [tuple(part) for part in zip(*(each.split(100) for each in _rings()), strict=True)]


def test_the_ascent_reaches_the_optimum_of_a_linear_objective() -> None:
    """For one example the margin of a linear layer is largest at a vertex of its box."""
    layer = nn.Linear(3, 2).double().eval()
    x, y = torch.tensor([[1.0, -2.0, 0.5]]).double(), torch.tensor([0])
    region = ParameterBox(Constant(0.3)).of(layer).detach()
    found = ParameterPGD(3, 1.0, objective=margin)(layer, [(x, y)], region, generator(0))
    with torch.no_grad():
        own = float(margin(layer(x), y))
    assert found.value == pytest.approx(own + 2 * 0.3 * (float(x.abs().sum()) + 1), rel=1e-9)


def test_the_awp_direction_is_the_papers_formula() -> None:
    inputs, labels = BATCHES[0]
    region = ParameterBall(0.05).of(TRAINED)
    found = awp_direction(TRAINED, [(inputs, labels)], region, cross_entropy)
    named = dict(TRAINED.named_parameters())
    loss = cross_entropy(TRAINED(inputs), labels).mean()
    slopes = torch.autograd.grad(loss, list(named.values()))
    for (name, own), slope in zip(named.items(), slopes, strict=True):
        wanted = own + 0.05 * own.norm() * slope / slope.norm()
        torch.testing.assert_close(found[name], wanted.detach(), rtol=1e-4, atol=1e-6)


def test_its_batches_count_as_one_set_of_examples() -> None:
    inputs, labels = _rings()
    region = ParameterBall(0.05).of(TRAINED)
    parts = awp_direction(TRAINED, BATCHES, region, cross_entropy)
    whole = awp_direction(TRAINED, [(inputs, labels)], region, cross_entropy)
    for name, found in parts.items():
        torch.testing.assert_close(found, whole[name], rtol=1e-4, atol=1e-6)


def test_fixed_point_is_the_nearest_of_its_grid() -> None:
    weights = torch.randn(50, 7, generator=generator(0)).double()
    fixed = FixedPoint.of(weights, 4)
    grid = torch.arange(-7, 8).double() * weights.abs().max() / 7
    nearest = grid[(weights[..., None] - grid).abs().argmin(dim=-1)]
    torch.testing.assert_close(fixed.weights, nearest)
    assert int(fixed.codes.abs().max()) == 7


def test_more_bits_change_less() -> None:
    errors = []
    for bits in (2, 4, 8, 16):
        outcome = Quantisation(bits)(TRAINED, BATCHES, generator(0))
        own = TRAINED.get_parameter("0.weight").detach()
        errors.append(float((outcome.parameters["0.weight"] - own).abs().max()))
        assert set(outcome.parameters) == {"0.weight", "2.weight"}
    largest = float(TRAINED.get_parameter("0.weight").detach().abs().max())
    for error, bits in zip(errors, (2, 4, 8, 16), strict=True):
        assert error <= largest / (2 ** (bits - 1) - 1) / 2 * 1.0001
    assert errors == sorted(errors, reverse=True)


def test_a_flip_is_that_of_twos_complement() -> None:
    codes = torch.arange(-128, 128)
    fixed = FixedPoint(codes, torch.tensor(0.5), 8)
    for bit in range(8):
        found = fixed.flipped(torch.arange(256), torch.full((256,), bit)).codes
        wanted = [int.from_bytes([(code % 256) ^ (1 << bit)], signed=True) for code in codes]
        assert found.tolist() == wanted
        change = fixed.change(torch.arange(256), torch.full((256,), bit))
        torch.testing.assert_close(change, 0.5 * (found - codes).float())


@pytest.mark.parametrize("flips", [0, 1, 7, 100])
def test_so_many_different_bits_are_flipped(flips: int) -> None:
    before = Quantisation(8)(TRAINED, BATCHES, generator(0)).parameters
    after = RandomBitFlips(flips)(TRAINED, BATCHES, generator(3)).parameters
    differing = 0
    for name, tensor in after.items():
        scale = before[name].abs().max() / 127
        codes = [
            (each / scale).round().to(torch.int64) % 256 for each in (before[name], tensor)
        ]
        changed = codes[0] ^ codes[1]
        differing += sum(int(((changed >> bit) & 1).sum()) for bit in range(8))
    assert differing == flips


def test_random_flips_spread_over_all_bits() -> None:
    """8 × 96 bits of two tensors, all flipped: every code is inverted."""
    network = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 20, bias=False)).eval()
    batches = [(torch.rand(2, 4), torch.tensor([0, 1]))]
    before = Quantisation(8)(network, batches, generator(0)).parameters
    after = RandomBitFlips(768)(network, batches, generator(0)).parameters
    for name, tensor in after.items():
        scale = before[name].abs().max() / 127
        torch.testing.assert_close(tensor, -before[name] - scale)  # the complement is −w − 1


def test_more_flips_than_bits_are_refused() -> None:
    with pytest.raises(SettingError, match="at most"):
        RandomBitFlips(10**6)(TRAINED, BATCHES, generator(0))


def test_the_progressive_search_finds_the_worst_single_flip() -> None:
    """With all weights as candidates, and the loss nearly linear, it is the best of all."""
    layer = nn.Linear(3, 2, bias=False).eval()
    with torch.no_grad():
        layer.weight.copy_(torch.randn(2, 3, generator=generator(0)))
        x = torch.tensor([[0.3, -0.2, 0.9]])
        y = layer(x).argmax(dim=1)
    attack = ProgressiveBitFlips(1, bits=4, candidates=6, objective=margin)
    found = attack.course(layer, [(x, y)])
    fixed = FixedPoint.of(layer.weight.detach(), 4)
    every = [
        float(margin(x @ fixed.flipped(torch.tensor([i]), torch.tensor([b])).weights.T, y))
        for i, b in itertools.product(range(6), range(4))
    ]
    assert found[-1].value == pytest.approx(max(every), rel=1e-5)


def test_each_progressive_flip_changes_one_bit_and_hurts() -> None:
    course = ProgressiveBitFlips(3).course(TRAINED, BATCHES)
    assert [each.attack for each in course] == [f"{count} bit flips" for count in range(4)]
    for before, after in itertools.pairwise(course):
        changed = [
            int((before.parameters[name] != tensor).sum())
            for name, tensor in after.parameters.items()
        ]
        assert sum(changed) == 1
        assert after.value > before.value
    random = RandomBitFlips(3)(TRAINED, BATCHES, generator(0))
    assert course[-1].accuracy < random.accuracy


def test_the_progressive_search_ends_when_enough_is_wrong() -> None:
    course = ProgressiveBitFlips(50, accuracy=0.7).course(TRAINED, BATCHES)
    assert course[-1].accuracy <= 0.7 < course[-2].accuracy


def test_gaussian_faults_have_their_size() -> None:
    network = nn.Linear(200, 100)
    found = GaussianFaults(0.2)(network, [_wide()], generator(0)).parameters
    assert set(found) == {"weight", "bias"}
    noise = found["weight"]
    own = network.weight.detach()
    relative = float((noise - own).std() / own.square().mean().sqrt())
    assert relative == pytest.approx(0.2, rel=5 / (2 * 20_000) ** 0.5)


def _wide() -> tuple[Tensor, Tensor]:
    return torch.rand(3, 200, generator=generator(0)), torch.tensor([0, 1, 2])


def test_the_stated_share_of_weights_dies() -> None:
    network = nn.Linear(200, 100)
    found = StuckAtZero(0.3)(network, [_wide()], generator(0)).parameters
    assert set(found) == {"weight"}
    dead = float((found["weight"] == 0).double().mean())
    assert abs(dead - 0.3) < 5 * (0.3 * 0.7 / 20_000) ** 0.5


def test_a_single_fault_is_the_worst_of_all_when_all_are_tried() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)).eval()
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            given = dict(TRAINED.named_parameters())[name].flatten()
            parameter.copy_(given[: parameter.numel()].reshape(parameter.shape))
    found = SingleFault(100)(network, BATCHES, generator(0))
    ((name, tensor),) = found.parameters.items()
    own = {key: each.detach() for key, each in network.named_parameters()}
    assert int((tensor != own[name]).sum()) == 1
    accuracies = []
    for key, each in own.items():
        for place, sign in itertools.product(range(each.numel()), (-1, 1)):
            changed = each.flatten().clone()
            changed[place] = sign * each.abs().max()
            accuracies.append(_accuracy({key: changed.reshape(each.shape)}, network))
    assert found.accuracy == min(accuracies)


def test_few_trials_find_a_bad_fault() -> None:
    found = SingleFault(20)(TRAINED, BATCHES, generator(0))
    own, accuracies = dict(TRAINED.named_parameters()), []
    for seed in range(20):
        source = generator(seed)
        name = list(own)[int(torch.randint(4, (), generator=source))]
        changed = own[name].detach().flatten().clone()
        place = int(torch.randint(len(changed), (), generator=source))
        changed[place] = -changed[place].sign() * changed.abs().max()
        accuracies.append(_accuracy({name: changed.reshape(own[name].shape)}, TRAINED))
    assert found.accuracy < sum(accuracies) / 20 - 0.05


def _accuracy(parameters: dict[str, Tensor], network: nn.Module) -> float:
    changed = Alternative(network, parameters)
    with torch.no_grad():
        return sum(int((changed(x).argmax(dim=1) == y).sum()) for x, y in BATCHES) / 300


def _lost(parameters: dict[str, Tensor]) -> RobustnessLost:
    within = Linf(0.25)
    accuracy, robust = [], []
    for network in (TRAINED, Alternative(TRAINED, parameters)):
        right, resist = 0, 0
        for inputs, labels in BATCHES:
            with torch.no_grad():
                right += int((network(inputs).argmax(dim=1) == labels).sum())
            attack = PGD(steps=10)(network, inputs, labels, within, generator(0))
            resist += int((~attack.fooled).sum())
        accuracy.append(right / 300)
        robust.append(resist / 300)
    return RobustnessLost((accuracy[0], accuracy[1]), (robust[0], robust[1]))


def test_the_adversarial_parameter_attack_keeps_accuracy_and_takes_robustness() -> None:
    region = ParameterBox(Relative(0.15)).of(TRAINED)
    attack = AdversarialParameterAttack(
        Linf(0.25), Climb(5, random_start=False), 5, 30, restore_rates=(0.05, 0.02)
    )
    found = _lost(dict(attack(TRAINED, BATCHES, region, generator(0)).parameters))
    random = AlternativeNetworks(5)(TRAINED, BATCHES, region, generator(0))
    chance = _lost(dict(random.parameters))
    assert found.accuracy[0] > 0.97
    assert found.accuracy[1] > found.accuracy[0] - 0.1
    assert found.attacked_accuracy[1] < found.attacked_accuracy[0] - 0.1
    assert found.adversarial_rate > chance.adversarial_rate + 0.1


def test_the_sparse_attack_changes_no_more_than_its_share() -> None:
    attack = SparseParameterAttack(
        Linf(0.15), 0.25, Climb(5, random_start=False), 3, 20, step=0.05, spoil_rate=0.5
    )
    found = attack(TRAINED, BATCHES, generator(0))
    own = {name: each.detach() for name, each in TRAINED.named_parameters()}
    for name, tensor in found.parameters.items():
        changed = int((tensor != own[name]).sum())
        assert 0 < changed <= 0.25 * tensor.numel()
        assert float((tensor - own[name]).abs().max()) <= 23 * 0.05 * 1.0001
    lost = _lost(dict(found.parameters))
    assert lost.attacked_accuracy[1] < lost.attacked_accuracy[0]


def test_the_adversarial_rate_at_its_edges() -> None:
    assert RobustnessLost((0.9, 0.9), (0.5, 0.0)).adversarial_rate == 1
    assert RobustnessLost((0.9, 0.9), (0.5, 0.5)).adversarial_rate == 0
    assert RobustnessLost((0.9, 0.9), (0.0, 0.0)).adversarial_rate == 0
    assert RobustnessLost((0.9, 0.45), (0.5, 0.25)).adversarial_rate == pytest.approx(0.25)
    assert RobustnessLost((0.9, 0.9), (0.5, 0.6)).adversarial_rate == 0


def test_a_joint_search_stays_in_both_sets_and_beats_each_alone() -> None:
    inputs, labels = _rings()
    within, around = Linf(0.1), ParameterBox(Relative(0.05))
    region = around.of(TRAINED)
    still = ParameterBox(Relative(0.0)).of(TRAINED)
    both = JointPGD(10)(TRAINED, inputs, labels, within, region, generator(0))
    alone = JointPGD(10)(TRAINED, inputs, labels, within, still, generator(0))
    parameters = JointPGD(10)(TRAINED, inputs, labels, None, region, generator(0))
    assert float(within.distance(both.inputs.double() - inputs.double()).max()) <= 0.1
    assert region.contains(both.parameters)
    counts = [int(each.fooled.sum()) for each in (both, alone, parameters)]
    assert counts[0] > max(counts[1:])
    found = cross_entropy(Alternative(TRAINED, both.parameters)(both.inputs), labels)
    assert JointPGD(10, objective=cross_entropy, over="all")(
        TRAINED, inputs, labels, within, region, generator(0)
    ).value >= float(found.mean())


def test_a_climb_moves_everybody_within_the_set() -> None:
    inputs, labels = _rings()
    moved = Climb(10)(TRAINED, inputs, labels, Linf(0.1, (-2.0, 2.0)), generator(0))
    distance = (moved - inputs).abs().amax(dim=1)
    assert float(distance.max()) <= 0.1 * (1 + 1e-5)
    assert float(distance.min()) > 0.09
    with torch.no_grad():
        before, after = (cross_entropy(TRAINED(each), labels) for each in (inputs, moved))
    assert bool((after > before).all())


def test_an_alternative_network_replaces_what_is_named_and_shares() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(2, 2, bias=False)
            self.second = nn.Linear(2, 2, bias=False)
            self.second.weight = self.first.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.second(self.first(x))

    network = Tied()
    x = torch.tensor([[1.0, 2.0]])
    changed = Alternative(network, {"first.weight": 2 * torch.eye(2)})
    torch.testing.assert_close(changed(x), 4 * x)
    assert not torch.equal(network(x), 4 * x)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (AlternativeNetworks, {"count": 0}),
        (ParameterPGD, {"steps": 0}),
        (ParameterPGD, {"relative_step": 0.0}),
        (JointPGD, {"starts": 0}),
        (Quantisation, {"bits": 1}),
        (RandomBitFlips, {"flips": -1}),
        (ProgressiveBitFlips, {"candidates": 0}),
        (GaussianFaults, {"size": float("nan")}),
        (StuckAtZero, {"share": 1.5}),
        (SingleFault, {"trials": 0}),
        (SparseParameterAttack, {"inputs": Linf(0.1), "share": 0.0}),
        (AdversarialParameterAttack, {"inputs": Linf(0.1), "spoil_rate": 0.0}),
        (Climb, {"steps": 0}),
    ],
)
def test_settings_outside_their_range_are_refused(
    kind: type, settings: dict[str, object]
) -> None:
    with pytest.raises(SettingError, match="expected"):
        kind(**settings)
