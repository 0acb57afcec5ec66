"""A data set as a value: three splits, their domain, their normalisation, their fingerprint."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from gnomon.data.store import Store
from gnomon.sets import Domain, InputSet

Fact = float | int | str
"""One figure that a data set states about itself."""


@dataclass(frozen=True)
class Split:
    """Examples and their labels.

    Attributes:
        inputs: float32, in the data's own units (images: [0, 1], channels × height × width).
        labels: int64, 0 … classes − 1.
    """

    inputs: Float[Tensor, " examples *shape"]
    labels: Int[Tensor, " examples"]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """What a network is trained and examined on.

    Attributes:
        name: the name the front ends know.
        title: the name for readers and figures, such as "CIFAR-10 (JPEG q75)".
        train: what gradients come from.
        validation: held out from the training data; decides early stopping.
        test: touched by audits alone.
        class_names: one per class, in the order of the labels.
        domain: the interval of every coordinate, or None for an unbounded space.
        mean: of the training inputs, one per channel (images) or per feature (vectors).
        std: their standard deviation, same length; a constant channel counts as 1.
        customary: the input sets an audit uses when none is asked for.
        facts: what the data set states about itself.
        references: keys of `references.bib`.
    """

    name: str
    title: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    domain: Domain
    mean: tuple[float, ...]
    std: tuple[float, ...]
    customary: tuple[InputSet, ...]
    facts: Mapping[str, Fact] = field(default_factory=dict)
    references: tuple[str, ...] = ()

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes of one example, (features,) or (channels, height, width)."""
        return tuple(self.train.inputs.shape[1:])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (first 16 hex digits) over shapes, inputs and labels of the three splits."""
        digest = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            for tensor in (split.inputs, split.labels):
                digest.update(f"{tuple(tensor.shape)}{tensor.dtype}".encode())
                digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


@runtime_checkable
class Source(Protocol):
    """A recipe for a data set: a frozen dataclass whose fields are the settings of `[data]`."""

    def __call__(self, seed: int, store: Store) -> Dataset:
        """Makes or reads the data; whatever is random in it depends on `seed` alone."""
        ...
