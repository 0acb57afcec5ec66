"""Learning-rate schedules: the factor on the base learning rate as a function of progress.

A schedule is a pure function of the step, so a resumed run needs no state of it. With n steps
in all, step k = 0 … n − 1 stands at t = k/n in [0, 1).
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from gnomon.errors import SettingError


@runtime_checkable
class Schedule(Protocol):
    """A frozen dataclass whose fields are the settings of a schedule."""

    def __call__(self, step: int, steps: int) -> float:
        """The factor on the base learning rate at `step`, which is one of 0 … `steps` − 1."""
        ...


@dataclass(frozen=True)
class Constant:
    """The factor 1 throughout."""

    def __call__(self, step: int, steps: int) -> float:  # noqa: ARG002 (the factor does not depend on them)
        return 1.0


@dataclass(frozen=True)
class Piecewise:
    """The factor f^j after j of the milestones.

    Attributes:
        milestones: where the rate falls, as fractions of the training, rising within (0, 1).
        factor: f > 0, what the rate is multiplied by at each.
    """

    milestones: tuple[float, ...] = (0.5, 0.75)
    factor: float = 0.1

    def __post_init__(self) -> None:
        rising = all(
            a < b for a, b in zip((0.0, *self.milestones), (*self.milestones, 1.0), strict=True)
        )
        if not rising:
            raise SettingError(
                f"milestones: expected rising fractions within (0, 1), got "
                f"{list(self.milestones)}. Write [0.5, 0.75], or [] for none."
            )
        _check_positive("factor", self.factor)

    def __call__(self, step: int, steps: int) -> float:
        return self.factor ** sum(step >= milestone * steps for milestone in self.milestones)


@dataclass(frozen=True)
class Exponential:
    """The factor f^t, which falls from 1 towards f by the same ratio at every step.

    Attributes:
        final: f > 0.
    """

    final: float = 0.01

    def __post_init__(self) -> None:
        _check_positive("final", self.final)

    def __call__(self, step: int, steps: int) -> float:
        return self.final ** (step / steps)


@dataclass(frozen=True)
class Cosine:
    """The factor f + (1 − f)(1 + cos π τ)/2, with τ in [0, 1) the progress within the cycle.

    Attributes:
        restarts: how many times the rate jumps back to its base; the cycles have equal lengths.
        final: f ≥ 0, the value each cycle falls towards.

    References:
        loshchilov2017, equation 5 (T_mult = 1).
    """

    restarts: int = 0
    final: float = 0.0
    references: ClassVar[tuple[str, ...]] = ("loshchilov2017",)

    def __post_init__(self) -> None:
        if self.restarts < 0:
            raise SettingError(
                f"restarts: expected 0 or more, got {self.restarts}. Use 0 for none."
            )
        _check_not_negative("final", self.final)

    def __call__(self, step: int, steps: int) -> float:
        within = step * (self.restarts + 1) % steps / steps
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * within)) / 2


@dataclass(frozen=True)
class OneCycle:
    """Straight up from `start` to 1 at t = `peak`, then straight down towards `final`.

    Attributes:
        peak: where the factor is 1, as a fraction of the training in (0, 1).
        start: the factor at t = 0, ≥ 0. At 0 the first step changes nothing.
        final: the factor towards t = 1, ≥ 0.

    References:
        smith2017, the triangular policy over one cycle; smith2019.
    """

    peak: float = 0.5
    start: float = 0.04
    final: float = 0.0
    references: ClassVar[tuple[str, ...]] = ("smith2017", "smith2019")

    def __post_init__(self) -> None:
        if not 0 < self.peak < 1:
            raise SettingError(
                f"peak: expected a fraction of the training in (0, 1), got {self.peak}. "
                "Use 0.5."
            )
        _check_not_negative("start", self.start)
        _check_not_negative("final", self.final)

    def __call__(self, step: int, steps: int) -> float:
        progress = step / steps
        if progress < self.peak:
            return self.start + (1 - self.start) * progress / self.peak
        return self.final + (1 - self.final) * (1 - progress) / (1 - self.peak)


@dataclass(frozen=True)
class Triangular:
    """Straight up from 0 to 1 at t = `peak`, then straight down towards 0: a `OneCycle`.

    Attributes:
        peak: where the factor is 1, as a fraction of the training in (0, 1).

    References:
        smith2017, section 3.1, over a single cycle.
    """

    peak: float = 0.5
    references: ClassVar[tuple[str, ...]] = ("smith2017",)

    def __post_init__(self) -> None:
        OneCycle(self.peak)

    def __call__(self, step: int, steps: int) -> float:
        return OneCycle(self.peak, start=0.0, final=0.0)(step, steps)


def warmed_up(schedule: Schedule, step: int, steps: int, warmup: int) -> float:
    """The factor with `warmup` steps of linear rise, (k + 1)/warmup, before the schedule.

    The schedule covers the remaining steps.

    References:
        goyal2017, section 2.2 (gradual warm-up).
    """
    if step < warmup:
        return (step + 1) / warmup
    return schedule(step - warmup, steps - warmup)


SCHEDULES: dict[str, type] = {
    "constant": Constant,
    "piecewise": Piecewise,
    "exponential": Exponential,
    "cosine": Cosine,
    "one_cycle": OneCycle,
    "triangular": Triangular,
}
"""Every schedule by its name in a configuration."""


def _check_positive(name: str, value: float) -> None:
    if not value > 0:
        raise SettingError(f"{name}: expected a number above 0, got {value}. Use one like 0.1.")


def _check_not_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise SettingError(
            f"{name}: expected 0 or more, got {value}. Use 0 or a small fraction."
        )
