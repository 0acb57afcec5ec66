"""A training that was stopped anywhere goes on to the same bits."""

import itertools
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from gnomon.errors import DataError, FolderError, WeightsError
from gnomon.training import (
    Run,
    RunFolder,
    Training,
    read_history,
    recorder,
    train,
)
from gnomon.training.checkpoint import read_checkpoint
from gnomon.training.course import Course
from reference.small_experiments import (
    Stopped,
    StopsAfter,
    data_of,
    everything,
    run,
    run_everything,
    small,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The experiment with everything in it, trained in one go."""
    return run(everything(), tmp_path_factory.mktemp("whole") / "run")


def assert_same(done: Run, whole: Run) -> None:
    """The same networks, snapshots, facts and history, bit for bit; times aside."""
    timeless = [[replace(row, seconds=0.0) for row in each.history] for each in (done, whole)]
    assert timeless[0] == timeless[1]
    assert done.facts == whole.facts
    names = [_weight_files(each.folder) for each in (done, whole)]
    assert names[0] == names[1]
    for name in names[0]:
        first, second = (load_file(each.folder.path / name) for each in (done, whole))
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first), name


def _weight_files(folder: RunFolder) -> list[str]:
    found = {str(path.relative_to(folder.path)) for path in folder.path.rglob("*.safetensors")}
    return sorted(found - {"checkpoints/latest.safetensors"})


def test_the_experiment_has_everything_in_it(whole: Run) -> None:
    assert 1 < (whole.facts.best_epoch or 0) < whole.facts.epochs_done
    names = [type(layer).__name__ for layer in whole.network.children()]
    assert {"BatchNorm1d", "Dropout"} <= set(names)


@pytest.mark.parametrize(("epoch", "batch"), [(1, 1), (1, None), (3, 7), (4, 13), (6, None)])
def test_a_run_stopped_at_a_batch_or_an_epoch_goes_on_to_the_same_bits(
    epoch: int, batch: int | None, whole: Run, tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        run(everything(), tmp_path, StopsAfter(epoch, batch))
    watching = StopsAfter(0)
    done = run(everything(), tmp_path, watching)
    finished_before = epoch if batch is None else epoch - 1
    assert watching.plan is not None
    assert watching.plan.epochs_done == finished_before
    assert done.epochs_trained == len(done.history) - finished_before
    assert_same(done, whole)


def _cut_off(writes: int, *, after: bool) -> Callable[[Path, Path], Path]:
    """`Path.replace` that ends the process at its n-th call, before or after its effect."""
    left, honest = [writes], Path.replace

    def replace_or_die(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == 0 and not after:
            raise Stopped
        result = honest(self, target)
        if left[0] == 0:
            raise Stopped
        return result

    return replace_or_die


@pytest.mark.usefixtures("written_at_once")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("writes", [1, 2, 3, 4, 5, 6, 7, 8, 18, 19, 20, 21])
def test_a_run_that_dies_at_any_of_its_writes_goes_on_to_the_same_bits(
    writes: int,
    after: bool,  # noqa: FBT001
    whole: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", _cut_off(writes, after=after))
        with pytest.raises(Stopped):
            run(everything(), tmp_path)
    assert_same(run(everything(), tmp_path), whole)


def test_a_killed_run_goes_on_from_what_the_disk_had(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        clock = itertools.count()  # looked at once an epoch, and once a write
        patched.setattr(recorder, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        patched.setattr(recorder, "SECONDS_BETWEEN_WRITES", 3)
        patched.setattr(Course, "_save_last", lambda _: None)  # as when no one can
        with pytest.raises(Stopped):
            run(everything(), tmp_path, StopsAfter(5, 2))
    folder = RunFolder(tmp_path)
    facts, done = folder.read_facts(), read_checkpoint(folder.checkpoint).progress[0]
    assert facts is not None
    assert done.epoch == 3
    assert (facts.status, facts.epochs_done) == ("running", 3)
    assert read_history(folder.history) == done.history
    watching = StopsAfter(0)
    assert_same(run(everything(), tmp_path, watching), whole)
    assert watching.plan is not None
    assert watching.plan.epochs_done == 3


def test_an_error_costs_no_epoch_that_was_done(whole: Run, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run(everything(), tmp_path, StopsAfter(4, 3))
    checkpoint = RunFolder(tmp_path).checkpoint
    assert read_checkpoint(checkpoint).epoch == 3
    assert_same(run(everything(), tmp_path), whole)


@pytest.mark.slow
def test_a_run_killed_again_and_again_goes_on_to_the_same_bits(
    whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = time.time_ns()
    moments = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    context.set_forkserver_preload(["torch._dynamo", "reference.small_experiments"])
    _in_process(context, tmp_path / "first", None)  # starts the server, which imports
    begun = time.perf_counter()
    _in_process(context, tmp_path / "second", None)
    duration = time.perf_counter() - begun
    kills = 0
    for attempt in range(6):
        path = tmp_path / f"attempt{attempt}"
        while not _in_process(context, path, moments.uniform(0, duration)):
            kills += 1
        assert_same(run(everything(), path), whole)
    assert kills >= 6, f"only {kills} kills took effect; seed {seed}"


def _in_process(context: ForkServerContext, path: Path, seconds: float | None) -> bool:
    """Trains in a process, killed after some seconds if any are given; whether it finished."""
    process = context.Process(target=run_everything, args=(str(path),))
    process.start()
    process.join(seconds)
    process.kill()
    process.join()
    return process.exitcode == 0


def test_an_interrupted_run_says_so_and_goes_on(whole: Run, tmp_path: Path) -> None:
    watching = StopsAfter(3, 2, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        run(everything(), tmp_path, watching)
    facts = RunFolder(tmp_path).read_facts()
    assert facts is not None
    assert (facts.status, facts.epochs_done) == ("interrupted", 2)
    assert "after epoch 2 is kept" in facts.reason
    assert watching.facts == facts
    assert len(read_history(tmp_path / "history.parquet")) == 2
    assert_same(run(everything(), tmp_path), whole)


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    first = run(small(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = run(small(), tmp_path)
    assert (first.epochs_trained, again.epochs_trained) == (3, 0)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert_same(again, first)


def _stop_after_two_epochs(path: Path) -> RunFolder:
    with pytest.raises(Stopped):
        run(small(), path, StopsAfter(2))
    return RunFolder(path)


def test_a_checkpoint_cut_short_is_named(tmp_path: Path) -> None:
    folder = _stop_after_two_epochs(tmp_path)
    content = folder.checkpoint.read_bytes()
    for length in (0, 5, len(content) // 2, len(content) - 1):
        folder.checkpoint.write_bytes(content[:length])
        with pytest.raises(WeightsError, match=r"latest.safetensors: expected a checkpoint"):
            run(small(), tmp_path)
    folder.checkpoint.write_bytes(content)
    assert run(small(), tmp_path).epochs_trained == 1


def test_a_file_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    folder = _stop_after_two_epochs(tmp_path)
    save_file({"weight": torch.zeros(2)}, folder.checkpoint)
    with pytest.raises(
        WeightsError, match=r"expected a checkpoint of a training, got KeyError"
    ):
        run(small(), tmp_path)


def test_a_checkpoint_of_another_run_is_named(tmp_path: Path) -> None:
    folder = _stop_after_two_epochs(tmp_path / "a")
    other = _stop_after_two_epochs(tmp_path / "b")
    with safe_open(other.checkpoint, framework="pt") as file:
        text = file.metadata()["gnomon.training"]
    tensors = load_file(other.checkpoint)
    save_file(
        tensors,
        folder.checkpoint,
        metadata={"gnomon.training": text.replace('"run": "', '"run": "x')},
    )
    with pytest.raises(
        WeightsError, match=r"expected the checkpoint of this run, got another's"
    ):
        run(small(), tmp_path / "a")


def test_a_checkpoint_whose_tensors_do_not_fit_is_named(tmp_path: Path) -> None:
    folder = _stop_after_two_epochs(tmp_path)
    with safe_open(folder.checkpoint, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(folder.checkpoint)
    del tensors["network/linear1.weight"]
    save_file(tensors, folder.checkpoint, metadata=metadata)
    with pytest.raises(WeightsError, match=r"expected weights of the configured network"):
        run(small(), tmp_path)


def test_other_data_than_the_run_began_with_are_refused(tmp_path: Path) -> None:
    _stop_after_two_epochs(tmp_path)
    experiment = small()
    other = data_of(replace(experiment, seed=7))
    with pytest.raises(FolderError, match=r"holds a run on data with fingerprint"):
        train(experiment, other, tmp_path, device="cpu")


def test_a_history_that_is_no_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "history.parquet").write_text("epoch\n1\n")
    with pytest.raises(DataError, match=r"history.parquet: expected a training history"):
        read_history(tmp_path / "history.parquet")
    with pytest.raises(DataError, match=r"absent.parquet: expected a training history"):
        read_history(tmp_path / "absent.parquet")


def test_snapshots_beyond_the_last_epoch_are_not_reached_and_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"snapshots: expected epochs, 0 or more, got -1"):
        Training(epochs=2, snapshots=(-1,))
    done = run(small(Training(epochs=1, batch_size=90, snapshots=(1, 5, 9))), tmp_path)
    assert list(done.folder.snapshots()) == [1]
    assert done.facts.reason.endswith("Snapshots beyond them were not reached: 5, 9.")


def test_without_tensorboard_a_run_has_all_but_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "EVENTS_ARE_WRITTEN", False)
    done = run(small(Training(epochs=1, batch_size=90)), tmp_path)
    assert not done.folder.events.exists()
    assert len(done.history) == 1
