"""Tables of results in the tidy form, with what is true of them known beforehand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import pyarrow as pa

ACTIVATION, ENTANGLEMENT = "network.activation", "data.entanglement"

Value = Callable[[Mapping[str, Any], int], float | None]
"""What a trial of that setting and seed gives."""


def tidy(
    values: Mapping[str, Sequence[Any]],
    seeds: Iterable[int],
    findings: Mapping[str, tuple[str, str, Value]],
) -> pa.Table:
    """One row for each setting of the crossed axes, seed and finding (probe, unit, value)."""
    rows: list[dict[str, Any]] = []
    for place, (*setting, seed) in enumerate(product(*values.values(), seeds)):
        settings = dict(zip(values, setting, strict=True))
        for finding, (probe, unit, value) in findings.items():
            rows.append(
                {
                    "trial": f"{place:016x}",
                    "seed": seed,
                    **settings,
                    "finding": finding,
                    "probe": probe,
                    "value": value(settings, seed),
                    "low": None,
                    "high": None,
                    "unit": unit,
                    "gnomon": "0.1.0",
                }
            )
    schema = pa.schema(
        [
            ("trial", pa.string()),
            ("seed", pa.int64()),
            *((key, pa.array(list(there)).type) for key, there in values.items()),
            ("finding", pa.string()),
            ("probe", pa.string()),
            ("value", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("unit", pa.string()),
            ("gnomon", pa.string()),
        ]
    )
    return pa.Table.from_pylist(rows, schema)


def without(table: pa.Table, trials: Iterable[str]) -> pa.Table:
    """The table as if those trials had failed."""
    gone = set(trials)
    kept = [row for row in table.to_pylist() if row["trial"] not in gone]
    return pa.Table.from_pylist(kept, table.schema)
