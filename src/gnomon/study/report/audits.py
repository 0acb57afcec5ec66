"""A few audits side by side, on the page of a study."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from gnomon.audit.audit import Audit
from gnomon.errors import SettingError
from gnomon.report.picture import Picture
from gnomon.report.prose import listed, percent
from gnomon.study.report.figures import draw_side_by_side
from gnomon.study.report.landscapes import landscape_pictures
from gnomon.study.report.report import Words, write_page
from gnomon.study.statistics.results import Results, Row

_AXIS = "network"
_MOST_LINES = 24


def audits_table(audits: Sequence[Audit]) -> pa.Table:
    """The findings of the audits as results of a study whose only axis is the network.

    Raises:
        SettingError: no audit, or two of the same name.
    """
    names = [audit.name for audit in audits]
    if not names or len(set(names)) < len(names):
        raise SettingError(
            f"compare: expected audits of networks with different names, got "
            f"{', '.join(names) or 'none'}. Name each one."
        )
    schema = pa.schema(
        [
            ("trial", pa.string()),
            ("seed", pa.int64()),
            (_AXIS, pa.string()),
            ("finding", pa.string()),
            ("probe", pa.string()),
            ("value", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("unit", pa.string()),
            ("gnomon", pa.string()),
        ]
    )
    rows = [
        {
            "trial": audit.name,
            "seed": audit.seed,
            _AXIS: audit.name,
            "finding": finding.title,
            "probe": finding.probe,
            "value": finding.value,
            "low": finding.error[0] if finding.error else None,
            "high": finding.error[1] if finding.error else None,
            "unit": finding.unit,
            "gnomon": audit.version,
        }
        for audit in audits
        for finding in audit.findings
    ]
    return pa.Table.from_pylist(rows, schema)


def compare_audits(folder: Path, audits: Sequence[Audit]) -> Path:
    """Writes the comparison of a few audits; returns the path of the page.

    The page is that of a study without hypotheses: the shares that the networks reach in one
    figure, with the intervals of their audits; their loss landscapes with one scale, where the
    audits have them; and every finding in the tables. What differs
    between the audits besides the network (data, examples, seed, version) is said at the top.

    Raises:
        SettingError: no audit, or two of the same name.
    """
    results = Results(audits_table(audits), (_AXIS,))
    names = [audit.name for audit in audits]
    words = Words(
        title=listed(names),
        notes=_differences(audits),
        kicker="Comparison",
    )
    landscapes = landscape_pictures([(audit.name, audit) for audit in audits])
    return write_page(folder, results, (), words, [*_overview(results), *landscapes])


def _overview(results: Results) -> list[Picture]:
    """The findings that are shares, the first of them if they are many."""
    titles = [title for title, (_, unit) in results.findings.items() if unit == "share"]
    found: list[tuple[str, list[tuple[str, Row]]]] = []
    for title in titles:
        rows = [(row.trial.id, row) for row in results.rows(title) if row.value is not None]
        if rows:
            found.append((title, rows))
    if not found:
        return []
    shown = found[:_MOST_LINES]
    more = len(found) - len(shown)
    left_out = f" {more} more are in the tables." if more else ""
    return [
        Picture(
            key="shares",
            topic="Overview",
            title="Shares side by side",
            chart=draw_side_by_side(shown),
            caption=f"What each network reaches, with the interval of its audit.{left_out}",
            alt=f"Dots with intervals: {'; '.join(_spoken(*each) for each in shown)}.",
            definition="interval",
            wide=True,
        )
    ]


def _spoken(title: str, rows: Sequence[tuple[str, Row]]) -> str:
    values = [f"{name} {percent(row.value)}" for name, row in rows if row.value is not None]
    return f"{title}: {listed(values)}"


def _differences(audits: Sequence[Audit]) -> tuple[str, ...]:
    """What else than the network differs, and makes a comparison doubtful."""
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
