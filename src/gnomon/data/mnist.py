"""Reads MNIST: 60,000 + 10,000 grey images of handwritten digits, 28 × 28 pixels."""

import gzip
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from gnomon.data.dataset import Dataset
from gnomon.data.examples import Examples
from gnomon.data.preparation import UNIT, Card, prepare
from gnomon.data.splits import check_shares
from gnomon.data.store import RemoteFile, Store
from gnomon.errors import DataError
from gnomon.sets import L2, Linf

_FOLDER = "mnist"
_ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist/"  # The mirror that torchvision uses.
_CHECKSUMS = {
    "train-images-idx3-ubyte.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
}
_UNSIGNED_BYTES = 8  # idx's code for the type of the entries


@dataclass(frozen=True)
class MNIST:
    """Images of 1 × 28 × 28 pixels in [0, 1], ten classes.

    Attributes:
        validation_share: share of the 60,000 training images held out for validation.

    References:
        lecun1998.
    """

    validation_share: float = 0.1

    def __post_init__(self) -> None:
        check_shares("MNIST", validation_share=self.validation_share)

    def __call__(self, seed: int, store: Store) -> Dataset:
        """Reads the four files.

        Raises:
            DataError: a file is missing and cannot be fetched, or is not the published one.
        """
        card = Card(
            name="mnist",
            title="MNIST",
            class_names=tuple("0123456789"),
            domain=UNIT,
            customary=(Linf(0.1, UNIT), L2(1.0, UNIT)),
            references=("lecun1998",),
        )
        train, test = _read_split(store, "train"), _read_split(store, "t10k")
        return prepare(card, train, test, self.validation_share, seed)


def read_idx(path: Path) -> UInt8[np.ndarray, "..."]:
    """The array in a gzipped idx file of unsigned bytes.

    The file begins with two zero bytes, the type of the entries, the number of axes, and the
    length of each axis as a big-endian 32-bit integer; the entries follow, the last axis
    running fastest.

    Raises:
        DataError: the file is truncated, or not such a file.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: expected a whole gzip file, got: {error}. Fetch it again."
        ) from error
    axes = content[3] if len(content) > 3 else 0
    start = 4 + 4 * axes
    if content[:3] != bytes([0, 0, _UNSIGNED_BYTES]) or len(content) < start:
        raise DataError(
            f"{path}: expected an idx file of unsigned bytes, got another. Fetch it again."
        )
    shape = tuple(int(length) for length in np.frombuffer(content, ">u4", count=axes, offset=4))
    if len(content) != start + math.prod(shape):
        raise DataError(
            f"{path}: expected {math.prod(shape)} entries, got {len(content) - start}. "
            "Fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _read_split(store: Store, split: str) -> Examples:
    images, labels = (
        store.find(_FOLDER, RemoteFile(name, (_ADDRESS + name,), _CHECKSUMS[name]))
        for name in (f"{split}-images-idx3-ubyte.gz", f"{split}-labels-idx1-ubyte.gz")
    )
    return Examples(read_idx(images)[:, None], read_idx(labels), str(images))
