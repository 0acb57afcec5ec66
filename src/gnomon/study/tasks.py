"""Tasks: a worker trains a group of trials, examines each, and puts them into the store."""

import shutil
import time
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from gnomon.audit import examine, write_json
from gnomon.data import Store
from gnomon.errors import ClusterError, FolderError, GnomonError
from gnomon.records import fingerprint
from gnomon.study.code_version import code_version
from gnomon.study.study import Examination
from gnomon.study.trial_record import ResultRow, Status, TrialRecord, rows_of
from gnomon.study.trial_store import TrialStore
from gnomon.study.trials import Trial
from gnomon.training import Run, train, train_replicas
from gnomon.words.config import as_device
from gnomon.words.request import Request, prepare


@dataclass(frozen=True)
class Task:
    """Trials that one worker does together.

    Attributes:
        trials: they train as one computation, where there are several.
        trained: ids of those whose networks the store has already: they are examined anew.
        examine: the questions to each network.
        store: receives the trials.
        code: version of the code that planned it; every worker must have the same.
        device: auto, cpu or cuda.
        threads: number of the processor's threads for this task.
    """

    trials: tuple[Trial, ...]
    trained: frozenset[str]
    examine: Examination
    store: TrialStore
    code: str
    device: str = "cpu"
    threads: int = 1


@dataclass(frozen=True)
class TrialOutcome:
    """The end of a trial, in short: finished or failed, the reason, and its seconds."""

    trial: str
    status: Status
    reason: str
    seconds: float


def carry_out(task: Task) -> Iterator[TrialOutcome]:
    """Carries out a task; yields the outcome of each trial once it is in the store.

    What goes wrong with one trial is kept in the store as its failure, and the others go on.

    Raises:
        ClusterError: this worker has another version of Gnomon.
        FolderError: the store cannot be written.
    """
    if code_version() != task.code:
        raise ClusterError(
            f"workers: expected Gnomon {task.code} on every worker, got {code_version()}. "
            "Install the same version there."
        )
    with _threads(task.threads):
        begun = time.perf_counter()
        trained = _trained(task)
        share = (time.perf_counter() - begun) / max(1, len(task.trials) - len(task.trained))
        for trial, run in zip(task.trials, trained, strict=True):
            yield _finish(task, trial, run, 0.0 if trial.id in task.trained else share)


def give_up(task: Task, reason: str) -> tuple[TrialOutcome, ...]:
    """Keeps the trials that are not in the store as failed; returns the outcome of each."""
    stored = {record.id for record in task.store.records([each.id for each in task.trials])}
    outcomes: list[TrialOutcome] = []
    for trial in task.trials:
        lost = trial.id not in stored or trial.id in task.trained
        if lost:
            task.store.fail(
                TrialRecord(
                    id=trial.id,
                    seed=trial.seed,
                    status="failed",
                    reason=reason,
                    examination=examination_of(task.examine),
                    code=task.code,
                    training=0.0,
                    examining=0.0,
                )
            )
        outcomes.append(TrialOutcome(trial.id, "failed" if lost else "finished", reason, 0.0))
    return tuple(outcomes)


def examination_of(examine: Examination) -> str:
    """The fingerprint by which a trial's record says what was asked of its network."""
    return fingerprint(vars(examine))


def _trained(task: Task) -> list[Path | str]:
    """The folder of each trial's run, or the reason why it has none."""
    todo = [trial for trial in task.trials if trial.id not in task.trained]
    folders = {trial.id: task.store.files.scratch / trial.id for trial in task.trials}
    for trial in task.trials:
        if trial.id in task.trained:
            shutil.rmtree(folders[trial.id], ignore_errors=True)
            task.store.fetch(trial.id, folders[trial.id])
    try:
        runs = _together(todo, task) if len(todo) > 1 else [_alone(each, task) for each in todo]
    except FolderError:
        raise
    except Exception:  # noqa: BLE001 - one of them may have spoiled it for the others
        runs = [_alone(trial, task) for trial in todo]
    failed = {
        trial.id: run for trial, run in zip(todo, runs, strict=True) if isinstance(run, str)
    }
    return [failed.get(trial.id, folders[trial.id]) for trial in task.trials]


def _together(trials: list[Trial], task: Task) -> list[Run | str]:
    """The runs of trials that train as one computation; for one that failed, the reason."""
    runs = train_replicas(
        [trial.planned for trial in trials],
        [trial.planned.data(trial.seed, Store.default()) for trial in trials],
        [task.store.files.scratch / trial.id for trial in trials],
        device=as_device(task.device),
    )
    return [run if isinstance(run, Run) else str(run) for run in runs]


def _alone(trial: Trial, task: Task) -> Run | str:
    """The run of one trial; where it failed, the reason."""
    try:
        data = trial.planned.data(trial.seed, Store.default())
        folder = task.store.files.scratch / trial.id
        return train(trial.planned, data, folder, device=as_device(task.device))
    except FolderError:
        raise
    except Exception as error:  # noqa: BLE001 - kept as the trial's failure
        return _reason(error)


def _finish(task: Task, trial: Trial, run: Path | str, seconds: float) -> TrialOutcome:
    """Examines a trained network and puts the trial into the store."""
    begun = time.perf_counter()
    rows: tuple[ResultRow, ...] = ()
    status, reason = "finished", "Trained and examined."
    if isinstance(run, str):
        status, reason = "failed", run
    else:
        try:
            rows = _examined(run, task)
        except FolderError:
            raise
        except Exception as error:  # noqa: BLE001 - kept as the trial's failure
            status, reason = "failed", f"The examination: {_reason(error)}"
    record = TrialRecord(
        id=trial.id,
        seed=trial.seed,
        status=status,
        reason=reason,
        examination=examination_of(task.examine),
        code=task.code,
        training=seconds,
        examining=time.perf_counter() - begun,
        rows=rows,
    )
    if isinstance(run, Path) and status == "finished":
        task.store.publish(run, record)
    else:
        task.store.fail(record)
    return TrialOutcome(trial.id, status, reason, record.seconds)


def _examined(folder: Path, task: Task) -> tuple[ResultRow, ...]:
    if not task.examine.probes:
        return ()
    request = Request(
        target=str(folder),
        within=task.examine.inputs,
        parameters=task.examine.parameters,
        probes=task.examine.probes,
        samples=task.examine.samples,
        probe_settings=task.examine.settings,
        device=task.device,
    )
    audit = examine(*prepare(request))
    write_json(folder / "audit.json", audit)
    return rows_of(audit, task.examine.details)


def _reason(error: Exception) -> str:
    """The error's message; where nobody foresaw it, with the place it came from."""
    if isinstance(error, GnomonError):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    return f"{type(error).__name__} in {place}: {error}"


@contextmanager
def _threads(count: int) -> Generator[None, None, None]:
    """Lets torch use that many threads within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
