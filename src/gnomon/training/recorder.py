"""What is written while a training runs, in the order that lets it be killed at any moment.

The checkpoint decides: a resumed run goes on from it. Snapshots are written before it, because
they cannot be made again later; events, history and run.json are written after it, because a
resumed run makes them again from it. All but snapshots may lag for a second: where epochs take
milliseconds, the disk is the slowest part. What a killed run has lost it makes again.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from gnomon.networks import save_network, save_weights
from gnomon.training.checkpoint import Checkpoint, read_checkpoint, save_checkpoint
from gnomon.training.history import Events, write_history
from gnomon.training.progress import Progress
from gnomon.training.run_folder import RunFacts, RunFolder, Status

SECONDS_BETWEEN_WRITES = 1.0
"""How far what is on the disk may lag behind the training."""


class Recorder:
    """Writes into a run folder; of several processes that train together, only the first does.

    Args:
        folder: claimed by this process; None where nothing is written.
        facts: those that do not change as the training goes on.
        architecture: the table `[network]` of the configuration.
        active: whether this is the process that writes.
    """

    def __init__(
        self,
        folder: RunFolder | None,
        facts: RunFacts,
        architecture: Mapping[str, Any],
        *,
        active: bool,
    ) -> None:
        self.folder, self._facts, self._architecture = folder, facts, architecture
        self._folder = folder if active else None
        self._events: Events | None = None
        self._written = -math.inf

    @property
    def due(self) -> bool:
        """Whether this process writes, and has not for a second."""
        return (
            self._folder is not None
            and time.monotonic() - self._written >= SECONDS_BETWEEN_WRITES
        )

    def __str__(self) -> str:
        return str(self.folder and self.folder.checkpoint)

    def checkpoint(self) -> Checkpoint | None:
        """The state on the disk; None where there is none.

        Raises:
            WeightsError: the checkpoint is unreadable.
        """
        if self.folder is None or not self.folder.checkpoint.exists():
            return None
        return read_checkpoint(self.folder.checkpoint)

    def snapshot(self, network: nn.Module, epoch: int) -> None:
        """Writes the weights as they are after an epoch."""
        if self._folder is not None:
            with self._folder.writing():
                save_weights(self._folder.snapshot(epoch), network)

    def save(self, checkpoint: Checkpoint) -> None:
        """Puts the state between two epochs on the disk; from then on they are safe."""
        if self._folder is not None:
            with self._folder.writing():
                save_checkpoint(self._folder.checkpoint, checkpoint)

    def show(self, progress: Progress) -> None:
        """Brings events, history and run.json to where the checkpoint is."""
        if self._folder is not None:
            with self._folder.writing():
                if self._events is None:
                    self._events = Events(self._folder.events, progress.history)
                self._write_views(self._now("running", "Training.", progress), progress)

    def end(
        self, status: Status, reason: str, network: nn.Module, progress: Progress
    ) -> RunFacts:
        """Writes the network that remains and what became of the run; the latter."""
        facts = self._now(status, reason, progress)
        if self._folder is not None:
            with self._folder.writing():
                save_network(
                    self._folder.model, network, self._architecture, self._facts.signature
                )
                self._write_views(facts, progress)
        return facts

    def close(self) -> None:
        """Ends the file of events."""
        if self._events is not None:
            self._events.close()

    def _write_views(self, facts: RunFacts, progress: Progress) -> None:
        assert self._folder is not None
        if self._events is not None:
            self._events.show(progress.history)
        write_history(self._folder.history, progress.history)
        self._folder.write_facts(facts)
        self._written = time.monotonic()

    def _now(self, status: Status, reason: str, progress: Progress) -> RunFacts:
        return replace(
            self._facts,
            status=status,
            reason=reason,
            epochs_done=progress.epoch,
            best_epoch=progress.best_epoch,
        )
