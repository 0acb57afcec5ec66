"""A picture of which part of an ensemble of attacks was the first to fool how many examples."""

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, Named, doubts_of, rows_of
from gnomon.report.charts import COLOURS, Axis, Bars, Mark, Panel, label_of, one, rows_named
from gnomon.report.picture import Picture
from gnomon.report.prose import listed, percent

_RESISTING, _WRONG = COLOURS[2], "#c8c8c8"
_PARTS = [colour for colour in COLOURS if colour != _RESISTING]


def fooled_by_parts(examined: Examined) -> list[Picture]:
    """One bar per set and network, where an ensemble was asked."""
    rows = rows_of(examined, "autoattack_accuracy")
    if not rows:
        return []
    shares = listed([_shares(*row) for row in rows])
    skipped = [reason for _, finding in rows for reason in finding.details.skipped]
    start = "Each part attacks the examples that the parts before it left"
    return [
        Picture(
            key="autoattack",
            topic="Attacks",
            title="What AutoAttack fooled, part by part",
            chart=one(
                Panel(
                    _bars(rows),
                    Axis("examples in %", 0, 100),
                    rows_named(Axis(), [label for label, _ in rows]),
                ),
                1.1 + 0.42 * len(rows),
                legend_columns=4,
            ),
            caption=" ".join([f"{start}: {shares}.", *skipped]),
            alt=f"Bars of examples by the part that fooled them: {shares}.",
            definition="autoattack",
            doubts=doubts_of(finding for _, finding in rows),
        )
    ]


def _bars(rows: Named) -> list[Mark]:
    """The segments of each bar from left to right; their lengths sum to 100 %."""
    names = list(dict.fromkeys(name for _, finding in rows for name, _ in _parts(finding)))
    colours = {name: _PARTS[place % len(_PARTS)] for place, name in enumerate(names)}
    colours = {"resisted all": _RESISTING, "wrong anyway": _WRONG, **colours}
    marks: list[Mark] = []
    for row, (_, finding) in enumerate(rows):
        left = 0.0
        for name, share in _segments(finding):
            marks.append(Bars([row], [left], [left + 100 * share], colours[name], name))
            left += 100 * share
    return sorted(marks, key=lambda bars: [*colours].index(label_of(bars)))


def _parts(finding: Finding) -> list[tuple[str, float]]:
    return [(part.part, part.fooled) for part in finding.details.parts]


def _segments(finding: Finding) -> list[tuple[str, float]]:
    """The shares of a bar from left to right; they sum to 1."""
    return [
        ("resisted all", finding.details.resisting),
        *reversed(_parts(finding)),
        ("wrong anyway", finding.details.wrong),
    ]


def _shares(label: str, finding: Finding) -> str:
    parts = [f"{name} fooled {percent(share)}" for name, share in _parts(finding) if share]
    shares = listed([f"{percent(finding.details.resisting)} resist", *parts])
    return f"within {label} {shares}"
