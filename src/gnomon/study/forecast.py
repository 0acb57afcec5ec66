"""Forecasts of the time and space that a study takes, measured on a part of it."""

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from gnomon.errors import SettingError
from gnomon.study.code_version import code_version
from gnomon.study.run import Prospect
from gnomon.study.study import Examination
from gnomon.study.tasks import Task, carry_out
from gnomon.study.trial_store import TrialStore
from gnomon.study.trials import Trial
from gnomon.training import Experiment, read_history

_GROUPS = 4
"""Number of groups that are tried."""


@dataclass(frozen=True)
class Forecast:
    """The time and space that the remaining trials would need.

    Attributes:
        training: seconds of work, over all workers.
        examining: seconds of work, over all workers.
        size: bytes.
        workers: number of workers that share the work.
        tried: number of groups that were tried.
    """

    training: float
    examining: float
    size: float
    workers: int
    tried: int

    @property
    def seconds(self) -> float:
        """Seconds until the last trial is done."""
        return (self.training + self.examining) / self.workers

    def lines(self) -> tuple[str, ...]:
        """Lines for readers."""
        if not self.tried:
            return ("nothing is left to do, or nothing of it can be trained",)
        shared = f", shared by {self.workers} workers" if self.workers > 1 else ""
        work = f"training {duration(self.training)}, examination {duration(self.examining)}"
        return (
            f"time: about {duration(self.seconds)} ({work}{shared})",
            f"space: about {self.size / 1e6:.1f} MB",
            f"measured on two epochs of the trials in {self.tried} of the groups",
        )


def foresee(
    prospect: Prospect, examine: Examination, workers: int = 1, device: str = "cpu"
) -> Forecast:
    """Trains a few of the groups for two epochs, examines one network of each, extrapolates.

    Nothing of that is kept. Every group is taken to be as the mean of those tried; groups that
    fail in training are not counted.

    Raises:
        SettingError: the examination fails.
    """
    groups = prospect.groups
    costs = [_tried(groups[index], examine, device) for index in _spread(len(groups))]
    tried = [cost for cost in costs if cost is not None]
    left = [trial for group in groups for trial in group]
    untrained = [trial for trial in left if trial.id not in prospect.trained]
    epochs = sum(trial.planned.training.epochs for trial in untrained)
    count = max(1, len(tried))
    mean = _Tried(*(sum(column) / count for column in zip(_NOTHING, *tried, strict=True)))
    return Forecast(
        training=mean.once * len(untrained) + mean.epoch * epochs,
        examining=mean.examining * len(left),
        size=mean.size * len(left),
        workers=workers,
        tried=len(tried),
    )


def duration(seconds: float) -> str:
    """In words: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _spread(count: int) -> Sequence[int]:
    """Places of a few groups, from the first to the last."""
    few = min(count, _GROUPS)
    return [round(index * (count - 1) / max(few - 1, 1)) for index in range(few)]


class _Tried(NamedTuple):
    """The cost of one network: seconds besides epochs, for an epoch, to examine; bytes."""

    once: float
    epoch: float
    examining: float
    size: float


_NOTHING = _Tried(0.0, 0.0, 0.0, 0.0)


def _tried(group: Sequence[Trial], examine: Examination, device: str) -> _Tried | None:
    """Trains a group for two epochs, of which the second counts, and examines one network.

    None where all of them fail in training.

    Raises:
        SettingError: the examination fails.
    """
    short = tuple(replace(trial, planned=_short(trial)) for trial in group)
    with tempfile.TemporaryDirectory() as folder:
        store = TrialStore(folder)
        task = Task(
            trials=short,
            trained=frozenset(),
            examine=Examination(probes=()),
            store=store,
            code=code_version(),
            device=device,
        )
        trained = [each.trial for each in carry_out(task) if each.status == "finished"]
        if not trained:
            return None
        chosen = tuple(trial for trial in short if trial.id == trained[0])
        rows = read_history(Path(folder) / "trials" / trained[0] / "history.parquet")
        spent = statistics.fmean(record.training for record in store.records())
        again = replace(task, trials=chosen, trained=frozenset(trained[:1]), examine=examine)
        for outcome in carry_out(again):
            if outcome.status == "failed":
                raise SettingError(f"trial {outcome.trial} would fail: {outcome.reason}")
        (examined,) = store.records(trained[:1])
    once = max(0.0, spent - sum(row.seconds for row in rows))
    return _Tried(once, rows[-1].seconds, examined.examining, examined.size)


def _short(trial: Trial) -> Experiment:
    """The trial's experiment with two epochs."""
    training = replace(
        trial.planned.training, epochs=2, warmup_epochs=0.0, snapshots=(), early_stopping=None
    )
    return replace(trial.planned, training=training)
