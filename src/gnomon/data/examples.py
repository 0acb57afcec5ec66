"""Holds examples as they were read, and checks them in one place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int, Integer, Shaped

from gnomon.errors import DataError, OutOfDomainError, ShapeError
from gnomon.sets import Domain

_EXAMPLES_AT_A_TIME = 4096


@dataclass(frozen=True)
class Examples:
    """Inputs and labels as read, with the name of the file they came from.

    Attributes:
        inputs: uint8 (a pixel p stands for p/255) or floating; images are channels × height ×
            width.
        labels: one per input, from 0 to classes − 1 once checked.
        origin: the file or folder, named in messages.
        groups: examples with the same number must not be split; None where each stands alone.
    """

    inputs: Shaped[np.ndarray, " _ *shape"]
    labels: Shaped[np.ndarray, "..."]
    origin: str
    groups: Integer[np.ndarray, " _"] | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, indices: Int[np.ndarray, " _"]) -> "Examples":
        """The examples with the given indices, in that order."""
        groups = None if self.groups is None else self.groups[indices]
        return replace(
            self, inputs=self.inputs[indices], labels=self.labels[indices], groups=groups
        )


def channels_first(
    images: Shaped[np.ndarray, " examples height width *channels"],
) -> Shaped[np.ndarray, " examples channels height width"]:
    """Images × channels × height × width; grey images get one channel."""
    if images.ndim == 3:
        return images[:, None]
    return np.ascontiguousarray(np.moveaxis(images, -1, 1))


def joined(parts: Sequence[Examples]) -> Examples:
    """The examples of all parts, one after the other; they are named after the first.

    Raises:
        ShapeError: the parts differ in the shape of their inputs.
    """
    shape = parts[0].inputs.shape[1:]
    for part in parts:
        if part.inputs.shape[1:] != shape:
            raise ShapeError(
                f"{part.origin}: expected inputs of the shape {shape} as in {parts[0].origin}, "
                f"got {part.inputs.shape[1:]}. Bring both to one shape."
            )
    if len(parts) == 1:
        return parts[0]
    return Examples(
        inputs=np.concatenate([part.inputs for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        origin=parts[0].origin,
    )


def class_names(train: Examples) -> tuple[str, ...]:
    """The numbers 0 … largest label as text, the names of classes without other names.

    Raises:
        DataError: labels are no numbers, or larger than a numbering from 0 on would give.
    """
    labels = train.labels
    if labels.size == 0 or labels.dtype.kind not in "iuf":
        raise DataError(
            f"{train.origin}: labels must be integers, got {labels.size} of the type "
            f"{labels.dtype}. Number the classes from 0 on."
        )
    largest = float(np.fmax.reduce(labels, axis=None))
    if not 0 <= largest < labels.size:
        index = int(np.argmax(labels == largest))
        raise DataError(
            f"{train.origin}: labels must number the classes from 0 on, got {largest:g} at "
            f"index {index} among {labels.size} examples. Renumber them."
        )
    return tuple(str(number) for number in range(int(largest) + 1))


def check(examples: Examples, classes: int, domain: Domain) -> Examples:
    """Returns the examples with labels as int64, or raises if they are malformed.

    Raises:
        DataError: there are none, a value is NaN or infinite, or a label is not one of 0 …
            classes − 1.
        OutOfDomainError: a value lies outside the domain.
        ShapeError: the lengths differ, or an input is neither a vector nor an image.
    """
    shape = examples.inputs.shape
    if len(examples) == 0:
        raise DataError(
            f"{examples.origin}: expected examples, got none. Add some, or change the shares."
        )
    if len(shape) not in {2, 4} or 0 in shape:
        raise ShapeError(
            f"{examples.origin}: inputs must be vectors (examples × features) or images "
            f"(examples × channels × height × width), got the shape {shape}. Reshape them."
        )
    if examples.labels.shape != shape[:1]:
        raise ShapeError(
            f"{examples.origin}: expected one label for each of the {len(examples)} inputs, "
            f"got labels of the shape {examples.labels.shape}. Remove what has no partner."
        )
    _check_values(examples, domain)
    return replace(examples, labels=_integers(examples, classes))


def check_classes(examples: Examples, names: tuple[str, ...]) -> None:
    """Makes sure that every class can be learnt.

    Raises:
        DataError: a class has no example, or there is one class only.
    """
    if len(names) < 2:
        raise DataError(
            f"{examples.origin}: expected two classes at least, got {len(names)}. Number the "
            "classes from 0 on, or add examples of another."
        )
    present = np.bincount(examples.labels, minlength=len(names)) > 0
    if not present.all():
        missing = int(np.argmin(present))
        raise DataError(
            f"{examples.origin}: expected training examples of all {len(names)} classes, got "
            f"none of class {missing} ({names[missing]}). Add some, or number the classes from "
            "0 on."
        )


def _check_values(examples: Examples, domain: Domain) -> None:
    inputs = examples.inputs
    if inputs.dtype == np.uint8:  # Pixels are finite and in [0, 1] by their type.
        return
    if not np.issubdtype(inputs.dtype, np.floating):
        raise DataError(
            f"{examples.origin}: inputs must be uint8 (pixels, 0 … 255) or floating, got "
            f"{inputs.dtype}. Convert them."
        )
    low, high = domain or (-np.finfo(np.float32).max, np.finfo(np.float32).max)
    for start in range(0, len(inputs), _EXAMPLES_AT_A_TIME):
        piece = inputs[start : start + _EXAMPLES_AT_A_TIME].reshape(-1)
        bad = ~((piece >= low) & (piece <= high))  # A NaN compares as False, and so is bad.
        if bad.any():
            place = int(np.argmax(bad))
            index = start + place // (inputs[0].size)
            _reject(examples.origin, index, float(piece[place]), domain)


def _reject(origin: str, index: int, value: float, domain: Domain) -> None:
    if domain is None or not np.isfinite(value):
        raise DataError(
            f"{origin}: inputs must be finite float32 numbers, got {value} at index {index}. "
            "Remove or mend that example."
        )
    raise OutOfDomainError(
        f"{origin}: inputs must lie in [{domain[0]:g}, {domain[1]:g}], got {value:g} at index "
        f"{index}. Rescale the data, or state another domain."
    )


def _integers(examples: Examples, classes: int) -> Int[np.ndarray, " _"]:
    labels = examples.labels
    if not (
        np.issubdtype(labels.dtype, np.integer) or np.issubdtype(labels.dtype, np.floating)
    ):
        raise DataError(
            f"{examples.origin}: labels must be integers, got {labels.dtype}. Number the "
            "classes from 0 on."
        )
    bad = ~((labels >= 0) & (labels < classes) & (labels == np.floor(labels)))
    if bad.any():
        index = int(np.argmax(bad))
        raise DataError(
            f"{examples.origin}: labels must be integers from 0 to {classes - 1}, got "
            f"{labels[index]} at index {index}. Number the classes from 0 on."
        )
    return labels.astype(np.int64)
