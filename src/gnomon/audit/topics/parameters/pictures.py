"""A picture of alternative networks: drawn at random, searched for, and attacked."""

from collections.abc import Sequence

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, doubts_of, rows_of
from gnomon.report.charts import (
    COLOURS,
    LINE,
    Axis,
    Look,
    Mark,
    Panel,
    Paths,
    Points,
    one,
    percents,
    rows_named,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import listed, percent

TOPIC = "Perturbed parameters"
_INSIDE = Look(COLOURS[0], "o", size=4.7, opacity=0.6)
_VERTICES = Look(COLOURS[2], "^", size=4.7, opacity=0.6)
_WORST = Look(COLOURS[1], "X", size=7.4)
_ATTACKED = Look(COLOURS[3], "o", size=4.9, hollow=True)
_Row = tuple[str, Finding, Finding]
"""The label of a row, the alternatives drawn there, and the worst found."""


def alternative_networks(examined: Examined) -> list[Picture]:
    """One row per set of parameters and network, where any was asked."""
    worst = dict(rows_of(examined, "parameter_attacked_accuracy"))
    rows = [
        (label, finding, worst[label])
        for label, finding in rows_of(examined, "alternative_accuracy")
        if finding.value is not None
    ]
    return [_picture(rows)] if rows else []


def _picture(rows: Sequence[_Row]) -> Picture:
    marks = [mark for place, row in enumerate(rows) for mark in _marks(place, row)]
    shares = listed([_shares(*row) for row in rows])
    panel = Panel(
        marks,
        Axis("accuracy in %", grid=True),
        rows_named(Axis(), [label for label, _, _ in rows]),
    )
    return Picture(
        key="alternative-networks",
        topic=TOPIC,
        title="Accuracy of alternative networks",
        chart=one(panel, 1.5 + 0.55 * len(rows)),
        caption="Each mark is a network with other parameters in the set; the thin line is the "
        "network itself. Of the examples are right, with random parameters on average and with "
        f"the worst found: {shares}.",
        alt=f"Marks of the accuracy of alternative networks, a row for each set: {shares}.",
        definition="alternative-network",
        doubts=doubts_of(finding for _, _, finding in rows),
    )


def _marks(place: int, row: _Row) -> list[Mark]:
    """Marks in the upper half of a row; of networks under attack on inputs, in the lower."""
    _, alternatives, worst = row
    details, above, below = alternatives.details, place - 0.17, place + 0.17
    assert worst.value is not None
    marks: list[Mark] = [
        _at(details.inside.accuracy, above - 0.06, _INSIDE, "random inside"),
        _at(details.vertices.accuracy, above + 0.06, _VERTICES, "random vertices"),
        _at([worst.value], above, _WORST, "worst found"),
        _tick(details.clean, above),
    ]
    attacked = details.attacked
    if attacked is not None:
        label = f"inside, inputs attacked ({attacked.condition})"
        marks.append(_at(attacked.accuracy, below, _ATTACKED, label))
        marks.append(_tick(attacked.clean, below))
    return marks


def _at(shares: Sequence[float], height: float, style: Look, label: str) -> Points:
    return Points(percents(shares), [height] * len(shares), style, label)


def _tick(share: float, height: float) -> Paths:
    """The network itself."""
    at = 100 * share
    return Paths([[(at, height - 0.15), (at, height + 0.15)]], LINE)


def _shares(label: str, alternatives: Finding, worst: Finding) -> str:
    assert alternatives.value is not None
    assert worst.value is not None
    return f"{percent(alternatives.value)} and {percent(worst.value)} ({label})"
