"""The result of a probe: one figure, how it was measured, and how far to trust it."""

import math
from dataclasses import dataclass
from typing import Any, Generic, cast

from typing_extensions import TypeVar

from gnomon.audit.doubts import Doubt

D_co = TypeVar("D_co", covariant=True, default=Any)
"""The class of the details: a frozen dataclass of the probe's own."""


@dataclass(frozen=True)
class Finding(Generic[D_co]):
    """One figure about a subject.

    Attributes:
        probe: the topic, such as "attacks".
        name: what was measured, such as "attacked_accuracy".
        value: the figure; finite. None where there is none, and then `absent` says why.
        unit: its unit; an accuracy is a "share" between 0 and 1.
        error: a 95 % interval that holds `value`, where the figure is an estimate.
        method: how it was measured, in a sentence.
        doubts: reasons to distrust this figure.
        condition: under which perturbation, such as "linf:0.1"; empty without one.
        details: curves and tables behind the figure; None where there are none.
        references: keys of `references.bib`.
        absent: why the figure does not exist for this subject, such as "no square matrix".
    """

    probe: str
    name: str
    value: float | None
    unit: str
    error: tuple[float, float] | None
    method: str
    doubts: tuple[Doubt, ...] = ()
    condition: str = ""
    details: D_co = cast("Any", None)  # noqa: RUF009 - None is no mutable default
    references: tuple[str, ...] = ()
    absent: str = ""

    def __post_init__(self) -> None:
        if self.details == {}:
            object.__setattr__(self, "details", None)
        assert (self.value is None) == bool(self.absent), self
        if self.value is None:
            return
        assert math.isfinite(self.value), self
        assert self.error is None or self.error[0] <= self.value <= self.error[1], self

    @property
    def title(self) -> str:
        """The name, with the condition in brackets if there is one."""
        return f"{self.name}[{self.condition}]" if self.condition else self.name

    @property
    def threat(self) -> tuple[str, float]:
        """The kind of perturbation and its size, of a condition such as "linf:0.1".

        >>> Finding("noise", "a", 1, "", None, "", condition="share:0.005").threat
        ('share', 0.005)
        """
        kind, _, size = self.condition.partition(":")
        return kind, float(size)
