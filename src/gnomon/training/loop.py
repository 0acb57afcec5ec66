"""Training as one call, for one network or for many; it resumes what was stopped."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from accelerate import Accelerator

from gnomon.data.dataset import Dataset
from gnomon.errors import DivergedError, SettingError, WeightsError
from gnomon.sets import Domain
from gnomon.training.checkpoint import Checkpoint, read_checkpoint, read_group
from gnomon.training.course import Course
from gnomon.training.description import describe
from gnomon.training.devices import Device, accelerated
from gnomon.training.experiment import Experiment
from gnomon.training.observer import Observer, Silent
from gnomon.training.one import One
from gnomon.training.preparation import PlannedRun, Run, build, check_data
from gnomon.training.recorder import Recorder
from gnomon.training.replicas.key import replica_key
from gnomon.training.replicas.many import Many
from gnomon.training.run_folder import RunFolder


def train(
    experiment: Experiment,
    data: Dataset,
    path: Path,
    observer: Observer | None = None,
    device: Device = "auto",
) -> Run:
    """Trains a network into the folder `path`, or goes on where an earlier process stopped.

    On the CPU a run that was killed and resumed ends in the same bits as one that was not.
    Where `torchrun` started several processes, each takes a share of every batch.

    Args:
        experiment: what is trained, on what, and how.
        data: what `experiment.data` made.
        path: a new or empty folder, or one with an earlier run of the same configuration. If
            that run is finished nothing changes, and `epochs_trained` is 0.
        observer: follows the training, in the main process.
        device: where it runs.

    Raises:
        FolderError: the folder holds something else, is in use, or cannot be written.
        WeightsError: its checkpoint cannot be read.
        DivergedError: loss or gradient was not finite; the last good weights are in the folder.
        SettingError: the settings do not fit the data or the machine.
    """
    run = PlannedRun(0, experiment, data, RunFolder(path), describe(experiment))
    return train_planned(run, observer, device)


def train_planned(run: PlannedRun, observer: Observer | None, device: Device) -> Run:
    """Trains one run, described as it says; see `train` for the rest."""
    check_data(run.experiment, run.data)
    with (
        accelerated(device, run.experiment.training.precision) as accelerator,
        ExitStack() as stack,
    ):
        main = accelerator.is_main_process
        if main:
            stack.enter_context(run.folder.claimed(run.config))
        accelerator.wait_for_everyone()
        if run.status() == "finished":
            return run.result(None)
        watching = observer if observer and main else Silent()
        return _train_one(run, accelerator, watching)


def _train_one(run: PlannedRun, accelerator: Accelerator, observer: Observer) -> Run:
    """Trains a single run to its end."""
    experiment = run.experiment
    network = build(experiment, run.data)
    members = One(network, experiment.training, experiment.seed, accelerator)
    recorder = Recorder(None, active=accelerator.is_main_process)
    course = Course([run], members, recorder, observer)
    checkpoint = _checkpoint_of(run)
    if checkpoint is not None:
        course.resume(checkpoint)
    course.run()
    for error in course.errors.values():
        raise error
    accelerator.wait_for_everyone()
    return run.result(0 if checkpoint is None else checkpoint.epoch)


def _checkpoint_of(run: PlannedRun) -> Checkpoint | None:
    """The state in the folder of a single run, if there is any.

    Raises:
        WeightsError: it is unreadable, or of another run.
    """
    path = run.folder.checkpoint
    if not path.exists():
        return None
    checkpoint = read_checkpoint(path)
    if checkpoint.progress[0].run != run.first.run:
        raise WeightsError(
            f"{path}: expected the checkpoint of this run, got another's. "
            "Put back the file that belongs here, or train into a new folder."
        )
    return checkpoint


def train_replicas(
    experiments: Sequence[Experiment],
    data: Sequence[Dataset],
    paths: Sequence[Path],
    observer: Observer | None = None,
    device: Device = "auto",
) -> tuple[Run | DivergedError, ...]:
    """Trains networks of one architecture as one computation, each into a folder of its own.

    Each ends as `train` would end it, up to rounding, and its folder holds the same, but for
    TensorBoard's events. A network that has finished or diverged leaves; the others go on. At
    the place of one that diverged stands the error that `train` would have raised. A group of
    one is trained by `train`.

    The state of the group is put on the disk every few seconds, in one file in the first
    folder. The same call resumes a group that was killed, on the CPU to the same bits, and
    leaves alone what has ended. Trainings of another group that had not ended begin anew.

    Args:
        experiments: with equal `replica_key`.
        data: what each experiment's source made, of one shape and domain. Data of equal
            content are held once.
        paths: a folder for each, new or empty or with an earlier run of the same configuration.
        observer: follows the trainings.
        device: where they run.

    Raises:
        SettingError: the experiments or data do not belong together, or do not fit the machine.
        FolderError: a folder holds something else, is in use, or cannot be written.
        WeightsError: the file with the group's state cannot be read.
        UnsupportedOperationError: network or method cannot be computed for many at once.
    """
    _check_counts([len(each) for each in (experiments, data, paths)])
    parts = zip(
        experiments, data, map(RunFolder, paths), map(describe, experiments), strict=True
    )
    runs = [PlannedRun(place, *each) for place, each in enumerate(parts)]
    _check(runs)
    file = runs[0].folder.group_checkpoint
    if len(runs) == 1 and not file.exists():
        return (_trained_alone(runs[0], observer, device),)
    with ExitStack() as stack:
        for run in runs:
            stack.enter_context(run.folder.claimed(run.config))
        left = [run for run in runs if run.status() not in ("finished", "diverged")]
        before = _train_left(runs, left, file, observer or Silent(), device) if left else {}
        return tuple(_result(run, before.get(run.place)) for run in runs)


def _trained_alone(
    run: PlannedRun, observer: Observer | None, device: Device
) -> Run | DivergedError:
    """The run as `train` trains it; one that has diverged before is left alone."""
    if run.folder.facts.exists() and run.status() == "diverged":
        return _result(run, None)
    try:
        return train_planned(run, observer, device)
    except DivergedError as error:
        return error


def _train_left(
    runs: Sequence[PlannedRun],
    left: Sequence[PlannedRun],
    file: Path,
    observer: Observer,
    device: Device,
) -> dict[int, int]:
    """Trains those that are left to their ends; the epochs that each had before, by place."""
    with accelerated(device, "float32") as accelerator:
        _check_alone(accelerator.num_processes)
        checkpoint = _group_checkpoint_of(runs, left, file)
        if checkpoint is not None:
            by_run = {each.first.run: each for each in runs}
            left = [by_run[progress.run] for progress in checkpoint.progress]
        members = Many(
            [build(each.experiment, each.data) for each in left],
            [each.experiment.training for each in left],
            [each.experiment.seed for each in left],
            accelerator.device,
        )
        course = Course(left, members, Recorder(file, active=True), observer)
        if checkpoint is not None:
            course.resume(checkpoint)
        course.run()
        epoch = 0 if checkpoint is None else checkpoint.epoch
        return {each.place: epoch for each in left}


def _group_checkpoint_of(
    runs: Sequence[PlannedRun], left: Sequence[PlannedRun], file: Path
) -> Checkpoint | None:
    """The state on the disk, if it is that of all that are left, and only of these runs.

    Some that have ended since may be in it: they end again, in the same bits.
    """
    if not file.exists():
        return None
    checkpoint = read_group(file, runs[0].experiment.training)
    names = {progress.run for progress in checkpoint.progress}
    covers = {each.first.run for each in left} <= names <= {each.first.run for each in runs}
    return checkpoint if covers else None


def _result(run: PlannedRun, before: int | None) -> Run | DivergedError:
    facts = run.folder.read_facts()
    if facts is not None and facts.status == "diverged":
        return DivergedError(facts.reason)
    return run.result(before)


def _check_counts(counts: Sequence[int]) -> None:
    if len(set(counts)) > 1 or not counts[0]:
        raise SettingError(
            "train_replicas: expected as many experiments as data and paths, and at least "
            f"one, got {', '.join(map(str, counts))}. Give one of each per network."
        )


def _check(runs: Sequence[PlannedRun]) -> None:
    """Refuses runs that cannot be trained together."""
    for run in runs:
        check_data(run.experiment, run.data)
    keys = {replica_key(run.experiment) for run in runs}
    if None in keys or len(keys) > 1:
        raise SettingError(
            "train_replicas: expected experiments with one replica_key, got "
            f"{'one without' if None in keys else f'{len(keys)} keys'}. Group experiments by "
            "replica_key, and train those without one by train."
        )
    shapes = {str(_shape(run.data)) for run in runs}
    if len(shapes) > 1:
        raise SettingError(
            "train_replicas: expected data of one shape, got (examples for training, for "
            f"validation, shape of one, classes, domain) {' and '.join(sorted(shapes))}. "
            "Group experiments by the shape and domain of their data, too."
        )
    names = {run.first.run for run in runs}
    if len(names) < len(runs):
        raise SettingError(
            "train_replicas: expected configurations that differ, got "
            f"{len(runs)} of which {len(names)} differ. Give each only once."
        )


def _shape(data: Dataset) -> tuple[int, int, tuple[int, ...], int, Domain]:
    return len(data.train), len(data.validation), data.shape, data.classes, data.domain


def _check_alone(processes: int) -> None:
    if processes > 1:
        raise SettingError(
            f"train_replicas: expected one process, got {processes} from torchrun. Divide the "
            "experiments among processes that run alone."
        )
