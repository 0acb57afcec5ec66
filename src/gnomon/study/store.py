"""Where the trials of a study lie: a folder, or any address that fsspec can reach.

study.toml                  what was asked, the last time
trials/ID/                  a run folder, with audit.json and trial.json; whole or absent
failed/ID.json              a trial that failed, and why
quarantine/ID-1/            what lay in trials/ but was damaged
work/ID/                    trials that are being made (of a remote store: in this user's cache)
results.parquet             one row for each trial and finding
report.html, tables/, figures/
"""

import fcntl
import os
import shutil
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import fsspec
import pooch
from fsspec.implementations.local import LocalFileSystem
from pydantic import TypeAdapter, ValidationError

from gnomon.errors import FolderError
from gnomon.files import replacing, write_text
from gnomon.records import fingerprint
from gnomon.study.record import TrialRecord

_RECORD = "trial.json"
_JSON = TypeAdapter(TrialRecord)
_SCRATCH = "work"
_LEFT_OUT = ("checkpoints", "events")
"""Folders of a run that a finished trial needs no more."""


@dataclass(frozen=True)
class TrialStore:
    """The trials of one study.

    Attributes:
        address: a path, or a URL such as "s3://bucket/study" or "memory://study".
    """

    address: str

    def __post_init__(self) -> None:
        try:
            _ = self._files
        except (ValueError, ImportError) as error:
            raise FolderError(
                f"{self.address}: expected a folder or a URL that fsspec knows, got: {error}. "
                "Correct it, or install what the message names."
            ) from error

    @property
    def local(self) -> Path | None:
        """The folder; None where the store is elsewhere."""
        return Path(self._root) if isinstance(self._files, LocalFileSystem) else None

    def everywhere(self) -> "TrialStore":
        """The same store for processes with another working directory."""
        return self if self.local is None else TrialStore(str(self.local))

    @property
    def scratch(self) -> Path:
        """The folder of this machine in which trials are made."""
        if self.local is not None:
            return self.local / _SCRATCH
        return Path(pooch.os_cache("gnomon")) / "studies" / fingerprint(self.address)

    @contextmanager
    def claimed(self) -> Generator[None, None, None]:
        """Holds the study for this process alone, and for those that it starts.

        The operating system drops the lock with the process, however that ends. A store that
        is no folder cannot be locked.

        Raises:
            FolderError: another process holds it, or the folder holds other files.
        """
        if self.local is None:
            yield
            return
        with self._writing():
            self.local.mkdir(parents=True, exist_ok=True)
            _check_owner(self.local)
            descriptor = os.open(self.local, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise FolderError(
                f"{self.address}: another process is running this study now. Wait for it, or "
                "choose another folder."
            ) from error
        finally:
            os.close(descriptor)

    def records(self, among: Iterable[str] | None = None) -> Iterator[TrialRecord]:
        """Finished trials, read one at a time; damaged ones go to quarantine.

        Args:
            among: ids, in the order that is wanted; None means all, in the order of their ids.
        """
        sizes: dict[str, dict[str, int]] = {}
        for path, facts in self._listing("trials").items():
            trial, _, file = path.partition("/")
            sizes.setdefault(trial, {})[file] = cast("int", facts["size"])
        for trial in sorted(sizes) if among is None else among:
            record = self._whole(trial, sizes[trial]) if trial in sizes else None
            if record is not None:
                yield record

    def failures(self) -> dict[str, TrialRecord]:
        """Every failed trial by its id."""
        found: dict[str, TrialRecord] = {}
        for name in self._listing("failed"):
            try:
                record = _JSON.validate_json(self._files.cat_file(self._at("failed", name)))
            except ValidationError:
                continue
            found[record.id] = record
        return found

    def publish(self, folder: Path, record: TrialRecord) -> None:
        """Makes the run in `folder` a finished trial: whole, or not at all; `folder` is gone.

        Raises:
            FolderError: the store cannot be written; `folder` is still there.
        """
        with self._writing():
            for name in _LEFT_OUT:
                shutil.rmtree(folder / name, ignore_errors=True)
            (folder / _RECORD).unlink(missing_ok=True)
            files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            sizes = {str(path.relative_to(folder)): path.stat().st_size for path in files}
            record = replace(record, files=sizes)
            if self.local is not None:
                write_text(folder / _RECORD, _text(record))
                _move_over(folder, self.local / "trials" / record.id)
            else:
                for name in sizes:
                    self._put(folder / name, self._at("trials", record.id, name))
                self._files.pipe_file(
                    self._at("trials", record.id, _RECORD), _text(record).encode()
                )
                shutil.rmtree(folder)
            self._forget_failure(record.id)

    def fail(self, record: TrialRecord) -> None:
        """Keeps why a trial failed."""
        with self._writing():
            self._write(self._at("failed", f"{record.id}.json"), _text(record))

    def fetch(self, trial: str, folder: Path) -> None:
        """Copies the files of a finished trial into `folder`."""
        with self._writing():
            for name in self._listing(f"trials/{trial}"):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                self._files.get_file(self._at("trials", trial, name), str(target))

    def write(self, name: str, text: str) -> None:
        """Writes a file of the study itself, such as study.toml."""
        with self._writing():
            self._write(self._at(name), text)

    def put(self, path: Path, name: str) -> None:
        """Copies a file of this machine to `name` in the store."""
        with self._writing():
            self._put(path, self._at(name))

    def get(self, name: str, path: Path) -> None:
        """Copies a file of the study to this machine."""
        with self._writing():
            self._files.get_file(self._at(name), str(path))

    @cached_property
    def place(self) -> tuple[fsspec.AbstractFileSystem, str]:
        """The file system behind the address, and the path within it."""
        return fsspec.core.url_to_fs(self.address)

    @property
    def _files(self) -> fsspec.AbstractFileSystem:
        return self.place[0]

    @property
    def _root(self) -> str:
        return self.place[1].rstrip("/")

    def _at(self, *names: str) -> str:
        return "/".join((self._root, *names))

    def _listing(self, folder: str) -> dict[str, Mapping[str, Any]]:
        """All files below a folder of the store, by their paths within it."""
        try:
            found = cast(
                "dict[str, Mapping[str, Any]]", self._files.find(self._at(folder), detail=True)
            )
        except FileNotFoundError:
            return {}
        start = len(self._at(folder)) + 1
        return {path[start:]: facts for path, facts in sorted(found.items())}

    def _whole(self, trial: str, sizes: Mapping[str, int]) -> TrialRecord | None:
        """The record of a trial; None where it is damaged, or was not yet published."""
        if _RECORD not in sizes and self.local is None:
            return None
        try:
            record = _JSON.validate_json(
                self._files.cat_file(self._at("trials", trial, _RECORD))
            )
        except (OSError, ValidationError):
            record = None
        if record is not None and record.id == trial and record.files.items() <= sizes.items():
            return record
        with self._writing():
            self._quarantine(trial)
        return None

    def _quarantine(self, trial: str) -> None:
        number = 1
        while self._files.exists(self._at("quarantine", f"{trial}-{number}")):
            number += 1
        place = self._at("quarantine", f"{trial}-{number}")
        self._files.makedirs(self._at("quarantine"), exist_ok=True)
        self._files.mv(self._at("trials", trial), place, recursive=True)

    def _forget_failure(self, trial: str) -> None:
        path = self._at("failed", f"{trial}.json")
        if self._files.exists(path):
            self._files.rm_file(path)

    def _write(self, path: str, text: str) -> None:
        if self.local is not None:
            write_text(Path(path), text)
        else:
            self._files.pipe_file(path, text.encode())

    def _put(self, source: Path, path: str) -> None:
        if self.local is None:
            self._files.put_file(str(source), path)
            return
        with replacing(Path(path)) as temporary:
            shutil.copyfile(source, temporary)

    @contextmanager
    def _writing(self) -> Generator[None, None, None]:
        """Turns failures to write within the block into one clear error."""
        try:
            yield
        except OSError as error:
            raise FolderError(
                f"{self.address}: expected to write there, got: {error}. Free space or allow "
                "writing, then start the same study again: finished trials are kept."
            ) from error


def _text(record: TrialRecord) -> str:
    return _JSON.dump_json(record, indent=1).decode() + "\n"


def _check_owner(folder: Path) -> None:
    """Refuses a folder that holds anything but a study.

    Raises:
        FolderError: it does.
    """
    others = sorted(item.name for item in folder.iterdir() if item.suffix != ".part")
    if others and "study.toml" not in others:
        raise FolderError(
            f"{folder}: expected an empty folder or one of this study, got other files "
            f"({', '.join(others[:3])}). Choose another folder."
        )


def _move_over(folder: Path, target: Path) -> None:
    """Gives `folder` the name `target`, in place of what has it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    old = folder.with_name(f"{folder.name}.old")
    if target.exists():
        target.replace(old)
    folder.replace(target)
    shutil.rmtree(old, ignore_errors=True)
