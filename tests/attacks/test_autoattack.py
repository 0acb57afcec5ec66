"""Ensembles: who fooled whom, what it cost, what was left out, and any number of examples."""

from dataclasses import replace

import pytest
import torch
from scipy.stats import beta
from torch import Tensor, nn

from gnomon.attacks import (
    APGD,
    APGDT,
    BIM,
    FABT,
    FGSM,
    PGD,
    AutoAttack,
    Batched,
    InputAttack,
    Ordered,
    Outcome,
    Part,
    RandomPoint,
    SquareAttack,
    View,
)
from gnomon.attacks.outcome import NOBODY
from gnomon.errors import SettingError
from gnomon.seeds import generator
from gnomon.sets import L1, L2, InputSet, Linf

WITHIN = Linf(0.06, (0.0, 1.0))


def dense(classes: int = 4, features: int = 12, factor: float = 1.0) -> nn.Sequential:
    """A small network of fixed weights, and its logits times a factor."""
    network = nn.Sequential(nn.Linear(features, 32), nn.Tanh(), nn.Linear(32, classes))
    for index, parameter in enumerate(network.parameters()):
        with torch.no_grad():
            parameter.normal_(0, 0.5, generator=generator(index, "dense"))
            parameter.mul_(factor if index > 1 else 1.0)
    return network.eval()


def examples(network: nn.Module, count: int = 60) -> tuple[Tensor, Tensor]:
    """Points labelled as the network answers, but for the last three."""
    inputs = torch.rand(count, 12, generator=generator(0, "examples"))
    labels = network(inputs).argmax(dim=1)
    labels[-3:] = (labels[-3:] + 1) % 2
    return inputs, labels


def shorter(part: Part, steps: int) -> Part:
    """The part with few steps or queries."""
    attack = part.attack
    if isinstance(attack, SquareAttack):
        return replace(part, attack=replace(attack, queries=steps))
    assert isinstance(attack, APGD | APGDT | FABT)
    return replace(part, attack=replace(attack, steps=steps))


def small(norm: str = "Linf") -> AutoAttack:
    """The standard version with few steps."""
    wanted = zip(AutoAttack.standard(norm).parts, (5, 4, 3, 20), strict=True)
    return AutoAttack(tuple(shorter(part, steps) for part, steps in wanted))


class Fools:
    """Claims the examples whose first coordinate lies in a range, at a price."""

    def __init__(self, low: float, high: float, gradients: int) -> None:
        self.low, self.high, self.gradients = low, high, gradients
        self.asked = list[int]()

    def __call__(
        self,
        network: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        within: InputSet,
        generator: torch.Generator | None = None,
    ) -> Outcome:
        del network, labels, within, generator
        self.asked.append(len(inputs))
        hit = (inputs[:, 0] >= self.low) & (inputs[:, 0] < self.high)
        nothing = Outcome.untouched("claims", inputs, ("claims",))
        spent = torch.full((len(inputs),), self.gradients)
        return replace(
            nothing, fooled=hit, by=hit.long() - 1, gradients=spent, distance=hit.double()
        )


class Right(nn.Module):
    """Every example is of class 0."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([torch.ones(len(x)), torch.zeros(len(x))], dim=1)


def test_each_example_belongs_to_the_part_that_fooled_it_first() -> None:
    network = dense()
    inputs, labels = examples(network)
    short = BIM(steps=1, relative_step=0.4)
    parts = (Part("random", RandomPoint()), Part("short", short), Part("PGD", PGD(steps=10)))
    outcome = AutoAttack(parts)(network, inputs, labels, WITHIN, generator(1))
    assert outcome.parts == ("random", "short", "PGD")
    wrong = network(inputs).argmax(dim=1) != labels
    assert torch.equal(outcome.by == NOBODY, ~outcome.fooled | wrong)
    # The first two alone: who is fooled by them, and nobody else, belongs to them.
    first = AutoAttack(parts[:2])(network, inputs, labels, WITHIN, generator(1))
    assert torch.equal((outcome.by == 0) | (outcome.by == 1), first.by >= 0)
    assert int((outcome.by == 2).sum()) > 0
    assert bool((network(outcome.inputs).argmax(dim=1) != labels)[outcome.fooled].all())


def test_costs_are_sums_over_the_parts_that_ran() -> None:
    network = dense()
    inputs, labels = examples(network)
    parts = (Part("BIM-3", BIM(steps=3)), Part("BIM-7", BIM(steps=7)))
    outcome = AutoAttack(parts)(network, inputs, labels, WITHIN, generator(1))
    alone = parts[0].attack(network, inputs, labels, WITHIN, generator(1))
    assert bool((outcome.gradients[~outcome.fooled] == 10).all())
    by_first = outcome.by == 0
    assert torch.equal(outcome.gradients[by_first], alone.gradients[by_first])
    assert torch.equal(outcome.inputs[by_first], alone.inputs[by_first])
    assert int(outcome.gradients[-3:].sum()) == 0


class Largest(nn.Module):
    """Notes the largest batch it is asked for."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.largest = network, 0

    def forward(self, x: Tensor) -> Tensor:
        self.largest = max(self.largest, len(x))
        return self.network(x)


def test_no_more_than_a_batch_is_ever_in_memory() -> None:
    network = Largest(dense())
    inputs, labels = examples(dense())
    replace(small(), batch=7)(network, inputs, labels, WITHIN, generator(1))
    assert network.largest == 7
    Batched(APGDT(steps=2), 5)(network, inputs, labels, WITHIN, generator(1))
    assert network.largest == 7


def test_batches_are_attacked_as_one_by_one() -> None:
    network = dense()
    inputs, labels = examples(network)
    joined = Batched(PGD(steps=3), 25)(network, inputs, labels, WITHIN, generator(4))
    source = generator(4)
    for part in torch.arange(60).split(25):
        alone = PGD(steps=3)(network, inputs[part], labels[part], WITHIN, source)
        for name in ("inputs", "fooled", "distance", "gradients", "queries", "by"):
            assert torch.equal(getattr(joined, name)[part], getattr(alone, name))


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("within", [Linf(0.1), L2(0.4), L1(0.8, (0.0, 1.0))], ids=str)
def test_few_classes_and_vectors_are_no_obstacle(classes: int, within: InputSet) -> None:
    network = dense(classes)
    inputs, labels = examples(network)
    outcome = small(within.norm)(network, inputs, labels, within, generator(1))
    assert 3 < int(outcome.fooled.sum()) < 60
    assert torch.equal(outcome.fooled, network(outcome.inputs).argmax(dim=1) != labels)
    assert float(within.distance(outcome.inputs.double() - inputs.double()).max()) <= (
        within.radius
    )


def test_logits_times_a_thousand_change_nothing() -> None:
    inputs, labels = examples(dense())
    quiet, loud = (
        small()(dense(factor=factor), inputs, labels, WITHIN, generator(1))
        for factor in (1.0, 1000.0)
    )
    assert abs(int(quiet.fooled.sum()) - int(loud.fooled.sum())) <= 1
    assert loud.zero_gradients == 0


def test_square_may_see_the_network_otherwise() -> None:
    half, full = View("bfloat16"), View()
    assert _settings(AutoAttack.standard(view=half), "view") == [{"view": half}] * 4
    apart = AutoAttack.standard(view=full, black_box=half)
    assert _settings(apart, "view") == [{"view": full}] * 3 + [{"view": half}]


def test_the_versions_have_the_official_parts_and_settings() -> None:
    standard, plus, rand = AutoAttack.standard(), AutoAttack.plus(), AutoAttack.rand()
    assert [part.name for part in standard.parts] == ["APGD-CE", "APGD-T", "FAB-T", "Square"]
    assert [part.name for part in plus.parts] == [
        "APGD-CE",
        "APGD-DLR",
        "FAB",
        "Square",
        "APGD-T",
        "FAB-T",
    ]
    assert [part.name for part in rand.parts] == ["APGD-CE", "APGD-DLR"]
    assert _settings(standard, "steps", "restarts", "targets", "queries") == [
        {"steps": 100, "restarts": 1},
        {"steps": 100, "restarts": 1, "targets": 9},
        {"steps": 100, "restarts": 1, "targets": 9},
        {"restarts": 1, "queries": 5000},
    ]
    assert _settings(AutoAttack.standard("L1"), "restarts", "targets") == [
        {"restarts": 5},
        {"restarts": 1, "targets": 5},
        {"restarts": 1, "targets": 9},
        {"restarts": 1},
    ]
    assert [each["restarts"] for each in _settings(plus, "restarts")] == [5, 5, 5, 1, 1, 1]
    views = [vars(part.attack)["view"] for part in rand.parts]
    assert views == [View(draws=20)] * 2


def _settings(ensemble: AutoAttack, *names: str) -> list[dict[str, int]]:
    return [
        {name: getattr(part.attack, name) for name in names if hasattr(part.attack, name)}
        for part in ensemble.parts
    ]


class Jitter(nn.Module):
    """Adds noise that its own generator draws."""

    def __init__(self, size: float) -> None:
        super().__init__()
        self.size, self.source = size, generator(3, "jitter")

    def forward(self, x: Tensor) -> Tensor:
        return x + self.size * torch.randn(x.shape, generator=self.source)


def test_rand_averages_the_draws_of_a_random_network() -> None:
    quiet = dense()
    network = nn.Sequential(quiet, Jitter(0.5))
    inputs, labels = examples(quiet)
    parts = tuple(shorter(part, 3) for part in AutoAttack.rand(draws=50).parts)
    outcome = AutoAttack(parts)(network, inputs, labels, Linf(1e-6), generator(1))
    # A mean of 50 draws has noise 0.07 in each logit.
    top = quiet(inputs).topk(2, dim=1).values
    sure = (top[:, 0] - top[:, 1] > 0.6)[:-3]
    assert int(sure.sum()) > 30
    assert not bool(outcome.fooled[:-3][sure].any())
    assert set(outcome.gradients[:-3][sure].tolist()) == {300}


def claims() -> tuple[list[Fools], tuple[Part, ...]]:
    """Dear and broad; cheap and narrow; cheap, and within the first; dear, and one more."""
    attacks = [
        Fools(0.0, 0.6, 100),
        Fools(0.5, 0.8, 10),
        Fools(0.0, 0.1, 5),
        Fools(0.8, 0.81, 1000),
    ]
    return attacks, tuple(
        Part(name, attack) for name, attack in zip("abcd", attacks, strict=True)
    )


def column(count: int) -> tuple[Tensor, Tensor]:
    """Inputs 0, 1/count, …, in an order that mixes them; all of class 0."""
    order = torch.randperm(count, generator=generator(0))
    return (order / count)[:, None], torch.zeros(count, dtype=torch.int64)


def test_the_order_is_by_gain_per_evaluation() -> None:
    _, parts = claims()
    inputs, labels = column(100)
    ensemble = Ordered(parts, pilot=100, tolerance=0.0)
    result = ensemble(Right(), inputs, labels, Linf(0.1), generator(0))
    # 30 per 20 evaluations; 10 per 10; then 40 per 200; then 1 per 2000.
    assert [trial.part for trial in result.trials] == ["b", "c", "a", "d"]
    assert [trial.gained for trial in result.trials] == [30, 10, 40, 1]
    assert [trial.alone for trial in result.trials] == [30, 10, 60, 1]
    assert [trial.evaluations for trial in result.trials] == [20, 10, 200, 2000]
    assert int(result.outcome.fooled.sum()) == 81
    assert result.outcome.gradients.tolist() == [1115] * 100
    assert not result.skipped


def test_what_gains_too_little_is_left_out_and_said() -> None:
    attacks, parts = claims()
    inputs, labels = column(1000)
    result = Ordered(parts, pilot=200, tolerance=0.03)(
        Right(), inputs, labels, Linf(0.1), generator(0)
    )
    (skipped,) = result.skipped
    assert skipped.part == "d"
    assert skipped.most == pytest.approx(
        float(beta.ppf(0.95, skipped.gained + 1, 200 - skipped.gained))
    )
    assert skipped.most <= 0.03
    assert "skipped for the other 800" in str(skipped)
    assert f"fooled {skipped.gained} of 200 pilot examples" in str(skipped)
    assert attacks[3].asked == [200]  # the pilot alone
    first = torch.arange(1000) < 200
    value = inputs[:, 0]
    wanted = (value < 0.8) | (first & (value >= 0.8) & (value < 0.81))
    assert torch.equal(result.outcome.fooled, wanted)
    assert torch.equal(result.outcome.inputs, inputs)


def test_the_first_part_always_runs() -> None:
    parts = (Part("dear", Fools(2.0, 3.0, 9)), Part("cheap", Fools(2.0, 3.0, 1)))
    inputs, labels = column(150)
    result = Ordered(parts, pilot=120)(Right(), inputs, labels, Linf(0.1), generator(0))
    assert [(trial.part, trial.runs) for trial in result.trials] == [
        ("cheap", True),
        ("dear", False),
    ]


def test_a_real_ordered_ensemble_agrees_with_the_same_in_turn() -> None:
    network = dense()
    inputs, labels = examples(network, 200)
    parts = (Part("APGD-T", APGDT(steps=10)), Part("FGSM", FGSM()))
    ordered = Ordered(parts, pilot=50, tolerance=0.0)(
        network, inputs, labels, WITHIN, generator(1)
    ).outcome
    in_turn = AutoAttack(parts)(network, inputs, labels, WITHIN, generator(1))
    assert torch.equal(ordered.fooled, network(ordered.inputs).argmax(dim=1) != labels)
    assert abs(int(ordered.fooled.sum()) - int(in_turn.fooled.sum())) <= 1
    assert torch.equal(ordered.by == NOBODY, in_turn.by == NOBODY)


def test_a_network_that_gets_nothing_right_needs_no_pilot() -> None:
    inputs, labels = column(10)
    result = Ordered(claims()[1])(Right(), inputs, labels + 1, Linf(0.1), generator(0))
    assert not result.trials


@pytest.mark.parametrize("kind", [AutoAttack, Ordered], ids=["AutoAttack", "Ordered"])
def test_parts_need_names_of_their_own(kind: type[AutoAttack] | type[Ordered]) -> None:
    with pytest.raises(SettingError, match="different names"):
        kind((Part("a", FGSM()), Part("a", BIM())))
    with pytest.raises(SettingError, match="different names"):
        kind(())
    with pytest.raises(SettingError, match="batch"):
        kind((Part("a", FGSM()),), batch=0)


@pytest.mark.parametrize("settings", [{"pilot": 0}, {"tolerance": -0.1}], ids=str)
def test_settings_outside_their_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(SettingError, match="expected pilot"):
        Ordered((Part("a", FGSM()),), **settings)  # pyright: ignore[reportArgumentType]


def test_an_ensemble_is_an_attack() -> None:
    assert isinstance(AutoAttack.standard(), InputAttack)
    assert isinstance(Batched(APGD()), InputAttack)
