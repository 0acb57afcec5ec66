"""How far a training has come, what counts as an epoch's result, and when it ends."""

from dataclasses import dataclass, replace

from gnomon.training.evaluation import Score
from gnomon.training.history import Row
from gnomon.training.settings import EarlyStopping, Training
from gnomon.training.tally import EpochScore


@dataclass(frozen=True)
class Progress:
    """How far a training has come.

    Attributes:
        run: fingerprint of the configuration and the data.
        epoch: epochs done.
        step: optimiser steps done.
        best_epoch: the epoch that early stopping would restore.
        best_value: its metric.
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
    history: tuple[Row, ...] = ()

    def next_row(self, score: EpochScore, validation: Score | None, seconds: float) -> Row:
        """What the history says of the epoch that follows."""
        return Row(
            epoch=self.epoch + 1,
            step=self.step + score.steps,
            learning_rate=score.learning_rate,
            train_loss=score.loss,
            train_accuracy=score.accuracy,
            validation_loss=None if validation is None else validation.loss,
            validation_accuracy=None if validation is None else validation.accuracy,
            gradient_norm=score.gradient_norm,
            seconds=seconds,
        )

    def counted(self, row: Row, stopping: EarlyStopping | None) -> "Progress":
        """The progress once the epoch of `row` is done.

        With early stopping that epoch is the best one if it is better than all before.
        """
        after = replace(self, epoch=row.epoch, step=row.step, history=(*self.history, row))
        if stopping is None:
            return after
        value: float = getattr(row, stopping.metric)
        if not stopping.better(value, self.best_value):
            return after
        return replace(after, best_epoch=row.epoch, best_value=value)

    def reason_to_end(self, training: Training) -> str | None:
        """Why there is no further epoch, in one sentence; None where there is one."""
        stopping, best = training.early_stopping, self.best_epoch
        if stopping is not None and best is not None and self.epoch - best >= stopping.patience:
            return (
                f"{stopping.metric} made no progress in the {stopping.patience} epochs "
                f"after epoch {best}, whose weights are kept."
            )
        return f"All {self.epoch} epochs are done." if self.epoch >= training.epochs else None
