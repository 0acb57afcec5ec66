"""What is computed for one hypothesis: tests and effects, not yet judged."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gnomon.errors import SettingError
from gnomon.seeds import derive
from gnomon.study.statistics.blocks import Blocks, beside, blocks
from gnomon.study.statistics.effects import cohens_dz, rank_biserial
from gnomon.study.statistics.estimates import (
    Estimate,
    bootstrap_estimate,
    student_mean,
)
from gnomon.study.statistics.hypotheses import (
    Above,
    Below,
    Comparison,
    Differs,
    Greater,
    Hypothesis,
    Less,
    Limit,
    Rises,
    Trend,
    canonical,
    shown,
)
from gnomon.study.statistics.paired import (
    Alternative,
    Significance,
    negligible_test,
    sign_flip_test,
    signed_rank_test,
)
from gnomon.study.statistics.results import Results
from gnomon.study.statistics.trends import page_test, spearman_of_seeds
from gnomon.study.statistics.verdict import Role

_RHO = "mean of Spearman's ρ"
_ALTERNATIVES: Mapping[type[Hypothesis], Alternative] = {
    Greater: "greater",
    Less: "less",
    Differs: "two-sided",
    Above: "greater",
    Below: "less",
}


@dataclass(frozen=True, eq=False)
class Case:
    """One hypothesis, for one combination of the values of the axes in `per`.

    Attributes:
        hypothesis: what is claimed.
        where: the values of the axes in `per`.
        unit: of the finding.
        blocks: values by seed and level.
        obstacle: why nothing can be tested; empty where it can.
        tests: by what they look for.
        direction: the effect whose sign tells the direction, oriented as it was measured.
        size: the effect that is compared with the least that matters.
        further: more effects.
        beside: tests that decide nothing.
    """

    hypothesis: Hypothesis
    where: Mapping[str, Any]
    unit: str
    blocks: Blocks
    obstacle: str = ""
    tests: Mapping[Role, Significance] | None = None
    direction: Estimate | None = None
    size: Estimate | None = None
    further: tuple[Estimate, ...] = ()
    beside: tuple[Significance, ...] = ()

    @property
    def sign(self) -> int:
        """1 where larger is claimed, −1 where smaller is, 0 for either."""
        return _sign(self.hypothesis)

    @property
    def effects(self) -> tuple[Estimate, ...]:
        """All effects, the deciding one first, each once."""
        found = [self.direction, self.size, *self.further]
        return tuple(dict.fromkeys(each for each in found if each is not None))


def cases_of(results: Results, hypothesis: Hypothesis, seed: int) -> list[Case]:
    """One case for each combination of the values of the axes in `per`."""
    combinations = results.combinations(hypothesis.per)
    return [
        _case(results, hypothesis, dict(zip(hypothesis.per, values, strict=True)), seed)
        for values in combinations
    ]


def _case(
    results: Results, hypothesis: Hypothesis, where: Mapping[str, Any], seed: int
) -> Case:
    if isinstance(hypothesis, Limit):
        found = beside(results, hypothesis.finding, hypothesis.than, where)
    else:
        levels = _levels(results, hypothesis)
        found = blocks(results, hypothesis.finding, hypothesis.axis, where, levels)
    _, unit = results.findings.get(hypothesis.finding, ("", ""))
    obstacle = _obstacle(results, hypothesis, found)
    if obstacle:
        return Case(hypothesis, where, unit, found, obstacle)
    names = (hypothesis.title, *map(shown, where.values()))
    generator = np.random.default_rng(derive(seed, "statistics", *names))
    if isinstance(hypothesis, Trend):
        return _trend(hypothesis, where, unit, found, generator)
    return _comparison(hypothesis, where, unit, found, generator)


def _levels(results: Results, hypothesis: Hypothesis) -> Sequence[Any] | None:
    """The two values that are compared; for a trend None, after a look at the axis.

    Raises:
        SettingError: no axis, or a trend along an axis of other things than numbers.
    """
    there = [value for (value,) in results.combinations((hypothesis.axis,))]
    if isinstance(hypothesis, Comparison):
        return tuple(canonical(value) for value in hypothesis.values)
    others = [shown(each) for each in there if not _is_number(each)]
    if others:
        raise SettingError(
            f"{hypothesis.title}: expected numbers on {hypothesis.axis}, got "
            f"{', '.join(others)}. Compare two of its values instead."
        )
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _obstacle(results: Results, hypothesis: Hypothesis, found: Blocks) -> str:
    """Why nothing can be tested; empty where it can."""
    for name in _named(hypothesis):
        if name not in results.findings:
            close = difflib.get_close_matches(name, results.findings, n=1)
            hint = f"; there is {close[0]!r}" if close else ""
            return f"no trial has the finding {name!r}{hint}"
    if len(found.levels) < 2:
        return f"a trend needs two values of {found.axis} or more, got {len(found.levels)}"
    if not found.seeds and not found.axis:
        return "no seed has a value"
    if not found.seeds:
        levels = ", ".join(map(shown, found.levels))
        return f"no seed has a value at every {found.axis} among {levels}"
    return ""


def _named(hypothesis: Hypothesis) -> tuple[str, ...]:
    """The findings that it is about."""
    if isinstance(hypothesis, Limit) and isinstance(hypothesis.than, str):
        return (hypothesis.finding, hypothesis.than)
    return (hypothesis.finding,)


def _trend(
    hypothesis: Hypothesis,
    where: Mapping[str, Any],
    unit: str,
    found: Blocks,
    generator: np.random.Generator,
) -> Case:
    grid, confidence = found.grid, 1 - hypothesis.level
    change = found.difference(-1, 0)
    rises = isinstance(hypothesis, Rises)
    tests: dict[Role, Significance] = {
        "claim": page_test(grid, "rises" if rises else "falls"),
        "opposite": page_test(grid, "falls" if rises else "rises"),
    }
    if hypothesis.smallest is not None:
        tests["negligible"] = negligible_test(change, hypothesis.smallest, generator)
    rho = spearman_of_seeds(grid)
    return Case(
        hypothesis,
        where,
        unit,
        found,
        tests=tests,
        direction=_within_one(student_mean(_RHO, rho, confidence)),
        size=student_mean("change from the lowest to the highest", change, confidence, unit),
        further=(bootstrap_estimate(_RHO, rho, np.mean, generator, confidence),),
    )


def _within_one(rho: Estimate) -> Estimate:
    """The interval without what no correlation can be."""
    if rho.low is None or rho.high is None:
        return rho
    return replace(rho, low=max(-1.0, rho.low), high=min(1.0, rho.high))


def _comparison(
    hypothesis: Hypothesis,
    where: Mapping[str, Any],
    unit: str,
    found: Blocks,
    generator: np.random.Generator,
) -> Case:
    confidence = 1 - hypothesis.level
    differences = found.difference(0, 1)
    alternative = _ALTERNATIVES[type(hypothesis)]
    tests: dict[Role, Significance] = {
        "claim": sign_flip_test(differences, alternative, generator)
    }
    if alternative != "two-sided":
        other: Alternative = "less" if alternative == "greater" else "greater"
        tests["opposite"] = sign_flip_test(differences, other, generator)
    if hypothesis.smallest is not None:
        tests["negligible"] = negligible_test(differences, hypothesis.smallest, generator)
    mean = student_mean("mean difference", differences, confidence, unit)
    resampled = bootstrap_estimate(
        "mean difference", differences, np.mean, generator, confidence
    )
    further = (
        replace(resampled, unit=unit),
        cohens_dz(differences, confidence),
        rank_biserial(differences, generator, confidence),
    )
    return Case(
        hypothesis,
        where,
        unit,
        found,
        tests=tests,
        direction=mean,
        size=mean,
        further=tuple(each for each in further if each is not None),
        beside=(signed_rank_test(differences, alternative),),
    )


def _sign(hypothesis: Hypothesis) -> int:
    if isinstance(hypothesis, Differs):
        return 0
    return 1 if isinstance(hypothesis, Rises | Greater | Above) else -1
