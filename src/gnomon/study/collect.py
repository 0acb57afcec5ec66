"""Collecting: the records of all trials in one Parquet file of results."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from gnomon.files import replacing
from gnomon.study.axis_values import as_text
from gnomon.study.results import schema_with
from gnomon.study.trial_record import TrialRecord
from gnomon.study.trials import Trial

_TRIALS_AT_ONCE = 500
"""Number of trials whose rows are held in memory at once."""


def write_results(path: Path, trials: Sequence[Trial], records: Iterable[TrialRecord]) -> int:
    """Writes the rows of the records in their order; returns the number of trials.

    The columns are those of `gnomon.study.results.SCHEMA`, with one for each axis after the
    seed. Lists on an axis are JSON.

    Args:
        path: of a Parquet file; written whole or not at all.
        trials: of the plan.
        records: of some or all of them; read one at a time, so that memory does not grow with
            their number.
    """
    settings = {trial.id: trial.settings for trial in trials}
    keys = tuple(trials[0].settings) if trials else ()
    schema = schema_with({key: [each[key] for each in settings.values()] for key in keys})
    texts = {key for key in keys if schema.field(key).type == pa.string()}
    count = 0
    with replacing(path) as temporary, parquet.ParquetWriter(temporary, schema) as writer:
        rows: list[dict[str, Any]] = []
        for count, record in enumerate(records, start=1):
            of_trial: dict[str, Any] = {
                "trial": record.id,
                "seed": record.seed,
                "gnomon": record.code,
                **{
                    key: as_text(value) if key in texts else value
                    for key, value in settings[record.id].items()
                },
            }
            rows += [of_trial | vars(row) for row in record.rows]
            if count % _TRIALS_AT_ONCE == 0:
                writer.write_table(pa.Table.from_pylist(rows, schema))
                rows.clear()
        writer.write_table(pa.Table.from_pylist(rows, schema))
    return count
