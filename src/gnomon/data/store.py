"""Locates data files: in a folder, in the user's cache, or at the official address."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from gnomon.errors import DataError, SettingError
from gnomon.files import replacing


@dataclass(frozen=True)
class RemoteFile:
    """A file of a published data set.

    Attributes:
        name: name of the file, in the store and at its publisher.
        addresses: URLs to fetch it from, tried in turn; empty if nobody publishes it.
        checksum: the published digest, such as "md5:f68b3c2d…"; None if none is published.
    """

    name: str
    addresses: tuple[str, ...] = ()
    checksum: str | None = None


@dataclass(frozen=True)
class Store:
    """Finds data files, and verifies those that have a published checksum.

    Attributes:
        root: a folder that already holds data sets, one folder each; only read. None
            without such a folder.
        cache: the folder for downloads and decoded images; created when it is needed.
        download: whether files that are not on this machine may be fetched.
        progress: whether a download shows a progress bar on standard error.
        timeout: seconds without a byte after which a connection counts as lost.
    """

    root: Path | None
    cache: Path
    download: bool = True
    progress: bool = False
    timeout: float = 30.0

    def __post_init__(self) -> None:
        if self.root is not None and not self.root.is_dir():
            raise SettingError(
                f"Store: the folder of data sets must exist, got {self.root}. Correct "
                "GNOMON_DATA, or leave it unset."
            )

    @classmethod
    def default(cls, *, download: bool = True) -> "Store":
        """The user's store: GNOMON_DATA, then GNOMON_CACHE or the system's cache folder.

        Downloads show their progress where standard error is a terminal.
        """
        from pooch import os_cache  # noqa: PLC0415 - loads requests

        root = os.environ.get("GNOMON_DATA")
        cache = os.environ.get("GNOMON_CACHE")
        return cls(
            root=Path(root) if root else None,
            cache=Path(cache) if cache else Path(os_cache("gnomon")),
            download=download,
            progress=sys.stderr.isatty(),
        )

    def locate(self, folder: str, name: str) -> Path | None:
        """The unchecked path of a file on this machine; None if the file is absent."""
        paths = (place / name for place in self._places(folder))
        return next((path for path in paths if path.is_file()), None)

    def find(self, folder: str, file: RemoteFile) -> Path:
        """Returns the path of a file, and fetches the file first if it is absent.

        Args:
            folder: the data set's own folder in the store.
            file: the file to find.

        Raises:
            DataError: the file is absent and cannot be fetched, or it is not the published one.
        """
        path = self.locate(folder, file.name)
        if path is None:
            path = self.cache / folder / file.name
            self._fetch(file, path)
        elif file.checksum is not None:
            _verify(
                path,
                file.checksum,
                "Delete it, to have it fetched again, or put the original there.",
            )
        return path

    def _fetch(self, file: RemoteFile, path: Path) -> None:
        """Downloads `file` to `path`, whole or not at all, from the first that serves it."""
        places = " or ".join(map(str, self._places(path.parent.name)))
        if not file.addresses or not self.download:
            why = "downloads are switched off" if file.addresses else "it has no public address"
            raise DataError(
                f"{file.name}: expected it in {places}; it is not there, and {why}. "
                "Put the file there."
            )
        failures: list[str] = []
        for address in file.addresses:
            try:
                self._download(address, path, file.checksum)
            except (DataError, OSError, ValueError) as error:
                failures.append(f"{address}: {error}")
            else:
                return
        raise DataError(
            f"{file.name}: expected to fetch it, got {'; '.join(failures)}. Try again later, "
            f"or put the file in {places}."
        )

    def _download(self, address: str, path: Path, checksum: str | None) -> None:
        from pooch.downloaders import HTTPDownloader  # noqa: PLC0415 - loads requests

        # Servers that compress on the way would hand over another file than the published one.
        headers = {"Accept-Encoding": "identity"}
        fetch = HTTPDownloader(
            progressbar=self.progress, chunk_size=1 << 16, timeout=self.timeout, headers=headers
        )
        with replacing(path) as temporary:
            fetch(address, str(temporary), None)
            if checksum is not None:
                _verify(
                    temporary,
                    checksum,
                    "The publisher's file has changed, or was altered on its way.",
                )

    def _places(self, folder: str) -> list[Path]:
        """The folders in which a data set's files are sought, in this order."""
        return [place / folder for place in (self.root, self.cache) if place is not None]


def _verify(path: Path, checksum: str, remedy: str) -> None:
    """Compares a file with its published checksum, written "algorithm:digest"."""
    from pooch import file_hash  # noqa: PLC0415 - loads requests

    algorithm, expected = checksum.split(":")
    try:
        got = file_hash(str(path), alg=algorithm)
    except OSError as error:
        raise DataError(
            f"{path}: expected a readable file, got: {error}. Check its permissions."
        ) from error
    if got != expected:
        size = path.stat().st_size
        raise DataError(
            f"{path}: expected {algorithm} {expected}, got {got} ({size:,} bytes): the file is "
            f"truncated or altered. {remedy}"
        )
