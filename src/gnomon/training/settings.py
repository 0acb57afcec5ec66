"""The settings of a training: the table [training] of a configuration."""

import math
from dataclasses import dataclass, field
from typing import Literal

from gnomon.errors import SettingError
from gnomon.training.augmentation import Augmentation
from gnomon.training.method import TrainingMethod
from gnomon.training.optimizers import Adam, OptimizerRule
from gnomon.training.overfitting import CatastrophicOverfitting
from gnomon.training.schedules import Cosine, Schedule, warmed_up
from gnomon.training.standard import Standard

Precision = Literal["float32", "bfloat16", "float16"]
"""In what numbers the network runs; parameters and optimiser state are float32 always."""

Initialisation = Literal["variance", "interval"]
"""The quantity that initial weights keep from layer to layer: the variance of values, as
architectures draw them, or the radius of intervals (`initialise_for_intervals`)."""


@dataclass(frozen=True)
class EarlyStopping:
    """Stops when validation shows no progress for long, and restores the best epoch.

    Attributes:
        patience: how many epochs without progress are allowed before the stop.
        min_delta: what counts as progress: better than the best so far by more than this.
        metric: what is watched; a loss is better when lower, an accuracy when higher.

    References:
        prechelt1998.
    """

    patience: int = 10
    min_delta: float = 0.0
    metric: Literal["validation_loss", "validation_accuracy"] = "validation_loss"

    def __post_init__(self) -> None:
        _check_count("patience", self.patience)
        _check_not_negative("min_delta", self.min_delta)

    def better(self, value: float, best: float | None) -> bool:
        """Tells whether `value` is progress over `best`; the first value always is."""
        if best is None:
            return True
        gain = best - value if self.metric == "validation_loss" else value - best
        return gain > self.min_delta


@dataclass(frozen=True)
class Training:
    """Settings of a training.

    Attributes:
        method: what is minimised.
        epochs: passes over the training data.
        batch_size: examples per optimiser step, over all processes together. The last batch of
            an epoch takes what remains.
        augmentation: what changes the examples whenever they are trained on, if anything does.
        optimizer: the update rule.
        learning_rate: the base rate, which `schedule` multiplies.
        weight_decay: λ; each optimiser says what it does with it.
        schedule: the course of the learning rate after the warm-up.
        warmup_epochs: how long the rate first rises linearly; fractions allowed.
        gradient_clip: the gradient's Euclidean norm, over all parameters, is cut to this.
        weight_clip: c; after each step every trained parameter, biases and the scales of
            normalisations too, is moved into [−c, c].
        early_stopping: when to stop before the last epoch, if at all.
        overfitting: what robust accuracy must not do from one epoch to the next, if it is
            watched. With both, the epoch restored is the best one, as `early_stopping` judges,
            of those before the fall.
        snapshots: after which epochs the weights are kept; 0 is before training. Those beyond
            the last epoch are not reached, which the run says at its end.
        precision: in what numbers the network runs.
        channels_last: weights and batches of images lie in memory with the channels of a pixel
            side by side, which some machines convolve faster. The result is equal up to
            rounding, but for dropout, whose masks are drawn in the order of memory.
        initialisation: what the initial weights keep from layer to layer.

    References:
        stutz2021 (weight_clip).
    """

    method: TrainingMethod = field(default_factory=Standard)
    epochs: int = 10
    batch_size: int = 128
    augmentation: Augmentation | None = None
    optimizer: OptimizerRule = field(default_factory=Adam)
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    schedule: Schedule = field(default_factory=Cosine)
    warmup_epochs: float = 0.0
    gradient_clip: float | None = None
    weight_clip: float | None = None
    early_stopping: EarlyStopping | None = None
    overfitting: CatastrophicOverfitting | None = None
    snapshots: tuple[int, ...] = ()
    precision: Precision = "float32"
    channels_last: bool = False
    initialisation: Initialisation = "variance"

    def __post_init__(self) -> None:
        _check_count("epochs", self.epochs)
        _check_count("batch_size", self.batch_size)
        _check_above_zero("learning_rate", self.learning_rate)
        _check_not_negative("weight_decay", self.weight_decay)
        if not 0 <= self.warmup_epochs < self.epochs:
            raise SettingError(
                f"warmup_epochs: expected a number in [0, epochs = {self.epochs}), "
                f"got {self.warmup_epochs}. Shorten the warm-up or train longer."
            )
        for name in ("gradient_clip", "weight_clip"):
            bound: float | None = getattr(self, name)
            if bound is not None:
                _check_above_zero(name, bound)
        for epoch in self.snapshots:
            if epoch < 0:
                raise SettingError(
                    f"snapshots: expected epochs, 0 or more, got {epoch}. Remove it."
                )

    def learning_rate_at(self, step: int, steps_per_epoch: int) -> float:
        """The learning rate of step `step` = 0, 1, …, counted over the whole training."""
        warmup = round(self.warmup_epochs * steps_per_epoch)
        factor = warmed_up(self.schedule, step, self.epochs * steps_per_epoch, warmup)
        return self.learning_rate * factor


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise SettingError(f"{name}: expected 1 or more, got {value}. Correct the value.")


def _check_not_negative(name: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise SettingError(f"{name}: expected 0 or more, got {value}. Correct the value.")


def _check_above_zero(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise SettingError(
            f"{name}: expected a number above 0, got {value}. Correct the value."
        )
