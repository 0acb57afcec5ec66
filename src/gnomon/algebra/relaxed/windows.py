"""The part of an expression that a window of an image depends on."""

import torch
from torch import Tensor

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxed.forms import Node, Origin
from gnomon.algebra.relaxed.geometry import Window
from gnomon.algebra.relaxed.origins import Activated, Leaf, Multiplied, Shifted


def cropped(node: Node, window: Window) -> Node | None:
    """The expression of the coordinates in a window; None where it cannot be cut out.

    It can where only convolutions and functions of each place led to the node.
    """
    origin, sources, zeros = node.origin, window, ()
    if isinstance(origin, Leaf):
        return _node(node, window, Leaf(_cut(origin.box, window)))
    if isinstance(origin, Multiplied) and origin.geometry is not None:
        before, kernel = origin.parents[0].shape[2:], origin.weight.shape[2:]
        sources, zeros = origin.geometry.sources(window, kernel, before)
    parent = cropped(origin.parents[0], sources) if len(origin.parents) == 1 else None
    made: Origin | None = None
    if parent is None:
        return None
    if isinstance(origin, Activated):
        made = Activated((parent,), origin.lines.map(lambda value: _cut_tensor(value, window)))
    elif isinstance(origin, Shifted):
        places = (part.stop - part.start for part in window)
        shape = torch.Size((*node.shape[:2], *places))
        made = Shifted((parent,), _cut(origin.constant, window), shape)
    elif isinstance(origin, Multiplied):
        made = _multiplied(origin, parent, window, sources, zeros)
    return None if made is None else _node(node, window, made)


def _multiplied(
    origin: Multiplied, parent: Node, window: Window, sources: Window, zeros: tuple[int, ...]
) -> Multiplied | None:
    weight, geometry = origin.weight, origin.geometry
    if geometry is not None:

        def transpose(rows: Tensor, value: Tensor) -> Tensor:
            return geometry.transpose(rows, value, zeros, sources)

        return Multiplied((parent,), transpose, weight)
    if origin.transpose is not torch.mul:
        return None
    part = _cut(weight, window) if isinstance(weight, Interval) else _cut_tensor(weight, window)
    return Multiplied((parent,), torch.mul, part, separable=origin.separable)


def _node(node: Node, window: Window, origin: Origin) -> Node:
    return Node(_cut(node.interval, window), origin, node.examples)


def _cut(box: Interval, window: Window) -> Interval:
    if box.lower is box.upper:
        return Interval.point(_cut_tensor(box.lower, window))
    return box.each(_cut_tensor, window)


def _cut_tensor(value: Tensor, window: Window) -> Tensor:
    """The window of a tensor that broadcasts to images."""
    for axis, part in enumerate(reversed(window)):
        if value.ndim > axis and value.shape[-1 - axis] != 1:
            value = value.narrow(value.ndim - 1 - axis, part.start, part.stop - part.start)
    return value
