"""Image data sets in Parquet, in the layout that is usual on the Hugging Face hub."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gnomon.data.dataset import Dataset
from gnomon.data.examples import Examples, class_names, joined
from gnomon.data.images import Pixels, cached, decode
from gnomon.data.preparation import UNIT, Card, divide, prepare
from gnomon.data.splits import check_shares
from gnomon.data.store import Store
from gnomon.errors import DataError, SettingError, nearest

_IMAGE_COLUMNS = ("image", "img")
_WORTH_KEEPING = 5000  # images; fewer are decoded in under a second


@dataclass(frozen=True)
class Columns:
    """How to read a table of images.

    Attributes:
        image: the column of image files: bytes, or {bytes, path}. None takes "image" or "img".
        label: the column of labels.
        size: height and width to resize to; None expects one size throughout.
    """

    image: str | None = None
    label: str = "label"
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class ParquetFile:
    """Images and labels from Parquet tables: image files as bytes, one row for each example.

    The path is a folder with train*.parquet and test*.parquet (there or in its folder data); or
    one file, which comes with `test_path` or is divided into training and test, the same for
    every seed. Names of the classes are taken from the table's description where the hub has
    put them there.

    Attributes:
        path: the folder, or the file of the training examples.
        test_path: the file of the test examples.
        image_column: the column of image files: bytes, or {bytes, path}. None takes "image" or
            "img".
        label_column: the column of labels, which number the classes from 0 on.
        size: height and width that images are resized to; None expects one size throughout.
        validation_share: of the training examples.
        test_share: of all examples, where they come undivided.
    """

    path: Path
    test_path: Path | None = None
    image_column: str | None = None
    label_column: str = "label"
    size: tuple[int, int] | None = None
    validation_share: float = 0.1
    test_share: float = 0.2
    suffix: ClassVar[str] = ".parquet"
    """The ending of the paths that it reads."""

    def __post_init__(self) -> None:
        check_shares(
            "ParquetFile", validation_share=self.validation_share, test_share=self.test_share
        )
        if self.size is not None and min(self.size) < 1:
            raise SettingError(f"ParquetFile: size must be positive, got {list(self.size)}.")

    def __call__(self, seed: int, store: Store) -> Dataset:
        """Reads the tables; decoded images are kept in the store's cache.

        Raises:
            DataError: a file is missing or damaged, lacks a column, or holds something
                malformed.
            ShapeError: images differ in size.
        """
        train_paths, test_paths = self._paths()
        columns = Columns(self.image_column, self.label_column, self.size)
        train = joined([read_images(path, columns, store) for path in train_paths])
        names = _names_of_classes(train_paths[0], self.label_column) or class_names(train)
        if test_paths:
            test = joined([read_images(path, columns, store) for path in test_paths])
        else:
            train, test = divide(train, len(names), self.test_share)
        card = Card(name=self.path.stem, title=self.path.name, class_names=names, domain=UNIT)
        return prepare(card, train, test, self.validation_share, seed)

    def _paths(self) -> tuple[list[Path], list[Path]]:
        if not self.path.is_dir():
            return [self.path], [] if self.test_path is None else [self.test_path]
        for folder in (self.path, self.path / "data"):
            train = sorted(folder.glob("train*.parquet"))
            test = sorted(folder.glob("test*.parquet"))
            if train:
                return train, test if self.test_path is None else [self.test_path]
        raise DataError(
            f"{self.path}: expected files train*.parquet there or in {self.path / 'data'}, got "
            "none. Give the path of one file."
        )


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
    """Each image file with a name for messages."""
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


def _names_of_classes(path: Path, label: str) -> tuple[str, ...] | None:
    """The names that the hub's description of the columns gives to the labels."""
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
