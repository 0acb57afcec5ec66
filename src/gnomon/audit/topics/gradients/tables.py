"""What was seen of gradients and units, as figures and as plain values for a file."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnomon.representation import gradients, units
from gnomon.representation.gradients import LayerGradient, LossGradients, StageGradient
from gnomon.representation.units import Activity, Distribution, Units

NO_LAYERS = "the network has no weight layers"
ONE_LAYER = "the network has one weight layer alone"
Table = dict[str, Any]
"""Plain JSON values."""


@dataclass(frozen=True, eq=False)
class Seen:
    """The gradients and the activity of one network.

    Attributes:
        gradients: None where `absent` says why.
        activity: of the units.
        absent: why there are no gradients.
    """

    gradients: LossGradients | None
    activity: Activity
    absent: str = ""


@dataclass(frozen=True)
class Measure:
    """A figure, or the reason why there is none."""

    value: float | None
    absent: str = ""


def vanishing_gradients(seen: Seen) -> Measure:
    """The share of vanishing entries over all parameters."""
    return _share(seen, "vanishing")


def zero_gradients(seen: Seen) -> Measure:
    """The share of entries that are exactly zero over all parameters."""
    return _share(seen, "zeros")


def gradient_ratio(seen: Seen) -> Measure:
    """The first weight layer's root mean square entry divided by the last's."""
    found = seen.gradients
    if found is None:
        return Measure(None, seen.absent)
    if found.first is None or found.last is None or found.first is found.last:
        return Measure(None, NO_LAYERS if found.first is None else ONE_LAYER)
    ends = [each.weight for each in (found.first, found.last) if each.weight is not None]
    if len(ends) < 2:
        reason = "the first or the last weight layer has no matrix of its own: it shares "
        return Measure(None, f"{reason}another one's, or computes it from other parameters")
    first, last = (each.root_mean_square for each in ends)
    if not math.isfinite(first + last):
        reason = "the gradient of the first or the last weight layer is not finite"
    elif last == 0:
        reason = f"the gradient of the last weight layer, {found.last.name}, is zero"
    else:
        return Measure(first / last)
    return Measure(None, reason)


def dead_units(seen: Seen) -> Measure:
    """The share of dead units among all hidden units."""
    return _share_of_units(seen, lambda each: each.dead_count)


def saturated_units(seen: Seen, often: float) -> Measure:
    """The share of hidden units that are saturated on at least a share `often` of examples."""
    return _share_of_units(seen, lambda each: each.often_saturated(often))


def gradient_tables(seen: Seen) -> Table:
    """Every layer's and every stage's gradient."""
    found = seen.gradients
    if found is None:
        return {"absent": seen.absent}
    return {
        "examples": found.examples,
        "threshold": found.threshold,
        "largest": _number(found.largest),
        "layers": [_layer(each) for each in found.layers],
        "levels": list(gradients.LEVELS),
        "stages": [_stage(each) for each in found.stages],
    }


def gradients_of_epoch(seen: Seen) -> Table:
    """The same in short: shares, and sizes in the order of the whole tables."""
    found = seen.gradients
    if found is None:
        return {"absent": seen.absent}
    return {
        **plain("vanishing", vanishing_gradients(seen)),
        **plain("zero", zero_gradients(seen)),
        "weight_rms": [
            _number(each.weight.root_mean_square) for each in found.layers if each.weight
        ],
        "quantiles": [_numbers(each.quantiles()) for each in found.stages],
        "nonfinite": sum(each.entries.nonfinite for each in found.layers),
    }


def unit_tables(seen: Seen, often: float) -> Table:
    """Every layer's units, and every representation's distribution."""
    return {
        "often": often,
        "layers": [_units(each, often) for each in seen.activity.units],
        "levels": list(units.LEVELS),
        "stages": [_distribution(each) for each in seen.activity.distributions],
    }


def units_of_epoch(seen: Seen, often: float) -> Table:
    """The shares of dead and of saturated units of each layer."""
    found = seen.activity.units
    return {
        "dead": [each.dead_count / each.count if each.count else None for each in found],
        "saturated": [
            each.often_saturated(often) / each.count if each.count else None for each in found
        ],
    }


def by_epoch(epochs: Mapping[int, Seen | None], table: Callable[[Seen], Table]) -> list[Table]:
    """One table for each epoch; a reason where the training had diverged."""
    return [
        {"epoch": epoch}
        | ({"absent": "weights that are not finite"} if seen is None else table(seen))
        for epoch, seen in epochs.items()
    ]


def plain(key: str, measure: Measure) -> Table:
    """The figure under the key, and why it is null where it is."""
    reason = {} if measure.value is not None else {"absent": measure.absent}
    return {key: measure.value, **reason}


def _share(seen: Seen, kind: str) -> Measure:
    if seen.gradients is None:
        return Measure(None, seen.absent)
    entries = [layer.entries for layer in seen.gradients.layers]
    total = sum(each.count for each in entries)
    nonfinite = sum(each.nonfinite for each in entries)
    if not total:
        return Measure(None, "the network has no parameters")
    if nonfinite:
        return Measure(None, f"{nonfinite} of {total} entries of the gradient are not finite")
    return Measure(sum(int(getattr(each, kind)) for each in entries) / total)


def _share_of_units(seen: Seen, count: Callable[[Units], int]) -> Measure:
    """Over the layers whose slopes exist."""
    found = seen.activity.units
    total = sum(each.count for each in found)
    if total:
        return Measure(sum(count(each) for each in found) / total)
    if found:
        return Measure(None, f"{found[0].layer}: {found[0].absent}")
    return Measure(None, NO_LAYERS if seen.activity.calls == 0 else ONE_LAYER)


def _layer(layer: LayerGradient) -> Table:
    entries = layer.entries
    return {
        "layer": layer.name,
        "weight_layer": layer.weight is not None,
        "count": entries.count,
        "zero": entries.zeros,
        "vanishing": entries.vanishing,
        "nonfinite": entries.nonfinite,
        "norm": _number(entries.norm),
        "rms": _number(entries.root_mean_square),
        "largest": _number(entries.largest),
        "weight_rms": _number(layer.weight.root_mean_square) if layer.weight else None,
    }


def _stage(stage: StageGradient) -> Table:
    reason = {"absent": stage.absent} if stage.absent else {}
    return {
        "stage": stage.name,
        "layer": stage.receiver,
        "quantiles": _numbers(stage.quantiles()),
        "largest": _number(float(stage.finite.max())) if len(stage.finite) else None,
        "zero": stage.zeros,
        "nonfinite": stage.nonfinite,
        **reason,
    }


def _units(layer: Units, often: float) -> Table:
    head: Table = {"stage": layer.stage, "layer": layer.layer, "units": layer.count}
    if layer.saturated is None:
        return head | {"dead": None, "saturated": None, "pairs": None, "absent": layer.absent}
    return head | {
        "dead": layer.dead_count,
        "saturated": layer.often_saturated(often),
        "pairs": float(layer.saturated.mean()),
        "threshold": layer.threshold,
    }


def _distribution(values: Distribution) -> Table:
    return {
        "stage": values.stage,
        "values": values.count,
        "nonfinite": values.nonfinite,
        "zero": values.zeros / values.count if values.count else None,
        "mean": _number(values.mean),
        "deviation": _number(values.deviation),
        "coordinates": values.coordinates,
        "quantiles": _numbers(values.quantiles),
        "edges": [float(f"{edge:.5g}") for edge in values.edges],
        "counts": list(values.counts),
    }


def _numbers(values: Sequence[float]) -> list[float | None]:
    """To five significant digits, which keeps the file small."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values]


def _number(value: float) -> float | None:
    """As JSON can hold it."""
    return value if math.isfinite(value) else None
