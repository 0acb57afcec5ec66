"""Selections from audits: findings of one name, their doubts, some of many items."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from gnomon.audit.audit import Audit
from gnomon.audit.doubts import Doubt
from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject

Examined = Sequence[tuple[Subject, Audit]]
"""Subjects with their audits."""
Named = Sequence[tuple[str, Finding]]
"""Findings of one name, each with the name of its subject."""

Item = TypeVar("Item")


def findings_of(examined: Examined, name: str, *, known: bool = False) -> Named:
    """The findings of that name, each with the name of its subject.

    Args:
        examined: subjects with their audits.
        name: of the findings, such as "jacobian_norm".
        known: leaves out findings without a value.
    """
    return [
        (audit.name, finding)
        for _, audit in examined
        for finding in audit.findings
        if finding.name == name and not (known and finding.value is None)
    ]


def rows_of(examined: Examined, name: str) -> Named:
    """The findings of that name, each with the label of its row in a chart of sets.

    The label is the condition, after the subject's name where there are several subjects.
    """
    return [
        (f"{who}: {finding.condition}" if len(examined) > 1 else finding.condition, finding)
        for who, finding in findings_of(examined, name)
    ]


def doubts_of(findings: Iterable[Finding]) -> tuple[Doubt, ...]:
    """The doubts about any of the findings, each once."""
    return tuple(dict.fromkeys(doubt for finding in findings for doubt in finding.doubts))


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, evenly among them, the first and the last included.

    >>> evenly("abcdefg", 3)
    ['a', 'd', 'g']
    """
    if len(items) <= most:
        return list(items)
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]
