"""Training examples that are changed anew whenever they are seen."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn import functional

from gnomon.errors import SettingError, ShapeError
from gnomon.shapes import Inputs


@runtime_checkable
class Augmentation(Protocol):
    """A frozen dataclass whose fields are the settings of the augmentation."""

    def __call__(self, inputs: Inputs, generator: torch.Generator) -> Inputs:
        """Other inputs of the same classes, shape and type, each changed by itself.

        The inputs may be those of many networks in turn: what is drawn from `generator`, by
        rand, randn, randint or bernoulli, has the examples as its first axis.
        """
        ...


@dataclass(frozen=True)
class CropAndFlip:
    """Images moved by some pixels, and half of them mirrored left to right.

    With shifts s, t drawn uniformly from −p, …, p, pixel (i, j) of a channel x becomes
    x[i + s, j + t], or x[i + s, t + width − 1 − j] in a mirrored image; it is 0, in the units
    of the data, where that is outside x. So a window of the image's size is cut from the image
    with a border of p zeros, and mirrored.

    Attributes:
        padding: p, in pixels.
        flip: whether any are mirrored; not where left and right matter, as in digits.

    References:
        he2016, section 4.2.
    """

    padding: int = 4
    flip: bool = True

    def __post_init__(self) -> None:
        if self.padding < 0:
            raise SettingError(
                f"padding: expected 0 or more pixels, got {self.padding}. Correct the value."
            )

    def __call__(self, inputs: Inputs, generator: torch.Generator) -> Inputs:
        """The changed images.

        Raises:
            ShapeError: inputs that are no images.
        """
        if inputs.dim() != 4:
            raise ShapeError(
                "CropAndFlip: expected images (batch, channels, height, width), got inputs of "
                f"shape {tuple(inputs.shape)}. Train on these without augmentation."
            )
        padded = functional.pad(inputs, (self.padding,) * 4)
        height, width = inputs.shape[2:]
        rows, columns = self._windows(inputs, generator)
        # Rows and columns as places in the flattened image, the same for all channels.
        places = (rows * padded.shape[3])[:, :, None] + columns[:, None, :]
        taken = places.flatten(1)[:, None].expand(-1, inputs.shape[1], -1)
        moved = padded.flatten(2).gather(2, taken).unflatten(2, (height, width))
        if moved.stride() == inputs.stride():
            return moved
        return torch.empty_like(inputs).copy_(moved)  # channels last, where they were

    def _windows(
        self, inputs: Inputs, generator: torch.Generator
    ) -> tuple[Int[Tensor, " batch height"], Int[Tensor, " batch width"]]:
        """The rows and columns of the padded images that are seen, in their order."""
        (count, _, height, width), device = inputs.shape, inputs.device
        shifts = 2 * self.padding + 1
        corners = torch.randint(shifts, (count, 2), generator=generator, device=device)
        rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
        if self.flip:
            mirrored = torch.randint(2, (count, 1), generator=generator, device=device).bool()
            columns = torch.where(mirrored, columns.flip(0), columns)
        return corners[:, :1] + rows, corners[:, 1:] + columns


AUGMENTATIONS: dict[str, type] = {"crop_and_flip": CropAndFlip}
"""Every augmentation by its name in a configuration."""
