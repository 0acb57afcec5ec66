"""One entry of a report's glossary."""

from dataclasses import dataclass

from gnomon.references import cite


@dataclass(frozen=True)
class Definition:
    """One term.

    Attributes:
        key: its anchor.
        term: as readers meet it.
        text: what it means.
        references: keys of `references.bib`.
    """

    key: str
    term: str
    text: str
    references: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The references, as lines for readers."""
        return tuple(cite(key) for key in self.references)
