"""Tables of results in the tidy form, with what is true of them known beforehand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from pandas import DataFrame

ACTIVATION, ENTANGLEMENT = "network.activation", "data.entanglement"

Value = Callable[[Mapping[str, Any], int], float | None]
"""What a trial of that setting and seed gives."""


def tidy(
    values: Mapping[str, Sequence[Any]],
    seeds: Iterable[int],
    findings: Mapping[str, tuple[str, str, Value]],
) -> DataFrame:
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
    return DataFrame(rows)


def without(table: DataFrame, trials: Iterable[str]) -> DataFrame:
    """The table as if those trials had failed."""
    return table.loc[~table["trial"].isin(list(trials))]
