"""Attacks one after another, each on the examples that still resist."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.batched import Batched
from gnomon.attacks.guards import check_examples
from gnomon.attacks.outcome import InputAttack, Outcome
from gnomon.errors import SettingError
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class Part:
    """An attack and what an outcome calls it.

    Attributes:
        name: such as "APGD-CE".
        attack: the attack that runs.
    """

    name: str
    attack: InputAttack


def run_in_turn(
    outcome: Outcome,
    chosen: Sequence[tuple[int, Part]],
    batch: int,
    network: nn.Module,
    labels: Labels,
    within: InputSet,
    generator: torch.Generator,
) -> Outcome:
    """The outcome after each of the chosen parts has run on those who resisted until then.

    Args:
        outcome: before, and changed in place; where nobody is fooled, its inputs are the
            originals.
        chosen: parts and their places among the outcome's.
        batch: number of examples at a time.
        network: the network that is attacked.
        labels: the labels of all examples.
        within: the allowed perturbations.
        generator: source of all randomness.
    """
    for place, part in chosen:
        left = (~outcome.fooled).nonzero()[:, 0]
        if not len(left):
            return outcome
        for rows in left.split(batch):
            partial = Batched(part.attack, batch)(
                network, outcome.inputs[rows], labels[rows], within, generator
            )
            outcome.go_on(place, rows, partial)
    return outcome


def check_parts(name: str, parts: Sequence[Part], batch: int) -> None:
    """Raises for parts or a batch size that cannot be run.

    Raises:
        SettingError: no parts, two of one name, or a batch of nobody.
    """
    names = [part.name for part in parts]
    if not names or len(set(names)) < len(names):
        raise SettingError(
            f"{name}: expected parts of different names, got {names}. Name each one."
        )
    if batch < 1:
        raise SettingError(f"{name}: expected batch ≥ 1, got {batch}. Raise it.")


def untouched(
    name: str, parts: Sequence[Part], inputs: Inputs, labels: Labels, within: InputSet
) -> Outcome:
    """The outcome before any part has run.

    Raises:
        ShapeError, OutOfDomainError: no examples for the set; see `check_examples`.
    """
    check_examples(inputs, labels, within)
    return Outcome.untouched(name, inputs, tuple(part.name for part in parts))
