"""A study from beginning to end: what is there already is kept, and only the rest is done."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch

from gnomon.data import Dataset, Store
from gnomon.study.collect import write_results
from gnomon.study.engines.engine import Engine
from gnomon.study.plan import Trial, grouped, trials_of
from gnomon.study.record import code_version
from gnomon.study.store import TrialStore
from gnomon.study.study import Study, write_study
from gnomon.study.work import Outcome, Task, examination_of
from gnomon.training import build
from gnomon.training.replicas import preferred_replicas

RESULTS = "results.parquet"


@dataclass(frozen=True)
class Prospect:
    """What a study has done and has to do.

    Attributes:
        trials: of the plan.
        done: ids of finished trials that were examined as the study asks.
        trained: ids of those that were trained, but examined otherwise.
        failed: why trials failed before, by id; asked something else, they are tried again.
        groups: what is to be done; each trains as one computation.
        versions: of Gnomon that made the finished trials.
    """

    trials: tuple[Trial, ...]
    done: frozenset[str]
    trained: frozenset[str]
    failed: Mapping[str, str]
    groups: tuple[tuple[Trial, ...], ...]
    versions: frozenset[str]


@runtime_checkable
class StudyObserver(Protocol):
    """Told how a study goes."""

    def planned(self, prospect: Prospect) -> None:
        """Before the first task."""
        ...

    def started(self, task: Task) -> None:
        """When a task is handed to a worker."""
        ...

    def ended(self, outcome: Outcome) -> None:
        """When a trial is in the store, or has failed."""
        ...


@dataclass(frozen=True)
class Silent:
    """An observer that does nothing."""

    def planned(self, prospect: Prospect) -> None:
        """Does nothing."""

    def started(self, task: Task) -> None:
        """Does nothing."""

    def ended(self, outcome: Outcome) -> None:
        """Does nothing."""


def survey(
    study: Study, store: TrialStore, *, retry: bool = False, device: str = "cpu"
) -> Prospect:
    """What is done and what is to be done; damaged trials go to quarantine.

    Args:
        study: the question.
        store: where its trials lie.
        retry: whether trials that failed before are to be done again.
        device: auto, cpu or cuda.
    """
    trials = trials_of(study)
    asked = examination_of(study.examine)
    known = {trial.id for trial in trials}
    done, trained = set[str](), set[str]()
    versions = set[str]()
    for record in store.records([trial.id for trial in trials]):
        (done if record.examination == asked else trained).add(record.id)
        versions.add(record.code)
    failed = {
        key: record.reason
        for key, record in store.failures().items()
        if key in known and key not in done and record.examination == asked
    }
    todo = [trial for trial in trials if trial.id not in done]
    if not retry:
        todo = [trial for trial in todo if trial.id not in failed]
    return Prospect(
        trials=trials,
        done=frozenset(done),
        trained=frozenset(trained),
        failed=failed,
        groups=grouped(todo, _largest(todo, device)),
        versions=frozenset(versions),
    )


def run_study(
    study: Study,
    store: TrialStore,
    engine: Engine,
    observer: StudyObserver | None = None,
    *,
    retry: bool = False,
    device: str = "cpu",
) -> Prospect:
    """Does what is to be done, and writes the table of results; what remains afterwards.

    Args:
        study: the question.
        store: where its trials go.
        engine: where they are trained and examined.
        observer: told how it goes.
        retry: whether trials that failed before are done again.
        device: auto, cpu or cuda.

    Raises:
        SettingError: the study's settings are wrong.
        FolderError: the store is in use, holds something else, or cannot be written.
        ClusterError: the engine's workers cannot be had, or have another version.
    """
    watching = observer or Silent()
    with store.claimed():
        store.write("study.toml", write_study(study))
        prospect = survey(study, store, retry=retry, device=device)
        watching.planned(prospect)
        try:
            for outcome in engine.run(_tasks(study, store, prospect, watching, device)):
                watching.ended(outcome)
        finally:
            _collect(store, prospect.trials)
            with contextlib.suppress(OSError):
                store.scratch.rmdir()  # where nothing is left unfinished
        return survey(study, store)


def _tasks(
    study: Study, store: TrialStore, prospect: Prospect, observer: StudyObserver, device: str
) -> Iterator[Task]:
    for group in prospect.groups:
        task = Task(
            trials=group,
            trained=prospect.trained & {trial.id for trial in group},
            examine=study.examine,
            store=store.everywhere(),
            code=code_version(),
            device=device,
        )
        observer.started(task)
        yield task


def _largest(trials: Sequence[Trial], device: str) -> dict[str, int]:
    """How many networks one computation should have, for each kind that there is."""
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    place = torch.device("cuda" if cuda else "cpu")
    first = {trial.replicas: trial for trial in reversed(trials) if trial.replicas is not None}
    networks = {key: build(each.planned, _data(each)) for key, each in first.items()}
    return {key: preferred_replicas(each, place) for key, each in networks.items()}


def _data(trial: Trial) -> Dataset:
    return trial.planned.data(trial.seed, Store.default())


def _collect(store: TrialStore, trials: Sequence[Trial]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / RESULTS
        write_results(path, trials, store.records([trial.id for trial in trials]))
        store.put(path, RESULTS)
