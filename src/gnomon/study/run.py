"""Running a study: trials that are stored already are kept, and only the others are done."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch

from gnomon.data import Dataset, Store
from gnomon.study.code_version import code_version
from gnomon.study.collect import write_results
from gnomon.study.engines.engine import Engine
from gnomon.study.study import Study, write_study
from gnomon.study.tasks import Task, TrialOutcome, examination_of
from gnomon.study.trial_store import TrialStore
from gnomon.study.trials import Trial, grouped, trials_of
from gnomon.training import build
from gnomon.training.replicas import preferred_replicas

RESULTS = "results.parquet"


@dataclass(frozen=True)
class Prospect:
    """The trials of a study: done, failed, and still to be done.

    Attributes:
        trials: all of them.
        done: ids of finished trials that were examined as the study asks.
        trained: ids of those that were trained, but examined otherwise.
        failed: reasons of the trials that failed before, by id. Under another examination
            they are tried again.
        groups: trials that are to be done; each group trains as one computation.
        versions: versions of the code that made the finished trials.
    """

    trials: tuple[Trial, ...]
    done: frozenset[str]
    trained: frozenset[str]
    failed: Mapping[str, str]
    groups: tuple[tuple[Trial, ...], ...]
    versions: frozenset[str]


@runtime_checkable
class StudyObserver(Protocol):
    """Follows the progress of a study."""

    def planned(self, prospect: Prospect) -> None:
        """Called before the first task."""
        ...

    def started(self, task: Task) -> None:
        """Called when a task is handed to a worker."""
        ...

    def ended(self, outcome: TrialOutcome) -> None:
        """Called when a trial is in the store, or has failed."""
        ...


class _Unobserved:
    """An observer that does nothing."""

    def planned(self, prospect: Prospect) -> None: ...

    def started(self, task: Task) -> None: ...

    def ended(self, outcome: TrialOutcome) -> None: ...


def survey(
    study: Study, store: TrialStore, *, retry: bool = False, device: str = "cpu"
) -> Prospect:
    """Looks up which trials are done and which remain; damaged ones go to quarantine.

    Args:
        study: the question.
        store: of its trials.
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
    """Does the remaining trials and writes the table of results.

    Returns the prospect afterwards: trials that failed are still to be done.

    Args:
        study: the question.
        store: receives its trials.
        engine: trains and examines them.
        observer: follows the progress.
        retry: whether trials that failed before are done again.
        device: auto, cpu or cuda.

    Raises:
        SettingError: the study's settings are wrong.
        FolderError: the store is in use, holds something else, or cannot be written.
        ClusterError: the engine's workers cannot be had, or have another version.
    """
    watching = observer or _Unobserved()
    with store.files.claimed():
        store.write("study.toml", write_study(study))
        prospect = survey(study, store, retry=retry, device=device)
        watching.planned(prospect)
        try:
            for outcome in engine.run(_tasks(study, store, prospect, watching, device)):
                watching.ended(outcome)
        finally:
            _collect(store, prospect.trials)
            with contextlib.suppress(OSError):
                store.files.scratch.rmdir()  # where nothing is left unfinished
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
    """The number of networks that one computation should have, for each kind of trial."""
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
