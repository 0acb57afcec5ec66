"""What is written while a training runs, in the order that lets it be killed at any moment.

The checkpoint decides: an epoch is done once its checkpoint is on the disk. Snapshots are
written before it, because they cannot be made again later; history, events and run.json are
written after it, because a resumed run makes them again from it. For the same reason history
and run.json may lag for a second: where epochs take milliseconds, the disk is the slowest part.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from gnomon.networks import save_network, save_weights
from gnomon.training.checkpoint import save_checkpoint
from gnomon.training.history import Events, write_history
from gnomon.training.progress import Progress
from gnomon.training.run_folder import RunFacts, RunFolder, Status
from gnomon.training.state import State

_SECONDS_TO_LAG = 1.0


class Recorder:
    """Writes into a run folder; of several processes that train together, only the first does.

    Args:
        folder: claimed by this process.
        facts: those that do not change as the training goes on.
        architecture: the table `[network]` of the configuration.
        active: whether this is the process that writes.
    """

    def __init__(
        self,
        folder: RunFolder,
        facts: RunFacts,
        architecture: Mapping[str, Any],
        *,
        active: bool,
    ) -> None:
        self._folder, self._facts, self._architecture = folder, facts, architecture
        self._active = active
        self._events: Events | None = None
        self._shown = -math.inf

    def save(self, state: State, *, snapshot: bool) -> None:
        """Puts the state between two epochs on the disk; from then on they are safe."""
        if not self._active:
            return
        with self._folder.writing():
            if snapshot:
                save_weights(self._folder.snapshot(state.progress.epoch), state.network)
            save_checkpoint(self._folder.checkpoint, state.checkpoint())

    def show(self, progress: Progress) -> None:
        """Brings events, and at times history and run.json, to where the checkpoint is."""
        if not self._active:
            return
        with self._folder.writing():
            if self._events is None:
                self._events = Events(self._folder.events, progress.history)
            else:
                self._events.add(progress.history[-1])
            if time.monotonic() - self._shown >= _SECONDS_TO_LAG:
                self._write_views(self._now("running", "Training.", progress), progress)

    def end(
        self, status: Status, reason: str, network: nn.Module, progress: Progress
    ) -> RunFacts:
        """Writes the network that remains and what became of the run; the latter."""
        facts = self._now(status, reason, progress)
        if self._active:
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
        write_history(self._folder.history, progress.history)
        self._folder.write_facts(facts)
        self._shown = time.monotonic()

    def _now(self, status: Status, reason: str, progress: Progress) -> RunFacts:
        return replace(
            self._facts,
            status=status,
            reason=reason,
            epochs_done=progress.epoch,
            best_epoch=progress.best_epoch,
        )
