"""Reads NumPy's `.npz` archives without ever unpickling."""

import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from gnomon.errors import DataError, nearest


def read_npz(
    path: Path, required: Iterable[str], optional: Iterable[str] = ()
) -> dict[str, np.ndarray]:
    """The named arrays of an archive; an optional one that is absent is left out.

    Raises:
        DataError: the file is missing, truncated, no such archive, holds Python objects, or
            lacks an array.
    """
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, NpzFile):
                raise DataError(
                    f"{path}: expected an .npz archive, got one array. Use numpy.savez."
                )
            return _read(path, archive, tuple(required), tuple(optional))
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected a file, got none. Check the path.") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path}: expected an .npz archive of plain arrays, got: {error}. Write it again."
        ) from error


def _read(
    path: Path, archive: NpzFile, required: tuple[str, ...], optional: tuple[str, ...]
) -> dict[str, np.ndarray]:
    names = list(archive.keys())
    for name in required:
        if name not in names:
            raise DataError(f"{path}: expected an array {name}.{nearest(name, names)}")
    return {name: archive[name] for name in (*required, *optional) if name in names}
