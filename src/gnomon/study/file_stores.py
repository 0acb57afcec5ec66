"""Stores for the files of a study: a folder, or any address that fsspec can reach."""

import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, cast, final

import fsspec
import pooch
from filelock import FileLock, Timeout
from fsspec.implementations.local import LocalFileSystem

from gnomon.errors import FolderError
from gnomon.files import replacing, write_text
from gnomon.records import fingerprint

RECORD = "trial.json"
"""The file of a published folder that is written last: where it is, the folder is whole."""
_LOCK = ".lock"
_SCRATCH = "work"


@final
@dataclass(frozen=True)
class FolderStore:
    """A folder of this machine, or of a file system that all machines share.

    Attributes:
        address: the path as the user gave it.
        folder: the absolute path.
    """

    address: str
    folder: Path

    publishes_at_once: ClassVar[bool] = True
    """A folder is published in one step, so that it always has its record."""

    @property
    def scratch(self) -> Path:
        """The folder in which trials are made."""
        return self.folder / _SCRATCH

    def everywhere(self) -> "FolderStore":
        """The store under its absolute path."""
        return FolderStore(str(self.folder), self.folder)

    @contextmanager
    def claimed(self) -> Generator[None, None, None]:
        """Locks the folder; the operating system drops the lock with the process.

        Raises:
            FolderError: another process holds it, or the folder holds other files.
        """
        lock = FileLock(self.folder / _LOCK, timeout=0)
        with writing(self.address):
            self.folder.mkdir(parents=True, exist_ok=True)
            _check_owner(self.folder)
            try:
                lock.acquire()
            except Timeout as error:
                raise FolderError(
                    f"{self.address}: another process is running this study now. Wait for it, "
                    "or choose another folder."
                ) from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def mirrored(self, name: str) -> Generator[Path, None, None]:  # noqa: ARG002 - it has it
        """The folder itself."""
        yield self.folder

    def sizes(self, folder: str) -> dict[str, int]:
        """The bytes of all files below a folder, by their paths within it; sorted."""
        start = self.folder / folder
        files = {
            Path(place, file).relative_to(start).as_posix(): Path(place, file).stat().st_size
            for place, _, names in os.walk(start)
            for file in names
        }
        return dict(sorted(files.items()))

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return (self.folder / name).read_bytes()

    def write(self, name: str, text: str) -> None:
        """Writes a file, whole or not at all."""
        write_text(self.folder / name, text)

    def put(self, path: Path, name: str) -> None:
        """Copies a file into the folder, whole or not at all."""
        with replacing(self.folder / name) as temporary:
            shutil.copyfile(path, temporary)

    def get(self, name: str, path: Path) -> None:
        """Copies a file out of the folder."""
        shutil.copyfile(self.folder / name, path)

    def remove(self, name: str) -> None:
        """Removes a file, if it exists."""
        (self.folder / name).unlink(missing_ok=True)

    def move(self, source: str, target: str) -> None:
        """Gives a folder another name."""
        (self.folder / target).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / source).replace(self.folder / target)

    def publish(self, folder: Path, name: str) -> None:
        """Renames `folder`, which is whole, so that the store has all of it or nothing."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        old = folder.with_name(f"{folder.name}.old")
        if target.exists():
            target.replace(old)
        folder.replace(target)
        shutil.rmtree(old, ignore_errors=True)


@final
@dataclass(frozen=True)
class RemoteStore:
    """An address beyond this machine, such as a bucket. It cannot be locked.

    Attributes:
        address: a URL such as "s3://bucket/study" or "memory://study".
        files: the file system behind it.
        root: the path within that.
    """

    address: str
    files: fsspec.AbstractFileSystem = field(repr=False, compare=False)
    root: str = field(repr=False, compare=False)

    publishes_at_once: ClassVar[bool] = False
    """A folder that is being published has no record yet."""

    @property
    def scratch(self) -> Path:
        """A folder for this study in the user's cache."""
        return Path(pooch.os_cache("gnomon")) / "studies" / fingerprint(self.address)

    def everywhere(self) -> "RemoteStore":
        """Itself: a URL is the same everywhere."""
        return self

    @contextmanager
    def claimed(self) -> Generator[None, None, None]:
        """Locks nothing: an address cannot be locked."""
        yield

    @contextmanager
    def mirrored(self, name: str) -> Generator[Path, None, None]:
        """A temporary folder with that file; all files in it are uploaded at the end."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            self.get(name, folder / name)
            yield folder
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    self.put(file, file.relative_to(folder).as_posix())

    def sizes(self, folder: str) -> dict[str, int]:
        """The bytes of all files below a folder, by their paths within it; sorted."""
        start = self._at(folder)
        try:
            files = cast("Mapping[str, Mapping[str, int]]", self.files.find(start, detail=True))
        except FileNotFoundError:
            return {}
        return {path[len(start) + 1 :]: facts["size"] for path, facts in sorted(files.items())}

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return cast("bytes", self.files.cat_file(self._at(name)))

    def write(self, name: str, text: str) -> None:
        """Uploads a text."""
        self.files.pipe_file(self._at(name), text.encode())

    def put(self, path: Path, name: str) -> None:
        """Uploads a file."""
        self.files.put_file(str(path), self._at(name))

    def get(self, name: str, path: Path) -> None:
        """Downloads a file."""
        self.files.get_file(self._at(name), str(path))

    def remove(self, name: str) -> None:
        """Removes a file, if it exists."""
        if self.files.exists(self._at(name)):
            self.files.rm_file(self._at(name))

    def move(self, source: str, target: str) -> None:
        """Gives a folder another name."""
        self.files.makedirs(self._at(target.rpartition("/")[0]), exist_ok=True)
        self.files.mv(self._at(source), self._at(target), recursive=True)

    def publish(self, folder: Path, name: str) -> None:
        """Uploads the files of `folder`, its record after all others, and removes it."""
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        for path in sorted(paths, key=lambda path: path == folder / RECORD):
            self.put(path, f"{name}/{path.relative_to(folder).as_posix()}")
        shutil.rmtree(folder)

    def _at(self, name: str) -> str:
        return f"{self.root}/{name}"


FileStore = FolderStore | RemoteStore
"""A store for the files of one study, under names such as "trials/ID/trial.json"."""


def file_store(address: str) -> FileStore:
    """The store at a path or URL.

    Raises:
        FolderError: nothing reaches the address.
    """
    try:
        files, root = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:
        raise FolderError(
            f"{address}: expected a folder or a URL that fsspec knows, got: {error}. "
            "Correct it, or install what the message names."
        ) from error
    if isinstance(files, LocalFileSystem):
        return FolderStore(address, Path(root))
    return RemoteStore(address, files, root.rstrip("/"))


@contextmanager
def writing(address: str) -> Generator[None, None, None]:
    """Turns failures to write within the block into one clear error.

    Raises:
        FolderError: there was one.
    """
    try:
        yield
    except OSError as error:
        raise FolderError(
            f"{address}: expected to write there, got: {error}. Free space or allow "
            "writing, then start the same study again: finished trials are kept."
        ) from error


def _check_owner(folder: Path) -> None:
    """Refuses a folder that holds anything but a study.

    Raises:
        FolderError: it does.
    """
    names = sorted(item.name for item in folder.iterdir() if item.suffix != ".part")
    others = [name for name in names if name != _LOCK]
    if others and "study.toml" not in others:
        raise FolderError(
            f"{folder}: expected an empty folder or one of this study, got other files "
            f"({', '.join(others[:3])}). Choose another folder."
        )
