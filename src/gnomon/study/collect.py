"""One table of all trials: tidy, for pandas, DuckDB or anything that reads Parquet."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from gnomon.files import replacing
from gnomon.study.axes import Settings
from gnomon.study.plan import Trial
from gnomon.study.record import TrialRecord

_TRIALS_AT_ONCE = 500


def write_results(path: Path, trials: Sequence[Trial], records: Iterable[TrialRecord]) -> int:
    """Writes the rows of the trials' records, in their order; how many trials there were.

    Columns: trial, seed, one for each axis, finding, probe, value, low, high, unit, gnomon. An
    axis whose values are all numbers is a number, any other a text; lists are JSON.

    Args:
        path: of a Parquet file; written whole or not at all.
        trials: of the plan.
        records: of some or all of them; read one at a time, so that memory does not grow with
            their number.
    """
    settings = {trial.id: trial.settings for trial in trials}
    keys = tuple(trials[0].settings) if trials else ()
    columns = {key: _type(key, settings.values()) for key in keys}
    schema = _schema(columns)
    count = 0
    with replacing(path) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
        rows: list[dict[str, Any]] = []
        for record in records:
            rows += _rows(record, settings[record.id], columns)
            count += 1
            if count % _TRIALS_AT_ONCE == 0:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows.clear()
        writer.write_table(pa.Table.from_pylist(rows, schema))
    return count


def _schema(columns: Mapping[str, pa.DataType]) -> pa.Schema:
    return pa.schema(
        [
            ("trial", pa.string()),
            ("seed", pa.int64()),
            *columns.items(),
            ("finding", pa.string()),
            ("probe", pa.string()),
            *((name, pa.float64()) for name in ("value", "low", "high")),
            ("unit", pa.string()),
            ("gnomon", pa.string()),
        ]
    )


def _rows(
    record: TrialRecord, settings: Settings, columns: Mapping[str, pa.DataType]
) -> list[dict[str, Any]]:
    same: dict[str, Any] = {
        "trial": record.id,
        "seed": record.seed,
        "gnomon": record.code,
        **{key: _cell(settings[key], kind) for key, kind in columns.items()},
    }
    return [{**same, **vars(row)} for row in record.rows]


def _type(key: str, settings: Iterable[Settings]) -> pa.DataType:
    kinds = {type(each[key]) for each in settings}
    if kinds == {int}:
        return pa.int64()
    return pa.float64() if kinds <= {int, float} else pa.string()


def _cell(value: object, kind: pa.DataType) -> object:
    """The value as its column takes it."""
    if kind != pa.string() or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
