"""What happens between the first epoch and the last."""

import math
import time

from accelerate.utils import broadcast

from gnomon.data.dataset import Dataset
from gnomon.errors import DivergedError, WeightsError
from gnomon.training.checkpoint import read_checkpoint
from gnomon.training.epoch import REMEDY, Epoch, EpochScore
from gnomon.training.evaluation import Score, evaluate
from gnomon.training.history import Row
from gnomon.training.observer import Observer
from gnomon.training.recorder import Recorder
from gnomon.training.run_folder import RunFolder, Status
from gnomon.training.settings import Training
from gnomon.training.state import State


class Trainer:
    """Trains epoch by epoch until there is a reason to end.

    Args:
        training: the settings.
        epoch: trains for one epoch.
        state: the network before training, and its optimiser.
        data: on the device; the validation split is what is watched.
        recorder: writes.
        observer: is told.
    """

    def __init__(
        self,
        training: Training,
        epoch: Epoch,
        state: State,
        data: Dataset,
        recorder: Recorder,
        observer: Observer,
    ) -> None:
        self._training, self._epoch, self._state = training, epoch, state
        self._validation = data.validation
        self._recorder, self._observer = recorder, observer
        self._accelerator = epoch.step.accelerator

    def resume(self, folder: RunFolder) -> None:
        """Takes up the checkpoint in `folder`, or writes the first one.

        Raises:
            WeightsError: the checkpoint is unreadable, or of another run.
        """
        if folder.checkpoint.exists():
            checkpoint = read_checkpoint(folder.checkpoint)
            if checkpoint.progress.run != self._state.progress.run:
                raise WeightsError(
                    f"{folder.checkpoint}: expected the checkpoint of this run, got another's. "
                    "Put back the file that belongs here, or train into a new folder."
                )
            self._state.restore(checkpoint)
        else:
            self._save()

    def run(self, folder: RunFolder) -> None:
        """Trains to the end.

        Raises:
            DivergedError: loss, gradient or weights became infinite or undefined.
        """
        self._recorder.show(self._state.progress)
        try:
            while (reason := self._reason_to_end()) is None:
                self._train_epoch()
        except DivergedError as error:
            raise DivergedError(self._stop("diverged", str(error), folder)) from error
        except KeyboardInterrupt:
            self._stop("interrupted", "Interrupted from the keyboard.", folder)
            raise
        finally:
            self._recorder.close()
        if self._state.best:
            self._state.load(self._state.best)
        self._end("finished", reason)

    def _train_epoch(self) -> None:
        begun = time.perf_counter()
        number = self._state.progress.epoch + 1
        score = self._epoch(number)
        self._share_buffers()
        validation = self._validate(number)
        row = self._row(score, validation, time.perf_counter() - begun)
        self._state.count(row, self._training.early_stopping)
        self._save()
        self._recorder.show(self._state.progress)
        self._observer.epoch(row)

    def _validate(self, number: int) -> Score | None:
        """The score on the validation data, if there are any; refuses what is not finite."""
        if not self._state.finite():
            raise DivergedError(_diverged(number, "finite weights", "some that are not"))
        if len(self._validation) == 0:
            return None
        score = evaluate(self._state.network, self._validation, self._accelerator)
        if not math.isfinite(score.loss):
            raise DivergedError(_diverged(number, "a finite validation loss", str(score.loss)))
        return score

    def _row(self, score: EpochScore, validation: Score | None, seconds: float) -> Row:
        return Row(
            epoch=self._state.progress.epoch + 1,
            step=self._state.progress.step + score.steps,
            learning_rate=score.learning_rate,
            train_loss=score.loss,
            train_accuracy=score.accuracy,
            validation_loss=None if validation is None else validation.loss,
            validation_accuracy=None if validation is None else validation.accuracy,
            gradient_norm=score.gradient_norm,
            seconds=seconds,
        )

    def _reason_to_end(self) -> str | None:
        """Why there is no further epoch, in one sentence; None where there is one."""
        done, best = self._state.progress.epoch, self._state.progress.best_epoch
        stopping = self._training.early_stopping
        if stopping is not None and best is not None and done - best >= stopping.patience:
            return (
                f"{stopping.metric} made no progress in the {stopping.patience} epochs "
                f"after epoch {best}, whose weights are kept."
            )
        return f"All {done} epochs are done." if done >= self._training.epochs else None

    def _save(self) -> None:
        chosen = self._state.progress.epoch in self._training.snapshots
        self._recorder.save(self._state, snapshot=chosen)

    def _stop(self, status: Status, reason: str, folder: RunFolder) -> str:
        """Ends an unfinished run with the last good state from the disk; says so."""
        self._state.restore(read_checkpoint(folder.checkpoint))
        kept = f"The state after epoch {self._state.progress.epoch} is kept in {folder.path}."
        self._end(status, f"{reason} {kept}")
        return f"{reason} {kept}"

    def _end(self, status: Status, reason: str) -> None:
        facts = self._recorder.end(status, reason, self._state.network, self._state.progress)
        self._observer.ended(facts)

    def _share_buffers(self) -> None:
        """Every process takes the first one's running statistics, as in torch's own wrapper."""
        if self._accelerator.num_processes > 1:
            for buffer in self._state.network.buffers():
                buffer.copy_(broadcast(buffer))


def _diverged(number: int, expected: str, got: str) -> str:
    return f"end of epoch {number}: expected {expected}, got {got}. {REMEDY}"
