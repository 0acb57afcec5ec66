"""What a probe says: one figure, how it was found, and how far to trust it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gnomon.audit.doubts import Doubt


@dataclass(frozen=True)
class Finding:
    """One figure about a subject.

    Attributes:
        probe: the topic, such as "attacks".
        name: what was measured, such as "attacked_accuracy".
        value: the figure; finite. None where there is none, and then `absent` says why.
        unit: its unit; an accuracy is a "share" between 0 and 1.
        error: a 95 % interval that holds `value`, where the figure is an estimate.
        method: how it was found, in a sentence.
        doubts: reasons to distrust this figure.
        condition: under which perturbation, such as "linf:0.1"; empty without one.
        details: curves and matrices, as plain JSON values: lists, mappings with text keys,
            numbers.
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
    details: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    absent: str = ""

    def __post_init__(self) -> None:
        assert (self.value is None) == bool(self.absent), self
        if self.value is None:
            return
        assert math.isfinite(self.value), self
        assert self.error is None or self.error[0] <= self.value <= self.error[1], self

    @property
    def title(self) -> str:
        """The name, with the condition in brackets if there is one."""
        return f"{self.name}[{self.condition}]" if self.condition else self.name
