"""The shares that a few networks reach, one below the other, with their intervals."""

from collections.abc import Sequence
from dataclasses import replace

from gnomon.audit.finding import Finding
from gnomon.report.charts import (
    WIDTH,
    Axis,
    Chart,
    Mark,
    Panel,
    Paths,
    Points,
    looks_of,
    one,
    percents,
    rows_named,
)
from gnomon.report.prose import shortened

_MOST_AT_ONCE = 8
"""Maximum number of networks: as many as there are colours."""

Shares = Sequence[tuple[str, Sequence[tuple[str, Finding]]]]
"""Titles of findings, each with the names of networks and their findings."""


def shares_chart(lines: Shares) -> Chart:
    """One line for each finding, and there a dot for each network, with its own interval."""
    looks = looks_of([name for _, findings in lines for name, _ in findings])
    names = list(looks)[:_MOST_AT_ONCE]
    step = 0.7 / len(names)
    marks: list[Mark] = []
    for place, name in enumerate(names):
        offset = (place - (len(names) - 1) / 2) * step
        rows = [
            (line + offset, finding)
            for line, (_, findings) in enumerate(lines)
            for network, finding in findings
            if network == name
        ]
        heights, shares = [y for y, _ in rows], percents([each.value for _, each in rows])
        intervals = [
            [(100 * end, height) for end in finding.error]
            for height, finding in rows
            if finding.error is not None
        ]
        look = replace(looks[name], size=6.5)
        marks += [Points(shares, heights, look, name), Paths(intervals, looks[name])]
    panel = Panel(
        marks,
        Axis("share in %, with its 95 % interval", low=-2, high=102, grid=True),
        rows_named(Axis(), [shortened(title, 40) for title, _ in lines]),
    )
    height = 1.0 + (0.16 + 0.12 * len(names)) * len(lines)
    return one(panel, height, 1.35 * WIDTH, legend_columns=4)
