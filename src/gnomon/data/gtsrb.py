"""Reads GTSRB: German traffic signs, 43 classes, colour images of 32 × 32 pixels."""

from dataclasses import dataclass

import numpy as np

from gnomon.data.dataset import Dataset
from gnomon.data.examples import Examples, channels_first
from gnomon.data.npz import read_npz
from gnomon.data.preparation import UNIT, Card, prepare
from gnomon.data.splits import check_shares
from gnomon.data.store import RemoteFile, Store
from gnomon.errors import DataError
from gnomon.sets import L2, Linf

_FOLDER = "gtsrb32"
_FILE = RemoteFile("gtsrb32_10k3k.npz")  # A selection that nobody publishes under an address.

SIGNS = (
    "Speed limit (20 km/h)",
    "Speed limit (30 km/h)",
    "Speed limit (50 km/h)",
    "Speed limit (60 km/h)",
    "Speed limit (70 km/h)",
    "Speed limit (80 km/h)",
    "End of speed limit (80 km/h)",
    "Speed limit (100 km/h)",
    "Speed limit (120 km/h)",
    "No passing",
    "No passing for vehicles over 3.5 t",
    "Right of way at the next intersection",
    "Priority road",
    "Yield",
    "Stop",
    "No vehicles",
    "No vehicles over 3.5 t",
    "No entry",
    "General caution",
    "Dangerous curve to the left",
    "Dangerous curve to the right",
    "Double curve",
    "Bumpy road",
    "Slippery road",
    "Road narrows on the right",
    "Road work",
    "Traffic signals",
    "Pedestrians",
    "Children crossing",
    "Bicycles crossing",
    "Beware of ice or snow",
    "Wild animals crossing",
    "End of all speed and passing limits",
    "Turn right ahead",
    "Turn left ahead",
    "Ahead only",
    "Go straight or right",
    "Go straight or left",
    "Keep right",
    "Keep left",
    "Roundabout mandatory",
    "End of no passing",
    "End of no passing for vehicles over 3.5 t",
)
"""The names of the benchmark's 43 classes, in the order of its class numbers."""


@dataclass(frozen=True)
class GTSRB:
    """Images of 3 × 32 × 32 pixels in [0, 1], 43 classes: a selection from the benchmark.

    The file holds x_train, y_train, x_test, y_test (uint8, channels last) and track_train: the
    30 photographs of one sign, taken in one passage, share a class and a track. They are nearly
    equal, so the validation split takes whole tracks.

    Attributes:
        validation_share: share of the training images held out for validation, in (0, 1).

    References:
        stallkamp2012.
    """

    validation_share: float = 0.1

    def __post_init__(self) -> None:
        check_shares("GTSRB", validation_share=self.validation_share)

    def __call__(self, seed: int, store: Store) -> Dataset:
        """Reads the file.

        Raises:
            DataError: the file is missing, damaged, or not as described.
        """
        path = store.find(_FOLDER, _FILE)
        arrays = read_npz(path, ("x_train", "y_train", "x_test", "y_test", "track_train"))
        for name in ("x_train", "x_test"):
            if arrays[name].ndim != 4 or arrays[name].dtype != np.uint8:
                raise DataError(
                    f"{path}, {name}: expected uint8 images (examples × height × width × "
                    f"channels), got {arrays[name].dtype} of the shape {arrays[name].shape}. "
                    "Fetch the file again."
                )
        train, test = (
            Examples(
                channels_first(arrays[f"x_{split}"]), arrays[f"y_{split}"], f"{path}, {split}"
            )
            for split in ("train", "test")
        )
        train = Examples(train.inputs, train.labels, train.origin, _tracks(arrays))
        card = Card(
            name="gtsrb",
            title="GTSRB (32 × 32, 10,000 + 3,000)",
            class_names=SIGNS,
            domain=UNIT,
            customary=(Linf(2 / 255, UNIT), L2(0.25, UNIT)),
            references=("stallkamp2012",),
        )
        return prepare(card, train, test, self.validation_share, seed)


def _tracks(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """A number for each (class, track): tracks are numbered anew in every class."""
    tracks = arrays["track_train"].astype(np.int64)
    return arrays["y_train"].astype(np.int64) * (tracks.max(initial=0) + 1) + tracks
