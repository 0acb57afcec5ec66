"""Convolutions: which places of an image they connect, and how they are followed back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Extent:
    """The places on which place t depends along an axis: `size`, from stride · t + start on."""

    stride: int = 1
    start: int = 0
    size: int = 1

    def with_(self, other: "Extent") -> "Extent | None":
        """The smallest extent that holds both; None if they move apart."""
        if self.stride != other.stride:
            return None
        start = min(self.start, other.start)
        stop = max(self.start + self.size, other.start + other.size)
        return Extent(self.stride, start, stop - start)


Window = tuple[Extent, ...]
"""Along each axis of places."""


@dataclass(frozen=True)
class Geometry:
    """The way in which a convolution connects places.

    Attributes:
        stride: along each axis of places; so are the others.
        padding: zeros before the first place.
        dilation: the distance between the kernel's places.
        groups: of channels that are convolved apart.
    """

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def sources(self, window: Window, kernel: torch.Size) -> Window:
        """The places that a window is made from; some may lie in the padding."""
        return tuple(
            Extent(
                stride=part.stride * step,
                start=part.start * step - pad,
                size=(part.size - 1) * step + gap * (length - 1) + 1,
            )
            for part, step, pad, gap, length in zip(
                window, self.stride, self.padding, self.dilation, kernel, strict=True
            )
        )

    def transpose(self, rows: Tensor, weight: Tensor) -> Tensor:
        """Rows over a window, pulled back to all places it is made from."""
        name = f"conv_transpose{len(self.stride)}d"
        pulled = getattr(functional, name)(
            channels_last(rows).flatten(0, 1),
            weight,
            None,
            self.stride,
            0,
            0,
            self.groups,
            self.dilation,
        )
        return pulled.unflatten(0, rows.shape[:2])


def pulled_back(
    name: str,
    shape: torch.Size,
    settings: tuple[Any, ...],
    named: dict[str, Any],
    rows: Tensor,
    weight: Tensor,
) -> Tensor:
    """Rows over the image of a convolution, pulled back to inputs of this shape."""
    flat = channels_last(rows).flatten(0, 1)
    geometry = geometry_of(name, weight.ndim - 2, settings, named)
    if geometry is None:
        like = torch.zeros((), dtype=rows.dtype, device=rows.device)
        function = partial(_unbiased, getattr(functional, name), weight, settings, named)
        back = torch.func.vjp(function, like.expand(len(flat), *shape[1:]))[1]
        return back(flat)[0].reshape(*rows.shape[:2], *shape[1:])
    pulled = _transposed_convolution(name, shape, flat, weight, geometry)
    return pulled.unflatten(0, rows.shape[:2])


def geometry_of(
    name: str, axes: int, settings: tuple[Any, ...], named: dict[str, Any]
) -> Geometry | None:
    """The geometry of a convolution; None if it is transposed or padded by a name."""
    defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    chosen = {**defaults, **dict(zip(defaults, settings, strict=False)), **named}
    if "transpose" in name or isinstance(chosen["padding"], str):
        return None
    stride, padding, dilation = (
        (each,) * axes if isinstance(each, int) else tuple(each)
        for each in (chosen["stride"], chosen["padding"], chosen["dilation"])
    )
    return Geometry(stride, padding, dilation, chosen["groups"])


def channels_last(rows: Tensor) -> Tensor:
    """The same rows over images, with the channels of a place side by side in memory.

    Transposed convolutions and products with slopes take half the time then.

    Args:
        rows: forms × examples × channels × places.
    """
    return rows.movedim(2, -1).contiguous().movedim(-1, 2)


def _transposed_convolution(
    name: str,
    shape: torch.Size,
    rows: Tensor,
    weight: Tensor,
    geometry: Geometry,
) -> Tensor:
    """A transposed convolution of the same settings; what the stride left over is added."""
    steps, pads, gaps = geometry.stride, geometry.padding, geometry.dilation
    left = [
        shape[2 + axis]
        + 2 * pads[axis]
        - gaps[axis] * (weight.shape[2 + axis] - 1)
        - (rows.shape[2 + axis] - 1) * steps[axis]
        - 1
        for axis in range(weight.ndim - 2)
    ]
    function = getattr(functional, name.replace("conv", "conv_transpose"))
    return function(rows, weight, None, steps, pads, left, geometry.groups, gaps)


def _unbiased(
    function: Callable[..., Tensor],
    weight: Tensor,
    settings: tuple[Any, ...],
    named: dict[str, Any],
    x: Tensor,
) -> Tensor:
    return function(x, weight, None, *settings, **named)
