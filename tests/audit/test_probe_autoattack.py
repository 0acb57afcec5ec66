"""The probe of AutoAttack: shares, doubts, words, its figure, and that it is asked by name."""

from pathlib import Path

import pytest
import torch

from gnomon.attacks import APGD, AutoAttack, Ordered, Part, RandomPoint, SquareAttack
from gnomon.audit import AutoAttackAccuracy, DoubtKind, Finding, clopper_pearson, examine
from gnomon.audit.report.report import write_report
from gnomon.audit.selection import PROBES_BY_NAME, USUAL_PROBES
from gnomon.audit.topics.autoattack.pictures import fooled_by_parts
from gnomon.report.charts import Bars
from gnomon.seeds import generator
from gnomon.sets import Linf
from gnomon.words.request import Request, prepare
from reference.small_subjects import FirstCoordinate, plane_data, plane_subject, subject_of

WITHIN = Linf(0.3)
PARTS = (
    Part("random", RandomPoint()),
    Part("APGD-CE", APGD(steps=5)),
    Part("Square", SquareAttack(queries=60)),
)
ENSEMBLE = AutoAttack(PARTS)


class Misleading(FirstCoordinate):
    """Passes on the negative of its gradient: ascents walk away from the boundary."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(2 * inputs.detach() - inputs)


def half_planes() -> FirstCoordinate:
    """What the command line would be given."""
    return FirstCoordinate(2)


def finding_of(network: FirstCoordinate, ensemble: AutoAttack | Ordered = ENSEMBLE) -> Finding:
    subject = subject_of(network, plane_data())
    (finding,) = AutoAttackAccuracy((WITHIN,), ensemble)(subject, generator(0))
    return finding


def test_the_truth_is_met_where_it_is_known() -> None:
    """Half planes: those nearer than the radius to the boundary are fooled, and no others."""
    subject = plane_subject()
    truth = int((subject.inputs[:, 0].abs() > WITHIN.radius).sum())
    finding = finding_of(FirstCoordinate(2))
    assert finding.value == truth / 200
    assert finding.error == clopper_pearson(truth, 200)
    assert not finding.doubts


def test_the_shares_of_parts_wrong_and_resisting_sum_to_one() -> None:
    finding = finding_of(FirstCoordinate(2))
    parts = {each.part: each.fooled for each in finding.details.parts}
    assert list(parts) == ["random", "APGD-CE", "Square"]
    assert parts["random"] > 0
    assert parts["APGD-CE"] > 0
    total = sum(parts.values()) + finding.details.wrong + finding.details.resisting
    assert total == pytest.approx(1, abs=1e-12)
    assert finding.details.resisting == finding.value
    fooled = round(200 * sum(parts.values()))
    assert finding.details.distance.fooled == fooled
    assert max(finding.details.distance.quantiles) <= WITHIN.radius


def test_random_search_that_beats_gradients_is_doubted() -> None:
    ensemble = AutoAttack(PARTS[1:])
    (doubt,) = finding_of(Misleading(2), ensemble).doubts
    assert doubt.kind is DoubtKind.BLACK_BOX_WINS
    assert "resisted APGD-CE" in doubt.message
    assert not finding_of(FirstCoordinate(2), ensemble).doubts


def test_random_search_that_comes_first_beats_nobody() -> None:
    first = AutoAttack((PARTS[2], PARTS[1]))
    assert not finding_of(Misleading(2), first).doubts


def test_what_was_left_out_is_said() -> None:
    ordered = Ordered(PARTS, pilot=120, tolerance=0.05)
    details = finding_of(FirstCoordinate(2), ordered).details
    assert len(details.skipped) >= 1
    assert all("skipped for the other 80" in words for words in details.skipped)
    assert finding_of(FirstCoordinate(2)).details.skipped == ()


def test_the_figure_says_who_was_fooled_by_what(tmp_path: Path) -> None:
    subject = plane_subject()
    probe = AutoAttackAccuracy((WITHIN, Linf(0.1)), Ordered(PARTS, pilot=120, tolerance=0.05))
    audit = examine(subject, [probe])
    (picture,) = fooled_by_parts([(subject, audit)])
    (panel,) = picture.chart.panels
    bars = [mark for mark in panel.marks if isinstance(mark, Bars)]
    for row in (0, 1):  # each segment of a bar begins where the last one ended
        ends = sorted((*bar.low, *bar.high) for bar in bars if list(bar.at) == [row])
        assert [low for low, _ in ends] == pytest.approx([0, *(high for _, high in ends[:-1])])
        assert ends[-1][1] == pytest.approx(100)
    assert picture.chart.labels[:2] == ["resisted all", "wrong anyway"]
    for finding in audit.findings:
        assert finding.condition in picture.alt
        assert all(words in picture.caption for words in finding.details.skipped)
    page = write_report(tmp_path, [(subject, audit)]).read_text("utf-8")
    assert "What AutoAttack fooled, part by part" in page


def test_nothing_is_drawn_where_nothing_was_asked() -> None:
    subject = plane_subject(20)
    assert fooled_by_parts([(subject, examine(subject, []))]) == []


def test_it_is_asked_only_by_name() -> None:
    assert "autoattack" not in USUAL_PROBES
    target = f"{__name__}:half_planes"
    asked = Request(target=target, data="spiral", probes=("autoattack",), device="cpu")
    usual = Request(target=target, data="spiral", device="cpu")
    with_name = [type(probe) for probe in _probes(asked)]
    without = [type(probe) for probe in _probes(usual)]
    assert with_name == [AutoAttackAccuracy]
    usually = [PROBES_BY_NAME[name] for name in USUAL_PROBES]
    assert without == usually
    assert AutoAttackAccuracy not in usually


def _probes(request: Request) -> list[object]:
    return list(prepare(request)[1])
