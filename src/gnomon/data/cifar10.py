"""CIFAR-10: 50,000 + 10,000 colour images of 32 × 32 pixels."""

import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from gnomon.data.dataset import Dataset
from gnomon.data.examples import Examples, joined
from gnomon.data.preparation import UNIT, Card, prepare
from gnomon.data.splits import check_shares, hold_out
from gnomon.data.store import RemoteFile, Store
from gnomon.errors import DataError, SettingError
from gnomon.seeds import generator
from gnomon.sets import L2, Linf

_ORIGINAL_FOLDER = "cifar10"
_ORIGINAL = RemoteFile(
    "cifar-10-binary.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    "md5:c32a1d4ab5d03f1284b67883e8d87530",
)
_TRAIN_BATCHES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST_BATCHES = ("test_batch.bin",)
_PIXELS = 3 * 32 * 32

_JPEG_FOLDER = "cifar10_jpeg75"
_JPEG_TRAIN, _JPEG_TEST = RemoteFile("train.parquet"), RemoteFile("test.parquet")

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
"""The names of the ten classes, in the order of their labels."""


@dataclass(frozen=True)
class CIFAR10:
    """Images of 3 × 32 × 32 pixels in [0, 1], ten classes.

    Attributes:
        version: "original" is the official archive (its binary form, not the pickled one);
            "jpeg75" is a copy in Parquet, re-encoded as JPEG of quality 75, and its results
            must be called so; "auto" takes the version on this machine, the original first, or
            fetches the original.
        validation_share: share of the training images held out for validation, in (0, 1).
        train_share: share of the 50,000 training images that is used, for trials of minutes;
            drawn by class with the seed. The title states a share below 1.

    References:
        krizhevsky2009.
    """

    version: Literal["auto", "original", "jpeg75"] = "auto"
    validation_share: float = 0.1
    train_share: float = 1.0

    def __post_init__(self) -> None:
        check_shares("CIFAR10", validation_share=self.validation_share)
        if not 0 < self.train_share <= 1:
            raise SettingError(
                f"CIFAR10: train_share must lie in (0, 1], got {self.train_share}. Use 1 for "
                "all images."
            )

    def __call__(self, seed: int, store: Store) -> Dataset:
        """Reads the data; decoded JPEG images are kept in the store's cache.

        Raises:
            DataError: a file is missing and cannot be fetched, or is not the published one.
        """
        jpeg = self.version == "jpeg75" or (self.version == "auto" and _has_only_jpeg(store))
        train, test = _read_jpeg(store) if jpeg else _read_original(store)
        title = "CIFAR-10 (JPEG q75)" if jpeg else "CIFAR-10"
        if self.train_share < 1:
            order = generator(seed, "data", "train share")
            train = train.take(hold_out(train.labels, self.train_share, order)[1])
            title = f"{title}, {len(train):,} of its training images"
        card = Card(
            name="cifar10",
            title=title,
            class_names=CLASSES,
            domain=UNIT,
            customary=(Linf(2 / 255, UNIT), L2(0.25, UNIT)),
            references=("krizhevsky2009",),
        )
        return prepare(card, train, test, self.validation_share, seed)


def _has_only_jpeg(store: Store) -> bool:
    original = store.locate(_ORIGINAL_FOLDER, _ORIGINAL.name)
    return original is None and store.locate(_JPEG_FOLDER, _JPEG_TRAIN.name) is not None


def _read_jpeg(store: Store) -> tuple[Examples, Examples]:
    train, test = (store.find(_JPEG_FOLDER, file) for file in (_JPEG_TRAIN, _JPEG_TEST))
    from gnomon.data.tables import Columns, read_images  # noqa: PLC0415 - loads Arrow

    return read_images(train, Columns(), store), read_images(test, Columns(), store)


def _read_original(store: Store) -> tuple[Examples, Examples]:
    path = store.find(_ORIGINAL_FOLDER, _ORIGINAL)
    batches = read_batches(path)
    missing = [name for name in (*_TRAIN_BATCHES, *_TEST_BATCHES) if name not in batches]
    if missing:
        raise DataError(
            f"{path}: expected {missing[0]} in the archive, got none. Fetch it again."
        )
    train = joined([batches[name] for name in _TRAIN_BATCHES])
    return train, joined([batches[name] for name in _TEST_BATCHES])


def read_batches(path: Path) -> dict[str, Examples]:
    """The examples of each .bin file in the archive; nothing is unpacked to the disk.

    A record is one byte for the label and 3,072 for the pixels, channels × height × width.

    Raises:
        DataError: the archive is truncated, or a file does not consist of whole records.
    """
    batches: dict[str, Examples] = {}
    try:
        with tarfile.open(path, mode="r|gz") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(".bin") else None
                if content is not None:
                    name = Path(member.name).name
                    batches[name] = _records(content.read(), f"{path}, {name}")
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: expected a whole archive, got: {error}. Fetch it again."
        ) from error
    return batches


def _records(content: bytes, origin: str) -> Examples:
    if not content or len(content) % (1 + _PIXELS):
        raise DataError(
            f"{origin}: expected records of {1 + _PIXELS} bytes, got {len(content)} bytes in "
            "all. Fetch it again."
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + _PIXELS)
    return Examples(records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0], origin)
