"""Training many networks as one call."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from gnomon.data.dataset import Dataset
from gnomon.errors import DivergedError, SettingError
from gnomon.sets import Domain
from gnomon.training.devices import Device, accelerated
from gnomon.training.experiment import Experiment
from gnomon.training.preparation import (
    Run,
    check_data,
    check_same_data,
    finished_run,
    first_progress,
    plan_of,
)
from gnomon.training.replicas.ending import Replica, begin
from gnomon.training.replicas.group import Group
from gnomon.training.replicas.key import replica_key
from gnomon.training.replicas.moment import Moment, read_moment
from gnomon.training.replicas.observer import GroupObserver, SilentGroup
from gnomon.training.run_folder import RunFolder

_ENDED = ("finished", "diverged")


def train_replicas(
    experiments: Sequence[Experiment],
    data: Sequence[Dataset],
    paths: Sequence[Path],
    configs: Sequence[Mapping[str, Any]],
    observer: GroupObserver | None = None,
    device: Device = "auto",
) -> tuple[Run | DivergedError, ...]:
    """Trains networks of one architecture as one computation, each into a folder of its own.

    Each ends as `train` would end it, up to rounding, and its folder holds the same, but for
    TensorBoard's events. A network that has finished or diverged leaves; the others go on. At
    the place of one that diverged stands the error that `train` would have raised.

    The state of the group is put on the disk every few seconds, in one file in the first
    folder. The same call resumes a group that was killed, on the CPU to the same bits, and
    leaves alone what has ended. Trainings of another group that had not ended begin anew.

    Args:
        experiments: with equal `replica_key`.
        data: what each experiment's source made, of one shape and domain. Data of equal
            content are held once.
        paths: a folder for each, new or empty or with an earlier run of the same configuration.
        configs: the plain mapping each experiment was read from; it has a table "network".
        observer: told how it goes.
        device: where they run.

    Raises:
        SettingError: the experiments or data do not belong together, or do not fit the machine.
        FolderError: a folder holds something else, is in use, or cannot be written.
        WeightsError: the file with the group's state cannot be read.
        UnsupportedOperationError: network or method cannot be computed for many at once.
    """
    _check(experiments, data, paths, configs)
    with ExitStack() as stack:
        replicas: list[Replica] = []
        for place, (experiment, dataset, path, config) in enumerate(
            zip(experiments, data, paths, configs, strict=True)
        ):
            folder = RunFolder(path)
            stack.enter_context(folder.claimed(config))
            check_same_data(folder.read_facts(), dataset, folder)
            first = first_progress(config, dataset)
            replicas.append(Replica(place, experiment, dataset, folder, config, first))
        left = [each for each in replicas if _status(each.folder) not in _ENDED]
        trained = _train(replicas, left, device, observer or SilentGroup()) if left else {}
        return tuple(_result(each, trained.get(each.place, 0)) for each in replicas)


def _train(
    replicas: Sequence[Replica],
    left: Sequence[Replica],
    device: Device,
    observer: GroupObserver,
) -> dict[int, int]:
    """Trains those that are left to their ends; how many epochs it took, by place."""
    with accelerated(device, "float32") as accelerator:
        _check_alone(accelerator.num_processes)
        return _train_on(accelerator.device, replicas, left, observer)


def _train_on(
    device: torch.device,
    replicas: Sequence[Replica],
    left: Sequence[Replica],
    observer: GroupObserver,
) -> dict[int, int]:
    file = replicas[0].folder.group_checkpoint
    moment = _moment_of(replicas, left, file)
    if moment is not None:
        by_run = {each.first.run: each for each in replicas}
        left = [by_run[progress.run] for progress in moment.progress]
    for each in left:
        begin(each)
    group = Group(left, file, device, observer)
    if moment is not None:
        group.resume(moment)
    before = group.progress[0].epoch
    first = group.network.plain(group.network.tensors(), 0)
    observer.started(
        {
            each.place: plan_of(each.experiment, each.data, each.folder, first, before, device)
            for each in left
        }
    )
    group.run()
    return {each.place: _epochs_done(each) - before for each in left}


def _moment_of(
    replicas: Sequence[Replica], left: Sequence[Replica], file: Path
) -> Moment | None:
    """The state on the disk, if it is that of all that are left, and only of these replicas.

    Some that have ended since may be in it: they end again, in the same bits.
    """
    if not file.exists():
        return None
    moment = read_moment(file, replicas[0].experiment.training)
    runs = {progress.run for progress in moment.progress}
    covers = {each.first.run for each in left} <= runs <= {each.first.run for each in replicas}
    return moment if covers else None


def _epochs_done(replica: Replica) -> int:
    facts = replica.folder.read_facts()
    assert facts is not None
    return facts.epochs_done


def _status(folder: RunFolder) -> str | None:
    facts = folder.read_facts()
    return None if facts is None else facts.status


def _result(replica: Replica, trained: int) -> Run | DivergedError:
    facts = replica.folder.read_facts()
    if facts is not None and facts.status == "diverged":
        return DivergedError(facts.reason)
    return finished_run(replica.experiment, replica.data, replica.folder, trained)


def _check(
    experiments: Sequence[Experiment],
    data: Sequence[Dataset],
    paths: Sequence[Path],
    configs: Sequence[Mapping[str, Any]],
) -> None:
    counts = [len(each) for each in (experiments, data, paths, configs)]
    if len(set(counts)) > 1 or not experiments:
        raise SettingError(
            "train_replicas: expected as many experiments as data, paths and configs, and at "
            f"least one, got {', '.join(map(str, counts))}. Give one of each per network."
        )
    for experiment, dataset in zip(experiments, data, strict=True):
        check_data(experiment, dataset)
    keys = {replica_key(experiment) for experiment in experiments}
    if None in keys or len(keys) > 1:
        raise SettingError(
            "train_replicas: expected experiments with one replica_key, got "
            f"{'one without' if None in keys else f'{len(keys)} keys'}. Group experiments by "
            "replica_key, and train those without one by train."
        )
    shapes = {str(_shape(dataset)) for dataset in data}
    if len(shapes) > 1:
        raise SettingError(
            "train_replicas: expected data of one shape, got (examples for training, for "
            f"validation, shape of one, classes, domain) {' and '.join(sorted(shapes))}. "
            "Group experiments by the shape and domain of their data, too."
        )
    runs = {first_progress(*pair).run for pair in zip(configs, data, strict=True)}
    if len(runs) < len(configs):
        raise SettingError(
            "train_replicas: expected configurations that differ, got "
            f"{len(configs)} of which {len(runs)} differ. Give each only once."
        )


def _shape(data: Dataset) -> tuple[int, int, tuple[int, ...], int, Domain]:
    return len(data.train), len(data.validation), data.shape, data.classes, data.domain


def _check_alone(processes: int) -> None:
    if processes > 1:
        raise SettingError(
            f"train_replicas: expected one process, got {processes} from torchrun. Divide the "
            "experiments among processes that run alone."
        )
