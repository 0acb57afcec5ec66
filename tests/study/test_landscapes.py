"""Loss landscapes of several networks: one scale for all, and what the captions say of them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gnomon.audit import Audit, Finding, write_json
from gnomon.audit.report.comparison import compare_audits
from gnomon.audit.topics.flatness.landscapes import landscape_pictures
from gnomon.audit.topics.flatness.panels import draw_landscape_panels
from gnomon.study.conclusions import _labels, conclude  # pyright: ignore[reportPrivateUsage]
from gnomon.study.engines import Inline
from gnomon.study.run import run_study
from gnomon.study.study import Examination
from gnomon.study.trial_store import TrialStore
from reference.small_study import STUDY

AT = (-1.0, -0.5, 0.0, 0.5, 1.0)


def bowl(own: float, steep: float, attacked: float | None = None) -> dict[str, Any]:
    """Losses own + steep s², and three times as much of perturbed inputs over `attacked`."""
    return {
        "positions": [[at] for at in AT],
        "loss": [own + steep * at**2 for at in AT],
        "attacked_loss": None
        if attacked is None
        else [attacked + 3 * steep * at**2 for at in AT],
    }


def audit(name: str, line: dict[str, Any] | None, condition: str = "linf:0.1") -> Audit:
    drawn = None if line is None else {"random": line, "steepest": line}
    finding = Finding(
        probe="flatness",
        name="average_flatness",
        value=0.5,
        unit="nats",
        error=None,
        method="m",
        condition=condition,
        details={"landscapes": drawn},
    )
    data = {"title": "digits", "fingerprint": "f", "examples": 10}
    right = Finding("accuracy", "clean_accuracy", 0.5, "share", (0.4, 0.6), "seen")
    return Audit("0.1.0", {"name": name}, data, [], {}, 0, (right, finding), ())


def panels(found: Sequence[tuple[str, dict[str, Any]]]) -> tuple[list[Axes], list[Axes]]:
    """The axes of levels and those of rises, in the order of the networks."""
    axes = [each for each in draw_landscape_panels(found).axes if each.lines]
    levels = [each for each in axes if each.get_title()]
    return levels, [each for each in axes if each not in levels]


def heights(line: Line2D) -> list[float]:
    return np.asarray(line.get_ydata(), dtype=np.float64).tolist()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_every_network_has_its_column_and_all_have_one_scale(count: int) -> None:
    found = [(f"net {n}", bowl(0.5**n, 1.0 + n, 2.0)) for n in range(count)]
    levels, rises = panels(found)
    assert sorted(each.get_title() for each in levels) == [name for name, _ in found]
    assert len(rises) == count
    for axes, scale in ((levels, "log"), (rises, "linear")):
        assert {each.get_yscale() for each in axes} == {scale}
        assert len({each.get_ylim() for each in axes}) == 1
        places = [(each.transScale + each.transLimits).transform((0, 1))[1] for each in axes]
        assert places == pytest.approx([places[0]] * count)
    low, high = levels[0].get_ylim()
    assert low <= 0.5 ** (count - 1)
    assert high >= 2 + 3 * count


def test_curves_are_the_losses_and_their_rises_over_the_middle() -> None:
    line = bowl(0.25, 2.0, 4.0)
    (level,), (rise,) = panels([("net", line)])
    for axes, start in ((level, (0.25, 4.0)), (rise, (0.0, 0.0))):
        clean, attacked, *_ = axes.lines
        assert (clean.get_linestyle(), attacked.get_linestyle()) == ("--", "-")
        for each, own, steep in ((clean, start[0], 2.0), (attacked, start[1], 6.0)):
            assert heights(each) == pytest.approx([own + steep * at**2 for at in AT])


def test_a_network_that_rises_far_more_does_not_hide_the_others() -> None:
    _, rises = panels([("steep", bowl(0.1, 900.0)), ("flat", bowl(0.1, 2.0))])
    assert rises[0].get_ylim()[1] == pytest.approx(20.0)
    _, rises = panels([("steep", bowl(0.1, 6.0)), ("flat", bowl(0.1, 2.0))])
    assert 6.0 < rises[0].get_ylim()[1] < 7.0
    _, rises = panels([("steep", bowl(0.1, 6.0)), ("constant", bowl(0.1, 0.0))])
    assert 6.0 < rises[0].get_ylim()[1] < 7.0


def test_infinite_losses_are_gaps_and_constant_ones_are_drawn() -> None:
    broken = bowl(0.1, 1.0, 0.2)
    broken["attacked_loss"][0] = None
    nothing = bowl(0.1, 1.0)
    nothing["loss"] = [None] * len(AT)
    levels, rises = panels([("broken", broken), ("lost", nothing), ("even", bowl(0.3, 0.0))])
    for axes in (levels[0], rises[0]):
        assert list(map(math.isnan, heights(axes.lines[1]))) == [True, *4 * [False]]
    assert all(math.isfinite(end) for axes in (*levels, *rises) for end in axes.get_ylim())
    (level,), (rise,) = panels([("even", bowl(0.3, 0.0))])
    assert level.get_ylim()[0] < 0.3 < level.get_ylim()[1]
    assert rise.get_ylim()[0] < 0 < rise.get_ylim()[1]


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
    line["loss"][0] = None
    along, _ = landscape_pictures([("A", audit("a", line))])
    assert "A: 0.25 to inf nats" in along.caption


def test_of_very_many_networks_the_first_are_drawn() -> None:
    many = [(f"n{n:02}", audit(f"n{n:02}", bowl(0.1, 1.0))) for n in range(14)]
    along, _ = landscape_pictures(many)
    titles = {axes.get_title() for axes in along.figure.axes} - {""}
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
