"""The probe of Lipschitz constants, on networks whose constant is known."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gnomon.activations import Activation, Profile
from gnomon.audit import (
    DoubtKind,
    Finding,
    LipschitzConstant,
    Subject,
    examine,
    read_json,
    write_json,
)
from gnomon.audit.topics import GLOSSARY
from gnomon.audit.topics.lipschitz import probe as module
from gnomon.bounds import ECLipsEFast
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Linf
from reference.small_subjects import FirstCoordinate, plane_data, plane_subject, subject_of

SETS = (Linf(0.2), L2(0.3), L1(0.4))


def _findings(subject: Subject, probe: LipschitzConstant) -> dict[str, Finding]:
    return {finding.title: finding for finding in probe(subject, generator(0))}


def test_of_half_planes_both_ends_meet() -> None:
    """The logits are (−x₁, x₁): √2 everywhere, and x₁ away from the other class."""
    subject = plane_subject(100)
    found = _findings(subject, LipschitzConstant(SETS, examples=5, starts=5, steps=2))
    titles = [f"lipschitz_constant[{condition}]" for condition in SETS]
    assert list(found) == ["lipschitz_constant", *titles, "lipschitz_radius"]
    for title in ("lipschitz_constant", *titles):
        assert found[title].value == pytest.approx(2**0.5)
        assert not found[title].doubts
    assert found["lipschitz_constant"].details.attained == pytest.approx(2**0.5)
    assert found[titles[0]].details.attained == pytest.approx([2**0.5] * 5)
    distances = subject.inputs[:, 0].abs().double()
    assert found["lipschitz_radius"].value == pytest.approx(float(distances.quantile(0.5)))


class _Wave(nn.Module):
    """Logits (−s, s) with s = tanh(4 x₁): steep near 0, flat far away."""

    def forward(self, x: Tensor) -> Tensor:
        score = torch.tanh(4 * x[:, :1])
        return torch.cat([-score, score], dim=1)


@pytest.mark.parametrize("relaxed", [0, 256])
def test_near_examples_the_constant_is_smaller(relaxed: int) -> None:
    subject = subject_of(_Wave(), plane_data(60))
    probe = LipschitzConstant((Linf(0.05),), examples=20, starts=20, relaxed=relaxed)
    found = _findings(subject, probe)
    whole, near = found["lipschitz_constant"], found["lipschitz_constant[linf:0.05]"]
    assert whole.value == pytest.approx(4 * 2**0.5)
    assert whole.value is not None
    assert near.value is not None
    assert near.value < 0.7 * whole.value
    pairs = list(zip(near.details.attained, near.details.bound, strict=True))
    assert all(attained <= bound * (1 + 1e-5) for attained, bound in pairs)
    assert near.details.examples == 20


def test_what_has_no_bound_says_why() -> None:
    network = nn.Sequential(FirstCoordinate(2), nn.Softmax(dim=1))
    found = _findings(subject_of(network.eval(), plane_data(20)), LipschitzConstant(SETS))
    for finding in found.values():
        assert finding.value is None
        assert "softmax" in finding.absent


class _Root(Activation):
    """√|x|, which is infinitely steep at 0."""

    def profile(self) -> Profile:
        return Profile(turning_points=(0.0,), lipschitz=torch.inf)

    def forward(self, x: Tensor) -> Tensor:
        return x.abs().sqrt()


def test_a_part_without_a_finite_constant_is_named_and_written(tmp_path: Path) -> None:
    network = nn.Sequential(FirstCoordinate(2), _Root())
    audit = examine(
        subject_of(network.eval(), plane_data(20)),
        [LipschitzConstant(SETS[:1], examples=5, starts=5, steps=1)],
    )
    whole, near, radius = audit.findings
    assert (whole.value, whole.details.bound, radius.value) == (None, None, 0)
    assert "no finite bound" in whole.absent
    assert near.details.bound == (None,) * 5
    assert {each.part for each in whole.details.factors if each.value is None} >= {"1"}
    write_json(tmp_path / "audit.json", audit)
    assert read_json(tmp_path / "audit.json") == audit


def test_a_bound_that_is_beaten_is_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    class _Wrong:
        def __call__(self, *args: object) -> object:
            bound = ECLipsEFast()(*args)  # type: ignore[arg-type]
            bound.values.mul_(0.5)
            return bound

    monkeypatch.setattr(module, "ECLipsEFast", lambda *_: _Wrong())
    probe = LipschitzConstant(SETS[:1], examples=5, starts=5, steps=1)
    for finding in _findings(plane_subject(30), probe).values():
        if finding.name == "lipschitz_constant":
            assert [doubt.kind for doubt in finding.doubts] == [DoubtKind.BOUND_BEATEN]


def test_the_glossary_knows_both() -> None:
    keys = {definition.key for definition in GLOSSARY}
    assert {"lipschitz-constant", "lipschitz-radius"} <= keys
