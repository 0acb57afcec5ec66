"""A picture of how the values that a network's weight layers receive are distributed."""

from collections.abc import Sequence

from gnomon.audit.report.selection import evenly
from gnomon.audit.topics.gradients.details import StageValues, UnitsByLayer
from gnomon.report.charts import Axis, Chart, Histogram, Mark, Panel, Text
from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, percent

_ROWS = 9
"""Largest number of representations in one chart."""


def activations(name: str, units: UnitsByLayer) -> Picture:
    """One histogram for each representation of a network, from the input to the output.

    Args:
        name: of the network.
        units: the details of its finding "dead_units".
    """
    stages = units.stages
    shown = evenly(stages, _ROWS)
    panels = [_panel(stage, last=stage is shown[-1]) for stage in shown]
    left_out = f"; {len(shown)} of {len(stages)} are shown" if len(shown) < len(stages) else ""
    zeros = _zeros(name, stages)
    return Picture(
        key=f"activations-{file_stem(name)}",
        topic="Gradients and units",
        title=f"Activations of {name}",
        chart=Chart([[panel] for panel in panels], 0.3 + 0.62 * len(shown)),
        caption=f"{zeros} Each row is what a weight layer receives, without what is exactly "
        f"zero, on an axis of its own{left_out}.",
        alt=f"{len(shown)} histograms, from the input to the output. {zeros}",
        definition="activation-distribution",
    )


def _panel(stage: StageValues, *, last: bool) -> Panel:
    marks: list[Mark] = [Text(1.01, 0.5, _note(stage), "xy", "left", size=9)]
    if stage.counts:
        marks.append(Histogram(stage.edges, stage.counts))
    words = "value; the height is the share of the values" if last else ""
    return Panel(marks, Axis(words, ticks=5, size=9), Axis(hidden=True), side=stage.stage)


def _note(stage: StageValues) -> str:
    if stage.mean is None or stage.zero is None:
        return "not finite"
    if stage.zero == 1:
        return "all zeros"
    return f"{100 * stage.zero:.0f} % zeros" if stage.zero >= 0.005 else "no zeros"


def _zeros(name: str, stages: Sequence[StageValues]) -> str:
    hidden = [each for each in stages[1:] if each.zero is not None] or stages
    most = max(hidden, key=lambda each: each.zero or 0)
    known = [each for each in hidden if each.deviation is not None]
    start = (
        f"{name}: {percent(most.zero)} of the values in {most.stage} are exactly zero, "
        "more than in any other representation behind the input"
        if most.zero
        else f"{name}: no value behind the input is exactly zero"
    )
    if not known:
        return f"{start}."
    widest = max(known, key=lambda each: each.deviation or 0)
    return f"{start}; the spread is largest in {widest.stage} (±{widest.deviation:.2g})."
