"""Bounds of single coordinates, in portions that fit into memory."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.backward_steps import until_examples_differ
from gnomon.algebra.relaxation.forms import (
    Forms,
    Node,
    bounds,
    concrete,
    in_portions,
    signed_bounds,
    unit_rows,
)
from gnomon.algebra.relaxation.receptive_fields import ReceptiveFields

Undecided = Callable[[Interval], Tensor]
"""Returns a mask of the coordinates whose bounds still matter, from the known bounds."""

_MANY = 64
"""Number of coordinates per example from which on examples may be looked at one by one."""

_SHARED = 0.7
"""Share of what all examples need below which an example is looked at by itself."""

Ends = tuple[Tensor, Tensor]
"""Lower and upper bounds."""


def tightened(node: Node, undecided: Undecided | None, budget: int) -> Interval:
    """The interval of a node, cut with what substitution says of undecided coordinates.

    Args:
        node: whose interval it is.
        undecided: returns the coordinates that are substituted; None for all.
        budget: bytes that the forms substituted at one time may take.
    """
    undecided = undecided or _everything
    fields = ReceptiveFields.of(node)
    if fields is not None:
        return _by_fields(fields, undecided, budget)
    needed = undecided(node.interval)
    if concrete(needed) and not bool(needed.any()):
        return node.interval
    return _cut(node.interval, needed, *_whole(node, needed, budget))


def _everything(known: Interval) -> Tensor:
    return torch.ones_like(known.lower, dtype=torch.bool)


def _cut(known: Interval, needed: Tensor, lower: Tensor, upper: Tensor) -> Interval:
    """The interval, cut where a bound was needed, whatever other examples need."""
    low, high = known.parts
    return known.cut(torch.where(needed, lower, low), torch.where(needed, upper, high))


def _whole(node: Node, needed: Tensor, budget: int) -> Ends:
    """Bounds by forms over the whole expression; the interval's where none was needed."""
    arithmetic = node.interval.arithmetic

    def started(places: Tensor) -> Forms:
        return until_examples_differ(node, unit_rows(node, places), arithmetic)

    def bounded(start: Forms, part: slice) -> list[Tensor]:
        ((source, rows),) = start.pending.items()
        return bounds(source, rows, part=part, start=start, arithmetic=arithmetic)

    old = [bound.reshape(node.examples, -1) for bound in node.interval.parts]
    parts: list[Sequence[Tensor]] = []
    for part, places in _groups(node, needed.reshape(node.examples, -1)):
        found = [bound[part] for bound in old]
        if len(places):
            made = in_portions(node, places, budget, started, bounded, part)
            found = [
                bound.index_copy(1, places, each)
                for bound, each in zip(found, made, strict=True)
            ]
        parts.append(found)
    lower, upper = (torch.cat(side).reshape(node.shape) for side in zip(*parts, strict=True))
    return lower, upper


def _groups(node: Node, needed: Tensor) -> list[tuple[slice, Tensor]]:
    """Examples, and the coordinates that are looked at for them.

    Each example alone, where it needs many coordinates, and much fewer than all together need.
    """
    whole = slice(None)
    if not concrete(needed):
        return [(whole, torch.arange(needed.shape[1], device=needed.device))]
    union = needed.any(0)
    count, most = int(needed.sum()), int(union.sum()) * node.examples
    if node.separable and _MANY * node.examples <= count < _SHARED * most:
        return [
            (slice(index, index + 1), mask.nonzero().flatten())
            for index, mask in enumerate(needed)
        ]
    return [(whole, union.nonzero().flatten())]


def _by_fields(fields: ReceptiveFields, undecided: Undecided, budget: int) -> Interval:
    """The interval, with bounds found place by place: each depends on a window alone.

    Most coordinates are decided by one bound, the lower one where they are likely to be
    positive; the other bound is found for the rest.

    The relaxation of a decided coordinate does not depend on its other bound, so that what is
    substituted through it is the same. Interval rules, with which later bounds are cut, do
    depend on it: where they are the tighter ones, the cut is a little wider than with both.
    """
    node = fields.node
    fitting = max(1, budget // (6 * node.interval.lower.element_size() * fields.breadth))
    signs = torch.where(node.interval.centre > 0, 1.0, -1.0).to(node.interval.lower)
    for side in (signs, -signs):
        needed = undecided(node.interval)
        found = _one_sided(fields, needed, side, fitting)
        lower, upper = node.interval.parts
        lower = torch.where(side > 0, found, lower)
        upper = torch.where(side > 0, upper, -found)
        node.interval = _cut(node.interval, needed, lower, upper)
    return node.interval


def _one_sided(fields: ReceptiveFields, needed: Tensor, signs: Tensor, fitting: int) -> Tensor:
    """The lower bounds of sign · z for coordinates z of a node that are needed; else 0."""
    node, indices, found = fields.node, [], []
    look = needed if concrete(needed) else torch.ones(node.shape, dtype=torch.bool)
    for places, channels, filled in _portions(look.to(signs.device), fitting):
        example, *at = places.unbind(1)
        part = fields.at(example, at)
        rows = functional.one_hot(channels, node.shape[1]).to(node.interval.lower)
        index = (example, channels, *at)
        made = signed_bounds(
            part, rows.reshape(-1, *part.shape), signs[index], node.interval.arithmetic
        )
        found.append(made[filled])
        indices.append(torch.stack([each.expand_as(channels)[filled] for each in index]))
    if not found:
        return torch.zeros_like(signs)
    where = torch.cat(indices, dim=1)
    return torch.zeros_like(signs).index_put(tuple(where), torch.cat(found))


def _portions(needed: Tensor, fitting: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Places and channels of each that are needed, as many at a time as fit.

    Places that need about as many channels come together; where one needs fewer, some of its
    channels that are not needed fill the portion up.

    Yields:
        places × (example and position), channels × places, and which of these are needed.
    """
    by_place = needed.movedim(1, -1)
    places = by_place.any(-1).nonzero()
    each = by_place[places.unbind(1)]
    counts = each.sum(1)
    order = counts.argsort(descending=True, stable=True)
    channels = each.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
    start = 0
    while start < len(order):
        most = int(counts[order[start]])
        some = order[start : start + max(1, fitting // most)]
        start += len(some)
        for first in range(0, most, fitting):
            numbers = torch.arange(first, min(first + fitting, most), device=needed.device)
            chosen = channels[some][:, numbers].T
            yield places[some], chosen, numbers[:, None] < counts[some]
