"""What happens between the first epoch and the last."""

import time
from contextlib import suppress

from accelerate.utils import broadcast

from gnomon.data.dataset import Dataset
from gnomon.errors import DivergedError, FolderError, WeightsError
from gnomon.training.checkpoint import Checkpoint
from gnomon.training.divergence import check_validation, check_weights
from gnomon.training.epoch import Epoch
from gnomon.training.evaluation import Score, evaluate, robust_accuracy
from gnomon.training.observer import Observer
from gnomon.training.progress import Progress
from gnomon.training.recorder import Recorder
from gnomon.training.run_folder import RunFacts, RunFolder, Status
from gnomon.training.settings import Training
from gnomon.training.state import State, finite


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
        self._validation, self._domain = data.validation, data.domain
        overfitting = training.overfitting
        self._attacked = None if overfitting is None else overfitting.watched(data)
        self._recorder, self._observer = recorder, observer
        self._accelerator = epoch.step.accelerator
        self._kept: Checkpoint | None = None  # the last good state, where the disk lags behind

    def resume(self) -> None:
        """Takes up the checkpoint in the run folder, or writes the first one.

        Raises:
            WeightsError: the checkpoint is unreadable, or of another run.
        """
        checkpoint = self._recorder.checkpoint()
        if checkpoint is not None:
            if checkpoint.progress.run != self._state.progress.run:
                raise WeightsError(
                    f"{self._recorder}: expected the checkpoint of this run, got another's. "
                    "Put back the file that belongs here, or train into a new folder."
                )
            self._state.restore(checkpoint)
        else:
            self._snapshot()
            self._recorder.save(self._state.checkpoint())
            if self._recorder.folder is None:
                self._kept = self._state.checkpoint().copy()

    def run(self) -> RunFacts:
        """Trains to the end; returns how it ended.

        Raises:
            DivergedError: loss, gradient or weights became infinite or undefined.
        """
        self._recorder.show(self._state.progress)
        try:
            while (reason := self._state.progress.reason_to_end(self._training)) is None:
                self._train_epoch()
            return self._finish(reason)
        except DivergedError as error:
            raise DivergedError(self._stop("diverged", str(error))) from error
        except KeyboardInterrupt:
            self._stop("interrupted", "Interrupted from the keyboard.")
            raise
        except BaseException:
            with suppress(FolderError):  # what went wrong may be the disk
                self._save_kept()
            raise
        finally:
            self._recorder.close()

    def _train_epoch(self) -> None:
        begun = time.perf_counter()
        number = self._state.progress.epoch + 1
        score = self._epoch(number)
        self._share_buffers()
        weights = self._state.network.state_dict()
        check_weights(number, finite=finite(weights))
        validation = self._validate(number)
        robust = self._attack(number)
        seconds = time.perf_counter() - begun
        row = self._state.progress.next_row(score, validation, robust, seconds)
        self._state.count(row, self._training)
        self._snapshot()
        self._keep(self._state.checkpoint(weights))
        self._observer.epoch(row)

    def _validate(self, number: int) -> Score | None:
        """The score on the validation data, if there are any; refuses what is not finite."""
        if len(self._validation) == 0:
            return None
        score = evaluate(self._state.network, self._validation, self._accelerator)
        check_validation(number, score.loss)
        return score

    def _attack(self, number: int) -> float | None:
        """The robust accuracy, if it is watched."""
        overfitting, attacked = self._training.overfitting, self._attacked
        if overfitting is None or attacked is None:
            return None
        place = (self._epoch.seed, number)
        network = self._state.network
        return robust_accuracy(
            network, attacked, self._domain, overfitting, place, self._accelerator
        )

    def _snapshot(self) -> None:
        if self._state.progress.epoch in self._training.snapshots:
            self._recorder.snapshot(self._state.network, self._state.progress.epoch)

    def _keep(self, checkpoint: Checkpoint) -> None:
        """Keeps the state after an epoch: on the disk or, if that was just done, in memory."""
        if self._recorder.due:
            self._recorder.save(checkpoint)
            self._kept = None
            self._recorder.show(self._state.progress)
        else:
            self._kept = checkpoint.copy()

    def _save_kept(self) -> None:
        """Puts on the disk what is kept in memory."""
        if self._kept is not None:
            self._recorder.save(self._kept)

    def _finish(self, reason: str) -> RunFacts:
        """Ends a run with the weights of its best epoch, if there is one, else of its last."""
        self._save_kept()
        if self._state.best:
            self._state.load(self._state.best)
        return self._end("finished", reason)

    def _stop(self, status: Status, reason: str) -> str:
        """Ends an unfinished run with the last good state; says so."""
        self._save_kept()
        good = self._kept or self._recorder.checkpoint()
        assert good is not None
        self._state.restore(good)
        reason = f"{reason} {kept(self._state.progress, self._recorder.folder)}"
        self._end(status, reason)
        return reason

    def _end(self, status: Status, reason: str) -> RunFacts:
        facts = self._recorder.end(status, reason, self._state.network, self._state.progress)
        self._observer.ended(facts)
        return facts

    def _share_buffers(self) -> None:
        """Every process takes the first one's running statistics, as in torch's own wrapper."""
        if self._accelerator.num_processes > 1:
            for buffer in self._state.network.buffers():
                buffer.copy_(broadcast(buffer))


def kept(progress: Progress, folder: RunFolder | None) -> str:
    """The sentence that says what remains of a run that did not finish."""
    place = "the network" if folder is None else folder.path
    return f"The state after epoch {progress.epoch} is kept in {place}."
