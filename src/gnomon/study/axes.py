"""Axes of a study: each lists settings, and the axes are crossed.

[[axes]]                                # these values
key = "network.activation"
values = ["relu", "tanh"]

[[axes]]                                # several keys that change together
keys = ["network.hidden", "training.epochs"]
values = [[[50, 50], 60], [[2], 300]]

[[axes]]                                # a grid between two numbers
key = "training.learning_rate"
low = 1e-4
high = 1e-1
count = 4
scale = "log"

[[axes]]                                # points drawn in a box of several settings
draw = "sobol"
count = 32
ranges = { "training.learning_rate" = { low = 1e-4, high = 1e-1, scale = "log" } }
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast, runtime_checkable

import torch
from scipy.stats import qmc

from gnomon.errors import SettingError
from gnomon.records import Names
from gnomon.seeds import derive, generator

Settings = Mapping[str, Any]
"""Values by key, such as {"training.epochs": 3}."""

_DIGITS = 12
"""Significant digits of a computed value: 0.1, and not 0.1 + 1.4e-17, in tables and names."""


@runtime_checkable
class Axis(Protocol):
    """A frozen dataclass that lists settings."""

    @property
    def varied(self) -> tuple[str, ...]:
        """The keys it sets."""
        ...

    def settings(self) -> tuple[Settings, ...]:
        """The settings at its points, mappings with the same keys."""
        ...


@dataclass(frozen=True)
class Range:
    """The numbers from `low` to `high`.

    Attributes:
        low: the least.
        high: the largest.
        scale: "linear", or "log" for equal ratios.
        whole: rounds to whole numbers.
    """

    low: float
    high: float
    scale: Literal["linear", "log"] = "linear"
    whole: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise SettingError(
                f"low, high: expected two numbers with low < high, got {self.low} and "
                f"{self.high}. Correct them."
            )
        if self.scale == "log" and self.low <= 0:
            raise SettingError(
                f'low: expected a number above 0 for scale = "log", got {self.low}. '
                'Raise it, or use scale = "linear".'
            )

    def at(self, share: float) -> float | int:
        """The number at `share` in [0, 1] of the way from low to high."""
        if self.scale == "log":
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + (self.high - self.low) * share
        return round(value) if self.whole else float(f"{value:.{_DIGITS}g}")


@dataclass(frozen=True)
class ListedAxis:
    """An axis of one key and these values."""

    key: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        _check_values(self.key, self.values)

    @property
    def varied(self) -> tuple[str, ...]:
        """The keys it sets."""
        return (self.key,)

    def settings(self) -> tuple[Settings, ...]:
        """The settings, one mapping for each value."""
        return tuple({self.key: value} for value in self.values)


@dataclass(frozen=True)
class ZippedAxis:
    """An axis of keys that change together: each value is a list with one item a key."""

    keys: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    def __post_init__(self) -> None:
        _check_values(", ".join(self.keys), self.values)
        for row in self.values:
            if len(row) != len(self.keys):
                raise SettingError(
                    f"values: expected lists of {len(self.keys)}, one value for each of "
                    f"{', '.join(self.keys)}; got {list(row)}. Correct that list."
                )

    @property
    def varied(self) -> tuple[str, ...]:
        """The keys it sets."""
        return self.keys

    def settings(self) -> tuple[Settings, ...]:
        """The settings, one mapping for each list of values."""
        return tuple(dict(zip(self.keys, row, strict=True)) for row in self.values)


@dataclass(frozen=True)
class GridAxis:
    """An axis of one key and `count` numbers from `low` to `high`, both included."""

    key: str
    low: float
    high: float
    count: int
    scale: Literal["linear", "log"] = "linear"
    whole: bool = False

    def __post_init__(self) -> None:
        _ = self._range
        if self.count < 2:
            raise SettingError(
                f"count: expected 2 or more, got {self.count}. Use values = [x] for one."
            )

    @property
    def varied(self) -> tuple[str, ...]:
        """The keys it sets."""
        return (self.key,)

    def settings(self) -> tuple[Settings, ...]:
        """The settings, one mapping for each number."""
        numbers = (self._range.at(step / (self.count - 1)) for step in range(self.count))
        return tuple({self.key: number} for number in dict.fromkeys(numbers))

    @property
    def _range(self) -> Range:
        return Range(self.low, self.high, self.scale, self.whole)


@dataclass(frozen=True)
class DrawnAxis:
    """An axis of `count` points of the box that the ranges span.

    Attributes:
        draw: "random" draws them independently; "sobol" spreads them evenly (scrambled Sobol
            sequence, best with a power of two).
        count: how many; a larger count begins with the same points.
        ranges: of each key.
        seed: the points depend on it alone, and not on the seeds of the trials.

    References:
        sobol1967; owen1998.
    """

    draw: Literal["random", "sobol"]
    count: int
    ranges: Mapping[str, Range] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or not self.ranges:
            raise SettingError(
                f"count, ranges: expected 1 point or more of 1 key or more, got {self.count} "
                f"of {len(self.ranges)}. Give both."
            )

    @property
    def varied(self) -> tuple[str, ...]:
        """The keys it sets."""
        return tuple(self.ranges)

    def settings(self) -> tuple[Settings, ...]:
        """The settings, one mapping for each point."""
        return tuple(
            {
                key: each.at(share)
                for (key, each), share in zip(self.ranges.items(), point, strict=True)
            }
            for point in self._points()
        )

    def _points(self) -> Sequence[Sequence[float]]:
        """The points in the unit cube."""
        size = len(self.ranges)
        if self.draw == "random":
            source = generator(self.seed, "axes")
            return torch.rand(self.count, size, generator=source, dtype=torch.float64).tolist()
        sequence = qmc.Sobol(size, rng=derive(self.seed, "axes"))
        # Always whole powers of two: fewer would not be balanced, and scipy would say so.
        exponent = math.ceil(math.log2(self.count))
        return cast("list[list[float]]", sequence.random_base2(exponent)[: self.count].tolist())


_KINDS: Mapping[str, type[ListedAxis | ZippedAxis | GridAxis | DrawnAxis]] = {
    "keys": ZippedAxis,
    "draw": DrawnAxis,
    "low": GridAxis,
    "key": ListedAxis,
}
"""Kinds of axes by the key that marks their tables; the first key in the table decides."""


def read_axis(table: Mapping[str, Any], where: str) -> Axis:
    """The axis that a table of the study's file describes.

    Raises:
        SettingError: it is none of the four kinds, or has a wrong key or value.
    """
    for key, kind in _KINDS.items():
        if key in table:
            return cast("Axis", Names({}).read(kind, table, where))
    raise SettingError(
        f"{where}: expected key and values, keys and values, key with low, high and count, or "
        f"draw with count and ranges; got the keys {', '.join(table) or 'none'}. Add them."
    )


def crossed(axes: Sequence[Axis]) -> tuple[Settings, ...]:
    """Every combination of one point from each axis; the last axis changes fastest.

    Raises:
        SettingError: two axes set the same key.
    """
    keys = [key for axis in axes for key in axis.varied]
    for key in keys:
        if keys.count(key) > 1:
            raise SettingError(
                f"axes: expected every key on one axis, got {key} on {keys.count(key)}. "
                "Remove it from all but one."
            )
    combinations = itertools.product(*(axis.settings() for axis in axes))
    return tuple(
        {key: value for point in combination for key, value in point.items()}
        for combination in combinations
    )


def count_crossed(axes: Sequence[Axis]) -> int:
    """The number of combinations, without making them."""
    return math.prod(len(axis.settings()) for axis in axes)


def _check_values(key: str, values: Sequence[object]) -> None:
    if not key or not values:
        raise SettingError(
            f"values: expected one value or more for {key or 'a key'}, got {len(values)}. "
            "Add them."
        )
    for index, value in enumerate(values):
        if value in values[:index]:
            raise SettingError(
                f"values: expected every value of {key} once, got {value!r} twice. Remove one."
            )
