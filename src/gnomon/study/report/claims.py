"""The verdicts of one hypothesis together: their answers and their figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from gnomon.report.numbers import number, ranges, scale_of
from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, listed
from gnomon.study.report.figures import comparison_chart, trend_chart
from gnomon.study.report.labels import compared, effect
from gnomon.study.statistics.hypotheses import Hypothesis, Trend
from gnomon.study.statistics.verdict import Answer, Verdict

_FEW_PANELS = 2
"""Maximum number of comparisons in a figure of usual width."""


@dataclass(frozen=True, eq=False)
class Claim:
    """A hypothesis as the page shows it.

    Attributes:
        key: its anchor.
        verdicts: one for each combination of the axes in `per`.
        picture: the figure behind them; None where no seed has numbers.
    """

    key: str
    verdicts: tuple[Verdict, ...]
    picture: Picture | None

    @property
    def hypothesis(self) -> Hypothesis:
        """The hypothesis on which all verdicts are."""
        return self.verdicts[0].hypothesis

    @property
    def text(self) -> str:
        """The claim in words."""
        return self.verdicts[0].claim

    @property
    def smallest(self) -> str:
        """The least effect that matters, with its unit; empty without one."""
        least, unit = self.hypothesis.smallest, self.verdicts[0].unit
        if least is None:
            return ""
        value = number(scale_of(unit) * least)
        points = "point" if value == "1" else "points"
        return f"{value} {points if unit == 'share' else unit}".rstrip()

    @property
    def term(self) -> str:
        """The term of the glossary that defines the figure."""
        trend = isinstance(self.hypothesis, Trend)
        return "Trend along an axis" if trend else "Paired comparison"

    @property
    def answers(self) -> dict[Answer, list[str]]:
        """The conditions that have each answer."""
        answers: tuple[Answer, ...] = ("supported", "refuted", "undecided")
        conditions = {
            answer: [verdict.condition for verdict in self.verdicts if verdict.answer == answer]
            for answer in answers
        }
        return {answer: conditions[answer] for answer in answers if conditions[answer]}

    @property
    def seeds(self) -> str:
        """The numbers of seeds on which the verdicts rest."""
        return f"{ranges([verdict.seeds for verdict in self.verdicts])} seeds"


def claims_of(verdicts: Sequence[Verdict]) -> list[Claim]:
    """The claims behind the verdicts, one for each hypothesis, in their order."""
    groups = groupby(verdicts, key=lambda verdict: id(verdict.hypothesis))
    return [
        _claim(f"claim-{place}", tuple(group)) for place, (_, group) in enumerate(groups, 1)
    ]


def _claim(key: str, verdicts: tuple[Verdict, ...]) -> Claim:
    drawable = [verdict for verdict in verdicts if verdict.seeds and verdict.effects]
    if not drawable:
        return Claim(key, verdicts, None)
    hypothesis = verdicts[0].hypothesis
    trend = isinstance(hypothesis, Trend)
    outcomes = " ".join(
        f"{_named(verdict)}{verdict.answer} at {verdict.seeds} seeds, {verdict.reason}."
        for verdict in drawable
    )
    picture = Picture(
        key=f"{key}-{file_stem(hypothesis.name or hypothesis.finding).lower()}",
        topic="Claims",
        title=hypothesis.title,
        chart=(trend_chart if trend else comparison_chart)(drawable),
        caption=_caption_of_trend(drawable) if trend else _caption_of_comparison(drawable),
        alt=f"{hypothesis.statement}. {outcomes}",
        definition="trend" if trend else "comparison",
        wide=trend or len(drawable) > _FEW_PANELS,
    )
    return Claim(key, verdicts, picture)


def _caption_of_trend(drawn: Sequence[Verdict]) -> str:
    hypothesis = drawn[0].hypothesis
    sizes = [f"{_named(each)}{effect(each.effects[1])}" for each in drawn]
    return (
        f"Mean over the seeds with its interval; each thin line is a seed. From the lowest to "
        f"the highest {hypothesis.axis}, {hypothesis.finding} changes by {listed(sizes)}."
    )


def _caption_of_comparison(drawn: Sequence[Verdict]) -> str:
    first, second = compared(drawn[0])
    sizes = [f"{_named(each)}{effect(each.effects[0])}" for each in drawn]
    grey = (
        ""
        if drawn[0].hypothesis.smallest is None
        else (" In the grey band differences are too small to matter.")
    )
    finding, axis = drawn[0].hypothesis.finding, drawn[0].hypothesis.axis
    less = f"of {first} less that of {second}" if axis else f"less {second}"
    return (
        "Each thin line or small dot is a seed, beside the means with their intervals. "
        f"{finding} {less}: {listed(sizes)}.{grey}"
    )


def _named(verdict: Verdict) -> str:
    return f"{verdict.condition}: " if verdict.condition else ""
