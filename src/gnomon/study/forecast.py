"""How long a study would take, and how much space: measured on a part of it."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gnomon.study.plan import Trial
from gnomon.study.record import TrialRecord, code_version
from gnomon.study.run import Prospect
from gnomon.study.store import TrialStore
from gnomon.study.study import Examination
from gnomon.study.work import Task, carry_out
from gnomon.training import Experiment

_GROUPS = 4
"""How many groups are tried."""


@dataclass(frozen=True)
class Forecast:
    """What the trials that remain would need.

    Attributes:
        training: seconds of work, over all workers.
        examining: seconds of work, over all workers.
        size: bytes.
        workers: that share the work.
        tried: how many groups were tried, for one epoch of each trial in them.
    """

    training: float
    examining: float
    size: float
    workers: int
    tried: int

    @property
    def seconds(self) -> float:
        """Until the last trial is done."""
        return (self.training + self.examining) / self.workers

    def lines(self) -> tuple[str, ...]:
        """For a person."""
        if not self.tried:
            return ("nothing is left to do",)
        shared = f", shared by {self.workers} workers" if self.workers > 1 else ""
        work = f"training {duration(self.training)}, examination {duration(self.examining)}"
        return (
            f"time: about {duration(self.seconds)} ({work}{shared})",
            f"space: about {self.size / 1e6:.1f} MB",
            f"measured on one epoch of the trials in {self.tried} of the groups",
        )


def foresee(
    prospect: Prospect, examine: Examination, workers: int = 1, device: str = "cpu"
) -> Forecast:
    """Trains a few of the groups for one epoch each, examines what comes out, and extrapolates.

    Nothing of that is kept. Each group is as long as the mean of those tried, per epoch.
    """
    groups = prospect.groups
    tried = [groups[index] for index in _spread(len(groups))]
    records = [record for group in tried for record in _tried(group, examine, device)]
    count = max(1, len(records))
    left = [trial for group in groups for trial in group]
    ahead = sum(
        trial.planned.training.epochs for trial in left if trial.id not in prospect.trained
    )
    return Forecast(
        training=sum(each.training for each in records) / count * ahead,
        examining=sum(each.examining for each in records) / count * len(left),
        size=sum(each.size for each in records) / count * len(left),
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


def _tried(
    group: Sequence[Trial], examine: Examination, device: str
) -> tuple[TrialRecord, ...]:
    with tempfile.TemporaryDirectory() as folder:
        store = TrialStore(folder)
        task = Task(
            trials=tuple(replace(trial, planned=_short(trial)) for trial in group),
            trained=frozenset(),
            examine=examine,
            store=store,
            code=code_version(),
            device=device,
        )
        for _ in carry_out(task):
            pass
        return tuple(store.records())


def _short(trial: Trial) -> Experiment:
    """The same experiment with one epoch."""
    training = replace(
        trial.planned.training, epochs=1, warmup_epochs=0.0, snapshots=(), early_stopping=None
    )
    return replace(trial.planned, training=training)
