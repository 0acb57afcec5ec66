"""A picture of what is certified, what is fooled, and what is open, threat by threat."""

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, Named, doubts_of, rows_of
from gnomon.report.charts import COLOURS, Axis, Bars, Mark, Panel, one, percents, rows_named
from gnomon.report.picture import Picture
from gnomon.report.prose import listed, percent


def brackets(examined: Examined) -> list[Picture]:
    """One bar per threat and network, where anything was asked to be certified."""
    rows = rows_of(examined, "certified_accuracy")
    if not rows:
        return []
    ranges = listed([_range(*row) for row in rows])
    return [
        Picture(
            key="brackets",
            topic="Certificates",
            title="What is certified, and what is fooled",
            chart=one(
                Panel(
                    _bars(rows),
                    Axis("examples in %", 0, 100),
                    rows_named(Axis(), [label for label, _ in rows]),
                ),
                1.1 + 0.42 * len(rows),
                legend_columns=3,
            ),
            caption=f"The worst-case accuracy lies between what is certified and what no "
            f"search could fool: {ranges}.",
            alt=f"Bars of certified, open and fooled examples: {ranges}.",
            definition="bracket",
            doubts=doubts_of(finding for _, finding in rows),
        )
    ]


def _bars(rows: Named) -> list[Mark]:
    at = list(range(len(rows)))
    certified = percents([finding.details.certified for _, finding in rows])
    attacked = percents([finding.details.attacked for _, finding in rows])
    return [
        Bars(at, [0] * len(at), certified, COLOURS[2], "certified"),
        Bars(at, certified, attacked, label="open", open=True),
        Bars(at, attacked, [100] * len(at), COLOURS[1], "fooled"),
    ]


def _range(label: str, finding: Finding) -> str:
    low, high = percent(finding.details.certified), percent(finding.details.attacked)
    return f"{low} to {high} for {label}"
