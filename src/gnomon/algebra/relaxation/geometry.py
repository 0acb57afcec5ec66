"""Which places of an image a convolution connects."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Extent:
    """Along one axis, what place t depends on: from stride · t + start on, `size` places."""

    stride: int = 1
    start: int = 0
    size: int = 1

    def with_(self, other: "Extent") -> "Extent | None":
        """The smallest that holds both; None if they move apart."""
        if self.stride != other.stride:
            return None
        start = min(self.start, other.start)
        stop = max(self.start + self.size, other.start + other.size)
        return Extent(self.stride, start, stop - start)


Window = tuple[Extent, ...]
"""Along each axis of places."""


@dataclass(frozen=True)
class Geometry:
    """How a convolution connects places.

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
        found = getattr(functional, name)(
            channels_last(rows).flatten(0, 1),
            weight,
            None,
            self.stride,
            0,
            0,
            self.groups,
            self.dilation,
        )
        return found.unflatten(0, rows.shape[:2])


def channels_last(rows: Tensor) -> Tensor:
    """The same rows over images, with the channels of a place side by side in memory.

    Transposed convolutions and products with slopes take half the time then.

    Args:
        rows: forms × examples × channels × places.
    """
    return rows.movedim(2, -1).contiguous().movedim(-1, 2)
