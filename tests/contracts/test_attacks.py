"""What every attack on inputs promises."""

import functools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gnomon.attacks import BIM, FGSM, PGD, InputAttack, Outcome
from gnomon.errors import OutOfDomainError, SettingError, ShapeError, SubjectError
from gnomon.objectives import cross_entropy, margin
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Box, InputSet, Linf
from reference.attacks_on_inputs import (
    ATTACKS,
    DETERMINISTIC,
    WITHOUT_GRADIENTS,
    examples_of,
    network_of,
)

SETS = [Linf(0.08, (0.0, 1.0)), L2(0.3), L1(0.6, (0.0, 1.0)), Box(-0.1, 0.06)]
"""Each norm once, with a domain or without: what domains do to sets is their own contract."""


@pytest.fixture(params=ATTACKS, ids=str)
def attack(request: pytest.FixtureRequest) -> InputAttack:
    return ATTACKS[request.param]


@pytest.fixture(params=SETS, ids=lambda item: f"{item} in {item.domain}")
def within(request: pytest.FixtureRequest) -> InputSet:
    return request.param


@functools.cache
def _outcome(attack: InputAttack, within: InputSet) -> Outcome:
    """Of the attack on these examples, at which several tests look."""
    network = network_of()
    return attack(network, *examples_of(network), within, generator(1))


def test_the_perturbed_inputs_stay_in_the_set_exactly(
    attack: InputAttack, within: InputSet
) -> None:
    inputs, _ = examples_of(network_of())
    outcome = _outcome(attack, within)
    perturbation = outcome.inputs.double() - inputs.double()
    assert float(within.distance(perturbation).max()) <= within.radius
    assert torch.equal(outcome.distance, within.distance(perturbation))
    if within.domain is not None:
        assert float(outcome.inputs.min()) >= 0
        assert float(outcome.inputs.max()) <= 1


def test_the_verdict_is_what_the_network_says(attack: InputAttack, within: InputSet) -> None:
    network = network_of()
    _, labels = examples_of(network)
    outcome = _outcome(attack, within)
    assert torch.equal(outcome.fooled, network(outcome.inputs).argmax(dim=1) != labels)
    assert 0 < int(outcome.fooled.sum()) < len(labels)  # otherwise this says little


def test_it_finds_more_than_doing_nothing(attack: InputAttack, within: InputSet) -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    outcome = _outcome(attack, within)
    already = network(inputs).argmax(dim=1) != labels
    assert bool(outcome.fooled[already].all())
    assert int(outcome.fooled.sum()) > int(already.sum())


def test_who_resists_is_given_back_unchanged(attack: InputAttack, within: InputSet) -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    outcome = _outcome(attack, within)
    already = network(inputs).argmax(dim=1) != labels
    untouched = ~outcome.fooled | already
    assert torch.equal(outcome.inputs[untouched], inputs[untouched])
    assert float(outcome.distance[untouched].max()) == 0


def test_it_leaves_the_network_alone(attack: InputAttack) -> None:
    network = network_of().train()
    network[0].eval()
    network[4].requires_grad_(requires_grad=False)
    inputs, labels = examples_of(network_of())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    random_state = torch.get_rng_state()
    attack(network, inputs, labels, Linf(0.1), generator(1))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert all(parameter.grad is None for parameter in network.parameters())
    assert [parameter.requires_grad for parameter in network.parameters()].count(False) == 2
    assert torch.equal(random_state, torch.get_rng_state())


def test_a_network_in_training_mode_is_attacked_as_deployed(attack: InputAttack) -> None:
    inputs, labels = examples_of(network_of())
    deployed = attack(network_of(), inputs, labels, Linf(0.08), generator(1))
    training = attack(network_of().train(), inputs, labels, Linf(0.08), generator(1))
    assert torch.equal(deployed.inputs, training.inputs)


def test_the_inputs_are_not_written_to(attack: InputAttack) -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    before = inputs.clone()
    attack(network, inputs, labels, Linf(0.1, (0.0, 1.0)), generator(1))
    assert torch.equal(before, inputs)
    assert not inputs.requires_grad


def test_the_same_seed_gives_the_same_outcome(attack: InputAttack, within: InputSet) -> None:
    network = network_of()
    again = attack(network, *examples_of(network), within, generator(1))
    assert torch.equal(again.inputs, _outcome(attack, within).inputs)


def test_without_a_generator_the_seed_is_0(attack: InputAttack) -> None:
    network, within = network_of(), SETS[0]
    torch.manual_seed(3)  # noqa: TID251 - the global state, on which nothing may depend
    first = attack(network, *examples_of(network), within)
    second = attack(network, *examples_of(network), within, generator(0))
    assert torch.equal(first.inputs, second.inputs)


def test_radius_zero_fools_nobody_new(attack: InputAttack, within: InputSet) -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    outcome = attack(network, inputs, labels, within.with_radius(0.0), generator(1))
    assert torch.equal(outcome.inputs, inputs)
    assert torch.equal(outcome.fooled, network(inputs).argmax(dim=1) != labels)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_a_batch_is_attacked_as_its_examples_one_by_one(name: str, within: InputSet) -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    batch = ATTACKS[name](network, inputs, labels, within, generator(1))
    for index in range(0, len(inputs), 3):
        one = slice(index, index + 1)
        single = ATTACKS[name](network, inputs[one], labels[one], within, generator(1))
        # Matrix products of other sizes round differently; a tanh network does not amplify
        # that.
        torch.testing.assert_close(single.inputs, batch.inputs[one], rtol=0, atol=1e-5)


@pytest.mark.parametrize("factor", [2.0**14, 2.0**60, 2.0**-60])
def test_multiplied_logits_are_attacked_as_well(
    attack: InputAttack, within: InputSet, factor: float
) -> None:
    """In float32 the softmax of logits × 2¹⁴ saturates, and plain cross-entropy goes blind.

    Squares of gradients overflow at 2⁶⁰ times the logits, and vanish at 2⁻⁶⁰ times. A power of
    2 changes no rounding: what does not depend on the scale finds the same points, to the bit,
    on every processor.
    """
    network = network_of()
    inputs, labels = examples_of(network)
    loud = nn.Sequential(network, _Times(factor))
    plain = _outcome(attack, within)
    scaled = attack(loud, inputs, labels, within, generator(1))
    assert torch.equal(plain.inputs, scaled.inputs)
    assert torch.equal(plain.fooled, scaled.fooled)


def test_a_saturated_objective_shows_in_the_share_of_zero_gradients() -> None:
    network = nn.Sequential(network_of(), _Times(1e6))
    inputs, labels = examples_of(network_of())
    blind = PGD(steps=5, objective=cross_entropy)(
        network, inputs, labels, Linf(0.08), generator(1)
    )
    seeing = PGD(steps=5)(network, inputs, labels, Linf(0.08), generator(1))
    assert blind.zero_gradients > 0.9
    assert seeing.zero_gradients == 0


def test_gradients_are_counted_and_the_fooled_leave() -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    outcome = PGD(steps=10)(network, inputs, labels, Linf(0.08), generator(1))
    assert bool((outcome.gradients[~outcome.fooled] == 10).all())
    assert int(outcome.gradients[-5:].sum()) == 0  # wrong from the start
    assert int(outcome.gradients.sum()) < 10 * (len(labels) - 5)


def _plateau(x: Tensor) -> Tensor:
    """Flat everywhere, and wrong further than 0.05 from 0.5: only chance leads there."""
    wrong = ((x - 0.5).abs() > 0.05).to(x) * 2 + 0 * x
    return torch.cat([torch.ones_like(x), wrong], dim=1)


def test_random_starts_find_what_no_gradient_shows_and_restarts_find_more() -> None:
    inputs, labels = torch.full((200, 1), 0.5), torch.zeros(200, dtype=torch.int64)

    def fooled(attack: InputAttack) -> float:
        outcome = attack(_Function(_plateau), inputs, labels, Linf(0.1), generator(0))
        return float(outcome.fooled.double().mean())

    assert fooled(BIM(steps=3)) == fooled(FGSM()) == 0
    # Half of the starts lie on the far side: 0.5 ± 5 standard errors of 200 draws.
    assert 0.32 < fooled(FGSM(random_start=True)) < 0.68
    assert 0.32 < fooled(PGD(steps=3)) < 0.68
    assert fooled(PGD(steps=3, restarts=6)) > 0.9


def test_the_search_itself_stays_in_the_set() -> None:
    """Fooled between 0.085 and 0.105: steps of 0.04 jump over that unless 0.12 becomes 0.1.

    Judging at projected points is not enough: the next step has to start there.
    """
    peak = 0.595

    def logits(x: Tensor) -> Tensor:
        return torch.cat([1e4 * (x - peak) ** 2, torch.ones_like(x)], dim=1)

    creeping = BIM(steps=8, relative_step=0.4)
    x, label = torch.tensor([[0.5]]), torch.tensor([0])
    outcome = creeping(_Function(logits), x, label, Linf(0.1), generator(0))
    assert bool(outcome.fooled)


def test_steps_longer_than_the_radius_find_what_is_inside_and_nothing_else() -> None:
    network = nn.Linear(1, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        network.bias.zero_()
    inputs, labels = torch.tensor([[0.5]]), torch.tensor([0])
    long = BIM(steps=8, relative_step=4.0)
    assert not bool(long(network, inputs, labels, Linf(0.49), generator(0)).fooled)
    assert bool(long(network, inputs, labels, Linf(0.51), generator(0)).fooled)


def test_the_ball_is_around_the_original_point() -> None:
    """Clipping around the current point instead would move 4 × 0.3 where 0.5 is allowed."""
    network = nn.Linear(1, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        network.bias.zero_()
    creeping = BIM(steps=4, relative_step=0.6)
    outcome = creeping(
        network, torch.tensor([[0.9]]), torch.tensor([0]), Linf(0.5), generator(0)
    )
    assert not bool(outcome.fooled)


@pytest.mark.parametrize("classes", [2, 3])
def test_few_classes_are_enough(attack: InputAttack, classes: int) -> None:
    network = network_of(classes=classes)
    inputs = torch.rand(20, 12, generator=generator(0))
    labels = network(inputs).argmax(dim=1)
    assert bool(attack(network, inputs, labels, Linf(0.5), generator(1)).fooled.any())


def test_double_precision_is_kept(attack: InputAttack, within: InputSet) -> None:
    network = network_of().double()
    inputs, labels = (item for item in examples_of(network_of()))
    outcome = attack(network, inputs.double(), labels, within, generator(1))
    assert outcome.inputs.dtype == torch.float64
    assert bool(outcome.fooled.any())


class _Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class _Function(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@pytest.mark.parametrize("bad", [-0.1, 1.2, float("nan")])
def test_inputs_outside_the_domain_are_refused(attack: InputAttack, bad: float) -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    inputs[7, 3] = bad
    with pytest.raises(OutOfDomainError, match="index 7"):
        attack(network, inputs, labels, Linf(0.1, (0.0, 1.0)), generator(1))


def test_infinite_inputs_are_refused_without_a_domain(attack: InputAttack) -> None:
    inputs, labels = examples_of(network_of())
    inputs[3, 0] = torch.inf
    with pytest.raises(OutOfDomainError, match="index 3"):
        attack(network_of(), inputs, labels, Linf(0.1), generator(1))


def test_a_label_without_a_logit_is_refused(attack: InputAttack) -> None:
    inputs, labels = examples_of(network_of())
    with pytest.raises(SubjectError, match="labels below 4"):
        attack(network_of(), inputs, labels + 4, Linf(0.1), generator(1))


def test_nan_logits_are_refused(attack: InputAttack) -> None:
    inputs, labels = examples_of(network_of())
    broken = nn.Sequential(network_of(), _Times(float("nan")))
    with pytest.raises(SubjectError, match="NaN"):
        attack(broken, inputs, labels, Linf(0.1), generator(1))


def test_an_output_that_is_no_row_of_logits_is_refused(attack: InputAttack) -> None:
    inputs, labels = examples_of(network_of())
    with pytest.raises(ShapeError, match="expected logits of shape"):
        attack(nn.Linear(12, 1), inputs, labels, Linf(0.1), generator(1))


@pytest.mark.parametrize("name", [name for name in ATTACKS if name not in WITHOUT_GRADIENTS])
def test_a_network_without_gradient_is_refused(name: str) -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    cut = nn.Sequential(_Function(torch.detach), network)
    with pytest.raises(SubjectError, match="depend differentiably"):
        ATTACKS[name](cut, inputs, labels, Linf(0.1), generator(1))


@pytest.mark.parametrize("name", WITHOUT_GRADIENTS)
def test_an_attack_without_gradients_does_not_miss_them(name: str) -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    cut = nn.Sequential(_Function(torch.detach), network)
    blind, plain = (
        ATTACKS[name](each, inputs, labels, Linf(0.1), generator(1)) for each in (cut, network)
    )
    assert torch.equal(blind.inputs, plain.inputs)
    assert int(plain.gradients.sum()) == 0


def test_nan_in_the_set_counts_as_fooled() -> None:
    """A network that breaks down at an allowed input has not withstood it."""
    network = _Function(lambda x: torch.cat([x, -x], dim=1) + torch.sqrt(0.6 - x) * 0)
    inputs, labels = torch.tensor([[0.5]]), torch.tensor([0])
    up = BIM(steps=4, objective=lambda logits, labels: -margin(logits, labels))
    assert bool(up(network, inputs, labels, Linf(0.2), generator(0)).fooled)


@pytest.mark.parametrize(
    "make",
    [lambda: PGD(steps=0), lambda: PGD(restarts=0), lambda: BIM(relative_step=-1.0)],
)
def test_settings_outside_their_range_are_refused(make: Callable[[], InputAttack]) -> None:
    with pytest.raises(SettingError, match="expected"):
        make()
