"""Where trials lie: whole or absent, in a folder and elsewhere."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fsspec.core import url_to_fs
from fsspec.implementations.memory import MemoryFileSystem

from gnomon.errors import FolderError
from gnomon.study.file_stores import FileStore, FolderStore, RemoteStore, file_store
from gnomon.study.trial_record import ResultRow, TrialRecord
from gnomon.study.trial_store import TrialStore

RECORD = TrialRecord(
    id="a1",
    seed=3,
    status="finished",
    reason="Trained and examined.",
    examination="e",
    code="0+1",
    training=1.5,
    examining=0.25,
    rows=(ResultRow("clean_accuracy", "accuracy", 0.1 + 0.2, None, 1.0, "share"),),
)

BEFORE = """{
 "id": "0123456789abcdef",
 "seed": 2,
 "status": "finished",
 "reason": "Trained and examined.",
 "examination": "7d3a1c5e9b2f4680",
 "code": "0.1.0+05f47d2e",
 "training": 1.5,
 "examining": 0.25,
 "rows": [
  {"finding": "clean_accuracy", "probe": "accuracy", "value": 0.875, "low": 0.75,
   "high": 0.9375, "unit": "share"},
  {"finding": "determinant", "probe": "weights", "value": null, "low": null, "high": null,
   "unit": ""}
 ],
 "files": {"model.safetensors": 7}
}
"""
"""A record as Gnomon 0.1 wrote it before its results were tables of pandas."""


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TrialStore]:
    if request.param == "folder":
        yield TrialStore(str(tmp_path / "study"))
        return
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
    yield TrialStore("memory://study")
    MemoryFileSystem.store.clear()


def _made(folder: Path, weights: str = "weights") -> Path:
    """A run folder as training leaves it."""
    for name, text in {
        "model.safetensors": weights,
        "checkpoints/latest.safetensors": "state",
        "events/events.out": "events",
        "snapshots/epoch-0001.safetensors": "early",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_published_trial_is_read_back_with_the_size_of_its_files(
    store: TrialStore, tmp_path: Path
) -> None:
    folder = _made(tmp_path / "work" / "a1")
    store.publish(folder, RECORD)
    assert not folder.exists()
    (found,) = store.records()
    assert found == replace(
        RECORD, files={"model.safetensors": 7, "snapshots/epoch-0001.safetensors": 5}
    )
    assert found.size == 12
    assert found.seconds == 1.75
    store.fetch("a1", tmp_path / "back")
    assert (tmp_path / "back" / "model.safetensors").read_text() == "weights"
    assert (tmp_path / "back" / "trial.json").is_file()


def test_publishing_again_replaces_the_trial(store: TrialStore, tmp_path: Path) -> None:
    store.publish(_made(tmp_path / "one"), RECORD)
    store.publish(_made(tmp_path / "two", "other weights"), replace(RECORD, examination="f"))
    (found,) = store.records()
    assert found.examination == "f"
    assert found.files["model.safetensors"] == 13


def test_a_failure_is_kept_until_the_trial_succeeds(store: TrialStore, tmp_path: Path) -> None:
    store.fail(replace(RECORD, status="failed", reason="loss is not finite"))
    assert store.failures()["a1"].reason == "loss is not finite"
    assert list(store.records()) == []
    store.publish(_made(tmp_path / "one"), RECORD)
    assert store.failures() == {}


def _damage(store: TrialStore, name: str, content: bytes | None) -> None:
    files, root = url_to_fs(store.address)
    path = f"{root}/trials/a1/{name}"
    if content is None:
        files.rm_file(path)
    else:
        files.pipe_file(path, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("trial.json", b'{"id": "a1", "seed"'),
        ("trial.json", b"{}"),
        ("model.safetensors", b"weigh"),
        ("model.safetensors", None),
    ],
    ids=["cut", "empty", "short", "gone"],
)
def test_a_damaged_trial_goes_to_quarantine(
    store: TrialStore, tmp_path: Path, name: str, content: bytes | None
) -> None:
    files, root = url_to_fs(store.address)
    for number in (1, 2):
        store.publish(_made(tmp_path / "one"), RECORD)
        _damage(store, name, content)
        assert list(store.records()) == []
        assert not files.exists(f"{root}/trials/a1/{name}")
        assert files.exists(f"{root}/quarantine/a1-{number}/snapshots/epoch-0001.safetensors")


def test_another_trials_record_is_no_record(store: TrialStore, tmp_path: Path) -> None:
    store.publish(_made(tmp_path / "one"), RECORD)
    files, root = url_to_fs(store.address)
    text = json.loads(files.cat_file(f"{root}/trials/a1/trial.json"))
    _damage(store, "trial.json", json.dumps({**text, "id": "b2"}).encode())
    assert list(store.records()) == []


def test_an_upload_ends_with_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a reader could take half of a trial for all of it."""
    MemoryFileSystem.store.clear()
    uploaded: list[str] = []
    put = RemoteStore.put

    def heard(self: RemoteStore, path: Path, name: str) -> None:
        uploaded.append(name)
        put(self, path, name)

    monkeypatch.setattr(RemoteStore, "put", heard)
    folder = _made(tmp_path / "one")
    (folder / "zz.txt").write_text("last by name", encoding="utf-8")
    TrialStore("memory://study").publish(folder, RECORD)
    assert uploaded[-1] == "trials/a1/trial.json"
    assert len(uploaded) == 4
    MemoryFileSystem.store.clear()


def test_a_record_of_version_0_1_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "trials" / "0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "trial.json").write_text(BEFORE, encoding="utf-8")
    (record,) = TrialStore(str(tmp_path)).records()
    assert (record.seed, record.code, record.size) == (2, "0.1.0+05f47d2e", 7)
    assert record.rows == (
        ResultRow("clean_accuracy", "accuracy", 0.875, 0.75, 0.9375, "share"),
        ResultRow("determinant", "weights", None, None, None, ""),
    )


def test_both_stores_are_stores() -> None:
    assert isinstance(file_store("out"), FolderStore)
    assert isinstance(file_store("memory://study"), RemoteStore)
    for store in (file_store("out"), file_store("memory://study")):
        assert isinstance(store, FileStore)


def test_what_is_half_uploaded_is_no_trial_and_no_damage() -> None:
    MemoryFileSystem.store.clear()
    store = TrialStore("memory://study")
    files, root = url_to_fs(store.address)
    files.pipe_file(f"{root}/trials/a1/model.safetensors", b"weights")
    assert list(store.records()) == []
    assert files.exists(f"{root}/trials/a1/model.safetensors")


def test_a_relative_folder_is_the_same_for_processes_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = TrialStore("out").everywhere()
    monkeypatch.chdir("/")
    assert Path(store.address) == tmp_path / "out"
    assert store.everywhere() == store


def test_a_folder_belongs_to_one_process(tmp_path: Path) -> None:
    store = TrialStore(str(tmp_path / "study"))
    with store.files.claimed():
        with pytest.raises(FolderError, match="another process is running this study"):
            TrialStore(store.address).files.claimed().__enter__()
        store.write("study.toml", "seeds = 1")
    with store.files.claimed():
        pass


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    """Killed while it holds the study, a process leaves it free."""
    code = (
        "import sys\nfrom gnomon.study.file_stores import file_store\n"
        "with file_store(sys.argv[1]).claimed():\n    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    address = str(tmp_path / "study")
    with subprocess.Popen(
        [sys.executable, "-c", code, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"held\n"
            with pytest.raises(FolderError, match="another process is running this study"):
                file_store(address).claimed().__enter__()
        finally:
            process.kill()
    with file_store(address).claimed():
        pass


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("…", encoding="utf-8")
    with pytest.raises(FolderError, match=r"got other files \(thesis.tex\)"):
        TrialStore(str(tmp_path)).files.claimed().__enter__()


@pytest.mark.parametrize("address", ["s3://bucket/study", "nothing://here"])
def test_an_address_that_nothing_reaches_is_refused(address: str) -> None:
    with pytest.raises(FolderError, match="expected a folder or a URL that fsspec knows"):
        TrialStore(address)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FolderError, match="Free space or allow writing"):
        TrialStore(str(tmp_path / "study")).files.claimed().__enter__()


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TrialStore(str(tmp_path / "study"))
    folder = _made(tmp_path / "one")

    def full(*arguments: object, **settings: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gnomon.study.trial_store.write_text", full)
    with pytest.raises(FolderError, match="No space left on device"):
        store.publish(folder, RECORD)
    assert (folder / "model.safetensors").is_file()
    assert list(store.records()) == []
