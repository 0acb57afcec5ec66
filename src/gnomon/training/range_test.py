"""The learning-rate range test: where the loss begins to fall, and where it explodes."""

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import nn

from gnomon.data.dataset import Split
from gnomon.errors import SettingError
from gnomon.seeds import generator
from gnomon.training.devices import default_randomness
from gnomon.training.epoch import split_batches
from gnomon.training.method import Batch
from gnomon.training.settings import Training

Stop = Literal["completed", "rose", "not finite"]
"""Why the sweep ended: at the highest rate, at a loss far above the best, or at no number."""


@dataclass(frozen=True)
class LearningRateCurve:
    """Losses met while the learning rate rose.

    Attributes:
        rates: the learning rate of each step.
        losses: of the step's batch before the step; the last may be infinite or NaN.
        smoothed: exponential moving average of the losses, corrected for its start.
        suggestion: the rate where the smoothed loss falls most steeply against log rate, before
            its minimum; None where it never falls.
        stopped: why the sweep ended.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float | None
    stopped: Stop


@dataclass(frozen=True)
class LearningRateRangeTest:
    """Trains a copy of a network while the learning rate rises exponentially.

    Attributes:
        low: the first rate.
        high: the last.
        steps: how many optimiser steps there are; the data are gone through again as needed.
        smoothing: weight of the past in the moving average, in [0, 1).
        rise: the sweep stops where the smoothed loss exceeds its best by this factor.

    References:
        smith2017, section 3.3, with rates that rise exponentially instead of linearly.
    """

    low: float = 1e-6
    high: float = 10.0
    steps: int = 100
    smoothing: float = 0.9
    rise: float = 4.0
    references: ClassVar[tuple[str, ...]] = ("smith2017",)

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise SettingError(
                f"low, high: expected 0 < low < high, got {self.low} and {self.high}. "
                "Use 1e-6 and 10."
            )
        if self.steps < 2:
            raise SettingError(f"steps: expected 2 or more, got {self.steps}. Use 100.")
        if not 0 <= self.smoothing < 1:
            raise SettingError(
                f"smoothing: expected a number in [0, 1), got {self.smoothing}. Use 0.9."
            )
        if not self.rise > 1:
            raise SettingError(f"rise: expected a factor above 1, got {self.rise}. Use 4.")

    def __call__(
        self, network: nn.Module, split: Split, training: Training, seed: int = 0
    ) -> LearningRateCurve:
        """The curve for this method, optimiser and batch size; `network` stays as it is.

        Args:
            network: the network to start from, on the device of `split`.
            split: what batches are drawn from.
            training: its schedule, epochs, augmentation and precision are not used.
            seed: the order of the examples, and what is random in the method, derive from it.
        """
        rates = np.geomspace(self.low, self.high, self.steps).tolist()
        losses: list[float] = []
        smoothed: list[float] = []
        stopped: Stop = "completed"
        for loss in self._losses(copy.deepcopy(network), split, training, seed):
            losses.append(loss)
            smoothed.append(self._smooth(losses))
            if not math.isfinite(loss):
                stopped = "not finite"
                break
            if smoothed[-1] > self.rise * min(smoothed):
                stopped = "rose"
                break
        met = rates[: len(losses)]
        suggestion = _steepest(met, smoothed, round(1 / (1 - self.smoothing)))
        return LearningRateCurve(
            tuple(met), tuple(losses), tuple(smoothed), suggestion, stopped
        )

    def _losses(
        self, network: nn.Module, split: Split, training: Training, seed: int
    ) -> Iterator[float]:
        """The loss at each rate; after each, the parameters move at that rate."""
        device = split.labels.device
        parameters = [each for each in network.train().parameters() if each.requires_grad]
        optimizer = training.optimizer(parameters, self.low, training.weight_decay)
        noise = generator(seed, "range test", device=device)
        batches = _endless(split, training.batch_size, seed)
        for step, rate in enumerate(np.geomspace(self.low, self.high, self.steps).tolist()):
            with default_randomness(device, seed, "range test", step):
                loss = training.method.loss(network, next(batches), noise).value
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
            if training.gradient_clip is not None:
                torch.nn.utils.clip_grad_norm_(parameters, training.gradient_clip)
            yield loss.item()
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()

    def _smooth(self, losses: list[float]) -> float:
        """Σ β^(n−i) ℓ_i / Σ β^(n−i) over the losses so far."""
        weights = self.smoothing ** np.arange(len(losses) - 1, -1, -1.0)
        return float(np.average(losses, weights=weights))


def _endless(split: Split, size: int, seed: int) -> Iterator[Batch]:
    """Batches of one shuffled pass after another."""
    rounds = 0
    while True:
        source = generator(seed, "range test order", rounds)
        for chosen in split_batches(torch.randperm(len(split), generator=source), size):
            where = chosen.to(split.labels.device)
            yield Batch(split.inputs[where], split.labels[where])
        rounds += 1


def _steepest(rates: list[float], smoothed: list[float], memory: int) -> float | None:
    """The rate of steepest descent before the minimum; None without descent.

    A slope is that of the least-squares line through `memory` losses around a rate. The first
    `memory` averages are left out: they are means of few losses, and their noise looks steep.
    """
    finite = [value for value in smoothed if math.isfinite(value)]
    positions = np.log(rates[: len(finite)])
    half = max(1, memory // 2)
    last = min(int(np.argmin(finite)), len(finite) - 1 - half)
    centres = range(max(half, memory), last + 1)
    slopes = {
        centre: np.polynomial.polynomial.polyfit(
            positions[centre - half : centre + half + 1],
            finite[centre - half : centre + half + 1],
            1,
        )[1]
        for centre in centres
    }
    best = min(slopes, key=lambda centre: slopes[centre], default=None)
    return rates[best] if best is not None and slopes[best] < 0 else None
