"""The examples of many networks, some of which may share theirs."""

from collections.abc import Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.data.dataset import Split
from gnomon.shapes import Inputs, Labels


class Examples:
    """The splits of R networks, stacked; equal ones are held once, however many share them.

    Args:
        splits: one for each network, of one shape.
        contents: a name for each; splits of one name are equal.
        device: where the examples are wanted.

    Attributes:
        size: how many examples each network has.
        held: the inputs of all distinct splits, one split after the other.
    """

    def __init__(
        self, splits: Sequence[Split], contents: Sequence[str], device: torch.device
    ) -> None:
        distinct = dict(zip(contents, splits, strict=True))
        number = {name: index for index, name in enumerate(distinct)}
        held = list(distinct.values())
        self.size = len(held[0])
        self.held = _joined([each.inputs for each in held]).to(device)
        self._labels = _joined([each.labels for each in held]).to(device)
        first = torch.tensor([number[name] for name in contents], device=device)
        self._first = (first * self.size)[:, None]

    def chosen(self, places: Int[Tensor, " replicas _"]) -> tuple[Inputs, Labels]:
        """Those at places in the first network's split, then in the second's, and so on."""
        where = (places.to(self._first.device) + self._first).flatten()
        return self.held[where], self._labels[where]

    def keep(self, chosen: Tensor) -> None:
        """Lets all networks go but those of the chosen rows."""
        self._first = self._first[chosen]


def _joined(tensors: Sequence[Tensor]) -> Tensor:
    """One tensor after another along the first axis; a single one is not copied."""
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors))
