"""The verdicts of one hypothesis together: their answers and their figure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, listed
from gnomon.study.report.figures import draw_comparison, draw_trend
from gnomon.study.report.words import compared, effect, number, ranges, scale_of
from gnomon.study.statistics.hypotheses import Trend
from gnomon.study.statistics.verdict import Verdict

_FEW_PANELS = 2
"""So many comparisons fit a figure of usual width."""


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
    def name(self) -> str:
        """Such as "H1"; may be empty."""
        return self.verdicts[0].name

    @property
    def text(self) -> str:
        """The claim in words."""
        return self.verdicts[0].claim

    @property
    def statement(self) -> str:
        """What is tested."""
        return self.verdicts[0].hypothesis.statement

    @property
    def per(self) -> str:
        """The axes for whose values there are verdicts."""
        return ", ".join(self.verdicts[0].hypothesis.per)

    @property
    def level(self) -> str:
        """As a share in per cent."""
        return f"{100 * self.verdicts[0].hypothesis.level:g} %"

    @property
    def smallest(self) -> str:
        """The least effect that matters, with its unit; empty without one."""
        least, unit = self.verdicts[0].hypothesis.smallest, self.verdicts[0].unit
        if least is None:
            return ""
        value = number(scale_of(unit) * least)
        points = "point" if value == "1" else "points"
        return f"{value} {points if unit == 'share' else unit}".rstrip()

    @property
    def term(self) -> str:
        """What the definition is called that the figure needs."""
        return "Trend along an axis" if _is_trend(self.verdicts) else "Paired comparison"

    @property
    def answers(self) -> dict[str, list[str]]:
        """The conditions that have each answer."""
        found: dict[str, list[str]] = {}
        for answer in ("supported", "refuted", "undecided"):
            conditions = [each.condition for each in self.verdicts if each.answer == answer]
            if conditions:
                found[answer] = conditions
        return found

    @property
    def seeds(self) -> str:
        """How many seeds the verdicts rest on."""
        return f"{ranges([each.seeds for each in self.verdicts])} seeds"


def claims_of(verdicts: Sequence[Verdict]) -> list[Claim]:
    """One for each hypothesis, in the order of the verdicts."""
    groups: dict[int, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(id(verdict.hypothesis), []).append(verdict)
    return [
        _claim(f"claim-{place}", tuple(group))
        for place, group in enumerate(groups.values(), start=1)
    ]


def _claim(key: str, verdicts: tuple[Verdict, ...]) -> Claim:
    drawable = [each for each in verdicts if each.seeds and each.effects]
    if not drawable:
        return Claim(key, verdicts, None)
    hypothesis, trend = verdicts[0].hypothesis, _is_trend(verdicts)
    said = " ".join(_said(verdict) for verdict in drawable)
    picture = Picture(
        key=f"{key}-{file_stem(hypothesis.name or hypothesis.finding).lower()}",
        topic="Claims",
        title=hypothesis.title,
        chart=(draw_trend if trend else draw_comparison)(drawable),
        caption=_caption_of_trend(drawable) if trend else _caption_of_comparison(drawable),
        alt=f"{hypothesis.statement}. {said}",
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


def _said(verdict: Verdict) -> str:
    return f"{_named(verdict)}{verdict.answer} at {verdict.seeds} seeds, {verdict.reason}."


def _is_trend(verdicts: Sequence[Verdict]) -> bool:
    return isinstance(verdicts[0].hypothesis, Trend)
