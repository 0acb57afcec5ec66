"""Measures the spread and effective rank of each class in a representation."""

import math
from dataclasses import dataclass

import torch

from gnomon.representation.points import Points
from gnomon.shapes import Labels


@dataclass(frozen=True)
class ClassSpread:
    """The extent of one set of points.

    Attributes:
        examples: number of points.
        spread: √(mean ‖h − mean h‖²), the root mean square distance from their mean.
        effective_rank: exponential of the entropy of the singular values of the centred points,
            normalised to sum 1: 1 on a line, n where n directions are used alike, 0 for a
            single point.
    """

    examples: int
    spread: float
    effective_rank: float


def class_spreads(
    points: Points, labels: Labels, classes: int
) -> tuple[ClassSpread | None, ...]:
    """The extent of each class; None for a class with fewer than two examples.

    References:
        roy2007 (the effective rank).
    """
    members = [points[labels == label] for label in range(classes)]
    return tuple(spread_of(each) if len(each) > 1 else None for each in members)


def spread_of(points: Points) -> ClassSpread:
    """The extent of all points together.

    Singular values count as zero below what rounding can make: 16 ε max |h| (√examples +
    √width) in the points' own precision ε, and 2⁻²² σ_max in the Gram matrix. So a
    representation that is constant up to rounding has spread 0 and rank 0.
    """
    exact = points.double()
    centred = exact - exact.mean(dim=0)
    # The smaller Gram matrix has the squares of the singular values.
    examples, width = points.shape
    gram = centred.T @ centred if examples > width else centred @ centred.T
    singular = torch.linalg.eigvalsh(gram).clamp_min(0).sqrt()
    rounding = 16 * torch.finfo(points.dtype).eps * float(points.abs().max())
    rounding *= math.sqrt(examples) + math.sqrt(width)
    singular = singular[singular > max(rounding, 2**-22 * float(singular.max()))]
    if not len(singular):
        return ClassSpread(examples, 0.0, 0.0)
    share = singular / singular.sum()
    return ClassSpread(
        examples=examples,
        spread=math.sqrt(float((singular**2).sum()) / examples),
        effective_rank=math.exp(-float((share * share.log()).sum())),
    )


def spread_ratio(spreads: tuple[ClassSpread | None, ...]) -> float | None:
    """The smallest spread of a class divided by the largest: 1 alike, 0 one is a point.

    None with fewer than two classes that have a spread, or where all of them are points.
    """
    known = [each.spread for each in spreads if each is not None]
    if len(known) < 2 or max(known) == 0:
        return None
    return min(known) / max(known)


def rank_ratio(spreads: tuple[ClassSpread | None, ...]) -> float | None:
    """The smallest effective rank of a class divided by the largest: 1 alike, 0 one is a point.

    None with fewer than two classes that have a spread, or where all of them are points.
    """
    known = [each.effective_rank for each in spreads if each is not None]
    if len(known) < 2 or max(known) == 0:
        return None
    return min(known) / max(known)
