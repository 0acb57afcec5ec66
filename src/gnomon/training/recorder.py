"""Writes trainings to the disk, in the order that lets them be killed at any moment.

The checkpoint decides: a resumed run goes on from it. Snapshots are written before it, because
they cannot be made again later; events, history and run.json are written after it, because a
resumed run makes them again from it. All but snapshots may lag: where epochs take milliseconds,
the disk is the slowest part. What a killed run has lost it makes again.

A single run has all this in its folder. The state of a group is one file in the first of its
folders; each member gets its own checkpoint and history when it ends.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from torch import nn

from gnomon.networks import save_network, save_weights
from gnomon.training.checkpoint import Checkpoint, save_checkpoint, save_group
from gnomon.training.history import Events, write_history
from gnomon.training.preparation import PlannedRun
from gnomon.training.progress import Progress
from gnomon.training.run_folder import RunFacts, Status

SECONDS_BETWEEN_WRITES = 1.0
"""Seconds that what is on the disk may lag behind a single training."""

SECONDS_BETWEEN_GROUP_WRITES = 5.0
"""The same of a group, whose state takes longer to write than an epoch of small networks."""


EVENTS_ARE_WRITTEN = find_spec("tensorboard") is not None
"""True if TensorBoard is installed; without it a run has all but `events/`."""


class Recorder:
    """Writes into run folders; of several processes that train together, only the first does.

    Args:
        group: the file for the state of a group; None for a single run.
        active: whether this is the process that writes.
    """

    def __init__(self, group: Path | None, *, active: bool) -> None:
        self._group, self._active = group, active
        self._events: Events | None = None
        self._written = -math.inf

    @property
    def due(self) -> bool:
        """Tells whether this process writes, and has not for some seconds."""
        lag = SECONDS_BETWEEN_WRITES if self._group is None else SECONDS_BETWEEN_GROUP_WRITES
        return self._active and time.monotonic() - self._written >= lag

    def begin(self, runs: Sequence[PlannedRun], checkpoint: Checkpoint, *, new: bool) -> None:
        """Writes that trainings begin or go on, and from which state."""
        if new and self._group is None:
            self.save(runs[0], checkpoint)
        for run, progress in zip(runs, checkpoint.progress, strict=True):
            self.show(run, progress)

    def snapshot(self, run: PlannedRun, network: nn.Module, epoch: int) -> None:
        """Writes the weights as they are after an epoch."""
        if self._active:
            with run.folder.writing():
                save_weights(run.folder.snapshot(epoch), network)

    def save(self, run: PlannedRun, checkpoint: Checkpoint) -> None:
        """Puts the state between two epochs on the disk; from then on they are safe.

        Args:
            run: the first of those in the checkpoint.
            checkpoint: of a single run, or of the group.
        """
        if self._active:
            with run.folder.writing():
                if self._group is None:
                    save_checkpoint(run.folder.checkpoint, checkpoint)
                else:
                    save_group(self._group, checkpoint)

    def keep(self, runs: Sequence[PlannedRun], checkpoint: Checkpoint) -> None:
        """Puts the state, and what people read of it, on the disk when that is due."""
        if self.due:
            self.save(runs[0], checkpoint)
            if self._group is None:
                self.show(runs[0], checkpoint.progress[0])
            else:
                self._written = time.monotonic()

    def show(self, run: PlannedRun, progress: Progress) -> None:
        """Brings events, history and run.json to where the checkpoint is."""
        if self._active:
            with run.folder.writing():
                if self._events is None and self._group is None and EVENTS_ARE_WRITTEN:
                    self._events = Events(run.folder.events, progress.history)
                self._write_views(run, _now(run, "running", "Training.", progress), progress)

    def end(
        self,
        run: PlannedRun,
        status: Status,
        reason: str,
        checkpoint: Checkpoint,
        network: nn.Module,
    ) -> RunFacts:
        """Writes what remains of a run; returns what became of it.

        Args:
            run: the run.
            status: what became of it.
            reason: the same in one sentence.
            checkpoint: the last good state, as of a single run.
            network: what is delivered.
        """
        progress = checkpoint.progress[0]
        facts = _now(run, status, reason, progress)
        if self._active:
            architecture = run.config["network"]
            with run.folder.writing():
                save_checkpoint(run.folder.checkpoint, checkpoint)
                save_network(run.folder.model, network, architecture, run.facts.signature)
                self._write_views(run, facts, progress)
        return facts

    def close(self) -> None:
        """Ends the file of events."""
        if self._events is not None:
            self._events.close()

    def forget(self) -> None:
        """Takes away the state of a group of which all have ended."""
        if self._group is not None:
            self._group.unlink(missing_ok=True)

    def _write_views(self, run: PlannedRun, facts: RunFacts, progress: Progress) -> None:
        if self._events is not None:
            self._events.show(progress.history)
        write_history(run.folder.history, progress.history)
        run.folder.write_facts(facts)
        self._written = time.monotonic()


def _now(run: PlannedRun, status: Status, reason: str, progress: Progress) -> RunFacts:
    return replace(
        run.facts,
        status=status,
        reason=reason,
        epochs_done=progress.epoch,
        best_epoch=progress.best_epoch,
    )
