"""One optimiser for the rows of a tensor, each with its own learning rate and weight decay."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.training.optimizers import (
    SGD,
    Adam,
    AdamW,
    OptimizerRule,
    optimizer_tensors,
    restore_optimizer,
)

ROWWISE: Mapping[type, bool] = {SGD: False, Adam: False, AdamW: True}
"""The rules that are linear in the learning rate, and whether their decay is decoupled."""


class RowwiseUpdate:
    """Moves each row θ_r by torch's own update at the row's learning rate.

    All rules move by −η u(g), with u from the history of the gradients alone. So torch steps a
    tensor of zeros at rate 1, which gives −u, and

        θ_r ← (1 − η_r λ_r) θ_r − η_r u(g_r)    with decoupled decay,
        θ_r ← θ_r − η_r u(g_r + λ_r θ_r)        otherwise.

    Args:
        rule: one of `ROWWISE`.
        rows: what is moved.
        decays: λ_r of each row.
    """

    def __init__(self, rule: OptimizerRule, rows: Tensor, decays: Sequence[float]) -> None:
        self._rule, self._decoupled = rule, ROWWISE[type(rule)]
        self._decays = torch.tensor(decays, dtype=rows.dtype, device=rows.device)[:, None]
        self._decaying = any(decays)
        self._begin(rows)

    @torch.no_grad()
    def __call__(
        self,
        rows: Float[Tensor, " replicas parameters"],
        gradients: Float[Tensor, " replicas parameters"],
        rates: Float[Tensor, " replicas"],
    ) -> None:
        """Moves `rows`; `gradients` may be changed."""
        rate = rates[:, None]
        if self._decaying and self._decoupled:
            rows.mul_(1 - rate * self._decays)
        elif self._decaying:
            gradients.addcmul_(self._decays, rows)
        self._moved.zero_()
        self._moved.grad = gradients
        self._optimizer.step()
        rows.addcmul_(self._moved, rate)

    def tensors(self) -> dict[str, Tensor]:
        """The optimiser's state; what has axes has the rows' axis first."""
        return optimizer_tensors(self._optimizer)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes what `tensors` gave, for as many rows as there are."""
        self._begin(self._moved)
        restore_optimizer(self._optimizer, tensors)

    def keep(self, chosen: Tensor) -> None:
        """Lets all rows go but the chosen ones."""
        state = rows_of(self.tensors(), chosen)
        self._decays = self._decays[chosen]
        self._begin(self._moved[chosen])
        restore_optimizer(self._optimizer, state)

    def _begin(self, rows: Tensor) -> None:
        self._moved = nn.Parameter(torch.zeros_like(rows))
        self._optimizer = self._rule([self._moved], 1.0, 0.0)


def rows_of(tensors: Mapping[str, Tensor], chosen: Tensor) -> dict[str, Tensor]:
    """The chosen rows of each tensor; numbers, which all rows share, are kept as they are."""
    return {
        name: tensor[chosen] if tensor.dim() else tensor.clone()
        for name, tensor in tensors.items()
    }


def single_state(
    tensors: Mapping[str, Tensor], row: int, split: Callable[[Tensor], Sequence[Tensor]]
) -> dict[str, Tensor]:
    """One row's part of an optimiser's state, as the optimiser of a single network has it.

    Args:
        tensors: what `RowwiseUpdate.tensors` gave, under names `0/name`.
        row: which.
        split: cuts a row into tensors of the shapes of the network's parameters.
    """
    names = {key.split("/", 1)[1]: tensor for key, tensor in tensors.items()}
    parts = {name: split(each[row]) for name, each in names.items() if each.dim()}
    shared = {name: each for name, each in names.items() if not each.dim()}
    count = len(next(iter(parts.values()), []))
    of_axes = {
        f"{index}/{name}": part
        for name, each in parts.items()
        for index, part in enumerate(each)
    }
    numbers = {
        f"{index}/{name}": each.clone()
        for name, each in shared.items()
        for index in range(count)
    }
    return {**of_axes, **numbers}
