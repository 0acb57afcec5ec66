"""Tables of a study: the mean over the seeds for each setting, with its interval and trials."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gnomon.report.prose import file_stem
from gnomon.study.report.words import (
    CONFIDENCE,
    number,
    ranges,
    scale_of,
    unit_of,
    with_error,
)
from gnomon.study.statistics.estimates import student_interval
from gnomon.study.statistics.hypotheses import shown
from gnomon.study.statistics.results import Results, Row

_MOST_COLUMNS = 8
_FEW_SETTINGS = 6
_LEAST_FILLED = 0.6

Setting = tuple[Any, ...]
"""The values of all axes, in their order."""


@dataclass(frozen=True)
class Cell:
    """One number of a table.

    Attributes:
        text: the mean ± half of its 95 % interval; "none" where no trial has a value.
        detail: which seeds it is the mean of, and the ends of the interval.
        setting: the number of its setting in the list of trials.
        trials: the ids of the trials that it comes from.
    """

    text: str
    detail: str
    setting: int
    trials: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One row: its labels, and a cell for each column; None where there is no trial."""

    labels: tuple[str, ...]
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Table:
    """A table as every format shows it.

    Attributes:
        key: the stem of its file names.
        title: what it shows.
        labels: over the labels of the lines.
        over: the axis whose values the columns are; empty where they are named.
        columns: over the cells.
        lines: the rows.
        findings: the titles of what is shown.
    """

    key: str
    title: str
    labels: tuple[str, ...]
    over: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    findings: tuple[str, ...]


def settings_of(results: Results) -> dict[Setting, int]:
    """Every setting with its number, from 1, in the order of the table."""
    found = results.combinations(results.axes)
    return {setting: number for number, setting in enumerate(found, start=1)}


def tables_of(results: Results) -> list[Table]:
    """With few settings a table for each probe, else one for each finding; keys differ."""
    settings = settings_of(results)
    if len(settings) > _FEW_SETTINGS:
        found = [_of_finding(results, settings, finding) for finding in results.findings]
    else:
        probes: dict[str, list[str]] = {}
        for finding, (probe, _) in results.findings.items():
            probes.setdefault(probe, []).append(finding)
        found = [_of_probe(results, settings, *each) for each in probes.items()]
    keys = Counter(table.key for table in found)
    return [
        replace(table, key=f"{table.key}-{place}") if keys[table.key] > 1 else table
        for place, table in enumerate(found, start=1)
    ]


def _of_probe(
    results: Results, settings: Mapping[Setting, int], probe: str, findings: Sequence[str]
) -> Table:
    """A line for each finding, a column for each setting."""
    lines: list[Line] = []
    for finding in findings:
        unit = results.findings[finding][1]
        by_setting = _by_setting(results.rows(finding), results.axes)
        cells = tuple(
            _cell(by_setting.get(setting), unit, place) for setting, place in settings.items()
        )
        lines.append(Line((finding, unit_of(unit)), cells))
    return Table(
        key=file_stem(probe).lower(),
        title=probe,
        labels=("finding", "unit"),
        over=results.axes[0] if len(results.axes) == 1 else "",
        columns=tuple(", ".join(map(shown, setting)) or "all" for setting in settings),
        lines=tuple(lines),
        findings=tuple(findings),
    )


def _of_finding(results: Results, settings: Mapping[Setting, int], finding: str) -> Table:
    """The values of one axis across, where they fill the table; else the settings downwards."""
    unit = results.findings[finding][1]
    by_setting = _by_setting(results.rows(finding), results.axes)
    cells = {
        setting: _cell(by_setting.get(setting), unit, place)
        for setting, place in settings.items()
    }
    across = _across(settings, len(results.axes))
    title = f"{finding} in {unit_of(unit)}" if unit_of(unit) else finding
    columns = list(dict.fromkeys(s[across] for s in settings)) if across is not None else [None]
    rest = [place for place in range(len(results.axes)) if place != across]
    lines: dict[Setting, dict[Any, Cell | None]] = {}
    for setting, cell in cells.items():
        labels = tuple(setting[place] for place in rest)
        lines.setdefault(labels, {})[None if across is None else setting[across]] = cell
    return Table(
        key=file_stem(finding).lower(),
        title=title,
        labels=tuple(results.axes[place] for place in rest),
        over="" if across is None else results.axes[across],
        columns=("mean",) if across is None else tuple(map(shown, columns)),
        lines=tuple(
            Line(tuple(map(shown, labels)), tuple(found.get(column) for column in columns))
            for labels, found in lines.items()
        ),
        findings=(finding,),
    )


def _across(settings: Iterable[Setting], axes: int) -> int | None:
    """The last axis with the most values that fit, if it is crossed with the others."""
    if axes < 2:
        return None
    there = list(settings)
    counts = [len({setting[place] for setting in there}) for place in range(axes)]
    fitting = [place for place in range(axes) if 1 < counts[place] <= _MOST_COLUMNS]
    if not fitting:
        return None
    best = max(fitting, key=lambda place: (counts[place], place))
    rows = {tuple(v for p, v in enumerate(setting) if p != best) for setting in there}
    return best if len(there) >= _LEAST_FILLED * len(rows) * counts[best] else None


def _by_setting(rows: Iterable[Row], axes: Sequence[str]) -> dict[Setting, list[Row]]:
    found: dict[Setting, list[Row]] = {}
    for row in rows:
        setting = tuple(row.trial.settings[key] for key in axes)
        found.setdefault(setting, []).append(row)
    return found


def _cell(rows: Sequence[Row] | None, unit: str, setting: int) -> Cell | None:
    """The mean of the rows; of a single one its own value and interval."""
    if not rows:
        return None
    there = [row for row in rows if row.value is not None]
    trials = tuple(row.trial.id for row in there or rows)
    if not there:
        return Cell("none", "no trial has a value", setting, trials)
    scale = scale_of(unit)
    values = scale * np.array([row.value for row in there], dtype=np.float64)
    mean = float(values.mean())
    seeds = ranges([row.trial.seed for row in there])
    detail = f"seed {seeds}" if len(there) == 1 else f"mean of seeds {seeds}"
    if len(there) < len(rows):
        detail += f"; {len(rows) - len(there)} without a value"
    ends = student_interval(values, CONFIDENCE)
    if ends is not None:
        detail += f"; 95 % interval {number(ends[0])} to {number(ends[1])}"
        return Cell(with_error(mean, ends[1] - mean), detail, setting, trials)
    return Cell(_single(there[0], scale), detail, setting, trials)


def _single(row: Row, scale: float) -> str:
    """The value of one trial with the finding's own interval, which need not be symmetric."""
    assert row.value is not None
    value = number(scale * row.value)
    if row.low is None or row.high is None:
        return value
    return f"{value} ({number(scale * row.low)} to {number(scale * row.high)})"
