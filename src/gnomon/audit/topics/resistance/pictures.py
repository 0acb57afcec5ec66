"""Pictures of accuracy kept and robustness lost under attacks on parameters."""

from collections.abc import Sequence
from dataclasses import replace

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, Named, doubts_of, findings_of
from gnomon.audit.topics.parameters.pictures import TOPIC
from gnomon.report.charts import (
    ACCURACY,
    Axis,
    Chart,
    Curve,
    Look,
    Mark,
    Panel,
    looks_of,
    percents,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import listed, percent

_KINDS = {
    "relative": (
        "Parameters changed to destroy robustness unnoticed",
        "largest change of each parameter, γ in %",
    ),
    "share": (
        "Few weights changed to destroy robustness unnoticed",
        "changed weights, p in %",
    ),
}
"""The kinds of change: the title of the picture, and what its axis across says."""
_LEGEND = (("as it is", Look()), ("inputs attacked", Look(line="--")))
_RANDOM = ("random vertex", Look(line=":", width=1.2))


def resistance_to_attacks(examined: Examined) -> list[Picture]:
    """One picture for each kind of change that was asked: all parameters, or few."""
    named = findings_of(examined, "adversarial_rate", known=True)
    kinds = {kind: [pair for pair in named if _kind(pair[1]) == kind] for kind in _KINDS}
    return [_picture(kind, pairs) for kind, pairs in kinds.items() if pairs]


def _picture(kind: str, named: Named) -> Picture:
    looks = looks_of(name for name, _ in named)
    own = {who: sorted((f for name, f in named if name == who), key=_size) for who in looks}
    shares = [mark for who, style in looks.items() for mark in _accuracies(own[who], style)]
    rates = [mark for who, style in looks.items() for mark in _rates(own[who], style)]
    title, across = _KINDS[kind]
    highest = max(finding.error[1] for _, finding in named if finding.error)
    last = max((finding for _, finding in named), key=_size)
    ends = listed([_ends(who, own[who][-1]) for who in looks])
    return Picture(
        key=f"resistance-{kind}",
        topic=TOPIC,
        title=title,
        chart=Chart(
            [
                [Panel(shares, Axis(across, low=0), ACCURACY)],
                [
                    Panel(
                        rates,
                        Axis(across, low=0),
                        Axis("adversarial rate", -0.02, 1.02 * max(1.0, highest), grid=True),
                    )
                ],
            ],
            5.6,
            share_x=True,
            legend=(*looks.items(), *_LEGEND, *([_RANDOM] if kind == "relative" else [])),
        ),
        caption=f"Above, what the changed network gets right as it is and under attack on "
        f"inputs ({named[0][1].details.inputs}); below, the share of accuracy kept times "
        f"the share of robustness lost, with 95 % intervals. At {last.condition} {ends}.",
        alt=f"Curves of accuracy, attacked accuracy and adversarial rate. At "
        f"{last.condition} {ends}.",
        definition="adversarial-rate",
        doubts=doubts_of(finding for _, finding in named),
    )


def _accuracies(own: Sequence[Finding], style: Look) -> list[Mark]:
    """Accuracy and attacked accuracy of one subject against the size of the change."""
    at = [0.0, *map(_size, own)]
    dashed = replace(style, line="--", hollow=True)
    return [
        Curve(at, percents([pairs[0][0], *(after for _, after in pairs)]), line)
        for pairs, line in (
            ([finding.details.accuracy for finding in own], style),
            ([finding.details.attacked_accuracy for finding in own], dashed),
        )
    ]


def _rates(own: Sequence[Finding], style: Look) -> list[Mark]:
    """The rate with its intervals, and that of random changes where it is known."""
    at = [0.0, *map(_size, own)]
    ends = [(0.0, 0.0), *(finding.error or (0.0, 0.0) for finding in own)]
    band = [low for low, _ in ends], [high for _, high in ends]
    marks: list[Mark] = [Curve(at, [0.0, *(f.value or 0.0 for f in own)], style, band=band)]
    random = [finding.details.random_rate for finding in own]
    if None not in random:
        marks.append(Curve(at, [0.0, *random], replace(style, line=":", width=1.2, marker="")))
    return marks


def _ends(who: str, last: Finding) -> str:
    (before, after), (robust, left) = last.details.accuracy, last.details.attacked_accuracy
    return (
        f"{who} keeps {percent(after)} of {percent(before)} accuracy, {percent(left)} of "
        f"{percent(robust)} under attack"
    )


def _kind(finding: Finding) -> str:
    return finding.threat[0]


def _size(finding: Finding) -> float:
    """The size of the change, in per cent."""
    return 100 * finding.threat[1]
