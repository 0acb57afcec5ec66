"""Reads image data sets from Parquet files in the layout of the Hugging Face hub."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from gnomon.data.dataset import Dataset
from gnomon.data.examples import class_names, joined
from gnomon.data.preparation import UNIT, Card, divide, prepare
from gnomon.data.splits import check_shares
from gnomon.data.store import Store
from gnomon.errors import DataError, SettingError


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
        validation_share: share of the training examples held out for validation, in (0, 1).
        test_share: share of all examples that becomes the test split, where they come
            undivided.
    """

    path: Path
    test_path: Path | None = None
    image_column: str | None = None
    label_column: str = "label"
    size: tuple[int, int] | None = None
    validation_share: float = 0.1
    test_share: float = 0.2
    suffix: ClassVar[str] = ".parquet"
    """The ending of the paths that this source reads."""

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
        from gnomon.data import tables  # noqa: PLC0415 - loads Arrow

        train_paths, test_paths = self._paths()
        columns = tables.Columns(self.image_column, self.label_column, self.size)
        train = joined([tables.read_images(path, columns, store) for path in train_paths])
        names = tables.names_of_classes(train_paths[0], self.label_column) or class_names(train)
        if test_paths:
            test = joined([tables.read_images(path, columns, store) for path in test_paths])
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
