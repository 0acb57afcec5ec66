"""The progress of a training: epochs done, their results, and reasons to end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gnomon.training.evaluation import Score
from gnomon.training.history import EpochRow
from gnomon.training.settings import Training
from gnomon.training.tally import EpochScore


@dataclass(frozen=True)
class Progress:
    """The progress of a training.

    Attributes:
        run: fingerprint of the configuration and the data.
        epoch: epochs done.
        step: optimiser steps done.
        best_epoch: the epoch whose weights would be delivered if the training ended now; None
            where that is always the last one.
        best_value: the metric of early stopping in that epoch.
        loss_scale: with float16, the gradient scaler's factor …
        scale_age: … and the number of steps since it last changed.
        history: one row per epoch done.
    """

    run: str
    epoch: int = 0
    step: int = 0
    best_epoch: int | None = None
    best_value: float | None = None
    loss_scale: float | None = None
    scale_age: int | None = None
    history: tuple[EpochRow, ...] = ()

    def next_row(
        self,
        score: EpochScore,
        validation: Score | None,
        robust_accuracy: float | None,
        seconds: float,
    ) -> EpochRow:
        """The row of the history for the epoch that follows."""
        return EpochRow(
            epoch=self.epoch + 1,
            step=self.step + score.steps,
            learning_rate=score.learning_rate,
            train_loss=score.loss,
            train_accuracy=score.accuracy,
            validation_loss=None if validation is None else validation.loss,
            validation_accuracy=None if validation is None else validation.accuracy,
            gradient_norm=score.gradient_norm,
            seconds=seconds,
            robust_accuracy=robust_accuracy,
        )

    def counted(self, row: EpochRow, training: Training) -> "Progress":
        """The progress once the epoch of `row` is done.

        An epoch in which robust accuracy fell is never the best one. Of the others it is the
        latest or, with early stopping, the first that is better than all before.
        """
        after = replace(self, epoch=row.epoch, step=row.step, history=(*self.history, row))
        stopping, overfitting = training.early_stopping, training.overfitting
        if _fall(after.history, training) is not None:
            return after
        if stopping is None:
            return after if overfitting is None else replace(after, best_epoch=row.epoch)
        value: float = getattr(row, stopping.metric)
        if not stopping.better(value, self.best_value):
            return after
        return replace(after, best_epoch=row.epoch, best_value=value)

    def reason_to_end(self, training: Training) -> str | None:
        """Why there is no further epoch, in one sentence; None where there is one."""
        stopping, best = training.early_stopping, self.best_epoch
        fall = _fall(self.history, training)
        if fall is not None:
            return (
                f"Catastrophic overfitting: robust accuracy fell from {fall[0]:.1%} to "
                f"{fall[1]:.1%} in epoch {self.epoch}. The weights after epoch {best} are kept."
            )
        if stopping is not None and best is not None and self.epoch - best >= stopping.patience:
            return (
                f"{stopping.metric} made no progress in the {stopping.patience} epochs "
                f"after epoch {best}, whose weights are kept."
            )
        if self.epoch < training.epochs:
            return None
        return f"All {self.epoch} epochs are done.{_not_reached(training)}"


def _not_reached(training: Training) -> str:
    """A sentence on the snapshots asked for beyond the last epoch; empty if none."""
    beyond = [str(epoch) for epoch in training.snapshots if epoch > training.epochs]
    return f" Snapshots beyond them were not reached: {', '.join(beyond)}." if beyond else ""


def _fall(history: Sequence[EpochRow], training: Training) -> tuple[float, float] | None:
    """The robust accuracies before and after the last epoch, if they are a fall."""
    if training.overfitting is None or len(history) < 2:
        return None
    before, after = (row.robust_accuracy for row in history[-2:])
    if before is None or after is None or not training.overfitting.fell(before, after):
        return None
    return before, after
