"""Seeds as blocks: the values of one finding by seed and by value of one axis."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame

from gnomon.errors import DataError
from gnomon.study.axis_values import shown
from gnomon.study.results import Results


@dataclass(frozen=True, eq=False)
class Blocks:
    """The numbers behind a verdict: every seed has a value for every value of the axis.

    Attributes:
        axis: its key; empty where a finding is compared with a number or another finding.
        levels: values of the axis: numbers in ascending order, or the two that are compared.
        seeds: the seeds that are complete, in ascending order.
        values: the finding, of shape (seeds, levels).
        trials: ids of the trials behind each number, by seed and level.
        notes: sentences about averages and omissions.
    """

    axis: str
    levels: tuple[Any, ...]
    seeds: tuple[int, ...]
    values: NDArray[np.float64]
    trials: tuple[tuple[tuple[str, ...], ...], ...]
    notes: tuple[str, ...]

    @cached_property
    def grid(self) -> NDArray[np.float64]:
        """The values without rounding errors, of shape (seeds, levels)."""
        return _without_rounding(self.values)

    def difference(self, first: int, second: int) -> NDArray[np.float64]:
        """The value at one level less that at another, by seed, without rounding errors."""
        scale = float(np.abs(self.values).max(initial=0.0))
        return _without_rounding(self.values[:, first] - self.values[:, second], scale)


def blocks(
    results: Results,
    finding: str,
    axis: str,
    where: Mapping[str, Any],
    levels: Sequence[Any] | None = None,
) -> Blocks:
    """The values of a finding by seed and level.

    Axes that are neither `axis` nor in `where` are averaged over, within a seed, over the
    combinations that have a value at every level; except for those that take one value only at
    each level, because they change together with the axis. A seed without such a combination
    is left out, as is a level that no seed has.

    Args:
        results: of the study.
        finding: its title.
        axis: the axis whose values are compared.
        where: values of other axes that the trials must have.
        levels: of the axis; None means all that have a value, in ascending order.

    Raises:
        DataError: two trials have the same seed and settings.
    """
    rows = results.rows(finding, where)
    if levels is not None:
        rows = rows.loc[rows[axis].isin(levels)]
    valued = rows.loc[rows["value"].notna()]
    notes: list[str] = []
    if levels is None:
        levels = sorted(valued[axis].unique().tolist())
        empty = sorted(set(rows[axis].tolist()) - set(levels))
        notes = [f"no value at {axis} = {shown(level)}, which is left out" for level in empty]
    varying = [key for key in _varying(results, rows, where) if key != axis]
    together = [key for key in varying if rows.groupby(axis)[key].nunique().max() == 1]
    averaged = [key for key in varying if key not in together]
    notes += [f"{axis} changes together with {key}" for key in together]
    notes += [f"mean over the values of {key}" for key in averaged]
    values, trials = _pivoted(valued, ["seed", *averaged], axis, levels)
    complete = _complete(axis, levels, values, trials)
    notes += _omissions(complete, rows, values, results.seeds)
    return replace(complete, notes=tuple(notes))


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
    rows = results.rows(finding, where)
    own = rows.set_index(["seed", "trial"])["value"]
    other = than
    if isinstance(than, str):
        other = results.rows(than, where).set_index(["seed", "trial"])["value"]
        other = other.reindex(own.index)
    values = DataFrame({0: own, 1: other}, own.index)
    ids = values.index.get_level_values("trial").to_numpy()
    complete = _complete("", (finding, than), values, DataFrame({0: ids, 1: ids}, own.index))
    notes = [f"mean over the values of {key}" for key in _varying(results, rows, where)]
    notes += [
        f"seed {seed} is left out: no finite value"
        for seed in sorted(rows["seed"].unique())
        if seed not in complete.seeds
    ]
    return replace(complete, notes=tuple(notes))


def _varying(results: Results, rows: DataFrame, where: Mapping[str, Any]) -> list[str]:
    """The axes outside `where` that take several values in the rows."""
    return [key for key in results.axes if key not in where and rows[key].nunique() > 1]


def _pivoted(
    rows: DataFrame, keys: Sequence[str], axis: str, levels: Sequence[Any]
) -> tuple[DataFrame, DataFrame]:
    """The values and the trials, a row for each combination of the keys, a column a level.

    Raises:
        DataError: two trials belong into the same place.
    """
    twice = rows.loc[rows.duplicated([*keys, axis], keep=False)]
    if len(twice):
        first = twice.iloc[0]
        ids = twice.loc[(twice[[*keys, axis]] == first[[*keys, axis]]).all(axis=1), "trial"]
        raise DataError(
            f"results: expected one value for a seed and setting, got two of seed "
            f"{first['seed']}: trials {ids.iloc[0]} and {ids.iloc[1]}. Keep one of them."
        )
    index = rows.set_index(list(keys)).index.unique()
    values, trials = DataFrame(index=index), DataFrame(index=index)
    for place, level in enumerate(levels):
        column = rows.loc[rows[axis] == level].set_index(list(keys))
        values[place], trials[place] = column["value"], column["trial"]
    return values, trials


def _complete(axis: str, levels: Sequence[Any], values: DataFrame, trials: DataFrame) -> Blocks:
    """The means within each seed, over the rows that have a value in every column."""
    whole = dict(iter(values.dropna().groupby(level="seed")))
    # Each level's values side by side: NumPy adds those in another order than scattered ones.
    means = [np.ascontiguousarray(rows.to_numpy().T).mean(axis=1) for rows in whole.values()]
    ids = [trials.loc[rows.index].to_numpy().T for rows in whole.values()]
    return Blocks(
        axis=axis,
        levels=tuple(levels),
        seeds=tuple(int(cast("int", seed)) for seed in whole),
        values=np.array(means, dtype=np.float64).reshape(len(whole), len(levels)),
        trials=tuple(tuple(map(tuple, levels_of_seed)) for levels_of_seed in ids),
        notes=(),
    )


def _omissions(
    complete: Blocks, rows: DataFrame, values: DataFrame, seeds: Sequence[int]
) -> list[str]:
    """Sentences about seeds and settings that are not complete; none where no seed is."""
    axis, levels = complete.axis, complete.levels
    notes = [
        f"seed {seed} is left out: {_gap(rows.loc[rows['seed'] == seed], axis, levels)}"
        for seed in seeds
        if complete.seeds and seed not in complete.seeds
    ]
    kept = values.loc[values.index.isin(complete.seeds, level="seed")]
    if partial := len(kept) - len(kept.dropna()):
        notes.append(
            f"left out for want of a value at every {axis}: {partial} of the settings averaged"
        )
    return notes


def _gap(rows: DataFrame, axis: str, levels: Sequence[Any]) -> str:
    """The reason why a seed with these rows is not complete."""
    reasons: list[str] = []
    for level in levels:
        at_level = rows.loc[rows[axis] == level]
        if at_level["value"].notna().any():
            continue
        ids = ", ".join(at_level["trial"])
        why = f"no finite value in {ids}" if ids else "no trial"
        reasons.append(f"{why} at {axis} = {shown(level)}")
    return "; ".join(reasons) or "no settings with a value at every level"


def _without_rounding(
    values: NDArray[np.float64], scale: float | None = None
) -> NDArray[np.float64]:
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
