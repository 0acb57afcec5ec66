"""Adversarial training whose attack costs nothing: each gradient serves twice."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gnomon.errors import SettingError
from gnomon.objectives import cross_entropy
from gnomon.sets import InputSet
from gnomon.training.adversaries.inputs import of_batch
from gnomon.training.method import Batch, InOwnLoop, Loss, check_numbers
from gnomon.training.ramps import Full
from gnomon.training.replicas.network import parameters_of


@dataclass(frozen=True)
class FreeTraining(InOwnLoop):
    """m steps on each batch; the backward pass of each moves parameters and perturbation.

        δ ← Π(δ + ε sign ∇_x ℓ(x + δ))

    δ stays from batch to batch, place by place, and begins an epoch at 0 (the source keeps it
    through the whole training). An epoch takes m times as many steps: use fewer epochs. Called
    by itself on a batch, each call is a first step: the plain loss, with δ = 0.

    Attributes:
        within: the set of perturbations, such as Linf(8/255).
        replays: m ≥ 1.

    References:
        shafahi2019, algorithm 1.
    """

    within: InputSet
    replays: int = 8
    references: ClassVar[tuple[str, ...]] = ("shafahi2019",)

    def __post_init__(self) -> None:
        check_numbers(self)
        if self.replays < 1:
            raise SettingError(
                f"FreeTraining: expected replays ≥ 1, got {self.replays}. Use 8."
            )

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:  # noqa: ARG002 (nothing is random here)
        """The loss of `network` on `batch`."""
        within = of_batch(self.within, Full(), batch)
        replicas = len(next(iter(parameters_of(network).values())))
        start = _moved(batch.carried, within, batch.inputs, replicas)
        perturbation = within.around(batch.inputs).project(start).detach().requires_grad_()
        logits = network(batch.inputs + perturbation)
        correct = logits.detach().argmax(dim=1) == batch.labels
        return Loss(cross_entropy(logits, batch.labels), correct, carried=perturbation)


def _moved(carried: Tensor | None, within: InputSet, inputs: Tensor, replicas: int) -> Tensor:
    """The perturbation one step on, for each network as many as it has examples now."""
    if carried is None or carried.grad is None:
        return torch.zeros_like(inputs)
    slope = carried.grad.nan_to_num(0.0, 0.0, 0.0)  # one that overflowed in half precision
    moved = carried.detach() + within.steepest(slope, within.radius)
    if len(moved) == len(inputs):
        return moved
    kept = moved.unflatten(0, (replicas, -1))
    fitted = inputs.new_zeros(inputs.shape).unflatten(0, (replicas, -1))
    count = min(kept.shape[1], fitted.shape[1])
    fitted[:, :count] = kept[:, :count]
    return fitted.flatten(0, 1)
