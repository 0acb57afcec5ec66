"""The layout of cells in tables: findings against settings, or one axis against the others."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gnomon.report.numbers import unit_of
from gnomon.report.prose import file_stem
from gnomon.report.tables import Cell, Line, Table

_MOST_COLUMNS = 8
"""Maximum number of values of an axis that stand side by side."""
_FEW_SETTINGS = 6
"""Maximum number of settings that stand side by side in one table for each topic."""
_LEAST_FILLED = 0.6
"""Minimum share of the cells of a two-way table that must belong to a setting."""

Setting = tuple[Any, ...]
"""The values of all axes, in their order."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The cells of several findings and settings, to be arranged in tables.

    Attributes:
        findings: topic and unit of each finding, by its title.
        axes: keys of the axes.
        settings: in the order in which they are numbered.
        cells: by finding and setting; absent where there is no trial.
        note: a sentence on what the numbers are.
        shown: puts the value of an axis into words.
    """

    findings: Mapping[str, tuple[str, str]]
    axes: Sequence[str]
    settings: Sequence[Setting]
    cells: Mapping[tuple[str, Setting], Cell]
    note: str
    shown: Callable[[Any], str] = str

    def tables(self) -> list[Table]:
        """With few settings a table for each topic, else one for each finding; keys differ."""
        if len(self.settings) > _FEW_SETTINGS:
            tables = [self._of_finding(finding) for finding in self.findings]
        else:
            topics = dict.fromkeys(topic for topic, _ in self.findings.values())
            tables = [self._of_topic(topic) for topic in topics]
        keys = Counter(table.key for table in tables)
        return [
            replace(table, key=f"{table.key}-{place}") if keys[table.key] > 1 else table
            for place, table in enumerate(tables, start=1)
        ]

    def _of_topic(self, topic: str) -> Table:
        """A line for each finding, a column for each setting."""
        units = {title: unit for title, (its, unit) in self.findings.items() if its == topic}
        return Table(
            key=file_stem(topic).lower(),
            title=topic,
            note=self.note,
            labels=("finding", "unit"),
            over=self.axes[0] if len(self.axes) == 1 else "",
            columns=tuple(", ".join(map(self.shown, each)) or "all" for each in self.settings),
            lines=tuple(
                Line(
                    (title, unit_of(unit)),
                    tuple(self.cells.get((title, setting)) for setting in self.settings),
                )
                for title, unit in units.items()
            ),
            findings=tuple(units),
        )

    def _of_finding(self, title: str) -> Table:
        """The values of one axis across, where they fill the table; else one column."""
        unit, across = unit_of(self.findings[title][1]), self._across()
        by_line: dict[Setting, dict[Any, Cell | None]] = {}
        for setting in self.settings:
            line, column = _split(setting, across)
            by_line.setdefault(line, {})[column] = self.cells.get((title, setting))
        columns = list(dict.fromkeys(_split(setting, across)[1] for setting in self.settings))
        labels, over = _split(tuple(self.axes), across)
        return Table(
            key=file_stem(title).lower(),
            title=f"{title} in {unit}" if unit else title,
            note=self.note,
            labels=labels,
            over=over or "",
            columns=("mean",) if across is None else tuple(map(self.shown, columns)),
            lines=tuple(
                Line(tuple(map(self.shown, line)), tuple(map(cells.get, columns)))
                for line, cells in by_line.items()
            ),
            findings=(title,),
        )

    def _across(self) -> int | None:
        """The last axis with the most values that fit, if it is crossed with the others."""
        if len(self.axes) < 2:
            return None
        counts = [len(set(values)) for values in zip(*self.settings, strict=True)]
        fitting = [at for at, count in enumerate(counts) if 1 < count <= _MOST_COLUMNS]
        if not fitting:
            return None
        best = max(fitting, key=lambda at: (counts[at], at))
        lines = {_split(setting, best)[0] for setting in self.settings}
        filled = len(self.settings) / (len(lines) * counts[best])
        return best if filled >= _LEAST_FILLED else None


def _split(setting: Setting, across: int | None) -> tuple[Setting, Any]:
    """The values that label the line, and the one that labels the column."""
    if across is None:
        return setting, None
    return setting[:across] + setting[across + 1 :], setting[across]
