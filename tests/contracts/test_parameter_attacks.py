"""What every attack on parameters promises."""

import pytest
import torch
from torch import Tensor, nn

from gnomon.attacks.parameters import (
    AdversarialParameterAttack,
    AlternativeNetworks,
    Batches,
    GaussianFaults,
    ParameterAttack,
    ParameterFault,
    ParameterOutcome,
    ParameterPGD,
    ProgressiveBitFlips,
    Quantisation,
    RandomBitFlips,
    SingleFault,
    SparseParameterAttack,
    StuckAtZero,
)
from gnomon.errors import DataError, GnomonError, ShapeError, SubjectError
from gnomon.networks.alternative import Alternative
from gnomon.objectives import margin
from gnomon.seeds import generator
from gnomon.sets import Linf, ParameterBall, ParameterBox, ParameterSet
from gnomon.sets.radius import Constant, Relative

INPUTS = Linf(0.05, (0.0, 1.0))
ATTACKS: dict[str, ParameterAttack] = {
    "random members": AlternativeNetworks(5),
    "random vertices": AlternativeNetworks(5, "vertices"),
    "PGD": ParameterPGD(5),
    "PGD on the margin with restarts": ParameterPGD(4, 0.5, 2, margin),
    "adversarial parameter attack": AdversarialParameterAttack(
        INPUTS, spoil_epochs=2, restore_epochs=3
    ),
}
FAULTS: dict[str, ParameterFault] = {
    "8 bits": Quantisation(8),
    "5 bits by channel": Quantisation(5, "channel", "asymmetric"),
    "random bits": RandomBitFlips(10),
    "progressive bits": ProgressiveBitFlips(2),
    "Gaussian": GaussianFaults(0.1),
    "dead weights": StuckAtZero(0.1),
    "single fault": SingleFault(5),
    "few parameters": SparseParameterAttack(INPUTS, 0.1, spoil_epochs=2, restore_epochs=3),
}
SETS: dict[str, ParameterSet] = {
    "relative": ParameterBox(Relative(0.1)),
    "constant": ParameterBox(Constant(0.02), biases=False),
    "one layer": ParameterBox(Relative(0.2), only=("5.*",)),
    "ball": ParameterBall(0.1),
}


def _network() -> nn.Sequential:
    """Dense, normalised, with dropout: everything a mode or a buffer could spoil."""
    network = nn.Sequential(
        nn.Linear(12, 24),
        nn.BatchNorm1d(24),
        nn.Tanh(),
        nn.Dropout(0.5),
        nn.Identity(),
        nn.Linear(24, 4),
    )
    for name, parameter in network.named_parameters():
        with torch.no_grad():
            parameter.normal_(0, 0.5, generator=generator(0, name))
    return network.eval()


def _batches() -> Batches:
    inputs = torch.rand(60, 12, generator=generator(0, "examples"))
    with torch.no_grad():
        labels = _network()(inputs).argmax(dim=1)
    labels[-3:] = (labels[-3:] + 1) % 4
    return list(zip(inputs.split(25), labels.split(25), strict=True))


def _run(
    name: str, network: nn.Module, batches: Batches, seed: int | None = 1
) -> ParameterOutcome:
    source = None if seed is None else generator(seed)
    if name in FAULTS:
        return FAULTS[name](network, batches, source)
    region = SETS["relative"].of(network)
    return ATTACKS[name](network, batches, region, source)


ALL = [*ATTACKS, *FAULTS]


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("within", SETS)
def test_the_alternative_network_is_a_member_exactly(name: str, within: str) -> None:
    network = _network()
    region = SETS[within].of(network)
    outcome = ATTACKS[name](network, _batches(), region, generator(1))
    assert set(outcome.parameters) == set(region)
    assert region.contains(outcome.parameters)


@pytest.mark.parametrize("name", ALL)
def test_it_reports_what_the_alternative_network_says(name: str) -> None:
    network, batches = _network(), _batches()
    outcome = _run(name, network, batches)
    changed = Alternative(network, outcome.parameters).eval()
    right = sum(int((changed(x).argmax(dim=1) == y).sum()) for x, y in batches)
    assert outcome.accuracy == right / 60
    assert any(
        not torch.equal(parameter, dict(network.named_parameters())[key])
        for key, parameter in outcome.parameters.items()
    )


@pytest.mark.parametrize("name", ["PGD", "PGD on the margin with restarts"])
@pytest.mark.parametrize("within", SETS)
def test_an_ascent_is_never_worse_than_doing_nothing_and_beats_chance(
    name: str, within: str
) -> None:
    network, batches = _network(), _batches()
    region = SETS[within].of(network)
    found = ATTACKS[name](network, batches, region, generator(1))
    nothing = AlternativeNetworks(1)(
        network, batches, SETS[within].with_size(0.0).of(network), generator(1)
    )
    chance = AlternativeNetworks(5)(network, batches, region, generator(1))
    assert nothing.accuracy == 57 / 60
    assert found.accuracy <= nothing.accuracy
    assert found.accuracy <= chance.accuracy


def test_the_ascent_finds_what_chance_does_not() -> None:
    network, batches = _network(), _batches()
    region = ParameterBox(Relative(0.1)).of(network)
    chance = AlternativeNetworks(30, "vertices")(network, batches, region, generator(1))
    found = ParameterPGD(10)(network, batches, region, generator(1))
    assert found.accuracy < chance.accuracy - 0.2


@pytest.mark.parametrize("name", ALL)
def test_it_leaves_the_network_alone(name: str) -> None:
    batches, network = _batches(), _network().train()
    network[0].eval()
    network[5].requires_grad_(requires_grad=False)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    state = torch.get_rng_state()
    _run(name, network, batches)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert all(parameter.grad is None for parameter in network.parameters())
    assert [parameter.requires_grad for parameter in network.parameters()].count(False) == 2
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_gives_the_same_outcome(name: str) -> None:
    """Without a generator the seed is 0."""
    first, second = (_run(name, _network(), _batches(), seed) for seed in (0, None))
    assert all(
        torch.equal(parameter, second.parameters[key])
        for key, parameter in first.parameters.items()
    )


@pytest.mark.parametrize("name", ATTACKS)
def test_a_set_of_size_0_leaves_the_network_as_it_is(name: str) -> None:
    network, batches = _network(), _batches()
    region = ParameterBox(Relative(0.0)).of(network)
    outcome = ATTACKS[name](network, batches, region, generator(1))
    assert outcome.accuracy == 57 / 60


@pytest.mark.parametrize("name", ["PGD", "PGD on the margin with restarts"])
def test_multiplied_logits_are_attacked_as_well(name: str) -> None:
    class Loud(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = _network()

        def forward(self, x: Tensor) -> Tensor:
            return 2.0**14 * self.inner(x)  # a power of 2 changes no rounding

    plain = _run(name, _network(), _batches())
    loud = _run(name, Loud().eval(), _batches())
    assert plain.accuracy == loud.accuracy
    for key, parameter in plain.parameters.items():
        assert torch.equal(parameter, loud.parameters[f"inner.{key}"])


class _Mixing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = _network()

    def forward(self, x: Tensor) -> Tensor:
        logits = self.inner(x)
        return logits - 0.5 * logits.mean(dim=0)


class _Writing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = _network()

    def forward(self, x: Tensor) -> Tensor:
        logits = self.inner(x.clone())
        x.fill_(-7.0)
        return logits


@pytest.mark.parametrize("name", ALL)
def test_answers_that_depend_on_the_batch_are_refused(name: str) -> None:
    with pytest.raises(SubjectError, match="other examples of a batch"):
        _run(name, _Mixing().eval(), _batches())


@pytest.mark.parametrize("name", ALL)
def test_the_examples_are_kept_from_a_network_that_writes(name: str) -> None:
    batches = _batches()
    before = [inputs.clone() for inputs, _ in batches]
    written = _run(name, _Writing().eval(), batches)
    assert all(
        torch.equal(inputs, kept) for (inputs, _), kept in zip(batches, before, strict=True)
    )
    assert 0 <= written.accuracy <= 1


class _Coin(nn.Module):
    """Right with chance one half, whatever its weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1))

    def forward(self, x: Tensor) -> Tensor:
        side = 2.0 * torch.randint(2, (len(x), 1)) - 1 + 0 * self.weight
        return torch.cat([side, -side], dim=1)


@pytest.mark.parametrize("name", ["PGD", "random members"])
def test_the_accuracy_of_a_random_network_is_read_anew(name: str) -> None:
    """The least of six readings of 100 coins is 44 on average, and one more reading is 50.

    The mean of 40 searches has a standard deviation of 5 / √40 = 0.8 of 100.
    """
    inputs, labels = torch.rand(100, 3), torch.zeros(100, dtype=torch.int64)
    found = [_run(name, _Coin(), [(inputs, labels)]).accuracy for _ in range(40)]
    assert abs(sum(found) / 40 - 0.5) < 4 * 0.008


@pytest.mark.parametrize("name", ALL)
def test_bad_batches_are_refused(name: str) -> None:
    (inputs, labels), *_ = _batches()
    for batches, error, said in (
        ([], DataError, "got none"),
        ([(inputs, labels + 4)], SubjectError, "labels below 4"),
    ):
        with pytest.raises(error, match=said):
            _run(name, _network(), batches)
    flat = nn.Sequential(_network(), nn.Linear(4, 1))
    with pytest.raises((ShapeError, GnomonError), match="expected logits of shape"):
        _run(name, flat, _batches())
