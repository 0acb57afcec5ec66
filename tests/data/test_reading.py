"""Data of a user's own in memory become a data set, or a clear error."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import (
    DataLoader,
    Dataset as TorchDataset,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from gnomon.data import Dataset, Split, read_dataset, read_split
from gnomon.errors import DataError, GnomonError, OutOfDomainError, SettingError, ShapeError
from gnomon.seeds import generator

COUNT = 40
IMAGES = torch.rand(COUNT, 1, 3, 3, generator=generator(0))
LABELS = torch.arange(COUNT) % 4
PAIRS = TensorDataset(IMAGES, LABELS)


class Stream(IterableDataset[tuple[Tensor, Tensor]]):
    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return iter([(image, label) for image, label in zip(IMAGES, LABELS, strict=True)])


class Augmented(TorchDataset[tuple[Tensor, Tensor]]):
    """Images with noise that torch draws anew each time."""

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        return IMAGES[place] + torch.rand(1), LABELS[place]


@pytest.mark.parametrize(
    "data",
    [
        (IMAGES, LABELS),
        [IMAGES.numpy(), LABELS.numpy()],
        (IMAGES.double().requires_grad_(), LABELS.int()),
        Split(IMAGES, LABELS),
        PAIRS,
        list(zip(IMAGES, LABELS.tolist(), strict=True)),
        DataLoader(PAIRS, batch_size=7),
        DataLoader(PAIRS, batch_size=7, shuffle=True, drop_last=True),
        DataLoader(PAIRS, batch_size=None),
        DataLoader(Stream(), batch_size=7),
        list(DataLoader(PAIRS, batch_size=7)),
    ],
    ids=["tensors", "arrays", "float64", "split", "torch", "pairs", "loader", "shuffled",
         "unbatched", "stream", "batches"],
)  # fmt: skip
def test_every_form_of_data_gives_all_examples_in_order(data: object) -> None:
    before = torch.random.get_rng_state()
    for split in (read_split(data), read_dataset(data).test):
        assert torch.equal(split.inputs, IMAGES)
        assert torch.equal(split.labels, LABELS)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_data_set_is_read_as_it_is() -> None:
    data = Dataset.of(IMAGES, LABELS)
    assert read_dataset(data) is data
    assert read_split(data) is data.train


def test_data_for_an_audit_are_all_test_examples_and_may_lack_classes() -> None:
    data = read_dataset((IMAGES, LABELS), classes=9)
    assert (len(data.train), len(data.validation), len(data.test)) == (0, 0, COUNT)
    assert data.classes == 9
    assert Dataset.of(IMAGES, LABELS, test=1).classes == 4


def test_what_is_not_given_is_derived() -> None:
    data = Dataset.of(IMAGES, LABELS)
    sizes = [len(split) for split in (data.train, data.validation, data.test)]
    assert sum(sizes) == COUNT
    assert sizes[2] == 8  # two of the ten examples of each of four classes
    assert data.domain == (0.0, 1.0)
    assert data.class_names == ("0", "1", "2", "3")
    assert data.mean == pytest.approx((float(data.train.inputs.mean()),))
    assert data.std == pytest.approx((float(data.train.inputs.std(correction=0)),))
    assert [str(each) for each in data.customary] == ["linf:0.02"]
    rows = {tuple(row.flatten().tolist()) for part in (data.train, data.validation, data.test)
            for row in part.inputs}  # fmt: skip
    assert len(rows) == COUNT  # no example stands in two splits


@pytest.mark.parametrize(
    ("inputs", "domain"),
    [
        (IMAGES, (0.0, 1.0)),
        (IMAGES - 0.5, None),
        (IMAGES.flatten(1), None),
        ((IMAGES * 255).byte(), (0.0, 1.0)),
        ((IMAGES * 255).byte().flatten(1), (0.0, 1.0)),
    ],
    ids=["unit images", "others", "vectors", "pixels", "pixel vectors"],
)
def test_the_domain_is_that_of_images(inputs: Tensor, domain: object) -> None:
    assert Dataset.of(inputs, LABELS).domain == domain
    assert Dataset.of(inputs, LABELS).train.inputs.dtype == torch.float32


def test_what_is_given_is_kept() -> None:
    held = (IMAGES[:8] / 2, LABELS[:8])
    data = Dataset.of(
        DataLoader(PAIRS),
        test=held,
        validation=held,
        domain=(-1.0, 2.0),
        class_names="abcd",
        name="mine",
    )
    assert torch.equal(data.test.inputs, held[0])
    assert torch.equal(data.validation.inputs, held[0])
    assert torch.equal(data.train.inputs, IMAGES)
    assert (data.domain, data.class_names, data.name) == ((-1.0, 2.0), tuple("abcd"), "mine")


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (IMAGES, DataError, r"expected \(inputs, labels\) .* got Tensor. Pass"),
        ({"x": IMAGES}, DataError, r"expected \(inputs, labels\) .* got dict"),
        (None, DataError, "got NoneType"),
        ((IMAGES, LABELS, LABELS), DataError, "expected"),
        ((IMAGES, LABELS[:-1]), ShapeError, "one label for each of the 40 inputs"),
        ((IMAGES[:0], LABELS[:0]), DataError, "got 0"),
        ([], DataError, "expected examples, got none"),
        ((IMAGES / 0, LABELS), DataError, "finite"),
        ((IMAGES, LABELS - 1), DataError, "integers from 0"),
        ((IMAGES, LABELS + 0.5), DataError, "integers from 0"),
        ((IMAGES.long(), LABELS), DataError, "uint8 .* or floating"),
        ((IMAGES[:, 0], LABELS), ShapeError, "vectors .* or images"),
        (Augmented(), DataError, "the same example whenever it is read"),
        (DataLoader(Augmented(), shuffle=True), DataError, "without augmentation"),
        (DataLoader(PAIRS, sampler=SubsetRandomSampler(range(9))), SettingError,
         "shows each example once, got one with the sampler SubsetRandomSampler"),
        (DataLoader(PAIRS, sampler=WeightedRandomSampler([1.0] * COUNT, COUNT)), SettingError,
         "WeightedRandomSampler"),
        (DataLoader(Stream(), batch_size=7, drop_last=True), SettingError, "drop_last=False"),
        ([(image[:, : 1 + place % 2], 0) for place, image in enumerate(IMAGES)], DataError,
         "tensors of one shape, got: stack expects"),
        (["a", "b"], DataError, r"expected \(inputs, labels\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(
    data: object, error: type[GnomonError], message: str
) -> None:
    with pytest.raises(error, match=message):
        read_split(data)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"test": 0.0}, SettingError, "test: expected a share .* between 0 and 1"),
        ({"validation": 1.5}, SettingError, "validation: expected a share"),
        ({"domain": (0.0, 0.5)}, OutOfDomainError, r"must lie in \[0, 0.5\], got"),
        ({"class_names": "ab"}, DataError, "integers from 0 to 1, got 2"),
        ({"class_names": "abcde"}, DataError, "none of class 4"),
        ({"test": (IMAGES.flatten(1), LABELS)}, ShapeError, "inputs of the shape"),
    ],
)
def test_settings_that_do_not_fit_the_examples_are_refused(
    settings: dict[str, Any], error: type[GnomonError], message: str
) -> None:
    with pytest.raises(error, match=message):
        Dataset.of(IMAGES, LABELS, **settings)


def test_a_subset_takes_the_place_of_a_sampler() -> None:
    split = read_split(DataLoader(Subset(PAIRS, range(9))))
    assert np.array_equal(split.labels.numpy(), LABELS[:9].numpy())
