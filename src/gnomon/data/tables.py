"""Reads tables of images from Parquet files, one row for each example."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gnomon.data.examples import Examples
from gnomon.data.images import Pixels, cached, decode
from gnomon.data.store import Store
from gnomon.errors import DataError, nearest

_IMAGE_COLUMNS = ("image", "img")
_WORTH_KEEPING = 5000  # images; fewer are decoded in under a second


@dataclass(frozen=True)
class Columns:
    """The columns of a table of images, and the size to read the images in.

    Attributes:
        image: the column of image files: bytes, or {bytes, path}. None takes "image" or "img".
        label: the column of labels.
        size: height and width to resize to; None expects one size throughout.
    """

    image: str | None = None
    label: str = "label"
    size: tuple[int, int] | None = None


def read_images(path: Path, columns: Columns, store: Store) -> Examples:
    """The examples of one table; many images, once decoded, are kept in the store's cache.

    Raises:
        DataError: the file is missing or damaged, or lacks a column, or an image is damaged.
        ShapeError: images differ in size.
    """
    table = _table(path)
    image = columns.image or next(
        (name for name in _IMAGE_COLUMNS if name in table.column_names), _IMAGE_COLUMNS[0]
    )
    for name in (image, columns.label):
        if name not in table.column_names:
            raise DataError(
                f"{path}: expected a column {name}.{nearest(name, table.column_names)}"
            )

    def pixels() -> Pixels:
        return decode(_files(path, table.column(image)), columns.size)

    labels = np.asarray(table.column(columns.label).to_numpy())
    if table.num_rows >= _WORTH_KEEPING:
        size = "x".join(map(str, columns.size or ("as", "is")))
        kept = store.cache / "decoded" / f"{_checksum(path)}-{image}-{size}.npy"
        return Examples(cached(kept, table.num_rows, pixels), labels, str(path))
    return Examples(pixels(), labels, str(path))


def _table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected a file, got none. Check the path.") from error
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"{path}: expected a whole Parquet file, got: {error}. Fetch it again."
        ) from error


def _files(path: Path, column: pa.ChunkedArray) -> Iterator[tuple[str, bytes]]:
    """Yields each image file with a name for messages."""
    if pa.types.is_struct(column.type):
        names = [column.type.field(i).name for i in range(column.type.num_fields)]
        if "bytes" not in names:
            raise DataError(f"{path}: expected images as {{bytes, path}}, got {column.type}.")
        column = pa.chunked_array([chunk.field("bytes") for chunk in column.chunks])
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        raise DataError(
            f"{path}: expected a column of image files, got {column.type}. Name another."
        )
    for index, content in enumerate(column):
        if not content.is_valid:
            raise DataError(
                f"{path}, image {index}: expected its bytes, got none. Remove that row."
            )
        yield f"{path}, image {index}", content.as_py()


def names_of_classes(path: Path, label: str) -> tuple[str, ...] | None:
    """The names of the classes in the hub's description of a table; None if it has none."""
    metadata: Mapping[bytes, bytes] = pq.read_schema(path).metadata or {}
    try:
        description: Any = json.loads(metadata.get(b"huggingface", b"{}"))
        names = description["info"]["features"][label]["names"]
    except (ValueError, KeyError, TypeError):
        return None
    return tuple(map(str, names))


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
