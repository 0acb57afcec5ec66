"""A few audits side by side on one page, without seeds and without verdicts."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.report.side_by_side import shares_chart
from gnomon.audit.topics import GLOSSARY
from gnomon.audit.topics.flatness.landscapes import landscape_pictures
from gnomon.errors import SettingError
from gnomon.report.numbers import ranges, scale_of, with_ends
from gnomon.report.picture import Picture
from gnomon.report.prose import listed, percent
from gnomon.report.results_page import (
    INTERVAL,
    Heading,
    ResultsPage,
    SettingTrials,
    write_results_page,
)
from gnomon.report.table_layout import Layout
from gnomon.report.tables import Cell

_AXIS = "network"
_NOTE = "Each number with the 95 % interval of its audit, where it has one."
_MOST_LINES = 24
"""Maximum number of findings in the overview."""


def compare_audits(folder: Path, audits: Sequence[Audit]) -> Path:
    """Writes the comparison of a few audits; returns the path of the page.

    The page shows the shares that the networks reach in one figure, with the intervals of their
    audits; their loss landscapes with one scale, where the audits have them; and every finding
    in the tables. Differences between the audits besides the network (data, examples, seed,
    version) are named at the top.

    Raises:
        SettingError: no audit, or two of the same name.
    """
    names = [audit.name for audit in audits]
    if not names or len(set(names)) < len(names):
        raise SettingError(
            f"compare: expected audits of networks with different names, got "
            f"{', '.join(names) or 'none'}. Name each one."
        )
    overview = [
        *_overview(audits),
        *landscape_pictures([(audit.name, audit) for audit in audits]),
    ]
    drawn = {picture.definition for picture in overview} - {INTERVAL.key}
    seeds = ranges([audit.seed for audit in audits])
    page = ResultsPage(
        heading=Heading(listed(names), notes=_differences(audits), kicker="Comparison"),
        about=f"{len(names)} trials: {len(names)} values of {_AXIS}; seeds {seeds}",
        tables=_layout(audits).tables(),
        axes=(_AXIS,),
        settings=[
            SettingTrials((audit.name,), ((audit.seed, audit.name),)) for audit in audits
        ],
        versions=_versions(audits),
        overview=overview,
        glossary=[INTERVAL, *(term for term in GLOSSARY if term.key in drawn)],
    )
    return write_results_page(folder, page)


def _layout(audits: Sequence[Audit]) -> Layout:
    """All findings of all audits, to be arranged in tables."""
    findings: dict[str, tuple[str, str]] = {}
    for audit in audits:
        for finding in audit.findings:
            findings.setdefault(finding.title, (finding.probe, finding.unit))
    return Layout(
        findings=findings,
        axes=(_AXIS,),
        settings=[(audit.name,) for audit in audits],
        cells={
            (finding.title, (audit.name,)): _cell(audit, finding, place)
            for place, audit in enumerate(audits, start=1)
            for finding in audit.findings
        },
        note=_NOTE,
    )


def _cell(audit: Audit, finding: Finding, setting: int) -> Cell:
    if finding.value is None or not np.isfinite(finding.value):
        return Cell("none", "no trial has a value", setting, (audit.name,))
    scale, (low, high) = scale_of(finding.unit), finding.error or (np.nan, np.nan)
    text = with_ends(scale * finding.value, scale * low, scale * high)
    return Cell(text, f"seed {audit.seed}", setting, (audit.name,))


def _overview(audits: Sequence[Audit]) -> list[Picture]:
    """The findings that are shares, the first of them if they are many."""
    shares: dict[str, list[tuple[str, Finding]]] = {}
    for audit in audits:
        for finding in audit.findings:
            shares.setdefault(finding.title, [])
            if finding.unit == "share" and finding.value is not None:
                shares[finding.title].append((audit.name, finding))
    lines = [(title, findings) for title, findings in shares.items() if findings]
    if not lines:
        return []
    drawn = lines[:_MOST_LINES]
    more = len(lines) - len(drawn)
    left_out = f" {more} more are in the tables." if more else ""
    return [
        Picture(
            key="shares",
            topic="Overview",
            title="Shares side by side",
            chart=shares_chart(drawn),
            caption=f"What each network reaches, with the interval of its audit.{left_out}",
            alt=f"Dots with intervals: {'; '.join(_spoken(*line) for line in drawn)}.",
            definition="interval",
            wide=True,
        )
    ]


def _spoken(title: str, findings: Sequence[tuple[str, Finding]]) -> str:
    values = [
        f"{name} {percent(finding.value)}"
        for name, finding in findings
        if finding.value is not None
    ]
    return f"{title}: {listed(values)}"


def _differences(audits: Sequence[Audit]) -> tuple[str, ...]:
    """Sentences on what differs besides the network, so that a comparison is doubtful."""
    facts = {
        "data": [f"{a.data['title']} ({a.data['fingerprint']})" for a in audits],
        "number of examples": [str(a.data["examples"]) for a in audits],
        "seed of the audit": [str(a.seed) for a in audits],
        "version of Gnomon": [a.version for a in audits],
    }
    return tuple(
        f"The {what} differs: "
        + ", ".join(f"{a.name} {value}" for a, value in zip(audits, values, strict=True))
        + ". Compare with care."
        for what, values in facts.items()
        if len(set(values)) > 1
    )


def _versions(audits: Sequence[Audit]) -> str:
    counts = Counter(audit.version for audit in audits)
    if len(counts) == 1:
        return audits[0].version
    return ", ".join(f"{version} ({count} trials)" for version, count in counts.items())
