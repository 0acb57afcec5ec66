"""Flatness, landscapes and resistance to attacks on parameters, where they can be computed."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, softplus

from gnomon.attacks import PGD
from gnomon.attacks.climb import Climb
from gnomon.attacks.flatness import AverageFlatness, WorstFlatness
from gnomon.attacks.landscape import filter_normalised
from gnomon.attacks.parameters import JointPGD
from gnomon.audit import (
    Finding,
    LossFlatness,
    ParameterAttackResistance,
    Subject,
    examine,
    parse_requirement,
)
from gnomon.audit.doubts import beaten_by_a_random_network
from gnomon.audit.report import write_report
from gnomon.audit.selection import PROBES_BY_NAME as PROBES, USUAL_PROBES
from gnomon.audit.topics.flatness.probe import landscapes_of
from gnomon.data.dataset import Split
from gnomon.errors import SettingError
from gnomon.objectives import cross_entropy as each_cross_entropy
from gnomon.seeds import derive, generator
from gnomon.sets import Linf
from gnomon.sets.parameters import ParameterBall
from reference.small_subjects import (
    FirstCoordinate,
    image_data,
    image_network,
    plane_data,
    plane_subject,
    subject_of,
    vector_data,
)

FEW = AverageFlatness(samples=3, climb=Climb(2))
SHORT = WorstFlatness(search=JointPGD(2, 1), climb=Climb(2))


def _pictures() -> Subject:
    return subject_of(image_network(1), image_data(1), "pictures")


def _flatness(subject: Subject, probe: LossFlatness) -> dict[tuple[str, str], Finding]:
    return {(each.name, each.condition): each for each in probe(subject, generator(0))}


def test_the_average_is_over_random_networks_of_the_ball() -> None:
    subject = plane_subject(80)
    probe = LossFlatness((), AverageFlatness(samples=10), SHORT, examples=80)
    found = _flatness(subject, probe)["average_flatness", "clean"]
    source, region = generator(0), ParameterBall(0.5).of(subject.network).detach()
    torch.randint(2**31, (), generator=source)  # of landscapes
    torch.randperm(80, generator=source)
    torch.randint(2**31, (), generator=source)

    def loss(weight: torch.Tensor) -> float:
        score = subject.inputs @ weight
        return float(cross_entropy(torch.stack([-score, score], dim=1), subject.labels))

    own = loss(torch.tensor([1.0, 0.0]))
    rises = torch.tensor([loss(region.sample(source)["weight"]) - own for _ in range(10)])
    assert found.details.loss == pytest.approx(own, rel=1e-5)
    assert list(found.details.rises) == pytest.approx(rises.tolist(), abs=1e-5)
    assert found.value == pytest.approx(float(rises.mean()), abs=1e-5)
    error = float(rises.double().std()) / 10**0.5
    assert found.error is not None
    # Student's t with 9 degrees of freedom: 2.2622.
    assert found.error[1] - found.error[0] == pytest.approx(2 * 2.2622 * error, rel=1e-3)


def test_the_worst_of_equal_examples_is_known() -> None:
    """‖ν‖ ≤ ξ lowers the score of x by ξ ‖x‖, and ‖δ‖∞ ≤ ε by ε ‖w + ν‖₁ first."""
    data, size, radius = vector_data(3), 0.2, 0.1
    inputs = torch.tensor([[0.5, 0.3, -0.2]]).repeat(20, 1)
    network = FirstCoordinate(3).eval()
    subject = Subject("net", network, data, inputs, torch.ones(20, dtype=torch.long))
    worst = WorstFlatness(
        ParameterBall(size),
        JointPGD(40, 2, objective=each_cross_entropy, over="all"),
        Climb(20),
    )
    found = _flatness(subject, LossFlatness((Linf(radius),), FEW, worst))

    def loss(score: float) -> float:
        return float(softplus(torch.tensor(-2 * score)))

    clean = loss(0.5 - size * float(inputs[0].norm())) - loss(0.5)
    value = found["worst_flatness", "clean"].value
    assert value == pytest.approx(clean, rel=1e-3)
    attacked = found["worst_flatness", "linf:0.1"]
    assert attacked.details.loss == pytest.approx(loss(0.5 - radius), rel=1e-4)
    angle = torch.linspace(0, 6.2832, 400)
    turn = torch.linspace(0, 3.1416, 200)[:, None]
    moves = size * torch.stack(
        [turn.cos() + 0 * angle, turn.sin() * angle.cos(), turn.sin() * angle.sin()], dim=-1
    )
    weights = torch.tensor([1.0, 0.0, 0.0]) + moves
    scores = weights @ inputs[0] - radius * weights.abs().sum(dim=-1)
    brute = loss(float(scores.min())) - loss(0.5 - radius)
    assert attacked.value == pytest.approx(brute, rel=5e-3)


def test_landscapes_pass_through_the_network_itself() -> None:
    subject = _pictures()
    probe = LossFlatness((Linf(0.05),), FEW, SHORT, Climb(2), line=5, grid=3, examples=120)
    found = _flatness(subject, probe)
    average = found["average_flatness", "linf:0.05"]
    drawn = average.details.landscapes
    lines = (drawn.random, drawn.steepest, drawn.plane)
    assert [len(each.positions) for each in lines] == [5, 5, 9]
    assert drawn.steepest.positions[-1] == (0.1,)
    own = found["average_flatness", "clean"].details.loss
    for each in lines:
        middle = len(each.positions) // 2
        assert set(each.positions[middle]) == {0.0}
        assert each.loss[middle] == pytest.approx(own, rel=1e-5)
        assert each.attacked_loss[middle] > own
        assert each.attacked_loss[middle] == pytest.approx(
            drawn.plane.attacked_loss[4], rel=1e-5
        )
        right = subject.network(subject.inputs).argmax(dim=1) == subject.labels
        assert each.accuracy[middle] == pytest.approx(float(right.double().mean()))
        assert each.attacked_accuracy[middle] < each.accuracy[middle]
    # The slope of a linear layer's loss is constant up to its curvature, which is positive.
    steep = drawn.steepest.loss
    assert steep[3] > own > steep[1]
    assert landscapes_of(found["average_flatness", "clean"]) is None


def test_networks_of_equal_shapes_are_moved_by_the_same_random_numbers() -> None:
    """Whatever is measured before; only then do landscapes stand side by side."""
    data = image_data(1)
    shapes = {name: each.shape for name, each in image_network(1).named_parameters()}
    source = generator(0)
    seed = derive(int(torch.randint(2**31, (), generator=source)), "directions")
    source = torch.Generator().manual_seed(seed)
    numbers = {name: torch.randn(shape, generator=source) for name, shape in shapes.items()}
    for scale, samples in ((1.0, 3), (0.5, 5)):
        network = image_network(1)
        with torch.no_grad():
            next(network.parameters()).mul_(scale)
        subject = subject_of(network, data)
        probe = LossFlatness(
            (), replace(FEW, samples=samples), SHORT, line=3, grid=1, examples=120
        )
        found = _flatness(subject, probe)["average_flatness", "clean"]
        direction = filter_normalised(network, numbers)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                parameter.add_(direction.get(name, torch.tensor(0.0)))
            end = float(cross_entropy(network(subject.inputs), subject.labels))
        drawn = found.details.landscapes.random.loss
        assert drawn[-1] == pytest.approx(end, rel=1e-5)


def test_without_filters_there_is_no_landscape_and_without_a_set_no_attack() -> None:
    plain = _flatness(plane_subject(30), LossFlatness((), FEW, SHORT))
    assert [condition for _, condition in plain] == ["clean", "clean"]
    assert plain["average_flatness", "clean"].details.landscapes is None
    found = _flatness(_pictures(), LossFlatness((), FEW, SHORT, line=3, grid=3))
    drawn = found["average_flatness", "clean"].details.landscapes
    assert drawn.plane.attacked_loss is None


def test_an_infinite_loss_is_no_figure() -> None:
    class Steep(FirstCoordinate):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return 1e38 * super().forward(inputs)

    subject = subject_of(Steep(2).eval(), plane_data(30))
    average = AverageFlatness(ParameterBall(9.0), samples=20)
    found = _flatness(subject, LossFlatness((), average, SHORT))
    assert found["average_flatness", "clean"].value is None
    assert "infinite" in found["average_flatness", "clean"].absent


QUICK = ParameterAttackResistance(
    (Linf(0.1),), (0.0, 0.1), (0.1,), spoil_epochs=6, restore_epochs=6, batch=50
)


def _rings() -> Subject:
    """A perceptron that learned a disc of the square."""
    data = plane_data(200)
    labels = (data.test.inputs.norm(dim=1) > 0.8).long()
    split = Split(data.test.inputs, labels)
    network = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.normal_(generator=generator(0, name))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        cross_entropy(network(split.inputs), labels).backward()
        optimizer.step()
    optimizer.zero_grad()
    data = replace(data, train=split, validation=split, test=split)
    return subject_of(network.eval(), data, "rings")


def _rates(subject: Subject) -> dict[str, Finding]:
    return {each.condition: each for each in QUICK(subject, generator(0))}


def test_the_adversarial_rate_is_what_its_parts_say() -> None:
    subject = _rings()
    found = _rates(subject)
    assert list(found) == ["relative:0", "relative:0.1", "share:0.1"]
    right = subject.network(subject.inputs).argmax(dim=1) == subject.labels
    resisting = ~PGD()(
        subject.network, subject.inputs, subject.labels, Linf(0.1), generator(5)
    ).fooled
    for each in found.values():
        before, after = each.details.accuracy
        robust, left = each.details.attacked_accuracy
        assert before == pytest.approx(float(right.double().mean()))
        assert robust == pytest.approx(float(resisting.double().mean()), abs=0.02)
        assert each.value == pytest.approx(max(0, after / before * (1 - left / robust)))
        assert each.error is not None
        assert each.value is not None
        assert 0 <= each.error[0] <= each.value <= each.error[1]
    assert found["relative:0"].value == 0
    assert found["relative:0"].details.random_rate == 0
    spoiled = found["relative:0.1"]
    assert spoiled.value is not None
    assert spoiled.value > spoiled.details.random_rate
    assert found["share:0.1"].details.random_rate is None


def test_what_a_smaller_box_holds_counts_in_a_larger_one() -> None:
    """In a box of 100 % phase 1 runs so far that nothing is left of the accuracy."""
    probe = replace(QUICK, sizes=(0.05, 0.1, 1.0), shares=())
    subject = _rings()
    rates = [each.value or 0.0 for each in probe(subject, generator(0))]
    assert rates == sorted(rates)
    (alone,) = replace(probe, sizes=(1.0,))(subject, generator(0))
    assert alone.value is not None
    assert alone.value < rates[-1]


def test_sizes_have_to_grow() -> None:
    with pytest.raises(SettingError, match="Sort them"):
        ParameterAttackResistance((), (0.1, 0.02))


def test_a_random_network_that_does_more_is_doubted() -> None:
    assert beaten_by_a_random_network("relative:0.1", 0.1, 0.2, 0.2) is None
    doubt = beaten_by_a_random_network("relative:0.1", 0.1, 0.2, 0.3)
    assert doubt is not None
    assert "0.1, one random network 0.3" in doubt.message


def test_half_planes_cannot_be_spoiled_by_relative_changes() -> None:
    """With w = (1, 0) only the length can change; and a vector has no share of weights."""
    found = _rates(plane_subject(100))
    assert found["relative:0.1"].value == 0
    assert found["share:0.1"].value is None
    assert "two axes" in found["share:0.1"].absent


def test_where_nothing_resists_nothing_can_be_lost() -> None:
    network = FirstCoordinate(2).eval()
    with torch.no_grad():
        network.weight.neg_()
    for each in _rates(subject_of(network, plane_data(60))).values():
        assert each.value is None
    assert "resists" in _rates(subject_of(network, plane_data(60)))["relative:0"].absent


class _Fixed(nn.Module):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.stack([-inputs[:, 0], inputs[:, 0]], dim=1)


@pytest.mark.parametrize("probe", [QUICK, LossFlatness((Linf(0.1),), FEW, SHORT)])
def test_without_parameters_there_is_no_figure(
    probe: ParameterAttackResistance | LossFlatness, tmp_path: Path
) -> None:
    subject = subject_of(_Fixed(), plane_data(30))
    audit = examine(subject, [probe])
    assert {each.absent for each in audit.findings} == {"the network has no parameters"}
    assert {each.name for each in audit.findings} == set(probe.names)
    write_report(tmp_path, [(subject, audit)])
    drawn = {each.stem for each in (tmp_path / "figures").glob("*.png")}
    assert not drawn & {"landscape", "resistance-relative", "resistance-share"}


def test_resistance_is_asked_only_by_name() -> None:
    assert PROBES["resistance"] is ParameterAttackResistance
    assert "resistance" not in USUAL_PROBES
    assert {"parameters", "faults", "flatness"} <= set(USUAL_PROBES)


def test_several_networks_are_drawn_and_required_together(tmp_path: Path) -> None:
    probes = [QUICK, LossFlatness((Linf(0.05),), FEW, SHORT, Climb(1), line=3, grid=3)]
    other = image_network(1)
    with torch.no_grad():
        next(other.parameters()).mul_(0.5)
    subjects = [_pictures(), subject_of(other, image_data(1), "shorter")]
    examined = [(subject, examine(subject, probes)) for subject in subjects]
    page = write_report(tmp_path, examined).read_text("utf-8")
    drawn = {each.stem for each in (tmp_path / "figures").glob("*.png")}
    assert {
        "landscape",
        "landscape-plane-pictures",
        "landscape-plane-shorter",
        "resistance-relative",
        "resistance-share",
    } <= drawn
    assert "#flatness" in page
    assert "#adversarial-rate" in page
    for text, holds in (
        ("adversarial_rate[relative:0] <= 0", True),
        ("adversarial_rate[relative:0.1] <= 1", True),
        ("average_flatness[clean] < 1000", True),
        ("worst_flatness[linf:0.05] < 0", False),
    ):
        assert parse_requirement(text).check(examined[0][1]).holds is holds
