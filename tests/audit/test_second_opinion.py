"""Signs of gradients that mislead: networks that have them, and ordinary ones that do not."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.attacks import AutoAttack
from gnomon.audit import AttackedAccuracy, DoubtKind, Finding, Subject
from gnomon.audit.doubts import misled, one_step_wins, unbounded_survivors
from gnomon.audit.topics.attacks.second_opinion import broken_promises
from gnomon.data.dataset import Dataset, Split
from gnomon.data.digits import Digits
from gnomon.data.store import Store
from gnomon.networks.predictions import predict
from gnomon.seeds import generator
from gnomon.sets import L2, InputSet, Linf
from reference.small_subjects import FirstCoordinate, plane_data, subject_of

DOMAIN = (0.0, 1.0)
NEW = {
    DoubtKind.ONE_STEP_WINS,
    DoubtKind.SMOOTHER_WINS,
    DoubtKind.SHORT_SIGHTED,
    DoubtKind.UNBOUNDED_SURVIVORS,
}


class Rippled(nn.Module):
    """The network with ripples that are far shorter than any radius."""

    def __init__(self, network: nn.Module, size: float) -> None:
        super().__init__()
        self.network, self.size = network, size
        drawn = torch.randn(64, 10, generator=generator(0, "ripples"))
        self.way = drawn.sign() / 8

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        return self.network(x) + self.size * torch.sin(300 * flat) @ self.way


def _trained(network: nn.Module, inputs: Tensor, labels: Tensor, steps: int) -> nn.Module:
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        functional.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
    return network.eval()


def _digits(activation: type[nn.Module]) -> Subject:
    data = Digits()(0, Store(None, Path()))
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), activation(), nn.Linear(64, 10))
    return subject_of(_trained(network, data.train.inputs, data.train.labels, 150), data)


def _spiral(activation: type[nn.Module]) -> Subject:
    def points(seed: int, count: int) -> Split:
        turn = 3 * math.pi * torch.rand(count, generator=generator(seed))
        labels = torch.arange(count) % 2
        angle = turn + math.pi * labels
        radius = turn / (3 * math.pi)
        return Split(torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), labels)

    train, test = points(0, 1000), points(1, 300)
    network = nn.Sequential(
        *(nn.Linear(2, 50), activation()),
        *(nn.Linear(50, 50), activation()),
        *(nn.Linear(50, 50), activation(), nn.Linear(50, 2)),
    )
    data = Dataset(
        name="spiral",
        title="Spiral",
        train=train,
        validation=train,
        test=test,
        class_names=("a", "b"),
        domain=None,
        mean=(0.0, 0.0),
        std=(1.0, 1.0),
        customary=(),
        facts={},
    )
    return subject_of(_trained(network, train.inputs, train.labels, 300), data)


def _at(subject: Subject, within: InputSet) -> Finding:
    (finding,) = AttackedAccuracy((within,))(subject, generator(0))
    return finding


def _kinds(finding: Finding) -> set[DoubtKind]:
    return {doubt.kind for doubt in finding.doubts}


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
@pytest.mark.parametrize(
    ("make", "sets"),
    [
        (_digits, (Linf(0.1, DOMAIN), L2(0.8, DOMAIN))),
        (_spiral, (Linf(0.05), L2(0.1))),
    ],
)
def test_ordinary_networks_keep_their_promises_and_are_not_doubted(
    make: Callable[[type[nn.Module]], Subject],
    sets: tuple[InputSet, ...],
    activation: type[nn.Module],
) -> None:
    subject = make(activation)
    for within in sets:
        broken = broken_promises(subject, within, torch.arange(len(subject.labels)))
        assert float(broken.double().mean()) < 0.2
        assert not _kinds(_at(subject, within)) & NEW


def test_gradients_of_ripples_break_their_promise() -> None:
    plain, within = _digits(nn.ReLU), Linf(0.04, DOMAIN)
    network = Rippled(plain.network, 0.3)
    few = Subject("few", network, plain.data, plain.inputs[:60], plain.labels[:60])
    assert float(broken_promises(few, within, torch.arange(60)).double().mean()) > 0.8
    assert DoubtKind.SHORT_SIGHTED in _kinds(_at(few, within))


@pytest.mark.slow
@pytest.mark.parametrize("within", [Linf(0.04, DOMAIN), L2(0.5, DOMAIN)])
def test_ripples_are_doubted_and_the_figure_is_nearly_that_of_autoattack(
    within: InputSet,
) -> None:
    """The margin: two standard errors of the share, of a search that is random as well."""
    plain = _digits(nn.ReLU)
    subject = subject_of(Rippled(plain.network, 0.3), plain.data)
    finding = _at(subject, within)
    outcome = AutoAttack.standard(within.norm)(
        subject.network, subject.inputs, subject.labels, within, generator(1)
    )
    truth, count = 1 - float(outcome.fooled.double().mean()), len(subject.labels)
    assert finding.value is not None
    assert finding.value < truth + 2 * math.sqrt(truth * (1 - truth) / count)
    assert DoubtKind.SHORT_SIGHTED in _kinds(finding)
    without = AttackedAccuracy((within,), second=None)(subject, generator(0))[0]
    assert without.value is not None
    assert finding.value < without.value


def test_without_a_second_opinion_nothing_further_is_fooled() -> None:
    finding = _at(subject_of(FirstCoordinate(2).eval(), plane_data()), Linf(0.3))
    curves = {each["attack"] for each in finding.details["curves"]}
    assert "second opinion" in curves
    (plain,) = AttackedAccuracy((Linf(0.3),), second=None)(
        subject_of(FirstCoordinate(2).eval(), plane_data()), generator(0)
    )
    assert plain.value == finding.value
    assert "second opinion" not in {each["attack"] for each in plain.details["curves"]}
    assert finding.details["by_attack"] == plain.details["by_attack"]


def test_an_unbounded_attack_that_fails_is_doubted() -> None:
    """Steps as wide as the data: no gradient at all leads from one class to the other."""

    class Stairs(FirstCoordinate):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward((inputs > 0).to(inputs) + 0 * inputs - 0.5)

    data = plane_data(domain=(-1.0, 1.0))
    subject = subject_of(Stairs(2).eval(), data)
    assert bool((predict(subject.network, subject.inputs) == subject.labels).all())
    assert DoubtKind.UNBOUNDED_SURVIVORS in _kinds(_at(subject, Linf(0.01, (-1.0, 1.0))))


def _rows(*places: int) -> Tensor:
    return torch.zeros(50, dtype=torch.bool).index_fill(0, torch.tensor(places), value=True)


def test_one_step_wins_where_chance_does_not_explain_it() -> None:
    """Of 9 + 1 examples that one of two fools alone, nine for one has a chance of 11 / 1024."""
    many, few = _rows(0), _rows(*range(1, 10))
    assert one_step_wins("linf:0.1", "BIM-10", few, many) is None
    doubt = one_step_wins("linf:0.1", "BIM-10", _rows(*range(1, 11)), many)
    assert doubt is not None
    assert "fooled 10 examples that BIM-10 did not, which fooled 1 others" in doubt.message
    assert one_step_wins("linf:0.1", "BIM-10", many, few) is None
    assert one_step_wins("linf:0.1", "BIM-10", _rows(1, 2, 3, 4), _rows(1)) is None


def test_a_search_by_values_wins_where_chance_does_not_explain_it() -> None:
    assert misled("linf:0.1", "random search", _rows(*range(1, 10)), _rows(0), 15) is None
    doubt = misled("linf:0.1", "random search", _rows(*range(1, 11)), _rows(0), 15)
    assert doubt is not None
    assert "fooled 10 of 50 examples" in doubt.message


def test_a_fifth_may_survive_without_a_bound() -> None:
    assert unbounded_survivors("linf:1", 20, 100) is None
    doubt = unbounded_survivors("linf:1", 21, 100)
    assert doubt is not None
    assert "21 of 100" in doubt.message
