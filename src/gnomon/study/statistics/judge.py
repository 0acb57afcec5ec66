"""Verdicts: from tests and effects to "supported", "refuted" or "undecided"."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from gnomon.study.statistics.cases import Case, cases_of
from gnomon.study.statistics.estimates import Estimate
from gnomon.study.statistics.holm import holm
from gnomon.study.statistics.hypotheses import Differs, Hypothesis, Trend
from gnomon.study.statistics.paired import least_seeds
from gnomon.study.statistics.results import Results
from gnomon.study.statistics.trends import least_seeds_for_trend
from gnomon.study.statistics.verdict import Answer, Evidence, Role, Verdict

_FEWEST_FOR_A_TREND = 3
"""Seeds: two that agree by chance would leave an interval without any width."""
_ROLES: tuple[Role, ...] = ("claim", "opposite", "negligible")


def judge(
    table: pa.Table, axes: Sequence[str], hypotheses: Sequence[Hypothesis], seed: int = 0
) -> tuple[Verdict, ...]:
    """A verdict on every hypothesis, for each combination of the values of its axes in `per`.

    With p corrected after Holm over all verdicts of the study, α the level, and effects
    oriented so that the claimed direction is positive, a claim is

    - *supported* where p of the claim is at most α, and the effect is at least `smallest`; for
      a trend the interval over seeds must lie above 0, too;
    - *refuted* where p of the opposite is at most α and the interval of the effect lies below
      0; or where an effect as large as `smallest` is excluded: p of both one-sided tests is at
      most α and the interval lies within ± `smallest`;
    - *undecided* otherwise. A large p alone refutes nothing.

    Args:
        table: of results, with a row for each trial and finding.
        axes: the keys of the study's axes.
        hypotheses: claimed before the results were seen.
        seed: of what the bootstrap draws.

    Raises:
        DataError: a column is missing, or two trials have the same seed and settings.
        SettingError: a hypothesis names no axis, or a trend runs along no numbers.

    References:
        holm1979; page1963; fisher1935; schuirmann1987.
    """
    results = Results(table, tuple(axes))
    cases = [case for each in hypotheses for case in cases_of(results, each, seed)]
    evidence = _corrected(cases)
    return tuple(_verdict(case, found) for case, found in zip(cases, evidence, strict=True))


def _corrected(cases: Sequence[Case]) -> list[dict[Role, Evidence]]:
    """The tests of each case; each role is a family of its own."""
    found: list[dict[Role, Evidence]] = [{} for _ in cases]
    for role in _ROLES:
        tested = [
            (place, case.tests[role])
            for place, case in enumerate(cases)
            if case.tests is not None and role in case.tests
        ]
        corrected = holm([test.p for _, test in tested])
        for (place, test), p in zip(tested, corrected, strict=True):
            found[place][role] = Evidence(role, test, p, len(tested))
    return found


def _verdict(case: Case, evidence: Mapping[Role, Evidence]) -> Verdict:
    answer, reason, role = (
        ("undecided", case.obstacle, "claim") if case.obstacle else _decide(case, evidence)
    )
    return Verdict(
        hypothesis=case.hypothesis,
        where=case.where,
        answer=answer,
        reason=reason,
        unit=case.unit,
        blocks=case.blocks,
        effects=case.effects,
        evidence=tuple(evidence.values()),
        beside=case.beside,
        decisive=evidence.get(role),
    )


def _decide(case: Case, evidence: Mapping[Role, Evidence]) -> tuple[Answer, str, Role]:
    assert case.direction is not None
    assert case.size is not None
    level, smallest = case.hypothesis.level, case.hypothesis.smallest
    shown = {role for role, each in evidence.items() if each.corrected <= level}
    said = _said(case.direction)
    if case.direction is not case.size and smallest is not None:
        said += f"; {_said(case.size)}"
    if "claim" in shown and not _doubt(case):
        return "supported", f"{said}; {_tested(evidence['claim'])}", "claim"
    if "negligible" in shown and smallest is not None and _within(case.size, smallest):
        told = f"within ± {_sized(smallest, case.unit)}, the least that matters"
        reason = f"{said}, {told}; {_tested(evidence['negligible'])}"
        return "refuted", reason, "negligible"
    if "opposite" in shown and _excludes(case.direction, -case.sign):
        reason = f"{said}, against the claim; {_tested(evidence['opposite'])}"
        return "refuted", reason, "opposite"
    why = _doubt(case) if "claim" in shown else _lack(case, evidence["claim"])
    reason = "; ".join(filter(None, [said, _tested(evidence["claim"]), why]))
    return "undecided", reason, "claim"


def _doubt(case: Case) -> str:
    """What keeps a claim with a small p from being supported; empty if nothing does."""
    assert case.direction is not None
    assert case.size is not None
    smallest, seeds = case.hypothesis.smallest, len(case.blocks.seeds)
    if isinstance(case.hypothesis, Trend):
        if seeds < _FEWEST_FOR_A_TREND:
            return f"an interval over seeds needs {_FEWEST_FOR_A_TREND} of them at least"
        if not _excludes(case.direction, case.sign):
            return "but the interval over seeds does not lie on one side of 0: seeds disagree"
    oriented = case.size.value * case.sign if case.sign else abs(case.size.value)
    if smallest is not None and oriented < smallest:
        least = _sized(smallest, case.unit)
        return f"but the effect may be smaller than {least}, the least that matters"
    return ""


def _lack(case: Case, claim: Evidence) -> str:
    """What would be needed for a small p, where that is known."""
    seeds = len(case.blocks.seeds)
    grid = case.blocks.grid
    if (grid == grid[:, :1]).all():
        return f"all values are equal at every {case.blocks.axis or 'seed'}"
    alone, first = (_least(case, claims) for claims in (1, claim.claims))
    if seeds >= first:
        return ""
    needed = [f"{alone} seeds for a verdict alone"] if seeds < alone else []
    if first > alone:
        needed.append(f"{first} for the first of {claim.claims} verdicts")
    takes = " and ".join(needed)
    return f"{_count(seeds)} cannot give p below {_least_p(case)}: it takes {takes} at least"


def _least(case: Case, claims: int) -> int:
    """How many seeds the smallest p needs to pass, were it the first of so many."""
    level = case.hypothesis.level
    if isinstance(case.hypothesis, Trend):
        needed = least_seeds_for_trend(level, len(case.blocks.levels), claims)
        return max(needed, _FEWEST_FOR_A_TREND)
    return least_seeds(level, claims, two_sided=isinstance(case.hypothesis, Differs))


def _least_p(case: Case) -> str:
    """The smallest p of the exact test."""
    seeds = len(case.blocks.seeds)
    if isinstance(case.hypothesis, Trend):
        return f"({len(case.blocks.levels)}!)^-{seeds}"
    return f"2^-{seeds - isinstance(case.hypothesis, Differs)}"


def _excludes(effect: Estimate, sign: int) -> bool:
    """Whether the interval lies wholly on that side of 0."""
    if effect.low is None or effect.high is None:
        return False
    return (effect.low > 0) if sign > 0 else (effect.high < 0)


def _within(effect: Estimate, smallest: float) -> bool:
    if effect.low is None or effect.high is None:
        return False
    return -smallest < effect.low and effect.high < smallest


def _said(effect: Estimate) -> str:
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
