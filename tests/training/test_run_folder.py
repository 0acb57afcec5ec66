"""Whose folder it is, and what an error says when it is someone else's."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from gnomon.errors import FolderError
from gnomon.training import RunFolder, Training
from reference.small_experiments import run, small

CONFIG = {"seed": 0, "network": {"architecture": "mlp"}, "training": {"epochs": 5}}


def test_a_folder_is_made_with_all_that_leads_to_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    with RunFolder(path).claimed(CONFIG):
        assert (path / "config.toml").exists()


def test_another_configuration_is_named_with_both_values(tmp_path: Path) -> None:
    with RunFolder(tmp_path).claimed(CONFIG):
        pass
    other = {**CONFIG, "training": {"epochs": 6, "batch_size": 8}}
    with (
        pytest.raises(
            FolderError,
            match=r"training.batch_size is absent there and 8 here; "
            r"training.epochs is 5 there and 6 here. Choose another folder",
        ),
        RunFolder(tmp_path).claimed(other),
    ):
        pass


def test_a_run_of_another_configuration_is_not_touched(tmp_path: Path) -> None:
    run(small(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(FolderError, match=r"training.epochs is 3 there and 4 here"):
        run(small(Training(epochs=4, batch_size=16)), tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_files_of_something_else_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(FolderError, match=r"got other files \(thesis.tex\). Choose another"):
        run(small(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(FolderError, match=r"run: expected to write there"):
        run(small(), tmp_path / "run")


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(FolderError, match=r"another process is training into this folder"):
            run(small(), tmp_path)
    finally:
        os.close(descriptor)
    assert run(small(), tmp_path).epochs_trained == 3


def test_a_folder_is_free_again_after_a_run(tmp_path: Path) -> None:
    run(small(), tmp_path)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(descriptor)


def test_half_written_files_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    with RunFolder(tmp_path).claimed(CONFIG):
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / ".latest.safetensors.1a.part").write_text("x")
        (tmp_path / ".run.json.3c.part").write_text("x")
    with RunFolder(tmp_path).claimed(CONFIG):
        left = sorted(path.name for path in tmp_path.rglob("*"))
    assert left == ["checkpoints", "config.toml"]


@pytest.mark.usefixtures("written_at_once")
def test_a_full_disk_is_named_and_the_run_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, left = Path.replace, [5]

    def full(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return honest(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(FolderError, match=r"No space left on device. Free space"):
            run(small(), tmp_path)
    assert not list(tmp_path.rglob("*.part"))
    assert run(small(), tmp_path).epochs_trained == 2


def test_facts_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    run(small(), tmp_path)
    for text in ("{", '{"status": "finished"}', '{"status": "perfect"}'):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(FolderError, match=r"run.json: expected the facts of a run"):
            run(small(), tmp_path)
