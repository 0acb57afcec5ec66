"""Reads a user's own arrays from one `.npz` archive."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Shaped

from gnomon.data.dataset import Dataset
from gnomon.data.examples import Examples, channels_first, class_names
from gnomon.data.npz import read_npz
from gnomon.data.preparation import UNIT, Card, prepare
from gnomon.data.splits import check_shares
from gnomon.data.store import Store
from gnomon.errors import DataError, SettingError
from gnomon.sets import Domain

_REQUIRED = ("x_train", "y_train", "x_test", "y_test")
_GROUPS = "groups_train"


@dataclass(frozen=True)
class ArrayFile:
    """The arrays x_train, y_train, x_test, y_test of an `.npz` file; never unpickled.

    uint8 inputs are pixels p, which stand for p/255: images (examples × height × width, with or
    without channels last), or vectors. Floating inputs are taken as they are: vectors, images
    of one channel (examples × height × width), or of several (examples × channels × height ×
    width). Labels number the classes from 0 on. With an array groups_train of integers,
    examples of one number (one patient, one track) are kept together when the validation split
    is held out.

    Attributes:
        path: the `.npz` file.
        domain: the interval of every coordinate of floating inputs; None leaves them unbounded.
            Pixels lie in [0, 1].
        validation_share: share of the training examples held out for validation, in (0, 1).
    """

    path: Path
    domain: tuple[float, float] | None = None
    validation_share: float = 0.1
    suffix: ClassVar[str] = ".npz"
    """The ending of the paths that this source reads."""

    def __post_init__(self) -> None:
        check_shares("ArrayFile", validation_share=self.validation_share)
        if self.domain is not None and not self.domain[0] < self.domain[1]:
            raise SettingError(
                f"ArrayFile: domain must be an interval [low, high], got {list(self.domain)}. "
                "Put the lower end first."
            )

    def __call__(self, seed: int, store: Store) -> Dataset:
        """Reads the file; the store is not used.

        Raises:
            DataError: the file is missing, damaged, or lacks an array; or its content is
                malformed.
            ShapeError: lengths or shapes do not fit each other.
        """
        del store
        arrays = read_npz(self.path, _REQUIRED, (_GROUPS,))
        train, test = (self._examples(arrays, split) for split in ("train", "test"))
        card = Card(
            name=self.path.stem,
            title=self.path.name,
            class_names=class_names(train),
            domain=self._domain(train, test),
        )
        return prepare(card, train, test, self.validation_share, seed)

    def _examples(self, arrays: dict[str, np.ndarray], split: str) -> Examples:
        groups = arrays.get(_GROUPS) if split == "train" else None
        if groups is not None and not np.issubdtype(groups.dtype, np.integer):
            raise DataError(
                f"{self.path}, {_GROUPS}: expected integers, got {groups.dtype}. "
                "Number the groups."
            )
        return Examples(
            inputs=_axes_in_order(arrays[f"x_{split}"]),
            labels=arrays[f"y_{split}"],
            origin=f"{self.path}, x_{split} and y_{split}",
            groups=groups,
        )

    def _domain(self, train: Examples, test: Examples) -> Domain:
        pixels = [part.inputs.dtype == np.uint8 for part in (train, test)]
        if pixels[0] != pixels[1]:
            raise DataError(
                f"{self.path}: expected x_train and x_test of one kind, got "
                f"{train.inputs.dtype} and {test.inputs.dtype}. Use uint8 pixels, or floating "
                "numbers, for both."
            )
        return UNIT if pixels[0] else self.domain


def _axes_in_order(inputs: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    pixels = inputs.dtype == np.uint8
    return (
        channels_first(inputs) if inputs.ndim == 3 or (inputs.ndim == 4 and pixels) else inputs
    )
