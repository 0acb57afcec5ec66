"""The lengths of perturbations that fooled examples."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Distances:
    """Quantiles of lengths.

    Attributes:
        fooled: the number of perturbations.
        quantiles: of their lengths (10, 25, 50, 75, 90 %), in the data's units; None without
            any.
    """

    fooled: int
    quantiles: tuple[float, ...] | None

    @classmethod
    def of(cls, lengths: Float[Tensor, " fooled"]) -> "Distances":
        """Summarises the lengths.

        >>> Distances.of(torch.tensor([1.0, 2.0, 3.0])).quantiles[2]
        2.0
        """
        levels = torch.tensor(_LEVELS, dtype=lengths.dtype)
        return cls(
            len(lengths), tuple(lengths.quantile(levels).tolist()) if len(lengths) else None
        )
