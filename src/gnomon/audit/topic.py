"""A row of the table of topics: a probe with all that an audit and its readers need of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gnomon.report.definition import Definition


@dataclass(frozen=True, eq=False)
class Topic:
    """One topic of the audit.

    Attributes:
        probe: the class that measures it, a `Probe`.
        about: what its findings are about, for the table in the documentation.
        details: the class of the details, or the union of classes, by the name of the finding;
            those of findings that are not named are plain values.
        terms: definitions of the words that its findings and pictures use.
        headline: the name of the finding that stands at the top of a report; empty for none.
        slow: whether an audit asks it only when it is named.
    """

    probe: type[Any]
    about: str
    details: Mapping[str, Any] = field(default_factory=dict)
    terms: tuple[Definition, ...] = ()
    headline: str = ""
    slow: bool = False

    @property
    def name(self) -> str:
        """The name in configurations, and the `probe` of its findings."""
        return self.probe.topic
