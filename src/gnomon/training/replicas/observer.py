"""Who is told how the training of a group goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gnomon.training.history import Row
from gnomon.training.observer import EpochProgress, Plan
from gnomon.training.run_folder import RunFacts


@runtime_checkable
class GroupObserver(Protocol):
    """Called by the loop of a group; a place is a position among the experiments given."""

    def started(self, plans: Mapping[int, Plan]) -> None:
        """Before the first batch: what is trained at each place."""
        ...

    def batch(self, progress: EpochProgress) -> None:
        """After a batch, or on CUDA several: the means over the networks still in training."""
        ...

    def epoch(self, rows: Mapping[int, Row]) -> None:
        """After an epoch: the row of each network that has not diverged in it."""
        ...

    def ended(self, place: int, facts: RunFacts) -> None:
        """When the training at a place has ended, whatever the reason."""
        ...


@dataclass(frozen=True)
class SilentGroup:
    """An observer that does nothing."""

    def started(self, plans: Mapping[int, Plan]) -> None:
        """Does nothing."""

    def batch(self, progress: EpochProgress) -> None:
        """Does nothing."""

    def epoch(self, rows: Mapping[int, Row]) -> None:
        """Does nothing."""

    def ended(self, place: int, facts: RunFacts) -> None:
        """Does nothing."""
