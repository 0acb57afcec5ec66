"""Ramps: how the strength of an adversary grows from 0 to 1 while a network is trained."""

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from gnomon.errors import SettingError


@runtime_checkable
class Ramp(Protocol):
    """A frozen dataclass whose fields are the settings of a ramp."""

    def __call__(self, progress: float) -> float:
        """The strength in [0, 1] when the share `progress` of the training is done."""
        ...


@dataclass(frozen=True)
class Full:
    """The strength 1 throughout."""

    def __call__(self, progress: float) -> float:  # noqa: ARG002 (the same at any time)
        return 1.0


@dataclass(frozen=True)
class LinearRamp:
    """0 until `start`, a straight line to 1 at `end`, then 1.

    Attributes:
        start: a share of the training, ≥ 0.
        end: a later one, ≤ 1.
    """

    start: float = 0.0
    end: float = 0.5

    def __post_init__(self) -> None:
        _check(self.start, self.end)

    def __call__(self, progress: float) -> float:
        return min(1.0, max(0.0, (progress - self.start) / (self.end - self.start)))


@dataclass(frozen=True)
class SmoothRamp:
    """0 until `start`, then a (t − t₀)⁴ for a quarter of the way, and a straight line to 1.

    The constant a makes the line touch the curve: with u the share of the way and m = 1/4,

        r(u) = a u⁴ for u ≤ m,   r(u) = a m³ (m + 4 (u − m)) beyond,   a = 1 / (m³ (4 − 3 m)).

    Attributes:
        start: a share of the training, ≥ 0.
        end: a later one, ≤ 1.

    References:
        xu2020 (the schedule of the auto_LiRPA library).
    """

    start: float = 0.0
    end: float = 0.5
    references: ClassVar[tuple[str, ...]] = ("xu2020",)

    def __post_init__(self) -> None:
        _check(self.start, self.end)

    def __call__(self, progress: float) -> float:
        way = LinearRamp(self.start, self.end)(progress)
        middle = 0.25
        factor = 1 / (middle**3 * (4 - 3 * middle))
        if way <= middle:
            return factor * way**4
        return min(1.0, factor * middle**3 * (middle + 4 * (way - middle)))


RAMPS: dict[str, type] = {"full": Full, "linear": LinearRamp, "smooth": SmoothRamp}
"""Every ramp by its name in a configuration."""


def _check(start: float, end: float) -> None:
    if not 0 <= start < end <= 1:
        raise SettingError(
            f"ramp: expected 0 ≤ start < end ≤ 1, shares of the training, got {start} and "
            f"{end}. Write start = 0.0, end = 0.5."
        )
