"""Measures the units of the hidden layers: dead, saturated, and their distributions.

A unit is a neuron or, of a convolution, a channel over all its positions. What it passes on is
measured by its slope: z its preactivation, h what the next weight layer receives, v random
signs of h's shape, the slope at z_i is |∂(v·h)/∂z_i|. For an activation f that acts on each
coordinate this is |v_i f'(z_i)| = |f'(z_i)| exactly, whatever the signs, so that nothing has to
be known about how the network writes its activations. Where coordinates mix between the two
(pooling, a normalisation behind the activation), it is a random projection of h's derivative,
whose mean square over the signs is Σ_j (∂h_j/∂z_i)².
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gnomon.errors import DataError, SettingError
from gnomon.networks.predictions import device_of
from gnomon.networks.structure import Stage, stages, weight_layers
from gnomon.networks.undisturbed import undisturbed
from gnomon.seeds import ensure
from gnomon.shapes import Inputs

LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""The quantiles that describe a distribution of activations."""
BINS = 40
"""Number of bins of a histogram."""
SAMPLED = 2**20
"""Largest number of activations of a stage that are kept for quantiles and histogram."""


@dataclass(frozen=True, eq=False)
class Units:
    """The units of one weight layer but the last.

    A unit's slope on an example is the largest over its positions.

    Attributes:
        stage: the representation its units pass on: "hidden1", "hidden2", ….
        layer: the weight layer's name.
        threshold: slopes below it count as saturated. If h has fewer values than there are
            preactivations, as after average pooling, it is the setting divided by their
            number per value, so that averaging is not mistaken for saturation.
        dead: the units whose slope is exactly 0 on every example; None if absent.
        saturated: the share of examples on which each unit is saturated.
        absent: the reason why the slopes are absent.
    """

    stage: str
    layer: str
    threshold: float
    dead: Bool[Tensor, " neurons"] | None
    saturated: Float[Tensor, " neurons"] | None
    absent: str = ""

    @property
    def count(self) -> int:
        """The number of units; 0 if their slopes are absent."""
        return 0 if self.dead is None else len(self.dead)

    @property
    def dead_count(self) -> int:
        """The number of dead units."""
        return 0 if self.dead is None else int(self.dead.sum())

    def often_saturated(self, share: float = 0.95) -> int:
        """The number of units that are saturated on at least this share of the examples."""
        return 0 if self.saturated is None else int((self.saturated >= share).sum())


@dataclass(frozen=True)
class Distribution:
    """The values of one representation, over examples and coordinates.

    Attributes:
        stage: the name of the stage: "input", "hidden1", …, "output".
        count: number of values.
        nonfinite: number of infinite or NaN values; all that follows is about the others.
        zeros: number of values that are exactly zero.
        mean: mean of all values; NaN without any.
        deviation: their standard deviation.
        coordinates: number of random coordinates, the same for every example, from which
            quantiles and histogram are estimated.
        quantiles: the quantiles at `LEVELS`.
        edges: the edges of the histogram's bins, from the 0.5 % to the 99.5 % quantile of the
            values that are not exactly zero; empty if all are.
        counts: number of such values between each two edges.
    """

    stage: str
    count: int
    nonfinite: int
    zeros: int
    mean: float
    deviation: float
    coordinates: int
    quantiles: tuple[float, ...]
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Activity:
    """The activity of a network's units on a data set.

    Attributes:
        units: the units of every weight layer but the last, in the order of the call; empty for
            a network with fewer than two.
        distributions: the distribution of the input and of every later representation.
        calls: number of calls of weight layers, 0 in a network without any.
    """

    units: tuple[Units, ...]
    distributions: tuple[Distribution, ...]
    calls: int


def unit_activity(
    network: nn.Module,
    inputs: Inputs,
    *,
    generator: torch.Generator | None = None,
    batch: int = 500,
    saturation: float = 0.01,
    sampled: int = SAMPLED,
) -> Activity:
    """The dead and the saturated units of each layer, and the distribution of its activations.

    Args:
        network: any classifier.
        inputs: all the examples.
        generator: draws the signs and the sampled coordinates, which are the same for every
            example.
        batch: number of examples at a time.
        saturation: slope below which a unit counts as saturated, > 0.
        sampled: largest number of values of a stage that are kept for quantiles and histogram;
            at least one coordinate of every example is kept.

    Raises:
        DataError: no examples.
        SettingError: a saturation that is not positive.

    References:
        glorot2010, lu2020.
    """
    generator = ensure(generator)
    _check(inputs, saturation)
    draws = _Draws(generator, max(1, sampled // len(inputs)))
    slopes: dict[str, _Slopes] = {}
    values: dict[str, _Values] = {}
    layers = weight_layers(network)
    passed: tuple[Stage, ...] = ()
    with undisturbed(network), torch.enable_grad():
        for part in inputs.split(batch):
            leaf = part.to(device_of(network)).detach().clone().requires_grad_()
            passed = stages(network, leaf.clone())
            for index, stage in enumerate(passed):
                values.setdefault(stage.name, _Values()).add(stage, draws)
                if 0 < index < len(passed) - 1:
                    new = _Slopes(stage.giver, layers[stage.giver], saturation)
                    slopes.setdefault(stage.name, new).add(passed[index:], draws)
    return Activity(
        tuple(tally.result(name, inputs.device) for name, tally in slopes.items()),
        tuple(tally.result(name) for name, tally in values.items()),
        calls=sum(bool(stage.giver) for stage in passed),
    )


def _check(inputs: Tensor, saturation: float) -> None:
    if not len(inputs):
        raise DataError("unit_activity: expected examples, got none. Give at least one.")
    if not saturation > 0:
        raise SettingError(
            f"unit_activity: expected saturation > 0, got {saturation}. Raise it."
        )


class _Draws:
    """The random draws, made once for each stage, so that batches do not change them."""

    def __init__(self, generator: torch.Generator, coordinates: int) -> None:
        self.generator, self.most = generator, coordinates
        self._signs: dict[tuple[str, torch.Size], Tensor] = {}
        self._coordinates: dict[tuple[str, int], Tensor] = {}

    def signs(self, stage: Stage) -> Tensor:
        """Independent signs ±1, of the shape of one example's representation."""
        values = stage.values
        key = (stage.name, values.shape[1:])
        if key not in self._signs:
            device = self.generator.device
            bits = torch.randint(0, 2, key[1], generator=self.generator, device=device)
            self._signs[key] = (2 * bits - 1).to(values)
        return self._signs[key]

    def coordinates(self, stage: str, size: int) -> Tensor:
        """The indices of the sampled coordinates among `size`."""
        if (stage, size) not in self._coordinates:
            device = self.generator.device
            order = torch.randperm(size, generator=self.generator, device=device)
            self._coordinates[stage, size] = order[: self.most].sort().values
        return self._coordinates[stage, size]


@dataclass
class _Slopes:
    """Gathers the slopes of one layer's units."""

    layer: str
    module: nn.Module
    saturation: float
    rows: int = 0
    peak: Tensor | None = None
    low: Tensor | None = None
    threshold: float = 0.0
    absent: str = ""

    def add(self, following: Sequence[Stage], draws: _Draws) -> None:
        """Adds one batch: the layer's own stage, and the stages after it."""
        z = following[0].preactivation
        if z is None or not z.requires_grad:
            self.absent = "its output cannot be differentiated"
            return
        slope, ratio = _slope(z, following, draws)
        if slope is None:
            self.absent = "no later layer receives what depends on it differentiably"
            return
        peak = self._over_positions(slope)
        if not peak.isfinite().all():
            self.absent = "slopes that are not finite"
            return
        self.threshold = self.saturation * min(1.0, ratio)
        low, most = (peak < self.threshold).sum(dim=0), peak.amax(dim=0)
        self.low = low if self.low is None else self.low + low
        self.peak = most if self.peak is None else torch.maximum(self.peak, most)
        self.rows += len(peak)

    def _over_positions(self, slope: Tensor) -> Tensor:
        """The largest slope of each unit over its positions, examples × units.

        Channels are the second axis of a convolution's output; a matrix that is applied to
        many positions returns its units along the last.
        """
        if slope.dim() <= 2:
            return slope.reshape(len(slope), -1)
        if cast("Tensor", self.module.weight).dim() > 2:
            return slope.flatten(2).amax(dim=2)
        return slope.flatten(1, -2).amax(dim=1)

    def result(self, stage: str, device: torch.device) -> Units:
        if self.absent or self.low is None or self.peak is None:
            return Units(stage, self.layer, self.saturation, None, None, self.absent)
        share, dead = self.low.to(device).double() / self.rows, (self.peak == 0).to(device)
        return Units(stage, self.layer, self.threshold, dead, share)


def _slope(z: Tensor, following: Sequence[Stage], draws: _Draws) -> tuple[Tensor | None, float]:
    """The slope |∂(v·h)/∂z| for the first h that depends on z, and the values of h per z.

    On a residual branch the next weight layer called may be that of a shortcut, which does not
    see z; then a later one does.
    """
    for stage in following:
        h = stage.values
        if h.requires_grad:
            total = (h * draws.signs(stage)).sum()
            (slope,) = cast(
                "tuple[Tensor | None]",
                torch.autograd.grad(total, z, retain_graph=True, allow_unused=True),
            )
            if slope is not None:
                return slope.abs(), h.numel() / z.numel()
    return None, 1.0


@dataclass
class _Values:
    """Gathers the values of one representation: their moments, and a sample."""

    count: int = 0
    finite: int = 0
    zeros: int = 0
    mean: float = 0.0
    squares: float = 0.0
    sample: list[Tensor] = field(default_factory=list)
    coordinates: int = 0

    def add(self, stage: Stage, draws: _Draws) -> None:
        rows = stage.values.detach().reshape(len(stage.values), -1)
        chosen = draws.coordinates(stage.name, rows.shape[1]).to(rows.device)
        self.coordinates = len(chosen)
        self.sample.append(rows[:, chosen].flatten().cpu())
        self.count += rows.numel()
        self.zeros += int((rows == 0).sum())
        self._merge(rows if rows.isfinite().all() else rows[rows.isfinite()])

    def _merge(self, values: Tensor) -> None:
        """Adds a batch's mean and sum of squared deviations to those of the others."""
        if not values.numel():
            return
        size = values.numel()
        variance, mean = (float(each) for each in torch.var_mean(values, correction=0))
        total, shift = self.finite + size, mean - self.mean
        self.squares += variance * size + shift**2 * self.finite * size / total
        self.mean += shift * size / total
        self.finite = total

    def result(self, stage: str) -> Distribution:
        sample = torch.cat(self.sample).double()
        sample = sample[sample.isfinite()]
        edges, counts = _histogram(sample[sample != 0])
        return Distribution(
            stage=stage,
            count=self.count,
            nonfinite=self.count - self.finite,
            zeros=self.zeros,
            mean=self.mean if self.finite else math.nan,
            deviation=math.sqrt(self.squares / self.finite) if self.finite else math.nan,
            coordinates=self.coordinates,
            quantiles=_quantiles(sample, LEVELS),
            edges=edges,
            counts=counts,
        )


def _histogram(values: Tensor) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """The histogram between the 0.5 % and 99.5 % quantiles; one value gets one wide bin."""
    if not len(values):
        return (), ()
    low, high = _quantiles(values, (0.005, 0.995))
    if not high > low:
        low, high = low - 0.5, low + 0.5
    counts, edges = torch.histogram(values, BINS, range=(low, high))
    return tuple(edges.tolist()), tuple(int(count) for count in counts.tolist())


def _quantiles(values: Tensor, levels: Sequence[float]) -> tuple[float, ...]:
    """The quantiles by nearest rank below, since `quantile` refuses more than 2²⁴ values."""
    if not len(values):
        return (math.nan,) * len(levels)
    ordered = values.sort().values
    return tuple(float(ordered[int(level * (len(ordered) - 1))]) for level in levels)
