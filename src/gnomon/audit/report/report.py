"""The report: one self-contained page, the audits as JSON, and the figures as files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from gnomon.audit.audit import Audit
from gnomon.audit.audit_json import write_json
from gnomon.audit.finding import Finding
from gnomon.audit.report.pictures import pictures_of
from gnomon.audit.requirement import Verdict
from gnomon.audit.subject import Subject
from gnomon.audit.topics import GLOSSARY, TOPICS
from gnomon.audit.topics.accuracy.probe import ClassAccuracy
from gnomon.errors import SettingError
from gnomon.files import write_text
from gnomon.references import cite
from gnomon.report.page import render_page
from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, interval, listed, percent

_HEADLINES = tuple(topic.headline for topic in TOPICS if topic.headline)
"""The findings at the top of the page; each has an interval."""

Examined = tuple[Subject, Audit]
"""A subject and its audit."""


def write_report(
    folder: Path, examined: Sequence[Examined], verdicts: Sequence[Verdict] = ()
) -> Path:
    """Writes the report of one subject, or the comparison of several; returns the page's path.

    In the folder: `report.html`; `audit.json`, or `audit-NAME.json` for each of several
    subjects; `figures/` with an SVG and a PNG of each figure. The page comes last, so that
    where it is, the rest is whole.

    Raises:
        SettingError: nothing was examined, or two subjects share a name.
    """
    names = [audit.name for _, audit in examined]
    if not names or len(set(names)) < len(names):
        raise SettingError(
            f"report: expected subjects with different names, got {names}. Name each one."
        )
    pictures = pictures_of(examined)
    for audit in (audit for _, audit in examined):
        stem = "audit" if len(examined) == 1 else f"audit-{file_stem(audit.name)}"
        write_json(folder / f"{stem}.json", audit)
    for picture in pictures:
        picture.save(folder / "figures")
    page = folder / "report.html"
    write_text(page, render(examined, pictures, verdicts))
    return page


def render(
    examined: Sequence[Examined], pictures: Sequence[Picture], verdicts: Sequence[Verdict] = ()
) -> str:
    """The page as text: it loads nothing, from this machine or another."""
    audits = [audit for _, audit in examined]
    return render_page(
        "gnomon.audit.report",
        "report",
        filters={"percent": percent, "interval": interval, "measured": measured},
        title=_title(audits),
        audits=audits,
        abouts=[(audit.name, _about(audit)) for audit in audits],
        cards=_cards(audits),
        topics=_by_topic(pictures),
        row_groups=_rows(audits),
        class_tables=[(audit.name, rows) for audit in audits if (rows := _class_rows(audit))],
        glossary=GLOSSARY,
        sources=_sources(audits),
        verdicts=verdicts,
        doubted=sum(len(audit.doubts) for audit in audits)
        + sum(len(each.doubts) for audit in audits for each in audit.findings),
    )


@dataclass(frozen=True)
class Drawn:
    """A picture as the page shows it.

    Attributes:
        picture: what is shown.
        svg: its drawing.
        term: the name of the term that defines it.
        place: "wide" over the whole width; "alone" where no other picture stands beside it,
            so that its caption does; else empty.
    """

    picture: Picture
    svg: Markup
    term: str
    place: str


@dataclass(frozen=True)
class Card:
    """One kind of figure at the top of the page: its value for each subject."""

    name: str
    condition: str
    findings: tuple[tuple[str, Finding], ...]


@dataclass(frozen=True)
class Row:
    """One line of the table of findings: a cell for each subject, empty if not examined."""

    name: str
    condition: str
    cells: tuple[Finding | None, ...]


def measured(finding: Finding) -> str:
    """The finding's value with its interval, or why there is none."""
    if finding.value is None:
        return f"none: {finding.absent}"
    if finding.unit != "share":
        ends = f" ({finding.error[0]:.3g} to {finding.error[1]:.3g})" if finding.error else ""
        return f"{finding.value:.4g} {finding.unit}".strip() + ends
    spread = f" ({interval(finding.error)})" if finding.error else ""
    return f"{percent(finding.value)}{spread}"


def _title(audits: Sequence[Audit]) -> str:
    data = listed(list(dict.fromkeys(str(audit.data["title"]) for audit in audits)))
    return f"{listed([audit.name for audit in audits])} on {data}"


def _about(audit: Audit) -> str:
    """The facts about a network, in a line."""
    return ", ".join(f"{key} {value}" for key, value in audit.subject.items() if key != "name")


def _cards(audits: Sequence[Audit]) -> list[Card]:
    """Clean accuracy; for each norm the attacked accuracy at its largest radius; one noise."""
    keys: dict[str, tuple[str, str]] = {}
    radii: dict[str, float] = {}
    for finding in audits[0].findings:
        if finding.name not in _HEADLINES:
            continue
        attacked = finding.name == "attacked_accuracy"
        key = finding.name + (finding.details.norm if attacked else "")
        radius = finding.details.radius if attacked else 0.0
        if key not in keys or radius > radii[key]:
            keys[key], radii[key] = (finding.name, finding.condition), radius
    return [
        Card(
            name.replace("_", " "),
            condition,
            tuple(
                (audit.name, finding)
                for audit in audits
                for finding in audit.findings
                if (finding.name, finding.condition) == (name, condition)
            ),
        )
        for name, condition in keys.values()
    ]


def _by_topic(pictures: Sequence[Picture]) -> dict[str, list[Drawn]]:
    """The pictures under their sections, in the order of first mention."""
    terms = {definition.key: definition.term for definition in GLOSSARY}
    topics: dict[str, list[Picture]] = {}
    for picture in pictures:
        topics.setdefault(picture.topic, []).append(picture)
    return {
        topic: [
            Drawn(picture, Markup(picture.svg), terms[picture.definition], place)  # noqa: S704 - our own drawing
            for picture, place in zip(section, places(section), strict=True)
        ]
        for topic, section in topics.items()
    }


def places(section: Sequence[Picture]) -> list[str]:
    """Where each picture of a section stands: "wide", "alone", or empty for one of a pair.

    Two columns have a hole where a picture that is not wide has no neighbour: before a wide
    picture or at the end. Such a picture stands alone, with its caption beside it.
    """
    placed = ["wide" if picture.wide else "" for picture in section]
    start = 0
    for end in range(len(section) + 1):
        if end == len(section) or placed[end] == "wide":
            if (end - start) % 2:
                placed[end - 1] = "alone"
            start = end + 1
    return placed


def _rows(audits: Sequence[Audit]) -> dict[str, list[Row]]:
    """One row per name and condition of finding, under its topic."""
    by_key = [{(each.name, each.condition): each for each in a.findings} for a in audits]
    topics = {key: each.probe for findings in by_key for key, each in findings.items()}
    groups: dict[str, list[Row]] = {}
    for (name, condition), topic in topics.items():
        cells = tuple(findings.get((name, condition)) for findings in by_key)
        groups.setdefault(topic, []).append(Row(name, condition, cells))
    return groups


def _class_rows(audit: Audit) -> list[ClassAccuracy]:
    for finding in audit.findings:
        if finding.name == "clean_accuracy":
            return list(finding.details.per_class)
    return []


def _sources(audits: Sequence[Audit]) -> list[str]:
    """The literature behind the findings, cited in alphabetical order."""
    return sorted(
        {cite(key) for audit in audits for f in audit.findings for key in f.references}
    )
