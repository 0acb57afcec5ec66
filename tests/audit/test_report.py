"""The report: whole, self-contained, readable, and the same each time."""

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from gnomon.attacks import FGSM
from gnomon.audit import (
    AttackedAccuracy,
    Audit,
    CleanAccuracy,
    NoiseAccuracy,
    Subject,
    examine,
    parse_requirement,
    read_json,
)
from gnomon.audit.report import write_report
from gnomon.audit.report.pictures import pictures_of
from gnomon.audit.report.report import measured, places
from gnomon.errors import SettingError
from gnomon.report.charts import INK, Axis, Chart, Panel
from gnomon.report.charts.draw_matplotlib import house_style
from gnomon.report.picture import Picture
from gnomon.report.prose import percent
from reference.figures import cut_off
from reference.small_subjects import (
    FirstCoordinate,
    image_data,
    image_network,
    plane_subject,
    subject_of,
    vector_data,
)

VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Page(HTMLParser):
    """Reads a page strictly: each tag is closed where it was opened."""

    open: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, key: str) -> list[str]:
        return [attributes[key] for _, attributes in self.tags if key in attributes]


def examined_by_default(subject: Subject) -> tuple[Subject, Audit]:
    """The subject with an audit of three topics."""
    sets = subject.data.customary
    probes = [CleanAccuracy(), NoiseAccuracy(sets, 1), AttackedAccuracy(sets, (FGSM(),))]
    return subject, examine(subject, probes)


def read(folder: Path) -> tuple[str, Page]:
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.open == []
    return text, page


SUBJECTS = {
    "plane": lambda: [plane_subject(90)],
    "two on the plane": lambda: [plane_subject(name="a & b"), plane_subject(name="<b>")],
    "vectors": lambda: [subject_of(FirstCoordinate(5).eval(), vector_data(5))],
    "grey pictures": lambda: [subject_of(image_network(1), image_data(1))],
    "coloured pictures": lambda: [subject_of(image_network(3), image_data(3))],
    "many classes": lambda: [subject_of(image_network(1, 43), image_data(1, 300, 43))],
}


@cache
def examined_once(kind: str) -> list[tuple[Subject, Audit]]:
    """The audits of one kind of subjects, made once for all tests."""
    return [examined_by_default(subject) for subject in SUBJECTS[kind]()]


def renamed(name: str) -> tuple[Subject, Audit]:
    """The subject on the plane under another name."""
    ((subject, audit),) = examined_once("plane")
    return replace(subject, name=name), replace(audit, subject={**audit.subject, "name": name})


@dataclass
class Written:
    """A report in a folder, and what it is about."""

    folder: Path
    examined: list[tuple[Subject, Audit]]
    pictures: list[Picture] = field(default_factory=list)


@pytest.fixture(scope="session", params=SUBJECTS)
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Written:
    written = Written(tmp_path_factory.mktemp("report"), examined_once(request.param))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "gnomon.audit.report.report.pictures_of",
            lambda examined: written.pictures.extend(pictures_of(examined)) or written.pictures,
        )
        write_report(written.folder, written.examined)
    return written


def test_the_page_is_well_formed_with_unique_ids(written: Written) -> None:
    _, page = read(written.folder)
    assert [key for key, count in Counter(page.all("id")).items() if count > 1] == []


def test_the_page_loads_nothing(written: Written) -> None:
    text, page = read(written.folder)
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "form"}
        for key in ("src", "xlink:href", "srcset", "poster", "data"):
            assert attributes.get(key, "#").startswith(("#", "data:image/png;base64,"))
        if tag != "a":
            assert attributes.get("href", "#").startswith("#")
    assert "@import" not in text
    assert re.findall(r"url\((?!#)[^)]*\)", text) == []


def test_every_link_leads_to_a_place_in_the_page(written: Written) -> None:
    _, page = read(written.folder)
    links = [link for tag, a in page.tags if tag == "a" for link in [a["href"]]]
    assert len(links) > 5
    assert {link.removeprefix("#") for link in links} <= set(page.all("id"))
    references = set(re.findall(r"url\(#([^)]*)\)", str(page.all("clip-path"))))
    assert references <= set(page.all("id"))


def test_every_finding_stands_in_the_page_with_its_interval(written: Written) -> None:
    _, page = read(written.folder)
    words = " ".join("".join(page.words).split())
    for _, result in written.examined:
        for finding in result.findings:
            assert finding.name in words
            assert finding.condition in words
            assert measured(finding) in words


def test_doubts_stand_at_the_top_and_in_their_section(written: Written) -> None:
    text, _ = read(written.folder)
    for _, result in written.examined:
        for doubt in result.doubts:
            assert text.count(doubt.message.split(":")[0]) == 2
    assert ("None. The audit looked for" in text) is not any(
        a.doubts for _, a in written.examined
    )


def test_every_figure_has_a_sentence_an_alternative_and_a_definition(written: Written) -> None:
    _, page = read(written.folder)
    tags = Counter(tag for tag, _ in page.tags)
    drawings = [a for tag, a in page.tags if tag == "svg"]
    assert len(drawings) == tags["figure"] == tags["figcaption"] >= 4
    assert all(len(a["aria-label"]) > 40 and a["role"] == "img" for a in drawings)


def test_headings_are_in_order_and_landmarks_are_there(written: Written) -> None:
    _, page = read(written.folder)
    tags = [tag for tag, _ in page.tags]
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert {"header", "main", "footer"} <= set(tags)
    assert ("html", {"lang": "en"}) in page.tags
    assert all(a.get("scope") for tag, a in page.tags if tag == "th")
    assert tags.count("table") == tags.count("caption")


def test_drawings_take_the_colour_of_the_page(written: Written) -> None:
    text, _ = read(written.folder)
    assert "currentColor" in text
    drawings = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert all(INK not in drawing for drawing in drawings)
    assert all("prefers-color-scheme" not in drawing for drawing in drawings)


def test_figures_stand_as_files_that_can_be_read(written: Written) -> None:
    names = {path.name for path in (written.folder / "figures").iterdir()}
    stems = {name.rsplit(".", 1)[0] for name in names}
    assert names == {f"{stem}.{kind}" for stem in stems for kind in ("svg", "png")}
    assert all(re.fullmatch(r"[A-Za-z0-9.\-]+", stem) for stem in stems)
    for stem in stems:
        root = ET.parse(written.folder / "figures" / f"{stem}.svg").getroot()
        assert root.tag.endswith("svg")
        start = (written.folder / "figures" / f"{stem}.png").read_bytes()[:4]
        assert start == b"\x89PNG"


def test_a_figure_is_laid_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The PNG has the layout of the SVG, which is that of the figure saved by itself."""
    layouts: list[Figure] = []
    execute = ConstrainedLayoutEngine.execute
    monkeypatch.setattr(
        ConstrainedLayoutEngine,
        "execute",
        lambda engine, figure: layouts.append(figure) or execute(engine, figure),
    )
    pictures = [_labelled(f"picture{place}") for place in range(2)]
    pictures[0].save(tmp_path)
    assert layouts == [pictures[0].figure]
    with house_style():
        pictures[1].figure.savefig(tmp_path / "alone.svg", transparent=True)
    for one, other in zip(*(each.figure.axes for each in pictures), strict=True):
        assert one.get_position().bounds == other.get_position().bounds
        assert (
            one.get_position().bounds != _labelled("raw").figure.axes[0].get_position().bounds
        )


def _labelled(key: str) -> Picture:
    """Two panels whose labels need room."""
    panel = Panel([], Axis("a label\nof two lines"), Axis("another"))
    chart = Chart([[panel], [panel]], 4.0)
    return Picture(
        key, "accuracy", "Two panels", chart, "Two panels.", "Two panels.", "accuracy"
    )


def test_the_audits_stand_beside_the_page(written: Written) -> None:
    files = sorted(written.folder.glob("*.json"))
    assert len(files) == len(written.examined)
    read_back = {read_json(path).name: read_json(path) for path in files}
    assert read_back == {result.name: result for _, result in written.examined}


@pytest.mark.parametrize("written", ["grey pictures"], indirect=True)
def test_the_same_audits_give_the_same_files(written: Written, tmp_path: Path) -> None:
    write_report(tmp_path, written.examined)
    files = [path for path in written.folder.rglob("*.*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        again = tmp_path / path.relative_to(written.folder)
        assert path.read_bytes() == again.read_bytes(), path


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    name = '<script>alert("&")</script>'
    write_report(tmp_path, [renamed(name)])
    _, page = read(tmp_path)
    assert "script" not in [tag for tag, _ in page.tags]
    assert name in "".join(page.words)


def test_requirements_are_reported(tmp_path: Path) -> None:
    examined = examined_once("plane")
    verdicts = [
        parse_requirement(text).check(examined[0][1])
        for text in ("clean_accuracy >= 0.9", "clean_accuracy < 0.9")
    ]
    write_report(tmp_path, examined, verdicts)
    _, page = read(tmp_path)
    classes = page.all("class")
    assert (classes.count("holds"), classes.count("fails")) == (1, 1)


def test_an_audit_of_one_topic_can_be_reported(tmp_path: Path) -> None:
    ((subject, audit),) = examined_once("plane")
    for topic in dict.fromkeys(finding.probe for finding in audit.findings):
        findings = tuple(each for each in audit.findings if each.probe == topic)
        write_report(tmp_path / topic, [(subject, replace(audit, findings=findings))])
        read(tmp_path / topic)


def test_two_subjects_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="different names"):
        write_report(tmp_path, [renamed("one"), renamed("one")])
    assert list(tmp_path.iterdir()) == []


def test_nothing_that_is_written_in_a_picture_is_cut_off(written: Written) -> None:
    for picture in written.pictures:
        assert cut_off(picture.figure) < 0.01, picture.key


@pytest.mark.parametrize(
    ("wide", "expected"),
    [
        ("n", "a"),
        ("nn", "  "),
        ("nnn", "  a"),
        ("nwn", "awa"),
        ("nnwwnnn", "  ww  a"),
        ("w", "w"),
        ("", ""),
    ],
)
def test_no_picture_stands_beside_a_hole(wide: str, expected: str) -> None:
    section = [replace(_labelled(str(place)), wide=it == "w") for place, it in enumerate(wide)]
    letters = {"": " ", "wide": "w", "alone": "a"}
    assert "".join(letters[place] for place in places(section)) == expected


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50.0 %"),
        (0.9996, "99.96 %"),
        (0.00001, "0.001 %"),
        (1 - 1e-9, "100.0000 %"),
    ],
)
def test_a_share_is_written_apart_from_certainty(share: float, text: str) -> None:
    assert percent(share) == text
