"""Holds out a part of the examples: stratified by class, and by whole groups."""

import numpy as np
import torch
from jaxtyping import Int, Integer

from gnomon.errors import SettingError
from gnomon.seeds import generator

Indices = Int[np.ndarray, " _"]


def hold_out(
    labels: Int[np.ndarray, " examples"],
    share: float,
    order: torch.Generator,
    groups: Integer[np.ndarray, " examples"] | None = None,
) -> tuple[Indices, Indices]:
    """The indices of the examples kept and of those held out, each in increasing order.

    Of every class c with n_c examples, about t_c = share · n_c are held out. The groups come in
    a random order, and a group with k_c examples of each class is held out if that brings the
    numbers h_c held so far nearer to their targets: Σ (h_c + k_c − t_c)² < Σ (h_c − t_c)². A
    class whose groups all have one size thus loses t_c to within half a group, and never all of
    its examples while share ≤ ½.

    Args:
        labels: the class of each example.
        share: share of each class to hold out, in (0, 1).
        order: generator that draws the order of the groups.
        groups: examples with the same number stay together; without it each example is on its
            own.
    """
    numbers = (
        np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    )
    classes = int(labels.max(initial=0)) + 1
    short = [share * count for count in np.bincount(labels, minlength=classes).tolist()]
    content = _content(numbers, labels, classes)
    held = np.zeros(len(content), dtype=bool)
    for group in torch.randperm(len(content), generator=order).tolist():
        if sum(count * (count - 2 * short[label]) for label, count in content[group]) < 0:
            held[group] = True
            for label, count in content[group]:
                short[label] -= count
    return np.flatnonzero(~held[numbers]), np.flatnonzero(held[numbers])


def hold_out_test(
    labels: Int[np.ndarray, " examples"],
    share: float,
    groups: Integer[np.ndarray, " examples"] | None = None,
) -> tuple[Indices, Indices]:
    """Holds out test examples as `hold_out` does, the same for every seed of the data set.

    Test data that came with the seed would let a network be examined on what another seed
    trained it on.
    """
    return hold_out(labels, share, generator(0, "data", "test"), groups)


def check_shares(owner: str, **shares: float) -> None:
    """Checks that the shares held out lie in (0, 1) and leave examples to train on.

    Raises:
        SettingError: a share lies outside, or the shares add up to 1 or more.
    """
    total = 0.0
    for name, share in shares.items():
        total += share
        if not 0 < share < 1:
            raise SettingError(
                f"{owner}: {name} must lie between 0 and 1, got {share}. Try 0.1."
            )
    if total >= 1:
        raise SettingError(
            f"{owner}: the shares held out must sum to less than 1, got {total}. Lower one."
        )


def _content(
    numbers: Int[np.ndarray, " examples"], labels: Int[np.ndarray, " examples"], classes: int
) -> list[list[tuple[int, int]]]:
    """For each group, the classes in it with their numbers of examples."""
    cells, counts = np.unique(numbers.astype(np.int64) * classes + labels, return_counts=True)
    content: list[list[tuple[int, int]]] = [[] for _ in range(int(numbers.max(initial=-1)) + 1)]
    for cell, count in zip(cells.tolist(), counts.tolist(), strict=True):
        content[cell // classes].append((cell % classes, count))
    return content
