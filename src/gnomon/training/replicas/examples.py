"""The examples of networks, some of which may share theirs."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.data.dataset import Split
from gnomon.shapes import Inputs, Labels

_IMAGES = 4
"""Number of axes of a batch of images."""


class Examples:
    """The splits of R networks, stacked; equal ones are held once, however many share them.

    Args:
        splits: one for each network, of one shape.
        contents: a name for each; splits of one name are equal.
        device: where the examples are wanted.
        channels_last: whether images lie in memory with the channels of a pixel side by side.

    Attributes:
        size: number of examples of each network.
        held: the inputs of all distinct splits, one split after the other.
        labels: the labels of `held`.
    """

    def __init__(
        self,
        splits: Sequence[Split],
        contents: Sequence[str],
        device: torch.device,
        *,
        channels_last: bool = False,
    ) -> None:
        distinct = dict(zip(contents, splits, strict=True))
        number = {name: index for index, name in enumerate(distinct)}
        held = list(distinct.values())
        self.size = len(held[0])
        self.held = _joined([each.inputs for each in held]).to(device)
        if channels_last and self.held.dim() == _IMAGES:
            self.held = self.held.contiguous(memory_format=torch.channels_last)
        self.labels = _joined([each.labels for each in held]).to(device)
        first = torch.tensor([number[name] for name in contents], device=device)
        self._first = (first * self.size)[:, None]

    def places(self, chosen: Int[Tensor, " replicas _"]) -> Int[Tensor, " _"]:
        """The places in `held` of those chosen in each network's own split."""
        if self._alone:
            return chosen.flatten()
        return (chosen + self._first.to(chosen.device)).flatten()

    def part(self, start: int, stop: int) -> tuple[Inputs, Labels]:
        """The examples from `start` to `stop` of each network's own split."""
        if self._alone:
            return self.held[start:stop], self.labels[start:stop]
        order = torch.arange(start, min(stop, self.size), device=self.held.device)
        where = self.places(order.expand(len(self._first), -1))
        return self.held[where], self.labels[where]

    @property
    def _alone(self) -> bool:
        """Tells whether there is one network, and nothing but its own split."""
        return len(self._first) == 1 and len(self.labels) == self.size

    def keep(self, chosen: Tensor) -> None:
        """Drops every network except those of the chosen rows."""
        self._first = self._first[chosen]


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    """One tensor after another along the first axis; a single one is not copied."""
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))
