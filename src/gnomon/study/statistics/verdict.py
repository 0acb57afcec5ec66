"""Verdicts: from tests and effects to "supported", "refuted" or "undecided"."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np

from gnomon.study.axis_values import shown
from gnomon.study.statistics.blocks import Blocks
from gnomon.study.statistics.estimates import Estimate, student_mean
from gnomon.study.statistics.hypotheses import Hypothesis, Trend
from gnomon.study.statistics.paired import Significance, least_seeds
from gnomon.study.statistics.trends import least_seeds_for_trend

Answer = Literal["supported", "refuted", "undecided"]
Role = Literal["claim", "opposite", "negligible"]
"""The effect a test looks for: the claimed one, one in the other direction, or one that is
too small to matter."""

_FEWEST_FOR_A_TREND = 3
"""Number of seeds a trend needs: two that agree by chance have an interval without width."""


@dataclass(frozen=True)
class Evidence:
    """A test with its p-value after Holm's correction over the study.

    Attributes:
        role: what it looks for.
        test: its outcome.
        corrected: p after the correction over all verdicts with a test of that role.
        claims: how many verdicts those are.
    """

    role: Role
    test: Significance
    corrected: float
    claims: int


class Decision(NamedTuple):
    """An answer, the reason for it with the numbers, and the role of the test it rests on."""

    answer: Answer
    reason: str
    role: Role


@dataclass(frozen=True, eq=False)
class Verdict:
    """A hypothesis, decided for one combination of the values of the axes in `per`.

    Attributes:
        hypothesis: the claim.
        where: the values of the axes in `per`.
        unit: of the finding.
        blocks: the numbers behind it, by seed and value of the axis.
        obstacle: why nothing could be tested; empty where something was.
        effects: how large the effect is. The sign of the first decides; for a trend the size
            of the second is compared with the least that matters, otherwise that of the first.
        evidence: the tests; none where there was too little to test.
        beside: tests that are reported and decide nothing.
    """

    hypothesis: Hypothesis
    where: Mapping[str, Any]
    unit: str
    blocks: Blocks
    obstacle: str = ""
    effects: tuple[Estimate, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    beside: tuple[Significance, ...] = ()

    @cached_property
    def decision(self) -> Decision:
        """The decision that follows from the evidence by the rules of `judge`."""
        if self.obstacle:
            return Decision("undecided", self.obstacle, "claim")
        return _decide(self)

    @property
    def answer(self) -> Answer:
        """The word: "supported", "refuted", or "undecided"."""
        return self.decision.answer

    @property
    def reason(self) -> str:
        """The reason for the answer, in a sentence with the numbers."""
        return self.decision.reason

    @property
    def decisive(self) -> Evidence | None:
        """The evidence that the answer rests on; for "undecided" that of the claim."""
        return self.by_role.get(self.decision.role)

    @property
    def by_role(self) -> Mapping[Role, Evidence]:
        """The evidence by what its tests look for."""
        return {evidence.role: evidence for evidence in self.evidence}

    @property
    def direction(self) -> Estimate:
        """The effect whose sign tells the direction."""
        return self.effects[0]

    @property
    def size(self) -> Estimate:
        """The effect that is compared with the least that matters, in the finding's unit."""
        return self.effects[1 if isinstance(self.hypothesis, Trend) else 0]

    @property
    def name(self) -> str:
        """The hypothesis's name."""
        return self.hypothesis.name

    @property
    def claim(self) -> str:
        """The hypothesis's claim in words."""
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
        """The number of seeds it rests on."""
        return len(self.blocks.seeds)

    @property
    def trials(self) -> tuple[str, ...]:
        """Ids of all trials behind its numbers, by seed and level."""
        return tuple(key for seed in self.blocks.trials for level in seed for key in level)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about averages and omissions."""
        return self.blocks.notes

    @property
    def p(self) -> float | None:
        """The p-value of the claim before the correction."""
        return self.by_role["claim"].test.p if self.evidence else None

    @property
    def corrected_p(self) -> float | None:
        """The p-value of the claim after the correction."""
        return self.by_role["claim"].corrected if self.evidence else None

    @cached_property
    def means(self) -> tuple[Estimate, ...]:
        """The mean over the seeds at each level, with Student's interval."""
        confidence = 1 - self.hypothesis.level
        return tuple(
            student_mean(shown(level), column, confidence, self.unit)
            for level, column in zip(
                self.blocks.levels, np.ascontiguousarray(self.blocks.values.T), strict=True
            )
        )

    def __str__(self) -> str:
        about = f" ({self.condition})" if self.condition else ""
        return (
            f"{self.hypothesis.title}{about}: {self.answer} at {_count(self.seeds)}; "
            f"{self.reason}"
        )


def _decide(verdict: Verdict) -> Decision:
    smallest, evidence = verdict.hypothesis.smallest, verdict.by_role
    shown_roles = {
        role for role, test in evidence.items() if test.corrected <= verdict.hypothesis.level
    }
    effects = _in_words(verdict.direction)
    if verdict.direction is not verdict.size and smallest is not None:
        effects += f"; {_in_words(verdict.size)}"
    doubt = _doubt(verdict)
    if "claim" in shown_roles and not doubt:
        return Decision("supported", f"{effects}; {_tested(evidence['claim'])}", "claim")
    if "negligible" in shown_roles and smallest and _within(verdict.size, smallest):
        least = f"within ± {_sized(smallest, verdict.unit)}, the least that matters"
        reason = f"{effects}, {least}; {_tested(evidence['negligible'])}"
        return Decision("refuted", reason, "negligible")
    if "opposite" in shown_roles and _excludes(verdict.direction, -verdict.hypothesis.sign):
        reason = f"{effects}, against the claim; {_tested(evidence['opposite'])}"
        return Decision("refuted", reason, "opposite")
    lack = doubt if "claim" in shown_roles else _lack(verdict, evidence["claim"])
    reason = "; ".join(filter(None, [effects, _tested(evidence["claim"]), lack]))
    return Decision("undecided", reason, "claim")


def _doubt(verdict: Verdict) -> str:
    """Why a claim with a small p is not supported all the same; empty if nothing speaks."""
    smallest, sign = verdict.hypothesis.smallest, verdict.hypothesis.sign
    if isinstance(verdict.hypothesis, Trend):
        if verdict.seeds < _FEWEST_FOR_A_TREND:
            return f"an interval over seeds needs {_FEWEST_FOR_A_TREND} of them at least"
        if not _excludes(verdict.direction, sign):
            return "but the interval over seeds does not lie on one side of 0: seeds disagree"
    oriented = verdict.size.value * sign if sign else abs(verdict.size.value)
    if smallest is not None and oriented < smallest:
        least = _sized(smallest, verdict.unit)
        return f"but the effect may be smaller than {least}, the least that matters"
    return ""


def _lack(verdict: Verdict, claim: Evidence) -> str:
    """The reason why p is not small, and how many seeds a small one takes."""
    grid = verdict.blocks.grid
    if (grid == grid[:, :1]).all():
        return f"all values are equal at every {verdict.blocks.axis or 'seed'}"
    alone, first = (_least(verdict, claims) for claims in (1, claim.claims))
    if verdict.seeds >= first:
        return ""
    needed = [f"{alone} seeds for a verdict alone"] if verdict.seeds < alone else []
    if first > alone:
        needed.append(f"{first} for the first of {claim.claims} verdicts")
    takes = " and ".join(needed)
    return (
        f"{_count(verdict.seeds)} cannot give p below {_least_p(verdict)}: "
        f"it takes {takes} at least"
    )


def _least(verdict: Verdict, claims: int) -> int:
    """The number of seeds whose smallest p passes as the first of so many claims."""
    level = verdict.hypothesis.level
    if isinstance(verdict.hypothesis, Trend):
        needed = least_seeds_for_trend(level, len(verdict.blocks.levels), claims)
        return max(needed, _FEWEST_FOR_A_TREND)
    return least_seeds(level, claims, two_sided=verdict.hypothesis.sign == 0)


def _least_p(verdict: Verdict) -> str:
    """The smallest p of the exact test."""
    if isinstance(verdict.hypothesis, Trend):
        return f"({len(verdict.blocks.levels)}!)^-{verdict.seeds}"
    return f"2^-{verdict.seeds - (verdict.hypothesis.sign == 0)}"


def _excludes(effect: Estimate, sign: int) -> bool:
    """True if the interval lies wholly on that side of 0."""
    if effect.low is None or effect.high is None:
        return False
    return (effect.low > 0) if sign > 0 else (effect.high < 0)


def _within(effect: Estimate, smallest: float) -> bool:
    if effect.low is None or effect.high is None:
        return False
    return -smallest < effect.low and effect.high < smallest


def _in_words(effect: Estimate) -> str:
    value = f"{effect.name} {_sized(effect.value, effect.unit)}"
    if effect.low is None or effect.high is None:
        return value
    ends = f"{_sized(effect.low, effect.unit)} to {_sized(effect.high, effect.unit)}"
    return f"{value} ({100 * effect.confidence:g} % interval {ends})"


def _sized(value: float, unit: str) -> str:
    """Three digits and the unit; a difference of shares in percentage points."""
    if unit == "share":
        return f"{100 * value:.3g} points".replace("-", "−")
    return f"{value:.3g} {unit}".replace("-", "−").rstrip()


def _tested(evidence: Evidence) -> str:
    p = f"{evidence.test.name}: p = {evidence.test.p:.2g}"
    if evidence.claims == 1:
        return p
    return f"{p}, corrected for {evidence.claims} verdicts {evidence.corrected:.2g}"


def _count(seeds: int) -> str:
    return "1 seed" if seeds == 1 else f"{seeds} seeds"


def _last(key: str) -> str:
    return key.rsplit(".", 1)[-1].replace("_", " ")
