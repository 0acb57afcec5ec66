"""The report of a study: whole, self-contained, and every number with its trials."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas import DataFrame

from gnomon.audit import Audit, Finding
from gnomon.audit.report.comparison import compare_audits
from gnomon.errors import SettingError
from gnomon.report.charts import Chart, Curve, Points, Text, numbers
from gnomon.report.charts.draw_matplotlib import draw_matplotlib
from gnomon.report.numbers import ranges, with_error
from gnomon.report.tables import latex, markdown
from gnomon.study.report import Heading, write_study_report
from gnomon.study.report.figures import comparison_chart, trend_chart
from gnomon.study.report.tables import tables_of
from gnomon.study.results import Results
from gnomon.study.statistics import (
    Differs,
    Greater,
    Hypothesis,
    Rises,
    Verdict,
    judge,
)
from reference.study_tables import ACTIVATION, ENTANGLEMENT, tidy

AXES = (ACTIVATION, ENTANGLEMENT)
LEVELS = (2.0, 4.0, 6.0, 8.0)
ACTIVATIONS = ("relu", "tanh", "<b>&")
VOID = {"meta", "br", "img"}


def norm(settings: Mapping[str, Any], seed: int) -> float | None:
    place = ACTIVATIONS.index(settings[ACTIVATION])
    if place == 1 and seed == 2 and settings[ENTANGLEMENT] == 4.0:
        return None
    drawn = np.random.default_rng([place, seed, int(settings[ENTANGLEMENT])]).normal()
    return 8 + settings[ENTANGLEMENT] * (1 - place) + float(drawn)


def accuracy(settings: Mapping[str, Any], seed: int) -> float:
    return 0.9 + 0.01 * ACTIVATIONS.index(settings[ACTIVATION]) + 0.001 * seed


def results(seeds: int = 6) -> DataFrame:
    return tidy(
        {ACTIVATION: ACTIVATIONS, ENTANGLEMENT: LEVELS},
        range(seeds),
        {
            "frobenius_norm": ("weights", "", norm),
            "frobenius_norm.layers[0]": ("weights", "", norm),
            "clean_accuracy": ("accuracy", "share", accuracy),
        },
    )


HYPOTHESES: tuple[Hypothesis, ...] = (
    Rises(finding="frobenius_norm", name="H1", along=ENTANGLEMENT, per=(ACTIVATION,)),
    Greater(
        finding="clean_accuracy",
        name="H2",
        claim='tanh is "better" & <safer>',
        of=ACTIVATION,
        values=("tanh", "relu"),
        smallest=0.005,
    ),
    Differs(finding="nothing", name="H3", of=ACTIVATION, values=("tanh", "relu")),
)


@dataclass
class Page(HTMLParser):
    """Reads a page strictly: each tag is closed where it was opened."""

    open: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    cells: list[tuple[dict[str, str], str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.tags.append((tag, given))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "td":
            self.cells.append((given, ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if "td" in self.open:
            attributes, text = self.cells[-1]
            self.cells[-1] = (attributes, text + data)

    def all(self, key: str) -> list[str]:
        return [attributes[key] for _, attributes in self.tags if key in attributes]

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def read(page: Path) -> Page:
    found = Page()
    found.feed(page.read_text(encoding="utf-8"))
    assert found.open == []
    return found


@dataclass
class Written:
    folder: Path
    table: DataFrame
    verdicts: tuple[Verdict, ...]
    page: Page


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder, table = tmp_path_factory.mktemp("study"), results()
    verdicts = judge(Results(table, AXES), HYPOTHESES)
    heading = Heading("Norms & <entanglement>", "Do they grow?", ("One failed.",))
    path = write_study_report(folder, Results(table, AXES), verdicts, heading)
    assert path == folder / "report.html"
    return Written(folder, table, verdicts, read(path))


def test_the_page_is_well_formed_and_loads_nothing(written: Written) -> None:
    page = written.page
    assert [key for key, count in Counter(page.all("id")).items() if count > 1] == []
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "form", "b"}
        if tag != "image":
            assert attributes.get("src", "#").startswith("#")
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(page.all("id"))
    assert all(link.startswith("#") for link in links)


def test_the_page_begins_with_the_question_and_the_answers(written: Written) -> None:
    text = written.page.text
    for said in ("Norms & <entanglement>", "Do they grow?", "One failed."):
        assert said in text
    assert 'tanh is "better" & <safer>' in text
    for verdict in written.verdicts:
        assert " ".join(verdict.reason.split()) in text
        for note in verdict.notes:
            assert note in text


def test_figures_come_before_tables_one_for_each_hypothesis_with_numbers(
    written: Written,
) -> None:
    tags = [tag for tag, _ in written.page.tags]
    assert tags.count("figure") == 2
    assert tags.index("figure") < tags.index("table")
    assert len([a for tag, a in written.page.tags if tag == "svg" and a["aria-label"]]) == 2


def test_every_number_is_the_mean_of_the_trials_it_names(written: Written) -> None:
    """Computed again from the rows of the table, for each cell of the page."""
    rows = written.table.to_dict("records")
    means: dict[str, set[float]] = {}
    for finding in ("frobenius_norm", "frobenius_norm.layers[0]", "clean_accuracy"):
        scale = 100 if finding == "clean_accuracy" else 1
        by_trial = {row["trial"]: row["value"] for row in rows if row["finding"] == finding}
        for attributes, text in written.page.cells:
            if "data-trials" not in attributes or "title" not in attributes:
                continue
            ids = attributes["data-trials"].split()
            there = [by_trial[key] for key in ids if np.isfinite(by_trial[key])]
            means.setdefault(text.strip(), set()).add(scale * float(np.mean(there)))
    assert len(means) >= 12
    for text, possible in means.items():
        shown = re.match(r"[\d.]+", text)
        assert shown is not None
        decimals = len(shown[0].partition(".")[2])
        assert any(f"{value:.{decimals}f}" == shown[0] for value in possible)


def test_every_trial_stands_in_the_list(written: Written) -> None:
    ids = {row["trial"] for row in written.table.to_dict("records")}
    assert {f"trial-{key}" for key in ids} <= set(written.page.all("id"))
    named = {key for each in written.page.all("data-trials") for key in each.split()}
    assert named == ids


def test_the_evidence_names_the_trials_behind_it(written: Written) -> None:
    cells = [a for a, _ in written.page.cells if "data-trials" in a and "title" not in a]
    assert len(cells) == len(written.verdicts)
    for attributes, verdict in zip(cells, written.verdicts, strict=True):
        ids = [key for seed in verdict.blocks.trials for level in seed for key in level]
        assert attributes["data-trials"].split() == ids


def test_figures_stand_as_files_for_publication(written: Written) -> None:
    names = {path.name for path in (written.folder / "figures").iterdir()}
    stems = {name.rsplit(".", 1)[0] for name in names}
    assert stems == {"claim-1-h1", "claim-2-h2"}
    assert names == {f"{stem}.{kind}" for stem in stems for kind in ("svg", "png", "pdf")}
    for stem in stems:
        content = (written.folder / "figures" / f"{stem}.pdf").read_bytes()
        assert content.startswith(b"%PDF")
        assert b"/Type3" not in content  # fonts that publishers take
        assert b"CreationDate" not in content


def test_tables_stand_as_latex_and_markdown(written: Written) -> None:
    names = {path.name for path in (written.folder / "tables").iterdir()}
    stems = {"frobenius-norm", "frobenius-norm.layers-0", "clean-accuracy"}
    assert names == {f"{stem}.{kind}" for stem in stems for kind in ("tex", "md")}
    text = (written.folder / "tables" / "clean-accuracy.tex").read_text(encoding="utf-8")
    body = [line for line in text.splitlines() if not line.startswith("%")]
    assert body[0] == r"\begin{tabular}{lrrrr}"
    rows = [line for line in body if line.endswith(r"\\") and "multicolumn" not in line]
    assert len(rows) == 1 + len(ACTIVATIONS)
    assert all(row.count("&") - row.count(r"\&") == len(LEVELS) for row in rows)
    assert [line for line in body if "rule" in line][-1] == r"\bottomrule"
    assert r"\textless{}b\textgreater{}\&" in text
    assert text.count("% trials: ") == len(ACTIVATIONS)


def test_a_table_of_two_axes_by_hand() -> None:
    def value(settings: Mapping[str, Any], seed: int) -> float:
        return settings["b"] + seed

    table = tidy({"a": ["x"], "b": list(range(8))}, (0, 2), {"f": ("p", "", value)})
    (found,) = tables_of(Results(table, ("a", "b")))
    assert (found.labels, found.over) == (("a",), "b")
    first = found.lines[0].cells[0]
    assert first is not None
    # Mean 1, standard deviation √2, t₁ = 12.706: half of the interval is 12.706.
    assert first.text == "1 ± 13"
    assert first.detail.startswith("mean of seeds 0, 2; 95 % interval −11.71 to 13.71")
    rows = markdown(found).splitlines()
    assert rows[2:4] == [
        "| a | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    assert r"x & 1 $\pm$ 13 & 2 $\pm$ 13" in latex(found)


def test_settings_that_do_not_cross_stand_below_each_other() -> None:
    def half(settings: Mapping[str, Any], seed: int) -> float:
        return 0.5

    table = tidy({"a": list(range(10)), "b": [1, 2]}, (0,), {"f": ("p", "share", half)})
    apart = table.loc[table["a"] % 2 + 1 == table["b"]]
    (found,) = tables_of(Results(apart, ("a", "b")))
    assert (found.labels, found.columns) == (("a", "b"), ("mean",))
    assert [line.labels for line in found.lines[:2]] == [("0", "1"), ("1", "2")]
    assert [cell.text for line in found.lines for cell in line.cells if cell] == ["50"] * 10


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (12.3456, 0.0512, "12.346 ± 0.051"),
        (-0.5, 3.0, "−0.5 ± 3.0"),
        (97.26, 11.4, "97 ± 11"),
        (123456789.0, 1.2e6, "(1.235 ± 0.012)e8"),
        (2e-7, 1e-8, "(2.00 ± 0.10)e−7"),
        (1.0, 0.0, "1 ± 0"),
        (1.5, None, "1.5"),
    ],
)
def test_a_number_has_the_digits_that_its_interval_allows(
    value: float, half: float | None, text: str
) -> None:
    assert with_error(value, half) == text


def test_seeds_are_listed_with_their_gaps() -> None:
    assert ranges([3, 0, 1, 2, 7]) == "0–3, 7"
    assert ranges([]) == ""


def points(chart: Chart) -> set[tuple[float, float]]:
    """The points of all curves and dots."""
    marks = [mark for panel in chart.panels for mark in panel.marks]
    return {
        (float(x), float(y))
        for mark in marks
        if isinstance(mark, Curve | Points)
        for x, y in zip(numbers(mark.x), numbers(mark.y), strict=True)
    }


def test_a_chart_shows_every_seed_and_the_mean() -> None:
    verdicts = judge(Results(results(), AXES), HYPOTHESES)
    trends = [verdict for verdict in verdicts if verdict.name == "H1"]
    shown = points(trend_chart(trends))
    for verdict in trends:
        for values in verdict.blocks.values:
            assert set(zip(LEVELS, values, strict=True)) <= shown
        means = [mean.value for mean in verdict.means]
        assert set(zip(LEVELS, means, strict=True)) <= shown
    (paired,) = (verdict for verdict in verdicts if verdict.name == "H2")
    shown = points(comparison_chart([paired]))
    for first, second in paired.blocks.values:
        assert {(0.0, 100 * first), (1.0, 100 * second)} <= shown
        assert (0.0, 100 * first - 100 * second) in shown
    assert (0.5, 100 * paired.effects[0].value) in shown


def test_the_band_of_a_mean_is_its_interval() -> None:
    verdicts = judge(Results(results(), AXES), HYPOTHESES[:1])
    (panel,) = trend_chart(verdicts[:1]).panels
    (band,) = (mark.band for mark in panel.marks if isinstance(mark, Curve) and mark.band)
    for mean, low, high in zip(verdicts[0].means, *band, strict=True):
        assert (low, high) == (mean.low, mean.high)


def test_names_beside_the_lines_do_not_meet() -> None:
    verdicts = judge(Results(results(), AXES), HYPOTHESES[:1])
    (panel,) = trend_chart(verdicts).panels
    names = [mark for mark in panel.marks if isinstance(mark, Text)]
    texts = [f"{verdict.condition}\n{verdict.answer}" for verdict in verdicts]
    assert [name.text for name in names] == texts
    assert panel.y.low is not None
    assert panel.y.high is not None
    heights = sorted(name.y for name in names)
    gap = 2 * 0.062 * (panel.y.high - panel.y.low)
    assert min(b - a for a, b in pairwise(heights)) >= gap


def test_many_verdicts_of_one_hypothesis_are_drawn_small() -> None:
    many = {ACTIVATION: [f"a{place}" for place in range(9)], ENTANGLEMENT: LEVELS}
    table = tidy(many, range(3), {"f": ("p", "", lambda s, seed: s[ENTANGLEMENT] + seed)})
    rises = Rises(finding="f", along=ENTANGLEMENT, per=(ACTIVATION,))
    chart = trend_chart(judge(Results(table, AXES), [rises]))
    assert [panel.title for panel in chart.panels] == [f"a{n}: supported" for n in range(9)]
    assert (chart.share_x, chart.share_y, chart.x_label) == (True, "all", "entanglement")
    greater = Greater(finding="f", of=ENTANGLEMENT, values=(4.0, 2.0), per=(ACTIVATION,))
    chart = comparison_chart(judge(Results(table, AXES), [greater]))
    (panel,) = chart.panels
    assert panel.y.ticks == list(enumerate(many[ACTIVATION]))
    assert len(draw_matplotlib(chart).axes) == 1


def test_a_study_of_one_setting_without_hypotheses_has_a_report(tmp_path: Path) -> None:
    def own(settings: Mapping[str, Any], seed: int) -> float:
        return float(seed)

    table = tidy({}, range(2), {"f": ("p", "", own)})
    page = read(write_study_report(tmp_path, Results(table, ()), (), Heading("One setting")))
    assert "0.5 ± 6.4" in page.text
    assert not (tmp_path / "figures").exists()


@pytest.mark.slow
def test_the_same_study_gives_the_same_files(tmp_path: Path) -> None:
    three = Results(results(3), AXES)
    for name in ("first", "second"):
        verdicts = judge(three, HYPOTHESES[1:2])
        write_study_report(tmp_path / name, three, verdicts, Heading("Twice"))
    files = [p.relative_to(tmp_path / "first") for p in (tmp_path / "first").rglob("*.*")]
    assert len(files) == 10
    for path in files:
        one, other = (tmp_path / name / path for name in ("first", "second"))
        assert one.read_bytes() == other.read_bytes(), path


def audit(name: str, value: float, examples: int = 100) -> Audit:
    return Audit(
        version="0.1.0",
        subject={"name": name},
        data={"title": "digits", "fingerprint": "f", "examples": examples},
        settings=[],
        environment={},
        seed=0,
        findings=(
            Finding("accuracy", "clean_accuracy", value, "share", (value - 0.1, value), "seen"),
            Finding("weights", "determinant", None, "", None, "computed", absent="no square"),
        ),
        doubts=(),
    )


def test_audits_stand_side_by_side(tmp_path: Path) -> None:
    audits = [audit("a & b", 0.875), audit("c", 0.5)]
    page = read(compare_audits(tmp_path, audits))
    texts = [text.strip() for attributes, text in page.cells if "data-trials" in attributes]
    assert texts == ["87.5 (77.5 to 87.5)", "50 (40 to 50)", "none", "none"]
    assert "a & b and c" in page.text
    assert "Compare with care" not in page.text
    assert (tmp_path / "figures" / "shares.pdf").exists()


def test_audits_of_different_examples_are_compared_with_a_warning(tmp_path: Path) -> None:
    page = read(compare_audits(tmp_path, [audit("a", 0.5), audit("b", 0.5, examples=50)]))
    assert "The number of examples differs: a 100, b 50. Compare with care." in page.text


def test_audits_are_compared_without_a_study_and_without_pandas() -> None:
    code = (
        "import sys, gnomon.audit.report.comparison\n"
        "print(sorted({'pandas', 'gnomon.study'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"


def test_audits_of_one_name_are_refused(tmp_path: Path) -> None:
    for audits in ([], [audit("a", 0.5), audit("a", 0.6)]):
        with pytest.raises(SettingError, match="different names"):
            compare_audits(tmp_path, audits)
    assert list(tmp_path.iterdir()) == []
