"""Receptive fields: the windows of images that single places depend on, many at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.backward_steps import (
    Activated,
    Leaf,
    Mapped,
    Multiplied,
    Shifted,
)
from gnomon.algebra.relaxation.convolution import Extent, Window
from gnomon.algebra.relaxation.forms import Node, Origin
from gnomon.algebra.relaxation.losses import Noise


class ReceptiveFields:
    """Receptive fields of a node's places, as an expression over small images.

    It exists where only convolutions, functions of each place, shifts and sums led to the node.
    The windows of all places have one size: those of a place near the border reach into
    padding, where relaxations are 0.

    Attributes:
        node: its images' places are looked at.
        breadth: the most coordinates that a node of one window has.
    """

    def __init__(self, node: Node, extents: dict[Node, Window]) -> None:
        self.node, self.extents = node, extents
        self.breadth = max(
            each.shape[1] * torch.Size(part.size for part in window).numel()
            for each, window in extents.items()
        )
        self._kept: dict[tuple[int, Window], tuple[Tensor, Tensor]] = {}

    @classmethod
    def of(cls, node: Node) -> "ReceptiveFields | None":
        """The fields of a node, if known, and smaller than half of its whole expression."""
        places = node.shape[2:]
        if not places or 1 in places or node.shape[0] != node.examples:
            return None
        extents: dict[Node, Window] = {node: tuple(Extent() for _ in places)}
        waiting = [node]
        while waiting:
            # A node's window is complete when nothing deeper waits.
            deepest = max(waiting, key=lambda each: each.depth)
            waiting.remove(deepest)
            if isinstance(deepest.origin, Leaf):
                if type(deepest.origin.box) is not Interval:
                    return None  # a ball, which joins places
                continue
            needed = _sources(deepest, extents[deepest])
            if needed is None:
                return None
            for parent in deepest.origin.parents:
                window = _hull(extents.get(parent, needed), needed)
                if window is None or len(parent.shape) != len(node.shape):
                    return None
                waiting += [parent] if parent not in extents else []
                extents[parent] = window
        fields = cls(node, extents)
        return fields if 2 * fields.breadth <= node.breadth else None

    def at(self, examples: Tensor, places: Sequence[Tensor]) -> Node:
        """The node of some places: each of them counts as an example.

        Args:
            examples: one for each place.
            places: where it is along each axis.
        """
        made: dict[Node, Node] = {}
        for node in sorted(self.extents, key=lambda each: each.depth):
            made[node] = self._made(node, made, _Gathering(self, examples, places))
        return made[self.node]

    def _made(self, node: Node, made: dict[Node, Node], gathering: "_Gathering") -> Node:
        window, origin = self.extents[node], node.origin
        shape = torch.Size((len(gathering.examples), *_shape(node, window)))

        def known() -> Interval:
            return gathering.box(node.interval, node, window)

        def finished(origin: Origin) -> Node:
            noise = gathering.noise(node, window)
            return Node(known, origin, len(gathering.examples), shape=shape, noise=noise)

        if isinstance(origin, Leaf):
            return finished(Leaf(gathering.box(origin.box, node, window)))
        needed = _sources(node, window)
        assert needed is not None
        parents = tuple(
            self._narrowed(parent, needed, made[parent]) for parent in origin.parents
        )
        return finished(self._origin(node, parents, gathering))

    def _origin(self, node: Node, parents: tuple[Node, ...], gathering: "_Gathering") -> Origin:
        window, origin, first = self.extents[node], node.origin, parents[0]
        shape = torch.Size((len(gathering.examples), *_shape(node, window)))
        if isinstance(origin, Activated):
            lines = origin.lines.map(lambda value: gathering.of(value, node, window))
            return Activated((first,), lines)
        if isinstance(origin, Shifted):
            return Shifted((first,), gathering.box(origin.constant, node, window), shape)
        if not isinstance(origin, Multiplied):
            return Mapped(parents, torch.add, shape, separable=True)
        if origin.geometry is None:
            weight = gathering.weight(origin.weight, node, window)
            return Multiplied((first,), torch.mul, weight)
        before = origin.parents[0]
        needed = origin.geometry.sources(window, origin.weight.shape[2:])
        first = gathering.without_padding(before, needed, first)
        return Multiplied((first,), origin.geometry.transpose, origin.weight)

    def _narrowed(self, node: Node, needed: Window, made: Node) -> Node:
        """The part of a window that one of those needs who share it."""
        held = self.extents[node]
        if held == needed:
            return made
        part = tuple(
            slice(mine.start - all_.start, mine.start - all_.start + mine.size)
            for mine, all_ in zip(needed, held, strict=True)
        )
        whole = (slice(None), slice(None), *part)
        shape = torch.Size((made.examples, *_shape(node, needed)))
        origin = Mapped((made,), lambda value: value[whole], shape, separable=True)
        return Node(
            lambda: made.interval.each(lambda value: value[whole]),
            origin,
            made.examples,
            shape=shape,
        )

    def padded(self, value: Tensor, shape: tuple[int, ...], window: Window) -> Tensor:
        """Images with zeros around, as far as windows reach: … × places × channels.

        Args:
            value: broadcasts to the shape.
            shape: of the images.
            window: that is taken out of them.
        """
        key = (id(value), window)
        if key not in self._kept:
            sides: list[int] = []
            for left, right in reversed(self.margins(shape[2:], window)):
                sides += [left, right]
            made = functional.pad(value.expand(shape), sides).movedim(1, -1).contiguous()
            self._kept[key] = (value, made)
        return self._kept[key][1]

    def margins(self, size: tuple[int, ...], window: Window) -> list[tuple[int, int]]:
        """The numbers of places that windows reach before the first and behind the last."""
        return [
            (
                max(0, -part.start),
                max(0, part.stride * (places - 1) + part.start + part.size - length),
            )
            for length, places, part in zip(size, self.node.shape[2:], window, strict=True)
        ]


class _Gathering:
    """Takes the windows of some places out of tensors."""

    def __init__(
        self, fields: ReceptiveFields, examples: Tensor, places: Sequence[Tensor]
    ) -> None:
        self.fields, self.examples, self.places = fields, examples, places

    def of(self, value: Tensor, node: Node, window: Window) -> Tensor:
        """Windows of a tensor that broadcasts to a node: places × channels × window, or 1."""
        shape = (*[1] * (len(node.shape) - value.ndim), *value.shape)
        alike = shape[0] == 1
        if all(length == 1 for length in shape[2:]):
            return value.reshape(shape) if alike else value[self.examples]
        size = node.shape[2:]
        padded = self.fields.padded(value, (*shape[:2], *size), window)
        index = torch.zeros_like(self.examples) if alike else self.examples
        axes = len(size)
        index = index.reshape(-1, *[1] * axes)
        for axis, (part, (left, _)) in enumerate(
            zip(window, self.fields.margins(size, window), strict=True)
        ):
            reach = torch.arange(part.size, device=value.device)
            place = self.places[axis][:, None] * part.stride + part.start + left + reach
            shape = [len(place), *[1] * axes]
            shape[1 + axis] = part.size
            index = index * padded.shape[1 + axis] + place.reshape(shape)
        windows = padded.flatten(0, axes).index_select(0, index.flatten())
        return windows.reshape(*index.shape, -1).movedim(-1, 1)

    def box(self, box: Interval, node: Node, window: Window) -> Interval:
        """The windows of both bounds, and 0 around them."""
        return box.each(lambda bound: self.of(bound, node, window))

    def noise(self, node: Node, window: Window) -> Noise | None:
        """The noise of windows of a node's images."""
        if node.noise is None:
            return None
        return node.noise.map(
            lambda images: self.of(images, node, window),
            lambda numbers: numbers if len(numbers) == 1 else numbers[self.examples],
        )

    def weight(self, value: Tensor | Interval, node: Node, window: Window) -> Tensor | Interval:
        """The windows of a factor of each coordinate."""
        if isinstance(value, Interval):
            return self.box(value, node, window)
        return self.of(value, node, window)

    def without_padding(self, node: Node, window: Window, made: Node) -> Node:
        """A node that is 0 in the padding, where a convolution was given zeros."""
        margins = self.fields.margins(node.shape[2:], window)
        if isinstance(node.origin, Leaf | Activated) or not any(map(any, margins)):
            return made
        like = node.interval.lower
        inside = self.of(like.new_ones(1, 1, *node.shape[2:]), node, window)
        origin = Multiplied((made,), torch.mul, inside)
        return Node(lambda: made.interval, origin, made.examples, shape=made.shape)


def _sources(node: Node, window: Window) -> Window | None:
    """The window of a node's parents; None where it is not known."""
    origin = node.origin
    if isinstance(origin, Multiplied):
        if isinstance(origin.weight, Interval) and type(origin.weight) is not Interval:
            return None  # a ball, which joins places
        if origin.geometry is not None:
            return origin.geometry.sources(window, origin.weight.shape[2:])
        return window if origin.transpose is torch.mul else None
    added = isinstance(origin, Mapped) and origin.function is torch.add
    return window if added or isinstance(origin, Activated | Shifted) else None


def _hull(first: Window, second: Window) -> Window | None:
    both = [one.with_(other) for one, other in zip(first, second, strict=True)]
    hull = tuple(each for each in both if each is not None)
    return hull if len(hull) == len(both) else None


def _shape(node: Node, window: Window) -> tuple[int, ...]:
    """Channels and places of a window."""
    return (node.shape[1], *(part.size for part in window))
