"""Observers of trainings; the front ends draw progress bars from what they hear."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from gnomon.training.history import EpochRow
from gnomon.training.run_folder import RunFacts


@dataclass(frozen=True)
class Plan:
    """The training that is about to begin.

    Attributes:
        folder: where the run is written.
        parameters: number of trained parameters.
        examples: number of examples in the training split.
        epochs: number of epochs in all.
        batches: optimiser steps per epoch: batches, times the steps that the method takes on
            each.
        epochs_done: number of epochs done already; above 0 where a run is resumed.
        device: such as cpu or cuda:0.
        processes: number of processes that share the work.
    """

    folder: Path
    parameters: int
    examples: int
    epochs: int
    batches: int
    epochs_done: int
    device: str
    processes: int


@dataclass(frozen=True)
class EpochProgress:
    """The figures of the current epoch so far.

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
    """Follows trainings; called by the loop, in the main process only.

    A `place` is the position of a training among those that were asked for: 0 for a single one.
    """

    def started(self, place: int, plan: Plan, /) -> None:
        """Called before the first batch, for each training."""
        ...

    def batch(self, progress: EpochProgress) -> None:
        """Called after a batch; on CUDA after several, since reading waits for the device.

        Of a group, `progress` has the means over the networks still in training.
        """
        ...

    def epoch(self, place: int, row: EpochRow, /) -> None:
        """Called after an epoch, for each training; the folder may lag a second behind."""
        ...

    def ended(self, place: int, facts: RunFacts, /) -> None:
        """Called at the end, whatever the reason; an error that caused it follows."""
        ...


@dataclass(frozen=True)
class Silent:
    """An observer that does nothing."""

    def started(self, place: int, plan: Plan) -> None:
        """Ignores the plan."""

    def batch(self, progress: EpochProgress) -> None:
        """Ignores the progress."""

    def epoch(self, place: int, row: EpochRow) -> None:
        """Ignores the row."""

    def ended(self, place: int, facts: RunFacts) -> None:
        """Ignores the end."""
