"""A group that was stopped anywhere goes on to the same bits."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gnomon.errors import DivergedError, FolderError, WeightsError
from gnomon.training import SGD, Constant, Run, Training, read_history, recorder
from gnomon.training.course import Course
from reference import groups
from reference.groups import Interrupts, Watcher, everything_varied, together, varied
from reference.small_experiments import small


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """The group with everything in it, trained in one go."""
    done = together(everything_varied(), tmp_path_factory.mktemp("whole"))
    assert len({each.facts.epochs_done for each in done if isinstance(each, Run)}) > 1
    return [each for each in done if isinstance(each, Run)]


@pytest.fixture
def every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts the state on the disk after every epoch."""
    monkeypatch.setattr(recorder, "SECONDS_BETWEEN_GROUP_WRITES", 0.0)


def assert_same(done: Sequence[Run | DivergedError], expected: Sequence[Run]) -> None:
    """The same facts, history and files of tensors, bit for bit; times aside."""
    for one, other in zip(done, expected, strict=True):
        assert isinstance(one, Run)
        assert one.facts == other.facts
        timeless = [
            [replace(row, seconds=0.0) for row in each.history] for each in (one, other)
        ]
        assert timeless[0] == timeless[1]
        names = [
            sorted(str(path.relative_to(each.folder.path)) for path in files(each))
            for each in (one, other)
        ]
        assert names[0] == names[1]
        for name in names[0]:
            found, wanted = (load_file(each.folder.path / name) for each in (one, other))
            assert found.keys() == wanted.keys()
            assert all(torch.equal(found[key], wanted[key]) for key in found), name


def files(run: Run) -> list[Path]:
    """All files of tensors."""
    return list(run.folder.path.rglob("*.safetensors"))


@pytest.mark.slow
def test_a_killed_group_goes_on_to_the_same_bits(whole: list[Run], tmp_path: Path) -> None:
    epoch, batch = 3, 2
    done = subprocess.run(
        [sys.executable, groups.__file__, str(tmp_path), str(epoch), str(batch)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    watching = Watcher()
    resumed = together(everything_varied(), tmp_path, watching)
    assert {plan.epochs_done for plan in watching.plans.values()} == {epoch - 1}
    assert_same(resumed, whole)
    assert not (tmp_path / "replica0/checkpoints/group.safetensors").exists()


@pytest.mark.usefixtures("every_epoch")
def test_a_group_killed_after_one_has_ended_goes_on_to_the_same_bits(
    whole: list[Run], tmp_path: Path
) -> None:
    first = min(each.facts.epochs_done for each in whole)
    assert first < max(each.facts.epochs_done for each in whole) - 1

    class Stops(Watcher):
        def act(self) -> None:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        together(everything_varied(), tmp_path, Stops(first + 2, 3))
    watching = Watcher()
    resumed = together(everything_varied(), tmp_path, watching)
    assert 0 < len(watching.plans) < len(whole)
    assert_same(resumed, whole)


@pytest.mark.slow
def test_a_group_whose_one_ended_after_the_checkpoint_goes_on_to_the_same_bits(
    whole: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = min(each.facts.epochs_done for each in whole)

    class Stops(Watcher):
        def epoch(self, place: int, row: object) -> None:  # noqa: ARG002
            epoch = self.batches[-1].epoch
            seconds = 0.0 if epoch < first - 1 else 1e9
            monkeypatch.setattr(recorder, "SECONDS_BETWEEN_GROUP_WRITES", seconds)

        def act(self) -> None:
            raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(Course, "_save_last", lambda _: None)  # as when no one can
        with pytest.raises(RuntimeError):
            together(everything_varied(), tmp_path, Stops(first + 1, 2))
    watching = Watcher()
    resumed = together(everything_varied(), tmp_path, watching)
    assert len(watching.plans) == len(whole)
    assert_same(resumed, whole)


def test_an_interrupted_group_says_so_and_goes_on(whole: list[Run], tmp_path: Path) -> None:
    watching = Interrupts(3, 2)
    with pytest.raises(KeyboardInterrupt):
        together(everything_varied(), tmp_path, watching)
    assert [place for place, _ in watching.ends] == [0, 1, 2, 3]
    for place, facts in watching.ends:
        assert (facts.status, facts.epochs_done) == ("interrupted", 2)
        assert "after epoch 2 is kept" in facts.reason
        assert len(read_history(tmp_path / f"replica{place}/history.parquet")) == 2
    assert_same(together(everything_varied(), tmp_path), whole)


def test_what_has_ended_is_left_as_it_is(tmp_path: Path) -> None:
    training = Training(epochs=2, batch_size=16, optimizer=SGD(), schedule=Constant())
    experiments = varied(small(training), 3)
    wild = replace(training, learning_rate=3e4)
    experiments[2] = replace(experiments[2], training=wild)
    first = together(experiments, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    again = together(experiments, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert [each.epochs_trained for each in first if isinstance(each, Run)] == [2, 2]
    assert [each.epochs_trained for each in again if isinstance(each, Run)] == [0, 0]
    assert isinstance(again[2], DivergedError)
    assert str(again[2]) == str(first[2])


def test_only_those_that_have_not_ended_are_trained(tmp_path: Path) -> None:
    experiments = varied(small(Training(epochs=2, batch_size=32)), 3)
    together(experiments[:1], tmp_path)
    watching = Watcher()
    together(experiments, tmp_path, watching)
    assert sorted(watching.plans) == [1, 2]


@pytest.mark.usefixtures("every_epoch")
def test_a_damaged_checkpoint_of_the_group_is_named(tmp_path: Path) -> None:
    experiments = varied(small(Training(epochs=3, batch_size=32)), 2)
    with pytest.raises(KeyboardInterrupt):
        together(experiments, tmp_path, Interrupts(3, 1))
    path = tmp_path / "replica0/checkpoints/group.safetensors"
    content = path.read_bytes()
    for damaged in (b"", content[:40], content[:-1]):
        path.write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"expected the checkpoint of a group"):
            together(experiments, tmp_path)
    path.unlink()
    watching = Watcher()
    together(experiments, tmp_path, watching)
    assert watching.plans[0].epochs_done == 0


def test_a_checkpoint_of_another_group_is_not_taken_up(tmp_path: Path) -> None:
    experiments = varied(small(Training(epochs=3, batch_size=32)), 3)
    with pytest.raises(KeyboardInterrupt):
        together(experiments[:2], tmp_path, Interrupts(2, 1))
    watching = Watcher()
    together(experiments, tmp_path, watching)
    assert {plan.epochs_done for plan in watching.plans.values()} == {0}


def test_other_data_and_folders_in_use_are_refused(tmp_path: Path) -> None:
    experiments = varied(small(Training(epochs=1, batch_size=32)), 2)
    together(experiments, tmp_path)
    facts = tmp_path / "replica1/run.json"
    facts.write_text(
        facts.read_text().replace('"data_fingerprint": "', '"data_fingerprint": "x')
    )
    with pytest.raises(FolderError, match=r"replica1: holds a run on data with fingerprint x"):
        together(experiments, tmp_path)
    assert json.loads((tmp_path / "replica0/run.json").read_text())["status"] == "finished"
