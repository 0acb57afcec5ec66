"""Certified accuracy and its bracket, on networks whose worst case is known."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gnomon.activations import Activation, Profile
from gnomon.algebra import Deployed, Outward
from gnomon.audit import (
    Bracket,
    CertifiedAccuracy,
    CertifiedRadius,
    DoubtKind,
    Finding,
    Subject,
    examine,
    read_json,
    write_json,
)
from gnomon.audit.report import write_report
from gnomon.audit.topics.challenge import Challenged
from gnomon.bounds import CROWN, IBP, Margins
from gnomon.errors import SettingError
from gnomon.seeds import generator
from gnomon.sets import L2, InputSet, Linf
from gnomon.sets.parameters import ParameterBall, ParameterBox
from gnomon.sets.radius import Constant, Relative
from gnomon.shapes import Inputs, Labels
from gnomon.words.request import Request, prepare
from reference.small_subjects import FirstCoordinate, plane_data, plane_subject, subject_of


def _findings(subject: Subject, probe: CertifiedAccuracy) -> dict[str, Finding]:
    return {finding.condition: finding for finding in probe(subject, generator(0))}


def _share(subject: Subject, radius: float) -> float:
    """Of half planes: the examples further than the radius from the line x₁ = 0."""
    return float((subject.inputs[:, 0].abs() > radius).double().mean())


def test_of_half_planes_both_ends_meet() -> None:
    subject = plane_subject(200)
    probe = CertifiedAccuracy((Linf(0.3), L2(0.2)), examples=200)
    for condition, finding in _findings(subject, probe).items():
        expected = _share(subject, float(condition.split(":")[1]))
        assert finding.value == pytest.approx(expected)
        assert finding.details.attacked == pytest.approx(expected)
        assert finding.error is not None
        assert finding.error[0] <= expected <= finding.error[1]


def test_parameters_and_both_are_certified_and_searched() -> None:
    """With w = (1, 0) ± λ the score is x₁ ± λ (|x₁| + |x₂|): wrong if that reaches 0."""
    subject = plane_subject(200)
    probe = CertifiedAccuracy((Linf(0.1),), (ParameterBox(Constant(0.2)),), examples=200)
    found = _findings(subject, probe)
    assert list(found) == ["linf:0.1", "constant:0.2", "linf:0.1 × constant:0.2"]
    x = subject.inputs.abs()
    alone = (x[:, 0] > 0.2 * x.sum(dim=1)).double().mean()
    both = (0.8 * (x[:, 0] - 0.1) > 0.2 * (x[:, 1] + 0.1)).double().mean()
    assert found["constant:0.2"].value == pytest.approx(float(alone))
    assert found["linf:0.1 × constant:0.2"].value == pytest.approx(float(both), abs=0.02)
    for finding in found.values():
        certified, attacked = finding.details.certified, finding.details.attacked
        assert certified <= attacked <= certified + 0.1


def test_a_ball_of_parameters_is_searched_to_its_edge() -> None:
    """‖δ‖₂ ≤ γ: the score is x₁ ± γ ‖x‖₂."""
    subject = plane_subject(200)
    found = _findings(subject, CertifiedAccuracy((), (ParameterBall(0.4),), examples=200))
    x = subject.inputs
    exact = (x[:, 0].abs() > 0.4 * x.norm(dim=1)).double().mean()
    finding = found["ball:0.4"]
    assert finding.value is not None
    assert finding.value <= float(exact) + 1e-9
    assert finding.details.attacked == pytest.approx(float(exact), abs=0.05)


def test_wrong_examples_are_neither_certified_nor_left_by_the_search() -> None:
    network = FirstCoordinate(2)
    with torch.no_grad():
        network.weight.neg_()
    found = _findings(
        subject_of(network.eval(), plane_data(50)),
        CertifiedAccuracy((Linf(0.01),), (ParameterBox(Relative(0.01)),)),
    )
    for finding in found.values():
        assert (finding.value, finding.details.attacked, finding.details.right) == (
            0,
            0,
            0,
        )


class Everything:
    """A method that certifies whatever it is asked: wrong, and caught."""

    name: str = "everything"
    kind: str = "none"

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet | None,
        parameters: object,
    ) -> Margins:
        del network, within, parameters
        upper = torch.full((len(inputs), 2), -1.0)
        return Margins(upper.scatter(1, labels[:, None], 0.0), labels)


def test_a_bound_that_a_search_beats_is_doubted() -> None:
    subject = plane_subject(100)
    probe = CertifiedAccuracy((Linf(0.3),), methods=(Everything(),), examples=100)
    (finding,) = probe(subject, generator(0))
    # The search contradicts it, and so does the challenge.
    assert [doubt.kind for doubt in finding.doubts] == 2 * [DoubtKind.BOUND_BEATEN]
    assert finding.value == finding.details.attacked < 1


def test_certificates_are_challenged_where_no_attack_contradicts_them() -> None:
    """Margins of −1 are claimed where the truth is −2 (|x₁| − ε): only the bounds are wrong."""
    subject = plane_subject(100)
    near = subject.inputs[:, 0].abs().clamp(0.25, 0.35) * subject.inputs[:, 0].sign()
    inputs = torch.stack([near, subject.inputs[:, 1]], dim=1)
    subject = replace(subject, inputs=inputs)
    (honest,) = CertifiedAccuracy((Linf(0.05),), examples=100)(subject, generator(0))
    assert honest.details.challenged == Challenged(8, 0, "")
    assert "challenged by a search" in honest.method
    probe = CertifiedAccuracy((Linf(0.05),), methods=(Everything(),), examples=100)
    (finding,) = probe(subject, generator(0))
    assert finding.details.attacked == 1
    (doubt,) = finding.doubts
    assert doubt.kind == DoubtKind.BOUND_BEATEN
    assert "more than a bound allows" in doubt.message
    assert finding.details.challenged.beaten == 1


def test_certified_radii_are_challenged_each_in_its_own_set() -> None:
    subject = plane_subject(20)
    sets = ((Linf(0.1),), (ParameterBox(Constant(0.1)),))
    for finding in CertifiedRadius(*sets)(subject, generator(0)):
        assert finding.details.challenged == Challenged(3, 0, "")
        assert not finding.doubts
    wrong = CertifiedRadius(*sets, methods=(Everything(),), reach=30.0)
    for finding in wrong(subject, generator(0)):
        assert finding.details.challenged.beaten > 0
        assert {doubt.kind for doubt in finding.doubts} == {DoubtKind.BOUND_BEATEN}


def test_a_network_that_runs_in_float32_alone_is_challenged_in_that() -> None:
    subject = plane_subject(30)

    class InFloat32(nn.Module):
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network, self.matrix = network, torch.eye(2)

        def forward(self, x: Tensor) -> Tensor:
            return self.network(x.float()) @ self.matrix

    subject = replace(subject, network=InFloat32(subject.network))
    (finding,) = CertifiedAccuracy((Linf(0.05),))(subject, generator(0))
    assert finding.details.challenged == Challenged(8, 0, "")


def test_a_network_that_no_search_can_run_is_said() -> None:
    subject = plane_subject(30)

    class Once(nn.Module):
        """It cannot be copied."""

        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def __deepcopy__(self, memo: object) -> "Once":
            raise TypeError("there is one of me")

        def forward(self, x: Tensor) -> Tensor:
            return self.network(x)

    subject = replace(subject, network=Once(subject.network))
    (finding,) = CertifiedAccuracy((Linf(0.05),))(subject, generator(0))
    assert finding.details.challenged.certificates == 0
    assert finding.details.challenged.reason == "there is one of me"
    assert "No certificate could be challenged" in finding.method


def test_a_later_method_is_asked_only_of_what_is_open() -> None:
    subject = plane_subject(100)
    probe = CertifiedAccuracy((Linf(0.3),), methods=(IBP(), IBP()), examples=100, batch=7)
    (finding,) = probe(subject, generator(0))
    first, second = finding.details.methods
    assert (first.certified, second.certified) == (finding.value, 0)


def test_what_is_certified_is_asked_again_with_rounding() -> None:
    subject = plane_subject(100)
    (finding,) = CertifiedAccuracy((Linf(0.3),), examples=100)(subject, generator(0))
    assert finding.details.rounded == finding.value == _share(subject, 0.3) > 0
    names = [each.name for each in finding.details.rounded_methods]
    kinds = {each.kind for each in finding.details.rounded_methods}
    assert names == ["rounded IBP", "rounded CROWN"]
    assert kinds == {"floating point"}
    share = f"by rounded IBP and rounded CROWN, true of real arithmetic: {finding.value:.1%}."
    assert f"Sound in floating point, {share}" in finding.method


def test_of_which_executions_certificates_are_true_is_said_and_recorded(tmp_path: Path) -> None:
    subject = plane_subject(20)
    level = Deployed(torch.float32)
    probe = CertifiedAccuracy(
        (Linf(0.3),), rounded=(IBP(Outward(level)), CROWN(Outward(level)))
    )
    audit = examine(subject, [probe])
    (finding,) = audit.findings
    words = "true of executions in float32 by torch, torch.compile or onnxruntime: "
    assert words in finding.method
    assert [each.level for each in finding.details.rounded_methods] == [str(level)] * 2
    write_json(tmp_path / "audit.json", audit)
    assert read_json(tmp_path / "audit.json") == audit
    assert "torch, torch.compile or onnxruntime" in str(audit.settings)


def test_only_what_is_certified_is_asked_again() -> None:
    subject = plane_subject(100)
    probe = CertifiedAccuracy((Linf(0.3),), rounded=(Everything(),), examples=100)
    (finding,) = probe(subject, generator(0))
    assert finding.details.rounded == finding.value == _share(subject, 0.3) < 1


class Sine(Activation):
    """A function that falls and rises, whose rounding error nobody stated."""

    def profile(self) -> Profile:
        turns = tuple((k + 0.5) * math.pi for k in range(-20, 20))
        return Profile(turning_points=turns, lipschitz=1.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sin()


def test_a_network_that_rounded_bounds_do_not_support_is_audited_all_the_same() -> None:
    network = nn.Sequential(FirstCoordinate(2), Sine())
    subject = subject_of(network.eval(), plane_data(30))
    probe = CertifiedAccuracy((Linf(0.01),), methods=(IBP(),), examples=30)
    (finding,) = probe(subject, generator(0))
    assert finding.value is not None
    assert finding.details.rounded is None
    assert "do not support this network" in finding.method


def test_the_network_is_left_alone_and_the_file_is_read_back(tmp_path: Path) -> None:
    subject = plane_subject(60)
    network = subject.network.train()
    audit = examine(subject, [CertifiedAccuracy((Linf(0.2),), (ParameterBox(Relative(0.1)),))])
    assert network.training
    assert all(p.grad is None and p.requires_grad for p in network.parameters())
    write_json(tmp_path / "audit.json", audit)
    assert read_json(tmp_path / "audit.json") == audit
    page = write_report(tmp_path / "report", [(subject, audit)])
    assert "Certificates" in page.read_text(encoding="utf-8")
    assert (tmp_path / "report" / "figures" / "brackets.png").is_file()


def test_a_bracket_knows_its_gap() -> None:
    assert Bracket(0.25, 0.75).gap == 0.5


def test_parameters_need_a_probe_that_varies_them() -> None:
    request = Request(target="nowhere", parameters=("relative:0.01",), probes=("accuracy",))
    with pytest.raises(SettingError, match="certificates"):
        prepare(request)
