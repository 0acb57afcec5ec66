"""The details of the findings about gradients and units, as `audit.json` holds them.

A number that does not exist is None, and `absent` or `nonfinite` beside it says why.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import not_
from typing import Annotated, TypeVar

from pydantic import Field

from gnomon.audit.topics.gradients.measures import (
    Seen,
    gradient_ratio,
    saturated_units,
    vanishing_gradients,
    zero_gradients,
)
from gnomon.representation import gradients, units
from gnomon.representation.gradients import LayerGradient, StageGradient
from gnomon.representation.units import Distribution, Units

T = TypeVar("T")
Epoch = TypeVar("Epoch")
Reason = Annotated[str, Field(exclude_if=not_)]
"""Says why something is missing; not in the file where nothing is."""
Optional = Annotated[T | None, Field(exclude_if=lambda value: value is None)]
"""A value that is not in the file where there is none."""
Numbers = tuple[float | None, ...]


@dataclass(frozen=True)
class NoEpoch:
    """An epoch whose figures do not exist, and why."""

    epoch: int
    absent: str


@dataclass(frozen=True, kw_only=True)
class EpochRatio:
    """The gradient ratio after one epoch."""

    epoch: int
    ratio: float | None
    absent: Reason = ""


@dataclass(frozen=True, kw_only=True)
class EpochSaturation:
    """The share of saturated units after one epoch."""

    epoch: int
    value: float | None
    absent: Reason = ""


@dataclass(frozen=True)
class EpochUnits:
    """The shares of dead and of saturated units after one epoch, layer by layer."""

    epoch: int
    dead: Numbers
    saturated: Numbers


@dataclass(frozen=True, kw_only=True)
class EpochGradients:
    """The gradients after one epoch, in short.

    Attributes:
        epoch: its number.
        vanishing: the share of vanishing entries.
        absent: why there is no share.
        zero: the share of entries that are exactly zero.
        weight_rms: the root mean square entry of each weight layer's matrix.
        quantiles: for each stage over the examples' ‖∂ℓ/∂h‖₂, at the levels of the whole.
        nonfinite: the number of entries that are infinite or NaN.
    """

    epoch: int
    vanishing: float | None
    absent: Reason = ""
    zero: float | None
    weight_rms: Numbers
    quantiles: tuple[Numbers, ...]
    nonfinite: int


@dataclass(frozen=True)
class LayerEntries:
    """The entries of the gradient in one layer.

    Attributes:
        layer: its name.
        weight_layer: whether it has a matrix or a convolution of its own.
        count: the number of entries; so many of them are `zero`, `vanishing`, `nonfinite`.
        norm: the Euclidean norm of all entries; `rms` is their root mean square.
        largest: the largest absolute value.
        weight_rms: the root mean square entry of the matrix alone.
    """

    layer: str
    weight_layer: bool
    count: int
    zero: int
    vanishing: int
    nonfinite: int
    norm: float | None
    rms: float | None
    largest: float | None
    weight_rms: float | None


@dataclass(frozen=True)
class StageNorms:
    """The norms ‖∂ℓ/∂h‖₂ of the examples at one representation.

    Attributes:
        stage: its name.
        layer: the weight layer that receives it; empty for the output.
        quantiles: of the finite norms, at the levels.
        largest: of the finite norms.
        zero: the number of examples without a gradient.
        nonfinite: the number of examples whose norm is infinite or NaN.
        absent: why there are no norms.
    """

    stage: str
    layer: str
    quantiles: Numbers
    largest: float | None
    zero: int
    nonfinite: int
    absent: Reason = ""


@dataclass(frozen=True, kw_only=True)
class GradientsByLayer:
    """The details of `vanishing_gradients`; the first six are None where `absent` says why.

    Attributes:
        examples: the number over which the loss is averaged.
        threshold: an entry vanishes at or below this multiple of `largest`, the largest
            absolute value of the whole gradient.
        layers: whatever has parameters, weight layers first.
        stages: the input and every later representation, with quantiles at the `levels`.
        absent: why there are no gradients.
        epochs: of the training, on at most as many examples as the probe allows.
    """

    examples: Optional[int] = None
    threshold: Optional[float] = None
    largest: Optional[float] = None
    layers: Optional[tuple[LayerEntries, ...]] = None
    levels: Optional[tuple[float, ...]] = None
    stages: Optional[tuple[StageNorms, ...]] = None
    absent: Reason = ""
    epochs: tuple[EpochGradients | NoEpoch, ...]


@dataclass(frozen=True)
class RatioByEpoch:
    """The details of `gradient_ratio`: the figure after each epoch of the training."""

    epochs: tuple[EpochRatio | NoEpoch, ...]


@dataclass(frozen=True)
class SaturationByEpoch:
    """The details of `saturated_units`: the figure after each epoch of the training."""

    epochs: tuple[EpochSaturation | NoEpoch, ...]


@dataclass(frozen=True, kw_only=True)
class LayerUnits:
    """The units of one weight layer but the last.

    Attributes:
        stage: the representation that they pass on.
        layer: the name of the layer.
        units: their number; 0 where their slopes are absent.
        dead: the number of dead units.
        saturated: the number of saturated units.
        pairs: the share of pairs of example and unit that are saturated.
        threshold: a slope below it is saturated.
        absent: why there are no slopes.
    """

    stage: str
    layer: str
    units: int
    dead: int | None
    saturated: int | None
    pairs: float | None
    threshold: Optional[float] = None
    absent: Reason = ""


@dataclass(frozen=True)
class StageValues:
    """The `Distribution` of one representation.

    Attributes:
        stage: its name.
        values: their number; `nonfinite` of them are infinite or NaN.
        zero: the share of values that are exactly zero.
        mean: of the values; `deviation` is their standard deviation.
        coordinates: the number of random ones from which the rest is estimated.
        quantiles: at the levels.
        edges: of the bins of the histogram; empty where all values are zero.
        counts: of the values in each bin.
    """

    stage: str
    values: int
    nonfinite: int
    zero: float | None
    mean: float | None
    deviation: float | None
    coordinates: int
    quantiles: Numbers
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class UnitsByLayer:
    """The details of `dead_units`.

    Attributes:
        often: a unit is saturated if it is so on at least this share of the examples.
        layers: all weight layers but the last.
        stages: the input and every later representation, with quantiles at the `levels`.
        epochs: of the training, with shares in the order of the layers.
    """

    often: float
    layers: tuple[LayerUnits, ...]
    levels: tuple[float, ...]
    stages: tuple[StageValues, ...]
    epochs: tuple[EpochUnits | NoEpoch, ...]


def _by_epoch(
    epochs: Mapping[int, Seen | None], row: Callable[[int, Seen], Epoch]
) -> tuple[Epoch | NoEpoch, ...]:
    """Returns one row for each epoch; a reason where the training had diverged."""
    return tuple(
        NoEpoch(epoch, "weights that are not finite") if seen is None else row(epoch, seen)
        for epoch, seen in epochs.items()
    )


def gradients_by_layer(seen: Seen, epochs: Mapping[int, Seen | None]) -> GradientsByLayer:
    """Describes every layer's and every stage's gradient, and in short that of each epoch."""
    through_training = _by_epoch(epochs, _epoch_gradients)
    measured = seen.gradients
    if measured is None:
        return GradientsByLayer(absent=seen.absent, epochs=through_training)
    return GradientsByLayer(
        examples=measured.examples,
        threshold=measured.threshold,
        largest=_number(measured.largest),
        layers=tuple(_layer(each) for each in measured.layers),
        levels=gradients.LEVELS,
        stages=tuple(_stage(each) for each in measured.stages),
        epochs=through_training,
    )


def units_by_layer(seen: Seen, epochs: Mapping[int, Seen | None], often: float) -> UnitsByLayer:
    """Describes every layer's units, and every representation's distribution."""
    return UnitsByLayer(
        often=often,
        layers=tuple(_units(each, often) for each in seen.activity.units),
        levels=units.LEVELS,
        stages=tuple(_values(each) for each in seen.activity.distributions),
        epochs=_by_epoch(epochs, lambda epoch, one: _epoch_units(epoch, one, often)),
    )


def ratio_by_epoch(epochs: Mapping[int, Seen | None]) -> RatioByEpoch:
    """Measures the gradient ratio after each epoch."""

    def row(epoch: int, seen: Seen) -> EpochRatio:
        measure = gradient_ratio(seen)
        return EpochRatio(epoch=epoch, ratio=measure.value, absent=measure.absent)

    return RatioByEpoch(_by_epoch(epochs, row))


def saturation_by_epoch(epochs: Mapping[int, Seen | None], often: float) -> SaturationByEpoch:
    """Measures the share of saturated units after each epoch."""

    def row(epoch: int, seen: Seen) -> EpochSaturation:
        measure = saturated_units(seen, often)
        return EpochSaturation(epoch=epoch, value=measure.value, absent=measure.absent)

    return SaturationByEpoch(_by_epoch(epochs, row))


def _epoch_gradients(epoch: int, seen: Seen) -> EpochGradients | NoEpoch:
    measured = seen.gradients
    if measured is None:
        return NoEpoch(epoch, seen.absent)
    vanishing = vanishing_gradients(seen)
    weights = [each.weight for each in measured.layers if each.weight]
    return EpochGradients(
        epoch=epoch,
        vanishing=vanishing.value,
        absent=vanishing.absent,
        zero=zero_gradients(seen).value,
        weight_rms=tuple(_number(each.root_mean_square) for each in weights),
        quantiles=tuple(_numbers(each.quantiles()) for each in measured.stages),
        nonfinite=sum(each.entries.nonfinite for each in measured.layers),
    )


def _epoch_units(epoch: int, seen: Seen, often: float) -> EpochUnits:
    def shares(count: Callable[[Units], int]) -> Numbers:
        layers = seen.activity.units
        return tuple(count(each) / each.count if each.count else None for each in layers)

    return EpochUnits(
        epoch,
        dead=shares(lambda layer: layer.dead_count),
        saturated=shares(lambda layer: layer.often_saturated(often)),
    )


def _layer(layer: LayerGradient) -> LayerEntries:
    entries = layer.entries
    return LayerEntries(
        layer=layer.name,
        weight_layer=layer.weight is not None,
        count=entries.count,
        zero=entries.zeros,
        vanishing=entries.vanishing,
        nonfinite=entries.nonfinite,
        norm=_number(entries.norm),
        rms=_number(entries.root_mean_square),
        largest=_number(entries.largest),
        weight_rms=_number(layer.weight.root_mean_square) if layer.weight else None,
    )


def _stage(stage: StageGradient) -> StageNorms:
    return StageNorms(
        stage=stage.name,
        layer=stage.receiver,
        quantiles=_numbers(stage.quantiles()),
        largest=_number(float(stage.finite.max())) if len(stage.finite) else None,
        zero=stage.zeros,
        nonfinite=stage.nonfinite,
        absent=stage.absent,
    )


def _units(layer: Units, often: float) -> LayerUnits:
    known = layer.saturated is not None
    return LayerUnits(
        stage=layer.stage,
        layer=layer.layer,
        units=layer.count,
        dead=layer.dead_count if known else None,
        saturated=layer.often_saturated(often) if known else None,
        pairs=None if layer.saturated is None else float(layer.saturated.mean()),
        threshold=layer.threshold if known else None,
        absent=layer.absent,
    )


def _values(values: Distribution) -> StageValues:
    return StageValues(
        stage=values.stage,
        values=values.count,
        nonfinite=values.nonfinite,
        zero=values.zeros / values.count if values.count else None,
        mean=_number(values.mean),
        deviation=_number(values.deviation),
        coordinates=values.coordinates,
        quantiles=_numbers(values.quantiles),
        edges=tuple(float(f"{edge:.5g}") for edge in values.edges),
        counts=values.counts,
    )


def _numbers(values: Sequence[float]) -> Numbers:
    """Rounds to five significant digits, which keeps the file small."""
    return tuple(float(f"{value:.5g}") if math.isfinite(value) else None for value in values)


def _number(value: float) -> float | None:
    """Returns the value where it is finite: JSON holds no other."""
    return value if math.isfinite(value) else None
