"""Seeds as blocks: the values of one finding by seed and by value of one axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gnomon.errors import DataError
from gnomon.study.statistics.hypotheses import shown
from gnomon.study.statistics.results import Results, Row, Trial, rounded


@dataclass(frozen=True)
class Blocks:
    """The numbers behind a verdict: every seed has a value for every value of the axis.

    Attributes:
        axis: its key; empty where a finding is compared with a number or another finding.
        levels: values of the axis: numbers in ascending order, or the two that are compared.
        seeds: those that are complete.
        values: a row for each seed, a number for each level.
        trials: likewise, the ids of the trials behind each number.
        notes: what was averaged and left out, and why.
    """

    axis: str
    levels: tuple[Any, ...]
    seeds: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]
    trials: tuple[tuple[tuple[str, ...], ...], ...]
    notes: tuple[str, ...]

    @cached_property
    def grid(self) -> NDArray[np.float64]:
        """The values as an array (seeds, levels), free of rounding."""
        return rounded(self._exact)

    def difference(self, first: int, second: int) -> NDArray[np.float64]:
        """Of each seed, the value at one level less that at another, free of rounding."""
        exact = self._exact
        scale = float(np.abs(exact).max(initial=0.0))
        return rounded(exact[:, first] - exact[:, second], scale)

    @cached_property
    def _exact(self) -> NDArray[np.float64]:
        shape = (len(self.seeds), len(self.levels))
        return np.array(self.values, dtype=np.float64).reshape(shape)


_Cells = dict[tuple[int, Any], dict[tuple[Any, ...], Row]]
"""Rows by seed and level, and there by the values of the other axes."""


def blocks(
    results: Results,
    finding: str,
    axis: str,
    where: Mapping[str, Any],
    levels: Sequence[Any] | None = None,
) -> Blocks:
    """The values of a finding by seed and level.

    Axes that are neither `axis` nor in `where` are averaged over, within a seed, over the
    combinations that have a value at every level; but for those that take one value only at
    each level, because they change together with the axis. A seed without such a combination
    is left out, as is a level that no seed has.

    Args:
        results: of the study.
        finding: its title.
        axis: whose values are compared.
        where: values of other axes that the trials must have.
        levels: of the axis; None means all that there are, in ascending order.

    Raises:
        DataError: two trials have the same seed and settings.
    """
    rows = _rows_at(results.rows(finding), where, axis, levels)
    with_value = [row for row in rows if row.value is not None]
    there = {row.trial.settings[axis] for row in with_value}
    every = {row.trial.settings[axis] for row in rows}
    chosen = tuple(levels) if levels is not None else tuple(sorted(there))
    notes = [
        f"no value at {axis} = {shown(level)}, which is left out"
        for level in (sorted(every - there) if levels is None else ())
    ]
    planned = [row.trial for row in rows]
    others = [key for key in results.axes if key != axis and key not in where]
    together = [key for key in others if _changes_with(planned, key, axis)]
    averaged = [key for key in others if key not in together and _varies(planned, key)]
    notes += [f"{axis} changes together with {key}" for key in together]
    notes += [f"mean over the values of {key}" for key in averaged]
    found = _complete(_cells(with_value, axis, averaged), results.seeds, chosen)
    notes += _left_out(found, rows, axis, chosen, results.seeds)
    return Blocks(
        axis=axis,
        levels=chosen,
        seeds=tuple(found),
        values=tuple(tuple(map(_mean, each.rows)) for each in found.values()),
        trials=tuple(each.trials for each in found.values()),
        notes=tuple(notes),
    )


def beside(
    results: Results, finding: str, than: float | str, where: Mapping[str, Any]
) -> Blocks:
    """The values of a finding by seed, each beside a number or another finding's value.

    All axes that are not in `where` are averaged over, within a seed, over the trials that
    have both values.

    Args:
        results: of the study.
        finding: its title.
        than: the number, or the title of the other finding.
        where: values of axes that the trials must have.
    """
    mine = _by_trial(results, finding, where)
    other = _by_trial(results, than, where) if isinstance(than, str) else None
    pairs: dict[int, list[tuple[float, float, str]]] = {}
    for key, row in mine.items():
        value = row.value
        against = than if not isinstance(than, str) else (other or {}).get(key)
        second = against.value if isinstance(against, Row) else against
        if value is not None and second is not None:
            pairs.setdefault(row.trial.seed, []).append((value, float(second), key))
    seeds = tuple(seed for seed in results.seeds if seed in pairs)
    there = {row.trial.seed for row in mine.values()}
    planned = [row.trial for row in mine.values()]
    averaged = [key for key in results.axes if key not in where and _varies(planned, key)]
    notes = [f"mean over the values of {key}" for key in averaged]
    notes += [
        f"seed {seed} is left out: no finite value"
        for seed in results.seeds
        if seed in there and seed not in pairs
    ]
    return Blocks(
        axis="",
        levels=(finding, than),
        seeds=seeds,
        values=tuple(_means(pairs[seed]) for seed in seeds),
        trials=tuple((tuple(key for *_, key in pairs[seed]),) * 2 for seed in seeds),
        notes=tuple(notes),
    )


def _by_trial(results: Results, finding: str, where: Mapping[str, Any]) -> dict[str, Row]:
    return {
        row.trial.id: row
        for row in results.rows(finding)
        if all(row.trial.settings[key] == value for key, value in where.items())
    }


def _means(pairs: Sequence[tuple[float, float, str]]) -> tuple[float, float]:
    """Of both sides."""
    first, second = zip(*((one, other) for one, other, _ in pairs), strict=True)
    return float(np.mean(first)), float(np.mean(second))


@dataclass(frozen=True)
class _Seed:
    """The rows of one seed at each level, and the combinations that are not at every level."""

    rows: tuple[tuple[Row, ...], ...]
    partial: frozenset[tuple[Any, ...]]

    @property
    def trials(self) -> tuple[tuple[str, ...], ...]:
        """The ids behind the rows of each level."""
        return tuple(tuple(row.trial.id for row in group) for group in self.rows)


def _rows_at(
    rows: Sequence[Row], where: Mapping[str, Any], axis: str, levels: Sequence[Any] | None
) -> list[Row]:
    return [
        row
        for row in rows
        if all(row.trial.settings[key] == value for key, value in where.items())
        and (levels is None or row.trial.settings[axis] in levels)
    ]


def _cells(rows: Sequence[Row], axis: str, averaged: Sequence[str]) -> _Cells:
    cells: _Cells = {}
    for row in rows:
        settings = row.trial.settings
        others = tuple(settings[key] for key in averaged)
        cell = cells.setdefault((row.trial.seed, settings[axis]), {})
        if others in cell:
            raise DataError(
                f"results: expected one value for a seed and setting, got two of seed "
                f"{row.trial.seed}: trials {cell[others].trial.id} and {row.trial.id}. "
                "Keep one of them."
            )
        cell[others] = row
    return cells


def _complete(cells: _Cells, seeds: Sequence[int], levels: Sequence[Any]) -> dict[int, _Seed]:
    found: dict[int, _Seed] = {}
    for seed in seeds:
        at_levels = [cells.get((seed, level), {}) for level in levels]
        if not at_levels:
            continue
        whole = [key for key in at_levels[0] if all(key in each for each in at_levels)]
        if whole:
            rows = tuple(tuple(each[key] for key in whole) for each in at_levels)
            found[seed] = _Seed(rows, frozenset(set().union(*at_levels) - set(whole)))
    return found


def _left_out(
    found: Mapping[int, _Seed],
    rows: Sequence[Row],
    axis: str,
    levels: Sequence[Any],
    seeds: Sequence[int],
) -> list[str]:
    """The seeds and settings that are not complete; nothing where no seed is."""
    notes = [
        f"seed {seed} is left out: {_gap(rows, axis, levels, seed)}"
        for seed in seeds
        if found and seed not in found
    ]
    dropped = sum(len(each.partial) for each in found.values())
    if dropped:
        notes.append(
            f"left out for want of a value at every {axis}: {dropped} of the settings averaged"
        )
    return notes


def _varies(trials: Sequence[Trial], key: str) -> bool:
    return len({trial.settings[key] for trial in trials}) > 1


def _changes_with(trials: Sequence[Trial], key: str, axis: str) -> bool:
    """Whether the key varies, but takes one value only at each value of the axis."""
    pairs = {(trial.settings[axis], trial.settings[key]) for trial in trials}
    return _varies(trials, key) and len(pairs) == len({level for level, _ in pairs}) > 1


def _gap(rows: Sequence[Row], axis: str, levels: Sequence[Any], seed: int) -> str:
    """Why a seed is not complete."""
    mine = [row for row in rows if row.trial.seed == seed]
    reasons: list[str] = []
    for level in levels:
        here = [row for row in mine if row.trial.settings[axis] == level]
        if any(row.value is not None for row in here):
            continue
        ids = ", ".join(row.trial.id for row in here)
        why = f"no finite value in {ids}" if here else "no trial"
        reasons.append(f"{why} at {axis} = {shown(level)}")
    return "; ".join(reasons) or "no settings with a value at every level"


def _mean(rows: Sequence[Row]) -> float:
    return float(np.mean([row.value for row in rows if row.value is not None]))
