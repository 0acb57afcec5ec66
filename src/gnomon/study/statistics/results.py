"""The tidy results of a study, as statistics read them: values by seed and setting."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gnomon.errors import DataError, SettingError, nearest
from gnomon.study.statistics.hypotheses import canonical

COLUMNS = ("trial", "seed", "finding", "probe", "value", "low", "high", "unit", "gnomon")
"""What a table of results has besides a column for each axis."""


@dataclass(frozen=True)
class Trial:
    """One trained and examined network.

    Attributes:
        id: of the trial.
        seed: of its training.
        settings: its value of each axis.
        version: of the Gnomon that made it.
    """

    id: str
    seed: int
    settings: Mapping[str, Any]
    version: str


@dataclass(frozen=True)
class Row:
    """What one trial gave for one finding; without a value where that is not finite."""

    trial: Trial
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False)
class Results:
    """A table with one row for each trial and finding, and what its columns mean.

    Attributes:
        table: with `COLUMNS` and a column for each axis.
        axes: the keys of the axes.
    """

    table: pa.Table
    axes: tuple[str, ...]

    def __post_init__(self) -> None:
        missing = [key for key in (*COLUMNS, *self.axes) if key not in self.table.column_names]
        if missing:
            raise DataError(
                f"results: expected the columns {', '.join((*COLUMNS, *self.axes))}; "
                f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. "
                "Collect the results again, or correct the axes."
            )

    @cached_property
    def trials(self) -> Mapping[str, Trial]:
        """All trials by their ids, in the order of the table."""
        keys = ["trial", "seed", "gnomon", *self.axes]
        columns = [self.table.column(key).to_pylist() for key in keys]
        found: dict[str, Trial] = {}
        for key, seed, version, *values in zip(*columns, strict=True):
            if key not in found:
                settings = dict(zip(self.axes, map(canonical, values), strict=True))
                found[key] = Trial(key, seed, settings, version)
        return found

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, in ascending order."""
        return tuple(sorted({trial.seed for trial in self.trials.values()}))

    @cached_property
    def findings(self) -> Mapping[str, tuple[str, str]]:
        """The probe and the unit of every finding, in the order of the table."""
        columns = [self.table.column(key).to_pylist() for key in ("finding", "probe", "unit")]
        found: dict[str, tuple[str, str]] = {}
        for name, probe, unit in zip(*columns, strict=True):
            found.setdefault(name, (probe or "", unit or ""))
        return found

    def rows(self, finding: str) -> list[Row]:
        """What the trials gave for a finding, in the order of the table."""
        chosen = self.table.filter(pc.field("finding") == finding)
        columns = [chosen.column(key).to_pylist() for key in ("trial", "value", "low", "high")]
        return [
            Row(self.trials[key], _finite(value), _finite(low), _finite(high))
            for key, value, low, high in zip(*columns, strict=True)
        ]

    def combinations(self, keys: Sequence[str]) -> list[tuple[Any, ...]]:
        """The values that the axes have together, in the order of the table.

        Raises:
            SettingError: one of the keys is no axis.
        """
        for key in keys:
            if key not in self.axes:
                raise SettingError(
                    f"expected an axis of the study, got {key!r}.{nearest(key, self.axes)}"
                )
        return list(
            dict.fromkeys(
                tuple(trial.settings[key] for key in keys) for trial in self.trials.values()
            )
        )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def rounded(values: NDArray[np.float64], scale: float | None = None) -> NDArray[np.float64]:
    """The values on a grid of 2⁻⁴⁰ of the scale, so that rounding makes and breaks no tie.

    Args:
        values: of any shape.
        scale: size of the numbers that they were computed from; None means their own largest.
    """
    largest = float(np.abs(values).max(initial=0.0)) if scale is None else scale
    if largest == 0:
        return values
    step = 2.0 ** (math.frexp(largest)[1] - 40)
    return np.rint(values / step) * step
