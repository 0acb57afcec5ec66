"""Reads a user's own images from folders that are named after the classes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from gnomon.data.dataset import Dataset
from gnomon.data.examples import Examples
from gnomon.data.preparation import UNIT, Card, divide, prepare
from gnomon.data.splits import check_shares
from gnomon.data.store import Store
from gnomon.errors import DataError, SettingError, nearest

_ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp"}
)


@dataclass(frozen=True)
class ImageFolder:
    """Images in train/<class>/ and test/<class>/, or in <class>/ to be divided.

    The division into training and test is the same for every seed. The classes are numbered in
    alphabetical order of their folders. Files without the ending of an image, and names that
    begin with a dot, are skipped. Without a folder test, the images in train are divided.

    Attributes:
        path: the folder that holds train (and test), or the folders of the classes.
        size: height and width that images are resized to; None expects one size throughout.
        validation_share: share of the training images held out for validation, in (0, 1).
        test_share: share of all images that becomes the test split, where they come undivided.
    """

    path: Path
    size: tuple[int, int] | None = None
    validation_share: float = 0.1
    test_share: float = 0.2
    suffix: ClassVar[str] = "/"
    """The ending that marks the paths this source reads as folders."""

    def __post_init__(self) -> None:
        check_shares(
            "ImageFolder", validation_share=self.validation_share, test_share=self.test_share
        )
        if self.size is not None and min(self.size) < 1:
            raise SettingError(f"ImageFolder: size must be positive, got {list(self.size)}.")

    def __call__(self, seed: int, store: Store) -> Dataset:
        """Reads the images; the store is not used.

        Raises:
            DataError: there are no folders of classes, one is empty, or an image is damaged.
            ShapeError: images differ in size.
        """
        del store
        root = self.path / "train" if (self.path / "train").is_dir() else self.path
        names = tuple(folder.name for folder in _folders(root))
        train = self._read(root, names)
        if root != self.path and (self.path / "test").is_dir():
            test = self._read(self.path / "test", names)
        else:
            train, test = divide(train, len(names), self.test_share)
        card = Card(name=self.path.stem, title=self.path.name, class_names=names, domain=UNIT)
        return prepare(card, train, test, self.validation_share, seed)

    def _read(self, root: Path, names: tuple[str, ...]) -> Examples:
        from gnomon.data.images import decode  # noqa: PLC0415 - loads Pillow

        files: list[Path] = []
        labels: list[int] = []
        for folder in _folders(root):
            if folder.name not in names:
                raise DataError(
                    f"{folder}: expected a class of the training "
                    f"images.{nearest(folder.name, names)}"
                )
            images = _images(folder)
            files += images
            labels += [names.index(folder.name)] * len(images)
        return Examples(
            decode(_contents(files), self.size), np.array(labels, np.int64), str(root)
        )


def _folders(root: Path) -> list[Path]:
    """The folders of the classes, in alphabetical order."""
    inside = root.iterdir() if root.is_dir() else iter(())
    folders = sorted(path for path in inside if path.is_dir() and not path.name.startswith("."))
    if not folders:
        raise DataError(
            f"{root}: expected a folder for each class, got none. Put the images in "
            "train/<class>/ and test/<class>/, or in <class>/."
        )
    return folders


def _images(folder: Path) -> list[Path]:
    images = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _ENDINGS and not path.name.startswith(".")
    )
    if not images:
        raise DataError(
            f"{folder}: expected images ({', '.join(sorted(_ENDINGS))}), got none. Add some, "
            "or remove the folder."
        )
    return images


def _contents(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in files:
        try:
            yield str(path), path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: expected a readable file, got: {error}.") from error
