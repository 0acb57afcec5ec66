"""Turns examples as read into a data set: checks, splits, units, normalisation."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from gnomon.data.dataset import Dataset, Fact, Split
from gnomon.data.examples import Examples, check, check_classes
from gnomon.data.splits import hold_out, hold_out_test
from gnomon.errors import ShapeError
from gnomon.seeds import generator
from gnomon.sets import Domain, InputSet, Linf

UNIT: Domain = (0.0, 1.0)
"""The interval in which every pixel lies."""

_CUSTOMARY_SHARE = 0.02
"""Default radius for unknown data, as a share of the domain's width or, without a domain, of
the largest standard deviation."""


@dataclass(frozen=True)
class Card:
    """The statements of a data set about itself that need no examples.

    The attributes are those of `Dataset`; without `customary`, there is one set, L∞ of 2 % of
    the domain's width, or of the largest standard deviation where the space is unbounded.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    domain: Domain
    customary: tuple[InputSet, ...] | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)
    references: tuple[str, ...] = ()


def prepare(
    card: Card, train: Examples, test: Examples, validation_share: float, seed: int
) -> Dataset:
    """The data set of these examples, with a stratified validation split held out from `train`.

    Raises:
        DataError: as `gnomon.data.examples.check`, or training lacks a class.
        ShapeError: inputs are malformed, or those of training and test differ in shape.
    """
    train = check(train, len(card.class_names), card.domain)
    kept, held = hold_out(
        train.labels, validation_share, generator(seed, "data", "validation"), train.groups
    )
    return assemble(card, train.take(kept), train.take(held), test)


def divide(examples: Examples, classes: int, test_share: float) -> tuple[Examples, Examples]:
    """Divides one set into training and test examples, the same for every seed.

    Raises:
        DataError: as `gnomon.data.examples.check`.
        ShapeError: inputs are malformed.
    """
    examples = check(examples, classes, None)
    kept, held = hold_out_test(examples.labels, test_share, examples.groups)
    return examples.take(kept), examples.take(held)


def assemble(card: Card, train: Examples, validation: Examples, test: Examples) -> Dataset:
    """The data set of three existing splits.

    Raises:
        DataError: as `gnomon.data.examples.check`, or training lacks a class.
        ShapeError: inputs are malformed, or the splits differ in shape.
    """
    classes = len(card.class_names)
    check_classes(check(train, classes, card.domain), card.class_names)
    _check_same_shape(train, test)
    parts = (train, validation, test)
    return _described(card, *(split_of(part, classes, card.domain) for part in parts))


def examined(card: Card, test: Examples) -> Dataset:
    """The data set of test examples alone: enough for an audit, and too little for training.

    Raises:
        DataError: as `gnomon.data.examples.check`.
        ShapeError: inputs are malformed.
    """
    split = split_of(test, len(card.class_names), card.domain)
    none = Split(split.inputs[:0], split.labels[:0])
    return _described(card, none, none, split)


def split_of(examples: Examples, classes: int, domain: Domain) -> Split:
    """Checks the examples, and returns them as float32 tensors in the data's units.

    Raises:
        DataError: as `gnomon.data.examples.check`.
        ShapeError: inputs are malformed.
    """
    checked = check(examples, classes, domain)
    return Split(_in_units(checked.inputs), torch.from_numpy(checked.labels))


def _described(card: Card, train: Split, validation: Split, test: Split) -> Dataset:
    """The data set of these splits with the normalisation that its inputs ask for."""
    mean, std = _normalisation((train if len(train) else test).inputs)
    return Dataset(
        name=card.name,
        title=card.title,
        train=train,
        validation=validation,
        test=test,
        class_names=card.class_names,
        domain=card.domain,
        mean=mean,
        std=std,
        customary=_usual(card.domain, std) if card.customary is None else card.customary,
        facts=card.facts,
        references=card.references,
    )


def _check_same_shape(train: Examples, test: Examples) -> None:
    if train.inputs.shape[1:] != test.inputs.shape[1:]:
        raise ShapeError(
            f"{test.origin}: expected inputs of the shape {train.inputs.shape[1:]} as in "
            f"training, got {test.inputs.shape[1:]}. Bring both to one shape."
        )


def _in_units(inputs: Shaped[np.ndarray, " n *shape"]) -> Float[Tensor, " n *shape"]:
    """The inputs in float32, pixels divided by 255."""
    pixels = inputs.dtype == np.uint8
    units = torch.tensor(inputs, dtype=torch.float32)  # A copy, whatever the type was.
    return units.div_(255) if pixels else units


def _normalisation(
    inputs: Float[Tensor, " examples *shape"],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel or feature; a constant one counts as 1."""
    axes = (0, *range(2, inputs.dim()))
    std, mean = torch.std_mean(inputs, dim=axes, correction=0)
    std = torch.where(std > 0, std, 1.0)
    return tuple(mean.tolist()), tuple(std.tolist())


def _usual(domain: Domain, std: tuple[float, ...]) -> tuple[InputSet, ...]:
    scale = max(std) if domain is None else domain[1] - domain[0]
    return (Linf(_CUSTOMARY_SHARE * scale, domain),)
