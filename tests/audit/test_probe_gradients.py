"""The findings about gradients and units, and the figures drawn from them."""

import copy
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from gnomon.activations import ReLU, Sigmoid, Tanh
from gnomon.audit import Finding, Subject, examine, read_json, write_json
from gnomon.audit.topics.gradients.details import NoEpoch
from gnomon.audit.topics.gradients.pictures import gradient_pictures
from gnomon.audit.topics.gradients.probe import GradientFlow
from gnomon.audit.topics.gradients.terms import GRADIENTS_TERMS
from gnomon.data import MNIST, Store
from gnomon.networks import CNN4, MLP, Signature
from gnomon.seeds import generator
from reference.loss_gradients import mean_gradients
from reference.small_subjects import (
    FirstCoordinate,
    image_data,
    image_network,
    plane_data,
    plane_subject,
    subject_of,
)


def spiral_like(name: str = "relu", snapshots: int = 0) -> Subject:
    """An untrained network on the plane, and as many copies of it with smaller weights."""
    activation = {"relu": ReLU(), "tanh": Tanh(), "sigmoid": Sigmoid()}[name]
    data = plane_data()
    signature = Signature((2,), 2, (0.0, 0.0), (1.0, 1.0))
    network = MLP((6, 5), activation)(signature, generator(4, name))
    kept = {5 * epoch: scaled(network, 0.5**epoch) for epoch in range(snapshots)}
    return replace(subject_of(network, data, name), snapshots=kept)


def scaled(network: nn.Module, factor: float) -> nn.Module:
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(factor)
    return twin


def pictures() -> Subject:
    data = image_data(1)
    network = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(8, 7), nn.Tanh(), nn.Linear(7, 3),
    )  # fmt: skip
    return subject_of(network.eval(), data)


def constant() -> Subject:
    """The softmax is saturated at class 0, the label of every example."""
    network = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 2))
    with torch.no_grad():
        network.get_parameter("2.weight").zero_()
        network.get_parameter("2.bias").copy_(torch.tensor([1e4, -1e4]))
    data = plane_data()
    return Subject("constant", network, data, data.test.inputs, 0 * data.test.labels)


class Detached(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.detach()


class Root(nn.Module):
    """Zero, with a derivative that is not a number."""

    def forward(self, inputs: Tensor) -> Tensor:
        return (0 * inputs).sqrt()


def broken() -> Subject:
    return subject_of(nn.Sequential(nn.Linear(2, 6), Root(), nn.Linear(6, 2)), plane_data())


SUBJECTS = {
    "relu with snapshots": lambda: spiral_like(snapshots=3),
    "tanh": lambda: spiral_like("tanh"),
    "pictures": pictures,
    "constant": constant,
    "one layer": lambda: subject_of(image_network(1), image_data(1)),
    "no layer": plane_subject,
    "cut off": lambda: subject_of(Detached(), plane_data()),
    "not finite": broken,
    "one class": lambda: one_class(spiral_like()),
}


def one_class(subject: Subject) -> Subject:
    keep = subject.labels == 1
    return replace(subject, inputs=subject.inputs[keep], labels=subject.labels[keep])


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Subject:
    return SUBJECTS[request.param]()


def findings(subject: Subject, probe: GradientFlow | None = None) -> Mapping[str, Finding]:
    found = (probe or GradientFlow())(subject, generator(0))
    return {each.name: each for each in found}


def test_every_subject_has_its_five_findings(subject: Subject, tmp_path: Path) -> None:
    result = examine(subject, [GradientFlow()])
    assert tuple(each.name for each in result.findings) == GradientFlow.names
    for each in result.findings:
        assert each.probe == GradientFlow.topic
        assert each.error is None
    write_json(tmp_path / "audit.json", result)
    assert read_json(tmp_path / "audit.json") == result
    write_json(tmp_path / "again.json", examine(subject, [GradientFlow()]))
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "audit.json").read_bytes()


def test_the_network_is_left_alone(subject: Subject) -> None:
    network = subject.network.train()
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    findings(subject)
    assert all(module.training for module in network.modules())
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
    for parameter in network.parameters():
        assert parameter.requires_grad
        assert parameter.grad is not None
        assert bool((parameter.grad == 1).all())


def test_the_shares_are_those_of_all_entries_over_all_examples() -> None:
    subject = spiral_like()
    found = findings(subject)
    slow = torch.cat(
        list(mean_gradients(subject.network, subject.inputs, subject.labels).values())
    )
    share = float((slow.abs() <= 1e-4 * slow.abs().max()).double().mean())
    # Two entries of 67 may lie on either side of the threshold in float32.
    assert found["vanishing_gradients"].value == pytest.approx(share, abs=2 / len(slow))
    wide = findings(subject, GradientFlow(threshold=0.3))["vanishing_gradients"]
    share = float((slow.abs() <= 0.3 * slow.abs().max()).double().mean())
    assert wide.value == pytest.approx(share, abs=1 / len(slow))
    layers = wide.details.layers
    assert wide.value == sum(row.vanishing for row in layers) / len(slow)
    zero = found["zero_gradients"].value
    assert zero == float((slow == 0).double().mean())


def test_the_ratio_is_that_of_the_first_and_the_last_matrix() -> None:
    subject = spiral_like("sigmoid")
    slow = mean_gradients(subject.network, subject.inputs, subject.labels)
    first, last = (
        float(slow[f"{name}.weight"].square().mean().sqrt()) for name in ("linear1", "linear3")
    )
    found = findings(subject)["gradient_ratio"]
    assert found.value == pytest.approx(first / last, rel=1e-4)
    assert found.unit == ""


def test_dead_units_by_construction() -> None:
    subject = spiral_like()
    with torch.no_grad():
        subject.network.get_parameter("linear1.bias")[:] = 100.0
        subject.network.get_parameter("linear2.bias")[:] = -1000.0
        subject.network.get_parameter("linear2.bias")[0] = 1000.0
    found = findings(subject)
    assert found["dead_units"].value == 4 / 11
    assert found["saturated_units"].value == 4 / 11
    rows = found["dead_units"].details.layers
    assert [(row.units, row.dead, row.saturated) for row in rows] == [
        (6, 0, 0),
        (5, 4, 4),
    ]
    assert rows[1].pairs == pytest.approx(0.8)


def test_a_tanh_network_with_huge_weights_is_saturated() -> None:
    subject = spiral_like("tanh")
    with torch.no_grad():
        for parameter in subject.network.parameters():
            parameter.mul_(1e4)
    found = findings(subject)["saturated_units"]
    assert found.value == 1
    assert findings(spiral_like("tanh"))["saturated_units"].value == 0


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("one layer", {"gradient_ratio", "dead_units", "saturated_units"}),
        ("no layer", {"gradient_ratio", "dead_units", "saturated_units"}),
        ("cut off", set(GradientFlow.names)),
        ("not finite", set(GradientFlow.names)),
        ("constant", {"gradient_ratio"}),
        ("one class", set()),
        ("pictures", set()),
    ],
)
def test_what_does_not_exist_is_absent_with_a_reason(name: str, absent: set[str]) -> None:
    found = findings(SUBJECTS[name]())
    assert {key for key, each in found.items() if each.value is None} == absent
    reasons = {
        "one layer": "one weight layer",
        "no layer": "no weight layers",
        "constant": "2, is zero",
    }
    assert reasons.get(name, "") in found["gradient_ratio"].absent
    if name == "cut off":
        assert "differentiated" in found["zero_gradients"].absent
        assert "no weight layers" in found["dead_units"].absent
    if name == "not finite":
        assert "18 of 32 entries" in found["zero_gradients"].absent
        assert "slopes that are not finite" in found["dead_units"].absent
        assert found["vanishing_gradients"].details.layers[0].nonfinite == 18


def test_a_saturated_softmax_has_all_entries_zero() -> None:
    found = findings(constant())
    assert found["vanishing_gradients"].value == found["zero_gradients"].value == 1


def test_every_epoch_is_examined_with_its_own_weights() -> None:
    subject = spiral_like(snapshots=3)
    with torch.no_grad():
        subject.network.get_parameter("linear1.bias")[0] = -1000.0
    found = findings(subject)
    epochs = found["vanishing_gradients"].details.epochs
    assert [each.epoch for each in epochs] == [0, 5, 10]
    medians = [each.quantiles[0][2] for each in epochs]
    assert medians == sorted(medians, reverse=True)
    assert len(set(medians)) == 3
    rms = [each.weight_rms for each in epochs]
    ratios = [each.ratio for each in found["gradient_ratio"].details.epochs]
    assert ratios == pytest.approx([row[0] / row[-1] for row in rms])
    dead = found["dead_units"].details
    assert dead.layers[0].dead == 1
    assert all(each.dead[0] < 1 / 6 for each in dead.epochs)
    alone = replace(subject, network=subject.snapshots[10], snapshots={})
    whole = findings(alone)
    assert epochs[2].vanishing == whole["vanishing_gradients"].value
    last = found["saturated_units"].details.epochs[2].value
    assert last == whole["saturated_units"].value
    assert medians[2] == whole["vanishing_gradients"].details.stages[0].quantiles[2]


def test_epochs_look_at_the_same_random_examples_of_many() -> None:
    subject = spiral_like(snapshots=2)
    twin = replace(subject, snapshots={0: subject.snapshots[0], 1: subject.snapshots[0]})
    first, second = findings(twin, GradientFlow(epoch_examples=20))[
        "vanishing_gradients"
    ].details.epochs
    assert first.quantiles == second.quantiles
    (whole, _) = findings(twin)["vanishing_gradients"].details.epochs
    assert first.quantiles != whole.quantiles


def test_an_epoch_with_weights_that_are_not_finite_says_so() -> None:
    subject = spiral_like(snapshots=2)
    with torch.no_grad():
        subject.snapshots[5].get_parameter("linear2.bias")[0] = math.nan
    found = findings(subject)
    for name in ("vanishing_gradients", "gradient_ratio", "dead_units", "saturated_units"):
        first, second = found[name].details.epochs
        assert type(first) is not NoEpoch
        assert second == NoEpoch(5, "weights that are not finite")
    drawn = gradient_pictures([(subject, examine(subject, [GradientFlow()]))])
    assert "gradients-through-training" not in {each.key for each in drawn}
    assert len(drawn) == 3


def test_batches_do_not_change_the_findings() -> None:
    subject = spiral_like("tanh", snapshots=2)
    small, large = (findings(subject, GradientFlow(batch=batch)) for batch in (7, 1000))
    for name in GradientFlow.names:
        assert small[name].value == pytest.approx(large[name].value, rel=1e-4)


def test_details_stay_small() -> None:
    found = GradientFlow()(spiral_like(snapshots=3), generator(0))
    assert len(TypeAdapter(Any).dump_json([each.details for each in found])) < 12_000


def test_pictures_are_drawn_of_what_there_is(subject: Subject, tmp_path: Path) -> None:
    drawn = gradient_pictures([(subject, examine(subject, [GradientFlow()]))])
    assert 1 <= len(drawn) <= 4
    known = {term.key for term in GRADIENTS_TERMS}
    for picture in drawn:
        assert picture.topic == "Gradients and units"
        assert picture.definition in known
        assert picture.svg
    assert len({picture.key for picture in drawn}) == len(drawn)


def test_several_subjects_share_a_picture() -> None:
    subjects = [spiral_like(name, snapshots=2) for name in ("relu", "tanh", "sigmoid")]
    examined = [(each, examine(each, [GradientFlow()])) for each in subjects]
    drawn = {picture.key: picture for picture in gradient_pictures(examined)}
    assert set(drawn) == {
        "gradient-sizes",
        "lost-gradients",
        "gradients-through-training",
        "activations-relu",
        "activations-tanh",
        "activations-sigmoid",
    }
    for name in ("relu", "tanh", "sigmoid"):
        assert name in drawn["gradient-sizes"].caption
        assert f"{name}: " in drawn["lost-gradients"].caption


def test_without_findings_there_are_no_pictures() -> None:
    subject = subject_of(FirstCoordinate(2), plane_data())
    assert gradient_pictures([(subject, examine(subject, []))]) == []


def test_all_pictures_of_a_real_test_split_are_counted(real_data: Path, tmp_path: Path) -> None:
    data = MNIST()(0, Store(real_data, tmp_path))
    signature = Signature((1, 28, 28), 10, (0.13,), (0.31,))
    subject = subject_of(CNN4(width=4)(signature, generator(0)), data)
    assert len(subject.labels) == 10_000
    assert all(each.value is not None for each in findings(subject).values())
