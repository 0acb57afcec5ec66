"""A data set as a value: three splits, their domain, their normalisation, their fingerprint."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from gnomon.data.store import Store
from gnomon.sets import Domain, InputSet

Fact = float | int | str
"""A figure that a data set states about itself."""


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
    """The data that a network is trained and examined on.

    Attributes:
        name: the name in configurations and on the command line.
        title: the name for readers and figures, such as "CIFAR-10 (JPEG q75)".
        train: the examples from which gradients are computed.
        validation: examples held out from the training data; they decide early stopping.
        test: examples that only audits use.
        class_names: one name per class, in the order of the labels.
        domain: the interval of every coordinate, or None for an unbounded space.
        mean: means of the training inputs, one per channel (images) or feature (vectors).
        std: their standard deviations, same length; 1 for a constant channel.
        customary: the input sets that an audit uses by default.
        facts: figures that the data set states about itself, by name.
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

    @classmethod
    def of(
        cls,
        inputs: object,
        labels: object = None,
        *,
        test: object = 0.2,
        validation: object = 0.1,
        domain: Domain | Literal["derived"] = "derived",
        class_names: Sequence[str] | None = None,
        name: str = "data",
    ) -> "Dataset":
        """The data set of a user's own examples; arguments left out are derived from them.

        Args:
            inputs: tensor or array, examples × features or examples × channels × height ×
                width; uint8 pixels p stand for p/255. Without labels, anything that holds both,
                such as a `DataLoader`.
            labels: one whole number for each input; classes are numbered from 0 on.
            test: (inputs, labels) of the test examples, or the share that is held out, the same
                whatever the seed; 1 makes all of them test examples, for an audit.
            validation: likewise, of the examples that are left to train on.
            domain: the interval of every coordinate, None for an unbounded space. It is derived
                as (0, 1) for images whose values lie there, and as None for all else.
            class_names: one per class; the numbers by default.
            name: the name in reports.

        Raises:
            DataError: values that are not finite, labels that do not number the classes, or
                another kind of data.
            OutOfDomainError: values outside the domain.
            ShapeError: inputs that are neither vectors nor images, or labels of another number.
            SettingError: a share outside (0, 1).

        >>> inputs = torch.arange(60.0).reshape(30, 2)
        >>> data = gn.Dataset.of(inputs, torch.arange(30) % 3)
        >>> len(data.train), len(data.validation), len(data.test), data.class_names
        (21, 3, 6, ('0', '1', '2'))
        """
        from gnomon.data.reading import make_dataset, read_examples  # noqa: PLC0415 - on this

        examples = read_examples(inputs if labels is None else (inputs, labels), name)
        return make_dataset(
            examples,
            test=test,
            validation=validation,
            domain=domain,
            class_names=class_names,
            name=name,
        )

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
        """Makes or reads the data; all randomness in it depends on `seed` alone."""
        ...
