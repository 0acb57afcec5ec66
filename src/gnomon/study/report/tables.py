"""Tables of a study: the mean over the seeds for each setting, with its interval and trials."""

from collections.abc import Iterable
from typing import cast

from pandas import DataFrame

from gnomon.report.numbers import number, ranges, scale_of, with_ends, with_error
from gnomon.report.table_layout import Layout
from gnomon.report.tables import Cell, Table
from gnomon.study.axis_values import shown
from gnomon.study.results import Results
from gnomon.study.statistics.estimates import student_interval

_NOTE = "Mean over seeds ± half of Student's 95 % interval; of one seed its own interval."
_CONFIDENCE = 0.95


def tables_of(results: Results) -> list[Table]:
    """The tables of all findings, with the means of each setting over its seeds."""
    settings = results.combinations(results.axes)
    numbers = {setting: place for place, setting in enumerate(settings, start=1)}
    findings = {
        title: (probe, unit) for title, probe, unit in results.findings.itertuples(name=None)
    }
    groups = results.frame.groupby(["finding", *results.axes], sort=False)
    cells = {
        (title, tuple(setting)): _cell(rows, findings[title][1], numbers[tuple(setting)])
        for (title, *setting), rows in cast(
            "Iterable[tuple[tuple[str, ...], DataFrame]]", groups
        )
    }
    return Layout(findings, results.axes, settings, cells, _NOTE, shown).tables()


def _cell(rows: DataFrame, unit: str, setting: int) -> Cell:
    """The mean of the rows; of a single one its own value and interval."""
    valued = rows.loc[rows["value"].notna()]
    if valued.empty:
        return Cell("none", "no trial has a value", setting, tuple(rows["trial"]))
    scale, trials = scale_of(unit), tuple(valued["trial"])
    values = scale * valued["value"].to_numpy()
    seeds = ranges(valued["seed"].tolist())
    detail = f"seed {seeds}" if len(valued) == 1 else f"mean of seeds {seeds}"
    if len(valued) < len(rows):
        detail += f"; {len(rows) - len(valued)} without a value"
    ends = student_interval(values, _CONFIDENCE)
    if ends is None:
        value, low, high = (scale * valued[key].iloc[0] for key in ("value", "low", "high"))
        return Cell(with_ends(value, low, high), detail, setting, trials)
    detail += f"; 95 % interval {number(ends[0])} to {number(ends[1])}"
    mean = float(values.mean())
    return Cell(with_error(mean, ends[1] - mean), detail, setting, trials)
