"""Brackets: a worst case, bounded from both sides."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bracket:
    """A worst-case accuracy lies between what is certified and what attacks leave.

    Attributes:
        certified: the share of examples for which bounds show that nothing allowed fools the
            network.
        attacked: the share that no attack fooled, of the same examples.
    """

    certified: float
    attacked: float

    @property
    def gap(self) -> float:
        """The share of examples of which neither side knows."""
        return self.attacked - self.certified
