"""How far half planes are certified: as far as the line is away."""

from pathlib import Path

import pytest
import torch

from gnomon.audit import (
    CertifiedRadius,
    Subject,
    examine,
    parse_requirement,
    read_json,
    write_json,
)
from gnomon.bounds import CROWN, IBP
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Linf
from gnomon.sets.parameters import ParameterBox
from gnomon.sets.radius import Constant, Relative
from reference.small_subjects import FirstCoordinate, plane_data, plane_subject, subject_of


def _distances(subject: Subject, most: float) -> torch.Tensor:
    return subject.inputs[:, 0].abs().clamp_max(most).double()


@pytest.mark.parametrize("within", [Linf(0.2), L2(0.2), L1(0.2)], ids=str)
def test_of_half_planes_it_is_the_mean_distance_to_the_line(within: Linf | L2 | L1) -> None:
    subject = plane_subject(50)
    probe = CertifiedRadius((within,), methods=(IBP(),), examples=50, steps=12)
    (finding,) = probe(subject, generator(0))
    distances = _distances(subject, 0.8)
    assert finding.condition == str(within)
    assert finding.value == pytest.approx(float(distances.mean()), abs=4e-4)
    assert finding.value is not None
    assert finding.value <= float(distances.mean()) + 1e-7
    assert finding.details.most == 0.8
    assert finding.details.reached == int((subject.inputs[:, 0].abs() > 0.8).sum())
    spread = finding.details.methods[0].quantiles
    for share in (0.1, 0.5, 0.9):
        expected = float(torch.quantile(distances, share))
        assert spread[str(share)] == pytest.approx(expected, abs=4e-4)
    assert finding.error is not None
    error = 1.96 * float(distances.std()) / 50**0.5
    assert finding.error[1] - finding.error[0] == pytest.approx(2 * error, abs=4e-4)


def test_sizes_of_parameters_and_the_best_method_of_each_example() -> None:
    """With w = (1, 0) ± λ the score is x₁ ± λ (|x₁| + |x₂|)."""
    subject = plane_subject(20)
    law = ParameterBox(Constant(0.15))
    probe = CertifiedRadius((), (law,), methods=(IBP(), CROWN()), examples=20, steps=10)
    (finding,) = probe(subject, generator(0))
    x = subject.inputs.abs().double()
    expected = (x[:, 0] / x.sum(dim=1)).clamp_max(0.6)
    assert finding.condition == "constant:0.15"
    assert finding.value == pytest.approx(float(expected.mean()), abs=1e-3)
    means = [each.mean for each in finding.details.methods]
    assert [each.name for each in finding.details.methods] == ["IBP", "CROWN"]
    assert finding.value >= max(means) - 1e-12


def test_wrong_examples_count_as_0_and_nothing_is_beyond_the_most() -> None:
    network = FirstCoordinate(2)
    with torch.no_grad():
        network.weight.neg_()
    wrong = subject_of(network.eval(), plane_data(20))
    (finding,) = CertifiedRadius((Linf(0.1),), steps=2)(wrong, generator(0))
    assert (finding.value, finding.details.reached) == (0, 0)
    right = plane_subject(20)
    (finding,) = CertifiedRadius((Linf(1e-5),), steps=2, reach=2.0)(right, generator(0))
    assert (finding.value, finding.error) == (pytest.approx(2e-5), (pytest.approx(2e-5),) * 2)


def test_an_audit_asks_and_requires_it(tmp_path: Path) -> None:
    subject = plane_subject(30)
    subject.network.train()
    probe = CertifiedRadius((L2(0.2),), (ParameterBox(Relative(0.1)),), examples=8, steps=3)
    audit = examine(subject, [probe])
    assert subject.network.training
    assert all(p.grad is None and p.requires_grad for p in subject.network.parameters())
    write_json(tmp_path / "audit.json", audit)
    assert read_json(tmp_path / "audit.json") == audit
    verdict = parse_requirement("certified_radius[l2:0.2] >= 0.01").check(audit)
    assert verdict.holds
    assert not parse_requirement("certified_radius[l2:0.2] >= 0.9").check(audit).holds
