"""Who is told how a training goes; the front ends draw progress bars from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from gnomon.training.history import Row
from gnomon.training.run_folder import RunFacts


@dataclass(frozen=True)
class Plan:
    """What is about to be trained.

    Attributes:
        folder: where the run is written; None where nothing is.
        parameters: how many numbers are trained.
        examples: size of the training split.
        epochs: how many are planned.
        batches: optimiser steps per epoch: batches, as often as the method takes each.
        epochs_done: more than 0 when a run is resumed.
        device: such as cpu or cuda:0.
        processes: how many share the work.
    """

    folder: Path | None
    parameters: int
    examples: int
    epochs: int
    batches: int
    epochs_done: int
    device: str
    processes: int


@dataclass(frozen=True)
class EpochProgress:
    """How far the current epoch has come.

    Attributes:
        epoch: 1, 2, …
        batch: optimiser steps done in it.
        batches: steps in all.
        loss: mean over the examples seen in it so far.
        accuracy: share of them that were right.
    """

    epoch: int
    batch: int
    batches: int
    loss: float
    accuracy: float


@runtime_checkable
class Observer(Protocol):
    """Called by the loop, in the main process only."""

    def started(self, plan: Plan) -> None:
        """Before the first batch."""
        ...

    def batch(self, progress: EpochProgress) -> None:
        """After a batch; on CUDA after several, so that the device need not be waited for."""
        ...

    def epoch(self, row: Row) -> None:
        """After an epoch; what the folder says may lag a second behind."""
        ...

    def ended(self, facts: RunFacts) -> None:
        """At the end, whatever the reason; an error that caused it follows."""
        ...


@dataclass(frozen=True)
class Silent:
    """An observer that does nothing."""

    def started(self, plan: Plan) -> None:
        """Does nothing."""

    def batch(self, progress: EpochProgress) -> None:
        """Does nothing."""

    def epoch(self, row: Row) -> None:
        """Does nothing."""

    def ended(self, facts: RunFacts) -> None:
        """Does nothing."""
