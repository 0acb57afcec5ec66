"""Accuracy of alternative and of broken networks, against values computed by hand."""

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gnomon.attacks import PGD
from gnomon.attacks.parameters import ParameterPGD, ProgressiveBitFlips
from gnomon.audit import (
    DoubtKind,
    FaultTolerance,
    Finding,
    ParameterRobustness,
    Subject,
    clopper_pearson,
    examine,
    parse_requirement,
)
from gnomon.audit.report import write_report
from gnomon.errors import SettingError
from gnomon.networks.alternative import Alternative
from gnomon.seeds import generator
from gnomon.sets import Linf
from gnomon.sets.parameters import ParameterBox
from gnomon.sets.radius import Constant
from gnomon.shapes import Labels, Logits, PerExample
from gnomon.words.request import Request, prepare
from reference.small_subjects import (
    FirstCoordinate,
    image_data,
    image_network,
    plane_data,
    plane_subject,
    subject_of,
)

BOX = ParameterBox(Constant(0.3))


def _right(subject: Subject, weight: Tensor) -> float:
    """The share of half planes' examples that another weight gets right."""
    return float((((subject.inputs @ weight) > 0).long() == subject.labels).double().mean())


def _members(subject: Subject) -> list[Tensor]:
    """The networks that the probe draws first: ten inside, ten vertices."""
    source, region = generator(0), BOX.of(subject.network).detach()
    torch.randperm(len(subject.labels), generator=source)
    inside = [region.sample(source)["weight"] for _ in range(10)]
    return inside + [region.vertex(source)["weight"] for _ in range(10)]


def test_alternative_networks_get_right_what_their_weights_say() -> None:
    subject = plane_subject(200)
    alternatives, _ = ParameterRobustness((), (BOX,))(subject, generator(0))
    shares = [_right(subject, weight) for weight in _members(subject)]
    inside, vertices = (getattr(alternatives.details, key) for key in ("inside", "vertices"))
    assert inside.accuracy == pytest.approx(shares[:10])
    assert vertices.accuracy == pytest.approx(shares[10:])
    assert alternatives.value == inside.mean == pytest.approx(sum(shares[:10]) / 10)
    assert inside.minimum == pytest.approx(min(shares[:10]))
    spread = torch.tensor(shares[:10]).double().std() / 10**0.5
    assert inside.standard_error == pytest.approx(float(spread), rel=1e-6)
    assert alternatives.details.clean == 1
    assert alternatives.details.attacked is None


def test_the_worst_network_of_a_box_is_at_a_corner() -> None:
    """The accuracy depends on the angle of the weight alone, which is largest at a corner."""
    subject = plane_subject(200)
    _, worst = ParameterRobustness((), (BOX,))(subject, generator(0))
    corners = [
        _right(subject, torch.tensor([1 + 0.3 * a, 0.3 * b]))
        for a, b in itertools.product((-1, 1), repeat=2)
    ]
    assert worst.value == worst.details.ascent == pytest.approx(min(corners))
    assert worst.details.random >= min(corners) - 1e-9
    assert not worst.doubts


def test_alternative_networks_are_attacked_at_their_inputs() -> None:
    """Within L∞ radius ε a half plane of weight w resists where |w · x| > ε ‖w‖₁."""
    subject, radius = plane_subject(200), 0.25
    probe = ParameterRobustness((Linf(radius),), (BOX,), attack=PGD(relative_step=1.0))
    attacked = probe(subject, generator(0))[0].details.attacked
    assert (attacked.condition, attacked.attack) == ("linf:0.25", "PGD-20")
    weights = [torch.tensor([1.0, 0.0]), *_members(subject)[:5]]
    sign = 2.0 * subject.labels - 1
    exact = [
        float((sign * (subject.inputs @ w) > radius * w.abs().sum()).double().mean())
        for w in weights
    ]
    assert [attacked.clean, *attacked.accuracy] == pytest.approx(exact, abs=0.0051)


def test_a_sample_is_examined_and_the_rest_judges_the_worst() -> None:
    subject = plane_subject(200)
    probe = ParameterRobustness((), (BOX,), examples=60, batch=25)
    alternatives, worst = probe(subject, generator(0))
    assert worst.details.elsewhere.examples == 140
    assert 0.5 < worst.details.elsewhere.accuracy < 1
    assert worst.value is not None
    assert worst.error == clopper_pearson(round(60 * worst.value), 60)
    whole = ParameterRobustness((), (BOX,))(subject, generator(0))[1]
    assert whole.details.elsewhere is None
    assert alternatives.error is not None


def _nothing(logits: Logits, labels: Labels) -> PerExample:
    del labels
    return 0 * logits.sum(dim=1)


def test_a_search_that_random_networks_beat_is_doubted() -> None:
    probe = ParameterRobustness((), (BOX,), ascent=ParameterPGD(3, objective=_nothing))
    _, worst = probe(plane_subject(200), generator(0))
    assert [doubt.kind for doubt in worst.doubts] == [DoubtKind.NO_BETTER_THAN_NOISE]
    assert worst.value == worst.details.random < worst.details.ascent == 1


def test_without_a_set_networks_within_one_per_cent_are_examined() -> None:
    findings = ParameterRobustness((Linf(0.1),))(plane_subject(50), generator(0))
    assert {finding.condition for finding in findings} == {"relative:0.01"}


def test_sets_of_parameters_reach_the_probe() -> None:
    request = Request(target="nowhere", parameters=("relative:0.01",), probes=("faults",))
    with pytest.raises(SettingError, match="parameters"):
        prepare(request)


class _Fixed(nn.Module):
    """Half planes without parameters."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.stack([-inputs[:, 0], inputs[:, 0]], dim=1)


@pytest.mark.parametrize("probe", [ParameterRobustness(()), FaultTolerance()])
def test_without_parameters_there_is_no_figure(
    probe: ParameterRobustness | FaultTolerance, tmp_path: Path
) -> None:
    subject = subject_of(_Fixed(), plane_data(30))
    audit = examine(subject, [probe])
    assert [each.name for each in audit.findings] == list(probe.names)
    assert {each.absent for each in audit.findings} == {"the network has no parameters"}
    write_report(tmp_path, [(subject, audit)])
    assert not list((tmp_path / "figures").glob("*alternative*"))
    assert not list((tmp_path / "figures").glob("*fault*"))


def _faults(subject: Subject, probe: FaultTolerance | None = None) -> dict[str, Finding]:
    return {each.name: each for each in (probe or FaultTolerance())(subject, generator(0))}


def test_quantised_weights_are_rounded_to_the_grid() -> None:
    subject = subject_of(image_network(1), image_data(1))
    found = _faults(subject)["quantised_accuracy"]
    weight = next(subject.network.parameters()).detach()
    shares: list[float] = []
    for bits in (8, 6, 5, 4, 3, 2):
        scale = weight.abs().max() / (2 ** (bits - 1) - 1)
        logits = subject.inputs.flatten(1) @ ((weight / scale).round() * scale).T
        shares.append(float((logits.argmax(dim=1) == subject.labels).double().mean()))
    assert found.details.accuracy == found.details.per_tensor == pytest.approx(shares)
    assert (found.value, found.condition) == (pytest.approx(shares[0]), "bits:8")
    assert "one scale for each weight tensor, and activations in floating point" in found.method
    assert "of equal logits the first counts" in found.method


def _unequal() -> Subject:
    """Half planes of an example's second coordinate, which a weight a hundredth as large reads.

    The first coordinate is large, and no row of the last matrix uses it.
    """
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)).eval()
    with torch.no_grad():
        network.get_parameter("0.weight").copy_(torch.tensor([[0.0, 1.0], [0.01, 0.0]]))
        network.get_parameter("1.weight").copy_(torch.tensor([[0.0, -1.0], [0.0, 1.0]]))
    return subject_of(network, plane_data(200))


def test_the_figure_says_which_rounding_is_meant() -> None:
    """At six bits one scale rounds the small weight to 0, and all are taken for the first."""
    subject = _unequal()
    first = float((subject.labels == 0).double().mean())
    usual, several = (
        _faults(subject, FaultTolerance(at=(6, 10, 0.05), scales=scales, draws=1))[
            "quantised_accuracy"
        ]
        for scales in ("tensor", "channel")
    )
    assert usual.value == pytest.approx(first)
    assert several.value == 1
    assert several.details.accuracy == usual.details.per_channel
    assert several.details.per_tensor == usual.details.accuracy
    assert "one scale for each channel of a layer's output" in several.method
    rounded = FaultTolerance(activations="batch", grid="asymmetric", draws=1)
    found = _faults(subject, rounded)["quantised_accuracy"]
    assert "on a asymmetric grid" not in found.method
    assert "an asymmetric grid" in found.method
    assert "activations rounded to 8 bits with one scale for each batch" in found.method
    assert found.details.rounded_activations == found.details.accuracy


def test_a_broken_weight_is_said_instead_of_an_accuracy_of_zero() -> None:
    """All four figures; with the weights as they are the network is right everywhere."""
    subject = _unequal()
    with torch.no_grad():
        subject.network.get_parameter("1.weight").mul_(1e30)[0, 0] = -torch.inf
    for finding in _faults(subject).values():
        assert finding.value is None
        assert finding.absent.startswith("1.weight: expected finite numbers, got 1")


def _crossed() -> Subject:
    """Logits (−x₁, x₁) of a matrix of four weights: 32 bits."""
    network = nn.Sequential(nn.Linear(2, 2, bias=False)).eval()
    with torch.no_grad():
        next(network.parameters()).copy_(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))
    return subject_of(network, plane_data(200))


def test_two_flipped_signs_turn_every_answer() -> None:
    """In two's complement the sign bit turns ±127 into ∓1: both rows change their sign."""
    found = _faults(_crossed())["bit_flip_accuracy"]
    search, random = found.details.search, found.details.random
    assert search.flips == (1, 2, 3, 5, 7, 10)
    assert list(search.accuracy) == sorted(search.accuracy, reverse=True)
    assert (found.value, found.condition) == (0, "flips:10")
    assert random.flips == (1, 2, 3, 5, 7, 10, 30)  # no more bits than there are
    assert all(low <= mean for low, mean in zip(random.minimum, random.mean, strict=True))
    assert random.mean[0] > 0.5


def test_more_flips_never_count_for_less() -> None:
    """Judged on other examples than those that guide, a flip may also help by chance."""
    subject = subject_of(image_network(1), image_data(1))
    found = _faults(subject, FaultTolerance(searched=10))["bit_flip_accuracy"]
    curve = found.details.search.accuracy
    assert list(curve) == sorted(curve, reverse=True)
    order = torch.randperm(120, generator=generator(0)).sort().values[:10]
    guide = [(subject.inputs[order], subject.labels[order])]
    course = ProgressiveBitFlips(10).course(subject.network, guide)
    raw: list[float] = []
    for each in course[1:]:
        logits = Alternative(subject.network, each.parameters)(subject.inputs)
        raw.append(float((logits.argmax(dim=1) == subject.labels).double().mean()))
    assert raw != sorted(raw, reverse=True)
    assert curve[0] == pytest.approx(raw[0])
    assert curve[-1] == pytest.approx(min(raw))


def test_noise_of_no_size_changes_nothing_and_more_noise_more() -> None:
    probe = FaultTolerance(sizes=(0.0, 0.05, 2.0), draws=20)
    found = _faults(plane_subject(200), probe)["noisy_parameter_accuracy"]
    nothing, little, much = found.details.mean
    assert (nothing, found.value) == (1, little)
    assert 1 > little > much
    assert found.details.standard_error[0] == 0


def test_noise_has_the_stated_size() -> None:
    """Of a weight (1, 0) the angle is atan(σ u₂ / (1 + σ u₁)) with σ² halved by the mean."""
    probe = FaultTolerance(sizes=(0.05,), draws=200, at=(8, 10, 0.05))
    found = _faults(plane_subject(200), probe)["noisy_parameter_accuracy"]
    source, shares = generator(1), list[float]()
    subject = plane_subject(200)
    for _ in range(200):
        noise = torch.randn(2, generator=source)
        shares.append(_right(subject, torch.tensor([1.0, 0.0]) + 0.05 / 2**0.5 * noise))
    values = torch.tensor(shares).double()
    error = float(values.std()) / 200**0.5
    assert found.value is not None
    # Five standard errors of the difference of two such means.
    assert abs(found.value - float(values.mean())) < 5 * 2**0.5 * error


def test_one_fault_turns_half_planes_around() -> None:
    """The weight (1, 0) with its first entry at −1 is wrong everywhere."""
    found = _faults(plane_subject(100))
    assert found["single_fault_accuracy"].value == 0
    assert found["single_fault_accuracy"].details.clean == 1


def test_vectors_alone_are_neither_rounded_nor_flipped() -> None:
    found = _faults(plane_subject(50))
    for name in ("quantised_accuracy", "bit_flip_accuracy"):
        assert found[name].value is None
        assert "two axes" in found[name].absent
    assert found["noisy_parameter_accuracy"].value is not None


def test_a_usual_condition_has_to_lie_on_its_curve() -> None:
    with pytest.raises(SettingError, match="Add it to the curve"):
        FaultTolerance(bits=(6, 4))


def test_requirements_can_be_about_parameters() -> None:
    audit = examine(_crossed(), [ParameterRobustness((), (BOX,)), FaultTolerance()])
    for text, holds in (
        ("alternative_accuracy[constant:0.3] >= 0.5", True),
        ("parameter_attacked_accuracy >= 0.999", False),
        ("quantised_accuracy[bits:8] >= 0.9", True),
        ("bit_flip_accuracy[flips:10] > 0", False),
        ("noisy_parameter_accuracy[gaussian:5%] > 0.5", True),
        ("single_fault_accuracy > 0.99", False),
    ):
        assert parse_requirement(text).check(audit).holds is holds


def test_several_networks_are_drawn_in_one_picture(tmp_path: Path) -> None:
    probes = [ParameterRobustness((Linf(0.1),), (BOX,)), FaultTolerance(draws=2)]
    turned = FirstCoordinate(2).eval()
    with torch.no_grad():
        turned.weight.copy_(torch.tensor([1.0, 0.4]))
    subjects = [_crossed(), subject_of(turned, plane_data(200), "turned")]
    examined = [(subject, examine(subject, probes)) for subject in subjects]
    page = write_report(tmp_path, examined).read_text("utf-8")
    names = {each.stem for each in (tmp_path / "figures").glob("*.png")}
    assert {"alternative-networks", "faults"} <= names
    assert "Perturbed parameters" in page
    assert "(turned: constant:0.3)" in page
    assert "#alternative-network" in page
