"""Reads data of a user's own in memory: tensors, arrays, pairs, or a loader of torch."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol, TypeGuard, cast, runtime_checkable

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    default_collate,
)

from gnomon.data.dataset import Dataset, Split
from gnomon.data.examples import Examples, class_names as numbered, joined
from gnomon.data.preparation import UNIT, Card, assemble, divide, examined, prepare, split_of
from gnomon.errors import DataError, SettingError
from gnomon.seeds import derive
from gnomon.sets import Domain


@runtime_checkable
class _Indexed(Protocol):
    """Examples with places, such as a list or a data set of torch."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> Any: ...  # noqa: ANN401 - an example of any form


Readable = object
"""A `Dataset`, a `Split`, (inputs, labels) as tensors or arrays, a sequence of examples or of
batches of them, or a `DataLoader`."""

_READ_TWICE = 8
"""Number of examples that are read twice, to see whether a loader's data change."""
_BATCH = 256
"""Number of examples that are read at a time where a loader does not say."""


def read_split(data: Readable, domain: Domain | Literal["derived"] = "derived") -> Split:
    """The examples of any readable data, checked; of a `Dataset`, those to train on.

    Raises:
        DataError: no examples, something else than (inputs, labels), or values and labels that
            are not finite numbers and whole ones.
        ShapeError: the numbers of inputs and labels differ.
        SettingError: a loader that leaves out examples or repeats them.
    """
    if isinstance(data, Split):
        return data
    if isinstance(data, Dataset):
        return data.train
    examples = read_examples(data, "training data")
    bounds = derived_domain(examples) if domain == "derived" else domain
    return split_of(examples, len(numbered(examples)), bounds)


def read_dataset(data: Readable, classes: int | None = None) -> Dataset:
    """A `Dataset` as it is; the examples of all other readable data as test examples.

    Args:
        data: see `Readable`.
        classes: the number of classes, which a few examples need not show.

    Raises:
        GnomonError: what `read_split` raises.
    """
    if isinstance(data, Dataset):
        return data
    names = None if classes is None else tuple(map(str, range(classes)))
    return make_dataset(read_examples(data, "data"), test=1.0, class_names=names)


def make_dataset(
    train: Examples,
    *,
    test: Readable = 0.2,
    validation: Readable = 0.1,
    domain: Domain | Literal["derived"] = "derived",
    class_names: Sequence[str] | None = None,
    name: str = "data",
) -> Dataset:
    """The data set of these examples; see `Dataset.of`."""
    bounds = derived_domain(train) if domain == "derived" else domain
    names = numbered(train) if class_names is None else tuple(class_names)
    card = Card(name=name, title=name, class_names=names, domain=bounds)
    if not isinstance(test, float | int):
        held = read_examples(test, "test")
    elif test == 1:
        return examined(card, train)
    else:
        train, held = divide(train, len(names), _share("test", test))
    if isinstance(validation, float | int):
        return prepare(card, train, held, _share("validation", validation), seed=0)
    return assemble(card, train, read_examples(validation, "validation"), held)


def read_examples(data: Readable, origin: str) -> Examples:
    """The inputs and labels of data in memory, not yet checked.

    Args:
        data: see `Readable`. A `DataLoader` is read from its first example to its last,
            whatever it shuffles or drops.
        origin: a name for messages.

    Raises:
        DataError: data other than (inputs, labels), or examples that change when they are
            read again, as augmented ones do.
        SettingError: a loader whose sampler leaves out examples or repeats them, or that drops
            examples that cannot be read otherwise.
    """
    if isinstance(data, Split):
        data = (data.inputs, data.labels)
    if isinstance(data, Examples):
        return data
    if isinstance(data, DataLoader):
        return _from_loader(cast("DataLoader[Any]", data), origin)
    if _is_pair(data):
        return _pair(data, origin)
    if isinstance(data, _Indexed) and not _is_array(data) and not isinstance(data, Mapping):
        return _from_sequence(data, origin)
    raise _unreadable(data, origin)


def derived_domain(examples: Examples) -> Domain:
    """The interval [0, 1] for images whose values lie in it; None, unbounded, for all else."""
    inputs = examples.inputs
    if inputs.dtype == np.uint8:
        return UNIT
    image = inputs.ndim == 4 and inputs.size > 0
    return UNIT if image and inputs.min() >= 0 and inputs.max() <= 1 else None


def _share(name: str, share: float) -> float:
    """The share as a number, once it is one in (0, 1)."""
    if not 0 < share < 1:
        raise SettingError(
            f"{name}: expected a share of the examples between 0 and 1, or (inputs, labels), "
            f"got {share}. Try 0.1."
        )
    return float(share)


def _is_array(value: object) -> TypeGuard[Tensor | np.ndarray]:
    return isinstance(value, Tensor | np.ndarray)


def _is_pair(value: object) -> TypeGuard[Sequence[Tensor | np.ndarray]]:
    """Tells whether a value is a tensor or array of inputs, and one of labels."""
    if not isinstance(value, tuple | list):
        return False
    parts = cast("Sequence[object]", value)
    return len(parts) == 2 and all(map(_is_array, parts))


def _pair(pair: object, origin: str) -> Examples:
    """The examples of a pair of tensors or arrays."""
    if not _is_pair(pair):
        raise _unreadable(pair, origin)
    inputs, labels = map(_array, pair)
    return Examples(inputs=inputs, labels=labels, origin=origin)


def _array(value: Tensor | np.ndarray) -> Shaped[np.ndarray, "..."]:
    if isinstance(value, np.ndarray):
        return value
    value = value.detach().cpu()
    return (value.float() if value.is_floating_point() else value).numpy()


def _from_loader(loader: "DataLoader[Any]", origin: str) -> Examples:
    """The examples of a loader in the order of its data."""
    data, sampler = cast("Any", loader.dataset), cast("Any", loader.sampler)
    if isinstance(data, IterableDataset):
        if loader.drop_last:
            raise SettingError(
                f"{origin}: expected a DataLoader of all examples, got one of a stream with "
                "drop_last=True, which loses the last ones. Make it with drop_last=False."
            )
        with _fixed_draws():
            return _joined(list(loader), origin)
    shuffles = isinstance(sampler, RandomSampler) and not sampler.replacement
    whole = shuffles and sampler.num_samples == len(data)
    usual = type(loader.batch_sampler) in {BatchSampler, type(None)}
    if not (usual and (whole or isinstance(sampler, SequentialSampler))):
        raise SettingError(
            f"{origin}: expected a DataLoader that shows each example once, got one with the "
            f"sampler {type(sampler).__name__}. Pass a Subset of the data without a sampler."
        )
    if loader.batch_size is None:
        return _from_sequence(data, origin)
    return _from_sequence(data, origin, loader.collate_fn, loader.batch_size)


def _from_sequence(
    data: _Indexed,
    origin: str,
    collate: Callable[[list[Any]], object] = default_collate,
    batch: int = _BATCH,
) -> Examples:
    """The examples of anything with a length and places, read in order."""
    if len(data) == 0:
        raise DataError(f"{origin}: expected examples, got none. Add some.")
    if _is_pair(first := data[0]) and first[1].ndim > 0:  # batches of examples
        return _joined([data[place] for place in range(len(data))], origin)

    def read(start: int, end: int) -> object:
        try:
            return collate([data[place] for place in range(start, min(end, len(data)))])
        except (TypeError, RuntimeError) as error:
            raise DataError(
                f"{origin}: expected examples that are tensors of one shape, got: {error}. "
                "Convert them, for example by a transform to tensors."
            ) from error

    with _fixed_draws():
        batches = [read(start, start + batch) for start in range(0, len(data), batch)]
        again = _pair(read(0, min(_READ_TWICE, batch)), origin)
    examples = _joined(batches, origin)
    if not np.array_equal(examples.inputs[: len(again)], again.inputs):
        raise DataError(
            f"{origin}: expected the same example whenever it is read, got another one the "
            "second time: its transforms draw at random. Pass the data without augmentation; "
            "augmentation=CropAndFlip() belongs to the training."
        )
    return examples


@contextmanager
def _fixed_draws() -> Generator[None, None, None]:
    """Lets torch draw the same numbers each time within the block, and as before after it."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(derive(0, "reading"))  # noqa: TID251 - transforms take no generator
        yield


def _joined(batches: Sequence[object], origin: str) -> Examples:
    if not batches:
        raise DataError(f"{origin}: expected examples, got none. Add some.")
    return joined([_pair(batch, origin) for batch in batches])


def _unreadable(data: object, origin: str) -> DataError:
    return DataError(
        f"{origin}: expected (inputs, labels) as tensors or arrays, a sequence of such pairs, "
        f"a DataLoader or a Dataset, got {type(data).__name__}. Pass (inputs, labels)."
    )
