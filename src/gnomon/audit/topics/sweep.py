"""Radii at which accuracy is looked at, for all asked sets of one norm together."""

from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.errors import SettingError
from gnomon.sets import InputSet

MULTIPLES = (0.25, 0.5, 1.0, 2.0)
"""The default grid, in multiples of the largest asked radius: up to it, and twice as far."""


@dataclass(frozen=True)
class Sweep:
    """Sets of one norm, of growing radius; each contains the ones before it.

    Attributes:
        norm: their norm.
        asked: the sets the reader asked for.
        sets: those and the grid's, by radius, without 0.
    """

    norm: str
    asked: tuple[InputSet, ...]
    sets: tuple[InputSet, ...]

    @property
    def radii(self) -> tuple[float, ...]:
        """0, where nothing is perturbed, and the sets' radii."""
        return (0.0, *(within.radius for within in self.sets))


def sweeps(asked: Sequence[InputSet], multiples: Sequence[float]) -> tuple[Sweep, ...]:
    """One sweep for each norm among the asked sets, in the order of first mention.

    Raises:
        SettingError: a radius or a multiple that is not positive.
    """
    for value in (*(within.radius for within in asked), *multiples):
        if not value > 0:
            raise SettingError(f"Expected radii and multiples > 0, got {value}. Leave it out.")
    norms = dict.fromkeys(within.norm for within in asked)
    return tuple(
        _sweep([within for within in asked if within.norm == norm], multiples) for norm in norms
    )


def _sweep(asked: Sequence[InputSet], multiples: Sequence[float]) -> Sweep:
    largest = max(asked, key=lambda within: within.radius)
    grid = [largest.with_radius(multiple * largest.radius) for multiple in multiples]
    by_radius = {within.radius: within for within in (*grid, *asked)}
    return Sweep(
        largest.norm,
        tuple(asked),
        tuple(by_radius[radius] for radius in sorted(by_radius)),
    )
