"""What the seeds say about a claim."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from gnomon.study.statistics.blocks import Blocks
from gnomon.study.statistics.estimates import Estimate, student_mean
from gnomon.study.statistics.hypotheses import Hypothesis, shown
from gnomon.study.statistics.paired import Significance

Answer = Literal["supported", "refuted", "undecided"]
Role = Literal["claim", "opposite", "negligible"]
"""What a test looks for: the effect that is claimed, one in the other direction, or one that is
too small to matter."""


@dataclass(frozen=True)
class Evidence:
    """A test with its p-value after Holm's correction over the study.

    Attributes:
        role: what it looks for.
        test: what it found.
        corrected: p after the correction over all verdicts with a test of that role.
        claims: how many verdicts those are.
    """

    role: Role
    test: Significance
    corrected: float
    claims: int


@dataclass(frozen=True, eq=False)
class Verdict:
    """A hypothesis, decided for one combination of the values of the axes in `per`.

    Attributes:
        hypothesis: what was claimed.
        where: the values of the axes in `per`.
        answer: "supported", "refuted", or "undecided".
        reason: why, in a sentence with the numbers.
        unit: of the finding.
        blocks: the numbers behind it, by seed and value of the axis.
        effects: how large the effect is; the first decides.
        evidence: the tests; none where there was too little to test.
        beside: tests that are reported and decide nothing.
        decisive: the evidence that the answer rests on; for "undecided" that of the claim.
    """

    hypothesis: Hypothesis
    where: Mapping[str, Any]
    answer: Answer
    reason: str
    unit: str
    blocks: Blocks
    effects: tuple[Estimate, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    beside: tuple[Significance, ...] = ()
    decisive: Evidence | None = None

    @property
    def name(self) -> str:
        """Of the hypothesis."""
        return self.hypothesis.name

    @property
    def claim(self) -> str:
        """Of the hypothesis, in words."""
        return self.hypothesis.claim or self.hypothesis.statement

    @property
    def condition(self) -> str:
        """The values of the axes in `per`: "relu", "entanglement 2"; empty without them."""
        return ", ".join(
            shown(value) if isinstance(value, str) else f"{_last(key)} {shown(value)}"
            for key, value in self.where.items()
        )

    @property
    def seeds(self) -> int:
        """How many seeds it rests on."""
        return len(self.blocks.seeds)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was averaged and left out, and why."""
        return self.blocks.notes

    @property
    def p(self) -> float | None:
        """Of the claim, before the correction."""
        return next((each.test.p for each in self.evidence if each.role == "claim"), None)

    @property
    def corrected_p(self) -> float | None:
        """Of the claim, after the correction."""
        return next((each.corrected for each in self.evidence if each.role == "claim"), None)

    @cached_property
    def means(self) -> tuple[Estimate, ...]:
        """The mean over the seeds at each level, with Student's interval."""
        confidence = 1 - self.hypothesis.level
        return tuple(
            student_mean(shown(level), np.array(column), confidence, self.unit)
            for level, column in zip(
                self.blocks.levels, zip(*self.blocks.values, strict=True), strict=True
            )
        )

    def __str__(self) -> str:
        about = f" ({self.condition})" if self.condition else ""
        seeds = "1 seed" if self.seeds == 1 else f"{self.seeds} seeds"
        return f"{self.hypothesis.title}{about}: {self.answer} at {seeds}; {self.reason}"


def _last(key: str) -> str:
    return key.rsplit(".", 1)[-1].replace("_", " ")
