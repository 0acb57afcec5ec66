"""The contract of every probe, and figures that are known by thought."""

from pathlib import Path

import pytest
import torch
from torch import nn

from gnomon.attacks import APGD, BIM, FGSM, PGD, AutoAttack, InputAttack, Part
from gnomon.attacks.climb import Climb
from gnomon.attacks.flatness import AverageFlatness, WorstFlatness
from gnomon.attacks.parameters import JointPGD, ParameterPGD
from gnomon.audit import (
    AttackedAccuracy,
    AutoAttackAccuracy,
    BoundaryComplexity,
    CertifiedAccuracy,
    CertifiedRadius,
    ChangeOfVariables,
    CleanAccuracy,
    FaultTolerance,
    Finding,
    GradientFlow,
    LipschitzConstant,
    LossFlatness,
    NoiseAccuracy,
    ParameterAttackResistance,
    ParameterRobustness,
    PointMapping,
    Probe,
    Subject,
    WeightSpectra,
    examine,
    read_json,
    write_json,
)
from gnomon.audit.topics import PROBES
from gnomon.seeds import generator
from gnomon.sets import L2, Linf
from reference.small_subjects import (
    FirstCoordinate,
    image_data,
    image_network,
    plane_data,
    plane_subject,
    subject_of,
    vector_data,
)

SUBJECTS = {
    "plane": plane_subject,
    "vectors": lambda: subject_of(FirstCoordinate(5), vector_data(5)),
    "grey pictures": lambda: subject_of(image_network(1), image_data(1)),
    "coloured pictures": lambda: subject_of(image_network(3), image_data(3)),
}


def probes_for(subject: Subject) -> dict[str, Probe]:
    sets = subject.data.customary
    return {
        "accuracy": CleanAccuracy(batch=64),
        "noise": NoiseAccuracy(sets, draws=2, batch=64),
        "attacks": AttackedAccuracy(sets, attacks=(FGSM(), PGD(steps=3)), batch=64),
        "autoattack": AutoAttackAccuracy(sets, AutoAttack((Part("APGD", APGD(steps=3)),))),
        "certificates": CertifiedAccuracy(sets, examples=6),
        "radii": CertifiedRadius(sets, examples=4, steps=2),
        "lipschitz": LipschitzConstant(sets, examples=3, starts=4, steps=2),
        "parameters": ParameterRobustness(
            sets, members=2, attacked=1, ascent=ParameterPGD(2), attack=PGD(2), examples=40
        ),
        "faults": FaultTolerance(draws=2, faults=2, searched=20, examples=40),
        "resistance": ParameterAttackResistance(
            sets, (0.05,), (0.1,), spoil_epochs=1, restore_epochs=1, searched=20, examples=20
        ),
        "flatness": LossFlatness(
            sets,
            AverageFlatness(samples=2, climb=Climb(2)),
            WorstFlatness(search=JointPGD(2, 1), climb=Climb(2)),
            Climb(1),
            line=3,
            grid=3,
            examples=20,
        ),
        "boundary": BoundaryComplexity(resolution=24, slices=2),
        "mapping": PointMapping(batch=64),
        "jacobians": ChangeOfVariables(),
        "gradients": GradientFlow(),
        "weights": WeightSpectra(),
    }


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Subject:
    return SUBJECTS[request.param]()


@pytest.fixture(params=PROBES, ids=lambda kind: kind.topic)
def probe(request: pytest.FixtureRequest, subject: Subject) -> Probe:
    return probes_for(subject)[request.param.topic]


def test_an_audit_survives_its_file(probe: Probe, subject: Subject, tmp_path: Path) -> None:
    result = examine(subject, [probe])
    write_json(tmp_path / "audit.json", result)
    assert read_json(tmp_path / "audit.json") == result


def test_the_same_seed_gives_the_same_file(
    probe: Probe, subject: Subject, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        write_json(tmp_path / name, examine(subject, [probe], seed=3))
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_every_finding_lies_in_its_interval_and_carries_its_topic(
    probe: Probe, subject: Subject
) -> None:
    findings = probe(subject, generator(0))
    assert findings
    for finding in findings:
        assert finding.probe == probe.topic
        assert finding.name in probe.names
        if finding.value is None:
            assert finding.absent
        elif finding.unit == "share":
            low, high = finding.error or (0, 1)
            assert 0 <= low <= finding.value <= high <= 1
        elif finding.error is not None:
            assert finding.error[0] <= finding.value <= finding.error[1]
    assert {finding.name for finding in findings} == set(probe.names)


def test_a_probe_leaves_the_network_alone(probe: Probe, subject: Subject) -> None:
    network = subject.network.train()
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    probe(subject, generator(0))
    assert all(module.training for module in network.modules())
    assert all(torch.equal(value, weights[key]) for key, value in network.state_dict().items())
    assert all(each.grad is None and each.requires_grad for each in network.parameters())


def test_leaving_a_probe_out_changes_no_other(subject: Subject) -> None:
    probes = list(probes_for(subject).values())
    whole = examine(subject, probes, seed=1).findings
    assert examine(subject, probes[1:], seed=1).findings == whole[1:]


def test_batches_do_not_change_the_clean_accuracy(subject: Subject) -> None:
    (small,), (large,) = (CleanAccuracy(batch)(subject, generator(0)) for batch in (7, 1000))
    assert small == large


def test_the_confusion_matrix_counts_every_example(subject: Subject) -> None:
    (finding,) = CleanAccuracy()(subject, generator(0))
    counts = torch.tensor(finding.details["confusion"])
    answers = subject.network(subject.inputs).argmax(dim=1)
    for true in range(subject.data.classes):
        for given in range(subject.data.classes):
            seen = int(((subject.labels == true) & (answers == given)).sum())
            assert int(counts[true, given]) == seen
    rows = finding.details["per_class"]
    assert [row["examples"] for row in rows] == counts.sum(dim=1).tolist()
    assert [row["correct"] for row in rows] == counts.diagonal().tolist()


def test_a_class_without_examples_has_no_accuracy() -> None:
    data = image_data(1, classes=3)
    keep = data.test.labels != 1
    subject = Subject(
        "net", image_network(1), data, data.test.inputs[keep], data.test.labels[keep]
    )
    (finding,) = CleanAccuracy()(subject, generator(0))
    assert finding.details["per_class"][1]["accuracy"] is None
    assert finding.details["per_class"][1]["error"] is None


@pytest.mark.parametrize("norm", [Linf, L2])
@pytest.mark.parametrize("attack", [FGSM(), BIM(steps=5), PGD(relative_step=1.0)])
def test_the_attacked_accuracy_of_half_planes_is_the_share_of_points_further_away(
    norm: type[Linf] | type[L2], attack: InputAttack
) -> None:
    subject = plane_subject()
    distance = subject.inputs[:, 0].abs()
    # No point is within 1e-4 of these distances, so that rounding cannot matter.
    sets = (norm(0.25), norm(0.4))
    assert all(float((distance - each.radius).abs().min()) > 1e-4 for each in sets)
    findings = AttackedAccuracy(sets, (attack,))(subject, generator(0))
    for finding, within in zip(findings, sets, strict=True):
        assert finding.condition == str(within)
        assert finding.value == pytest.approx(float((distance > within.radius).double().mean()))
        assert not finding.doubts


def test_a_larger_radius_never_raises_an_attacked_accuracy(subject: Subject) -> None:
    for finding in probes_for(subject)["attacks"](subject, generator(0)):
        radii, curves = finding.details["radii"], finding.details["curves"]
        assert radii == sorted(set(radii))
        assert radii[0] == 0
        worst = curves[0]["accuracy"]
        for curve in curves:
            assert curve["accuracy"] == sorted(curve["accuracy"], reverse=True)
            assert all(w <= c for w, c in zip(worst, curve["accuracy"], strict=True))
        place = radii.index(finding.details["radius"])
        assert finding.value == worst[place]
        assert finding.details["by_attack"] == {
            curve["attack"]: curve["accuracy"][place] for curve in curves[1:-1]
        }
        assert curves[-1]["attack"] == "second opinion"


def test_without_perturbation_the_curves_start_at_the_clean_accuracy(subject: Subject) -> None:
    probes = probes_for(subject)
    (clean,) = probes["accuracy"](subject, generator(0))
    for topic in ("noise", "attacks"):
        for finding in probes[topic](subject, generator(0)):
            for curve in finding.details.get("curves", [finding.details]):
                assert curve["accuracy"][0] == clean.value


def test_perturbations_that_fooled_are_no_longer_than_the_largest_radius() -> None:
    (finding,) = AttackedAccuracy((L2(0.2),))(plane_subject(), generator(0))
    distance = finding.details["distance"]
    assert distance["fooled"] == round(200 * (1 - finding.details["curves"][0]["accuracy"][-1]))
    assert distance["quantiles"] == sorted(distance["quantiles"])
    assert 0 < distance["quantiles"][0] <= distance["quantiles"][-1] <= 0.4


def one_point_at(distance: float, dimension: int) -> Subject:
    """A thousand copies of a point at this distance from the boundary of the half spaces."""
    data = vector_data(dimension)
    inputs = torch.zeros(1000, dimension)
    inputs[:, 0] = distance
    return Subject(
        "net", FirstCoordinate(dimension), data, inputs, torch.ones(1000, dtype=torch.long)
    )


@pytest.mark.parametrize(
    ("within", "uniform", "gaussian"),
    [(Linf(0.5), 0.5, 0.5), (L2(1.0), (3 / 4) ** 0.5, 1 / 4**0.5)],
)
def test_noise_of_the_stated_size_crosses_the_boundary_as_often_as_it_must(
    within: Linf | L2, uniform: float, gaussian: float
) -> None:
    subject = one_point_at(0.2, dimension=4)
    findings = NoiseAccuracy((within,), draws=10)(subject, generator(0))
    expected = {
        f"uniform:{uniform:g}": (1 + 0.2 / uniform) / 2,
        f"gaussian:{gaussian:g}": float(torch.special.ndtr(torch.tensor(0.2 / gaussian))),
    }
    assert {finding.condition for finding in findings} == set(expected)
    for finding in findings:
        share = expected[finding.condition]
        assert finding.value is not None
        # Four standard errors of 10 000 independent draws.
        assert abs(finding.value - share) < 4 * (share * (1 - share) / 10_000) ** 0.5


def test_noise_stays_in_the_domain() -> None:
    data = plane_data(domain=(-1.0, 1.0))
    seen: list[torch.Tensor] = []

    class Recorder(FirstCoordinate):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            seen.append(inputs)
            return super().forward(inputs)

    NoiseAccuracy((Linf(0.5, (-1.0, 1.0)),))(subject_of(Recorder(2), data), generator(0))
    assert max(float(each.abs().max()) for each in seen) <= 1


def test_no_right_example_leaves_nothing_to_attack() -> None:
    data = plane_data()
    subject = Subject("net", FirstCoordinate(2), data, data.test.inputs, 1 - data.test.labels)
    (finding,) = AttackedAccuracy((Linf(0.1),))(subject, generator(0))
    assert (finding.value, finding.details["distance"]["quantiles"]) == (0, None)


def test_a_network_that_only_differs_in_scale_has_the_same_attacked_accuracy() -> None:
    class Scaled(FirstCoordinate):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return 10_000 * super().forward(inputs)

    (plain,), (scaled,) = (
        AttackedAccuracy((Linf(0.25),))(subject_of(network, plane_data()), generator(0))
        for network in (FirstCoordinate(2), Scaled(2))
    )
    assert plain.value == scaled.value
    assert not scaled.doubts


def test_an_audit_announces_its_topics_in_order() -> None:
    topics: list[str] = []
    subject = plane_subject()
    examine(subject, list(probes_for(subject).values()), announce=topics.append)
    assert topics == [kind.topic for kind in PROBES]


def test_a_finding_refuses_a_value_outside_its_interval() -> None:
    with pytest.raises(AssertionError):
        Finding("p", "n", 0.9, "share", (0.1, 0.2), "m")


def test_dropout_is_off_during_an_audit() -> None:
    network = nn.Sequential(nn.Dropout(0.9), FirstCoordinate(2)).train()
    (finding,) = CleanAccuracy()(subject_of(network, plane_data()), generator(0))
    assert finding.value == 1
