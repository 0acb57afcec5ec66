"""What a figure draws of all that there is: findings of one name, and some of many things."""

from collections.abc import Sequence
from typing import TypeVar

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject

Item = TypeVar("Item")


def findings_of(
    examined: Sequence[tuple[Subject, Audit]], name: str
) -> list[tuple[str, Finding]]:
    """The findings of that name, each with the name of its subject."""
    return [
        (audit.name, finding)
        for _, audit in examined
        for finding in audit.findings
        if finding.name == name
    ]


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, evenly among them, the first and the last included.

    >>> evenly("abcdefg", 3)
    ['a', 'd', 'g']
    """
    if len(items) <= most:
        return list(items)
    return [items[round(place * (len(items) - 1) / (most - 1))] for place in range(most)]
