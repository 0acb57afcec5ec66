"""Reads scikit-learn's handwritten digits: 1,797 grey images of 8 × 8 pixels."""

from dataclasses import dataclass
from typing import cast

import numpy as np

from gnomon.data.dataset import Dataset
from gnomon.data.examples import Examples
from gnomon.data.preparation import UNIT, Card, divide, prepare
from gnomon.data.splits import check_shares
from gnomon.data.store import Store
from gnomon.sets import L2, Linf

_LARGEST_PIXEL = 16


@dataclass(frozen=True)
class Digits:
    """Images of 1 × 8 × 8 pixels in [0, 1], ten classes; every seed has the same test split.

    Attributes:
        validation_share: share of the images outside the test split held out for validation.
        test_share: share of all images that forms the test split, in (0, 1).

    References:
        alpaydin1998.
    """

    validation_share: float = 0.1
    test_share: float = 0.2

    def __post_init__(self) -> None:
        check_shares(
            "Digits", validation_share=self.validation_share, test_share=self.test_share
        )

    def __call__(self, seed: int, store: Store) -> Dataset:
        """Reads the images that are installed with scikit-learn; the store is not used."""
        from sklearn.datasets import load_digits  # noqa: PLC0415  (takes two seconds)

        del store
        rows, labels = cast("tuple[np.ndarray, np.ndarray]", load_digits(return_X_y=True))
        images = rows.reshape(-1, 1, 8, 8) / _LARGEST_PIXEL
        examples = Examples(images, labels, "scikit-learn's digits")
        train, test = divide(examples, 10, self.test_share)
        card = Card(
            name="digits",
            title="Digits (8 × 8)",
            class_names=tuple("0123456789"),
            domain=UNIT,
            customary=(Linf(0.1, UNIT), L2(1.0, UNIT)),
            references=("alpaydin1998",),
        )
        return prepare(card, train, test, self.validation_share, seed)
