"""Judging: every hypothesis is measured, all p-values are corrected together."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gnomon.errors import SettingError
from gnomon.seeds import derive
from gnomon.study.axis_values import shown
from gnomon.study.results import Results
from gnomon.study.statistics.blocks import Blocks, beside, blocks
from gnomon.study.statistics.effects import cohens_dz, rank_biserial
from gnomon.study.statistics.estimates import Estimate, bootstrap_estimate, student_mean
from gnomon.study.statistics.hypotheses import Comparison, Hypothesis, Limit, Trend
from gnomon.study.statistics.paired import (
    Alternative,
    Significance,
    negligible_test,
    sign_flip_test,
    signed_rank_test,
)
from gnomon.study.statistics.trends import page_test, spearman_of_seeds
from gnomon.study.statistics.verdict import Evidence, Role, Verdict

_RHO = "mean of Spearman's ρ"
_ALTERNATIVES: Mapping[int, tuple[Alternative, ...]] = {
    1: ("greater", "less"),
    -1: ("less", "greater"),
    0: ("two-sided",),
}
"""The alternative that is claimed, and the opposite one, by the sign of the claim."""


def judge(
    results: Results, hypotheses: Sequence[Hypothesis], seed: int = 0
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
        results: of the study.
        hypotheses: claimed before the results were seen.
        seed: of the bootstrap's draws.

    Raises:
        DataError: two trials have the same seed and settings.
        SettingError: a hypothesis names no axis, or a trend runs along no numbers.

    References:
        holm1979; page1963; fisher1935; schuirmann1987.
    """
    verdicts = [
        _measured(results, hypothesis, dict(zip(hypothesis.per, values, strict=True)), seed)
        for hypothesis in hypotheses
        for values in results.combinations(hypothesis.per)
    ]
    tests = [(row, test) for row, verdict in enumerate(verdicts) for test in verdict.evidence]
    corrected: dict[tuple[int, Role], Evidence] = {}
    for role in ("claim", "opposite", "negligible"):  # each role is a family of its own
        family = [(row, evidence) for row, evidence in tests if evidence.role == role]
        adjusted = holm([evidence.test.p for _, evidence in family])
        for (row, evidence), p in zip(family, adjusted, strict=True):
            corrected[row, role] = replace(evidence, corrected=p, claims=len(family))
    return tuple(
        replace(verdict, evidence=tuple(corrected[row, each.role] for each in verdict.evidence))
        for row, verdict in enumerate(verdicts)
    )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The adjusted p-values, in the same order.

    With the p-values in ascending order, p̃₍ᵢ₎ = max over j ≤ i of min(1, (m − j + 1) p₍ⱼ₎).
    Claiming what has p̃ ≤ α makes the chance of any wrong claim at most α, whatever the
    dependence between the tests.

    >>> holm([0.01, 0.04, 0.03])
    (0.03, 0.06, 0.06)

    References:
        holm1979.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * p_values[index]))
        adjusted[index] = largest
    return tuple(adjusted)


def _measured(
    results: Results, hypothesis: Hypothesis, where: Mapping[str, Any], seed: int
) -> Verdict:
    """Effects and tests of one hypothesis, not yet corrected for the others."""
    if isinstance(hypothesis, Limit):
        numbers = beside(results, hypothesis.finding, hypothesis.than, where)
    else:
        levels = _levels(results, hypothesis)
        numbers = blocks(results, hypothesis.finding, hypothesis.axis, where, levels)
    known = hypothesis.finding in results.findings.index
    unit = results.findings.at[hypothesis.finding, "unit"] if known else ""
    bare = Verdict(hypothesis, where, unit, numbers, _obstacle(results, hypothesis, numbers))
    if bare.obstacle:
        return bare
    names = (hypothesis.title, *map(shown, where.values()))
    generator = np.random.default_rng(derive(seed, "statistics", *names))
    return (_trend if isinstance(hypothesis, Trend) else _comparison)(bare, generator)


def _levels(results: Results, hypothesis: Hypothesis) -> Sequence[Any] | None:
    """The two values that are compared; for a trend None, after a look at the axis.

    Raises:
        SettingError: no axis, or a trend along an axis of other things than numbers.
    """
    if isinstance(hypothesis, Comparison):
        return tuple(results.on_axis(hypothesis.axis, value) for value in hypothesis.values)
    values = [value for (value,) in results.combinations((hypothesis.axis,))]
    others = [shown(value) for value in values if type(value) not in {int, float}]
    if others:
        raise SettingError(
            f"{hypothesis.title}: expected numbers on {hypothesis.axis}, got "
            f"{', '.join(others)}. Compare two of its values instead."
        )
    return None


def _obstacle(results: Results, hypothesis: Hypothesis, numbers: Blocks) -> str:
    """The reason why nothing can be tested; empty where something can."""
    titles = list(results.findings.index)
    for name in (hypothesis.finding, getattr(hypothesis, "than", None)):
        if isinstance(name, str) and name not in titles:
            close = difflib.get_close_matches(name, titles, n=1)
            hint = f"; there is {close[0]!r}" if close else ""
            return f"no trial has the finding {name!r}{hint}"
    if len(numbers.levels) < 2:
        return f"a trend needs two values of {numbers.axis} or more, got {len(numbers.levels)}"
    if numbers.seeds:
        return ""
    if not numbers.axis:
        return "no seed has a value"
    levels = ", ".join(map(shown, numbers.levels))
    return f"no seed has a value at every {numbers.axis} among {levels}"


def _trend(bare: Verdict, generator: np.random.Generator) -> Verdict:
    grid, change = bare.blocks.grid, bare.blocks.difference(-1, 0)
    hypothesis, confidence = bare.hypothesis, 1 - bare.hypothesis.level
    rises, falls = page_test(grid, "rises"), page_test(grid, "falls")
    tests: dict[Role, Significance] = {
        "claim": rises if hypothesis.sign > 0 else falls,
        "opposite": falls if hypothesis.sign > 0 else rises,
    }
    if hypothesis.smallest is not None:
        tests["negligible"] = negligible_test(change, hypothesis.smallest, generator)
    rho = spearman_of_seeds(grid)
    effects = (
        _within_one(student_mean(_RHO, rho, confidence)),
        student_mean("change from the lowest to the highest", change, confidence, bare.unit),
        bootstrap_estimate(_RHO, rho, np.mean, generator, confidence),
    )
    return replace(bare, effects=effects, evidence=_uncorrected(tests))


def _within_one(rho: Estimate) -> Estimate:
    """The estimate with its interval cut to [−1, 1], where correlations lie."""
    if rho.low is None or rho.high is None:
        return rho
    return replace(rho, low=max(-1.0, rho.low), high=min(1.0, rho.high))


def _comparison(bare: Verdict, generator: np.random.Generator) -> Verdict:
    hypothesis, confidence = bare.hypothesis, 1 - bare.hypothesis.level
    differences = bare.blocks.difference(0, 1)
    alternatives = _ALTERNATIVES[hypothesis.sign]
    roles: tuple[Role, ...] = ("claim", "opposite")
    tests: dict[Role, Significance] = {
        role: sign_flip_test(differences, alternative, generator)
        for role, alternative in zip(roles, alternatives, strict=False)
    }
    if hypothesis.smallest is not None:
        tests["negligible"] = negligible_test(differences, hypothesis.smallest, generator)
    name = "mean difference"
    resampled = bootstrap_estimate(name, differences, np.mean, generator, confidence)
    effects = (
        student_mean(name, differences, confidence, bare.unit),
        replace(resampled, unit=bare.unit),
        cohens_dz(differences, confidence),
        rank_biserial(differences, generator, confidence),
    )
    return replace(
        bare,
        effects=tuple(effect for effect in effects if effect is not None),
        evidence=_uncorrected(tests),
        beside=(signed_rank_test(differences, alternatives[0]),),
    )


def _uncorrected(tests: Mapping[Role, Significance]) -> tuple[Evidence, ...]:
    return tuple(Evidence(role, test, test.p, 1) for role, test in tests.items())
