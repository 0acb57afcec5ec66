"""The results of a study: one tidy table, with a row for each trial and finding."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import pyarrow as pa
from pandas import DataFrame, Series

from gnomon.errors import DataError, SettingError, nearest
from gnomon.study.axis_values import as_text, canonical

SCHEMA = pa.schema(
    [
        ("trial", pa.string()),
        ("seed", pa.int64()),
        ("finding", pa.string()),
        ("probe", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("unit", pa.string()),
        ("gnomon", pa.string()),
    ]
)
"""The columns of a table of results, and their types. Columns for the axes follow the seed."""


def schema_with(axes: Mapping[str, Iterable[object]]) -> pa.Schema:
    """The schema of a table of results with one column for each axis.

    An axis whose values are all numbers is a column of numbers, any other a column of texts.

    Args:
        axes: the values of each axis, by its key.
    """
    fields = list(SCHEMA)
    columns = [pa.field(key, _column_type(values)) for key, values in axes.items()]
    return pa.schema([*fields[:2], *columns, *fields[2:]])


@dataclass(frozen=True, eq=False)
class Results:
    """The results of a study and the axes that its trials vary.

    Attributes:
        frame: a table with the columns of `SCHEMA` and one for each axis. Values that are not
            finite count as absent, and are NaN here.
        axes: the keys of the axes.
    """

    frame: DataFrame
    axes: tuple[str, ...]

    def __post_init__(self) -> None:
        columns = (*SCHEMA.names, *self.axes)
        missing = [key for key in columns if key not in self.frame]
        if missing:
            raise DataError(
                f"results: expected the columns {', '.join(columns)}; "
                f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. "
                "Collect the results again, or correct the axes."
            )
        finite = {
            key: self.frame[key].astype(float).replace([np.inf, -np.inf], np.nan)
            for key in ("value", "low", "high")
        }
        texts = {
            key: _canonical(self.frame.loc[:, key]) for key in self.axes if self.is_text(key)
        }
        object.__setattr__(self, "frame", self.frame.assign(**finite, **texts))

    def is_text(self, axis: str) -> bool:
        """True if the values of an axis are texts, not numbers."""
        return self.frame[axis].dtype == object

    def on_axis(self, axis: str, value: object) -> Any:  # noqa: ANN401 - any plain value
        """The value as the column of that axis holds it.

        Raises:
            SettingError: the study has no such axis.
        """
        self._check(axis)
        return as_text(value) if self.is_text(axis) else value

    @cached_property
    def trials(self) -> DataFrame:
        """The seed, the settings and the version of every trial, in the order of the table."""
        return self.frame.drop_duplicates("trial").set_index("trial")

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, in ascending order."""
        return tuple(sorted(self.trials["seed"].unique().tolist()))

    @cached_property
    def findings(self) -> DataFrame:
        """The probe and the unit of every finding, by its title, in the order of the table."""
        first = self.frame.drop_duplicates("finding").set_index("finding")
        return first.loc[:, ["probe", "unit"]].fillna("")

    def rows(self, finding: str, where: Mapping[str, Any] | None = None) -> DataFrame:
        """The rows of a finding whose trials have the values of axes in `where`."""
        frame = self._by_finding.get(finding, self.frame.iloc[:0])
        for key, value in (where or {}).items():
            frame = frame.loc[frame[key] == value]
        return frame

    def combinations(self, keys: Sequence[str]) -> list[tuple[Any, ...]]:
        """The values that the axes take together, in the order of the table.

        Raises:
            SettingError: one of the keys is no axis.
        """
        for key in keys:
            self._check(key)
        rows = self.trials[list(keys)].itertuples(name=None)
        return list(dict.fromkeys(values[1:] for values in rows))

    @cached_property
    def _by_finding(self) -> Mapping[str, DataFrame]:
        groups = self.frame.groupby("finding", sort=False)
        return {cast("str", finding): rows for finding, rows in groups}

    def _check(self, key: str) -> None:
        if key not in self.axes:
            raise SettingError(
                f"expected an axis of the study, got {key!r}.{nearest(key, self.axes)}"
            )


def _canonical(column: Series) -> Series:
    return column.map({text: canonical(text) for text in column.unique()}.get)


def _column_type(values: Iterable[object]) -> pa.DataType:
    kinds = set(map(type, values))
    if kinds == {int}:
        return pa.int64()
    return pa.float64() if kinds <= {int, float} else pa.string()
