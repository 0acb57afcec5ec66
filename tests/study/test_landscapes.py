"""Loss landscapes of several networks: one scale for all, and what the captions say of them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gnomon.audit import Audit, Finding, write_json
from gnomon.audit.report.comparison import compare_audits
from gnomon.audit.topics.flatness.landscapes import landscape_pictures
from gnomon.audit.topics.flatness.panels import landscape_chart
from gnomon.audit.topics.flatness.probe import (
    AverageRiseAndLandscapes,
    Landscapes,
    Losses,
)
from gnomon.report.charts import Chart, Curve, Panel, numbers
from gnomon.report.charts.draw_matplotlib import draw_matplotlib
from gnomon.study.conclusions import _labels, conclude  # pyright: ignore[reportPrivateUsage]
from gnomon.study.engines import Inline
from gnomon.study.run import run_study
from gnomon.study.study import Examination
from gnomon.study.trial_store import TrialStore
from reference.small_study import STUDY

AT = (-1.0, -0.5, 0.0, 0.5, 1.0)


def bowl(own: float, steep: float, attacked: float | None = None) -> Losses:
    """Losses own + steep s², and three times as much of perturbed inputs over `attacked`."""
    perturbed = None if attacked is None else tuple(attacked + 3 * steep * at**2 for at in AT)
    return Losses(
        positions=tuple((at,) for at in AT),
        loss=tuple(own + steep * at**2 for at in AT),
        accuracy=(1.0,) * len(AT),
        attacked_loss=perturbed,
        attacked_accuracy=None if perturbed is None else (1.0,) * len(AT),
    )


def audit(name: str, line: Losses | None, condition: str = "linf:0.1") -> Audit:
    drawn = None if line is None else Landscapes(random=line, steepest=line, plane=line)
    finding = Finding(
        probe="flatness",
        name="average_flatness",
        value=0.5,
        unit="nats",
        error=None,
        method="m",
        condition=condition,
        details=AverageRiseAndLandscapes(
            loss=0.1, rises=(0.5,), standard_error=None, size=0.1, landscapes=drawn
        ),
    )
    data = {"title": "digits", "fingerprint": "f", "examples": 10}
    right = Finding("accuracy", "clean_accuracy", 0.5, "share", (0.4, 0.6), "seen")
    return Audit("0.1.0", {"name": name}, data, [], {}, 0, (right, finding), ())


def panels(named: Sequence[tuple[str, Losses]]) -> tuple[list[Panel], list[Panel]]:
    """The panels of levels and those of rises, in the order of the networks."""
    rows = landscape_chart(named).rows
    levels, rises = (
        [panel for row in rows[start::2] for panel in row if panel] for start in (0, 1)
    )
    return levels, rises


def curves(panel: Panel) -> list[Curve]:
    return [mark for mark in panel.marks if isinstance(mark, Curve)]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_every_network_has_its_column_and_all_have_one_scale(count: int) -> None:
    named = [(f"net {n}", bowl(0.5**n, 1.0 + n, 2.0)) for n in range(count)]
    levels, rises = panels(named)
    assert [panel.title for panel in levels] == [name for name, _ in named]
    assert len(rises) == count
    for row, log in ((levels, True), (rises, False)):
        assert len({panel.y for panel in row}) == 1
        assert row[0].y.log is log
    low, high = levels[0].y.low, levels[0].y.high
    assert low is not None
    assert high is not None
    assert low <= 0.5 ** (count - 1)
    assert high >= 2 + 3 * count


def test_every_chart_can_be_drawn() -> None:
    named = [(f"net {n}", bowl(0.5**n, 1.0 + n, 2.0)) for n in range(5)]
    figure = draw_matplotlib(landscape_chart(named))
    assert len(figure.axes) == 10


def test_curves_are_the_losses_and_their_rises_over_the_middle() -> None:
    (level,), (rise,) = panels([("net", bowl(0.25, 2.0, 4.0))])
    for panel, start in ((level, (0.25, 4.0)), (rise, (0.0, 0.0))):
        clean, attacked = curves(panel)
        assert (clean.look.line, attacked.look.line) == ("--", "-")
        for curve, own, steep in ((clean, start[0], 2.0), (attacked, start[1], 6.0)):
            assert curve.y == pytest.approx([own + steep * at**2 for at in AT])


def test_a_network_that_rises_far_more_does_not_hide_the_others() -> None:
    def top(*named: tuple[str, Losses]) -> float:
        high = panels(named)[1][0].y.high
        assert high is not None
        return high

    assert top(("steep", bowl(0.1, 900.0)), ("flat", bowl(0.1, 2.0))) == pytest.approx(20.0)
    assert 6.0 < top(("steep", bowl(0.1, 6.0)), ("flat", bowl(0.1, 2.0))) < 7.0
    assert 6.0 < top(("steep", bowl(0.1, 6.0)), ("constant", bowl(0.1, 0.0))) < 7.0


def test_infinite_losses_are_gaps_and_constant_ones_are_drawn() -> None:
    broken = bowl(0.1, 1.0, 0.2)
    broken = replace(broken, attacked_loss=(None, *(broken.attacked_loss or ())[1:]))
    nothing = replace(bowl(0.1, 1.0), loss=(None,) * len(AT))
    levels, rises = panels([("broken", broken), ("lost", nothing), ("even", bowl(0.3, 0.0))])
    for panel in (levels[0], rises[0]):
        assert np.isnan(numbers(curves(panel)[1].y)).tolist() == [True, *4 * [False]]
    for panel in (*levels, *rises):
        assert panel.y.low is not None
        assert panel.y.high is not None
        assert math.isfinite(panel.y.low)
        assert math.isfinite(panel.y.high)
    (level,), (rise,) = panels([("even", bowl(0.3, 0.0))])
    assert (level.y.low or 1) < 0.3 < (level.y.high or 0)
    assert (rise.y.low or 1) < 0 < (rise.y.high or 0)


def test_captions_say_the_losses_and_the_sets() -> None:
    along, steepest = landscape_pictures(
        [
            ("A", audit("a", bowl(0.25, 2.0, 4.0))),
            ("B", audit("b", bowl(0.5, 1.0, 0.75), "l2:1")),
            ("none", audit("none", None)),
        ],
        "A note.",
    )
    said = (
        "A: 0.25 to 2.2 nats with inputs as they are and 4 to 10 nats with inputs perturbed; "
        "B: 0.5 to 1.5 nats with inputs as they are and 0.75 to 3.8 nats with inputs perturbed"
    )
    assert f"{said}. A note." in along.caption
    assert said in along.alt
    assert "within linf:0.1 (A) and l2:1 (B)" in along.caption
    assert "gradient of each network's own loss" in steepest.caption
    (clean, _) = landscape_pictures([("A", audit("a", bowl(0.25, 2.0)))])
    assert "perturbed" not in clean.caption
    assert clean.caption.endswith("A: 0.25 to 2.2 nats with inputs as they are.")
    assert landscape_pictures([("none", audit("none", None))]) == []


def test_an_infinite_loss_is_said() -> None:
    line = bowl(0.25, 2.0)
    line = replace(line, loss=(None, *line.loss[1:]))
    along, _ = landscape_pictures([("A", audit("a", line))])
    assert "A: 0.25 to inf nats" in along.caption


def test_of_very_many_networks_the_first_are_drawn() -> None:
    many = [(f"n{n:02}", audit(f"n{n:02}", bowl(0.1, 1.0))) for n in range(14)]
    along, _ = landscape_pictures(many)
    assert isinstance(along.chart, Chart)
    titles = {panel.title for panel in along.chart.panels} - {""}
    assert titles == {f"n{n:02}" for n in range(12)}
    assert along.caption.endswith("2 more networks are left out.")


def test_a_comparison_has_the_landscapes_and_defines_them(tmp_path: Path) -> None:
    found = [audit("plain", bowl(0.1, 5.0, 8.0)), audit("flat", bowl(0.4, 1.0, 1.5))]
    page = compare_audits(tmp_path / "both", found).read_text("utf-8")
    figures = {each.name for each in (tmp_path / "both" / "figures").iterdir()}
    assert figures == {
        f"{key}.{kind}"
        for key in ("shares", "landscapes-random", "landscapes-steepest")
        for kind in ("pdf", "png", "svg")
    }
    assert page.count('<div id="flatness">') == 1
    assert page.count('<div id="interval">') == 1
    assert '<a href="#interval">Interval</a>' in page
    assert '<a href="#flatness">Flatness, loss landscape</a>' in page
    assert '<a href="#landscapes-random">' in page
    without = compare_audits(tmp_path / "none", [audit("plain", None)]).read_text("utf-8")
    assert "landscape" not in without


def test_a_study_shows_one_network_of_each_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = replace(STUDY, seeds=(3, 4), examine=Examination(("accuracy",)))
    store = TrialStore(str(tmp_path / "out"))
    remains = run_study(study, store, Inline())
    assert remains.failed == {}
    for trial in remains.trials:
        made = audit("net", bowl(trial.seed, 1.0))
        write_json(tmp_path / "out" / "trials" / trial.id / "audit.json", made)
    without = Path(conclude(study, store, remains).page).read_text("utf-8")
    assert "landscape" not in without
    asked = replace(study, examine=Examination(("flatness",)))
    page = Path(conclude(asked, store, remains).page).read_text("utf-8")
    assert (tmp_path / "out" / "figures" / "landscapes-steepest.pdf").exists()
    for name in ("relu", "tanh"):
        assert f"{name}: 3 to 4 nats with inputs as they are" in page
    assert "4 to 5 nats" not in page
    assert "Each network is that of the first seed of its setting." in page
    monkeypatch.setattr("gnomon.study.conclusions.MOST_NETWORKS", 1)
    page = Path(conclude(asked, store, remains).page).read_text("utf-8")
    assert "relu: 3 to 4 nats" in page
    assert "tanh: 3 to 4 nats" not in page
    assert "The first 1 of 2 settings are shown." in page


@pytest.mark.parametrize(
    ("settings", "labels"),
    [
        (
            [{"a": "relu", "b": 1}, {"a": "relu", "b": 1}, {"a": "tanh", "b": 1}],
            ["relu"] * 2 + ["tanh"],
        ),
        ([{"a": 1, "b": 2}, {"a": 1, "b": 3}], ["1, 2", "1, 3"]),
        (
            [{"m": "standard", "e": 1}, {"m": {"name": "app", "s": 2}, "e": 1}],
            ["standard", "app"],
        ),
        (
            [{"m": {"name": "app", "s": 1}, "e": 1}, {"m": {"name": "app", "s": 2}, "e": 1}],
            ["app (s 1)", "app (s 2)"],
        ),
        ([{}, {}], ["", ""]),
        ([], []),
    ],
)
def test_labels_say_what_tells_settings_apart(
    settings: list[dict[str, Any]], labels: list[str]
) -> None:
    assert _labels(settings) == labels
