"""The figures of the gradients and the units of one network."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from gnomon.representation.gradients import LossGradients
from gnomon.representation.units import Activity, Units

NO_LAYERS = "the network has no weight layers"
ONE_LAYER = "the network has one weight layer alone"


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
