"""Which places of an image a convolution connects."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Window = tuple[slice, ...]
"""From and to along each axis of places."""


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

    def sources(
        self, window: Window, kernel: torch.Size, size: torch.Size
    ) -> tuple[Window, tuple[int, ...]]:
        """The places that a window is made from, and how many zeros lie before them."""
        found: list[slice] = []
        zeros: list[int] = []
        for axis, part in enumerate(window):
            start = part.start * self.stride[axis] - self.padding[axis]
            reach = self.dilation[axis] * (kernel[axis] - 1) + 1
            stop = (part.stop - 1) * self.stride[axis] - self.padding[axis] + reach
            first, last = max(start, 0), min(stop, size[axis])
            found.append(slice(first, max(first, last)))
            zeros.append(first - start)
        return tuple(found), tuple(zeros)

    def transpose(
        self, rows: Tensor, weight: Tensor, zeros: tuple[int, ...], size: Window
    ) -> Tensor:
        """Rows over a window, pulled back to the places it is made from."""
        name = f"conv_transpose{len(size)}d"
        found = getattr(functional, name)(
            rows.flatten(0, 1), weight, None, self.stride, 0, 0, self.groups, self.dilation
        )
        for axis, part in enumerate(size):
            found = found.narrow(2 + axis, zeros[axis], part.stop - part.start)
        return found.reshape(*rows.shape[:2], *found.shape[1:])
