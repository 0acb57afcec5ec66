"""One-step adversarial training with gradients that are kept alike."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gnomon.objectives import cross_entropy
from gnomon.sets import InputSet
from gnomon.sets.guards import check_size
from gnomon.shapes import PerExample
from gnomon.training.adversaries.inputs import of_batch
from gnomon.training.method import Batch, InOwnLoop, Loss, check_numbers
from gnomon.training.methods.fgsm import FGSMTraining
from gnomon.training.ramps import Full


@dataclass(frozen=True)
class GradAlign(InOwnLoop):
    """FGSM training, and how much the gradient turns within the set.

        CE(f(x + δ_FGSM)) + λ (1 − cos(∇ℓ(x), ∇ℓ(x + η))),   η uniform in the set

    An example with a gradient of 0 counts as aligned; the source leaves it out of the mean.

    Attributes:
        within: the set of perturbations, such as Linf(8/255).
        weight: λ; 0.2 at 8/255, 2 at 16/255 in the source.

    References:
        gradalign2020, equation 6.
    """

    within: InputSet
    weight: float = 0.2
    references: ClassVar[tuple[str, ...]] = ("gradalign2020",)

    def __post_init__(self) -> None:
        check_numbers(self)
        check_size("GradAlign", self.weight, "weight")

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss of `network` on `batch`."""
        plain = FGSMTraining(self.within).loss(network, batch, generator)
        turn = self._turn(network, batch, generator)
        return Loss(plain.values + self.weight * turn, plain.correct)

    def _turn(self, network: nn.Module, batch: Batch, source: torch.Generator) -> PerExample:
        """1 − cos of the two gradients; differentiable in the parameters."""
        within = of_batch(self.within, Full(), batch)
        noisy = batch.inputs + within.around(batch.inputs).sample(source)
        slopes = [self._slope(network, x, batch.labels) for x in (batch.inputs, noisy)]
        # A length of 0 has no derivative: those examples are taken out before the division.
        lengths = [(each.square().sum(dim=1)) for each in slopes]
        known = (lengths[0] > 0) & (lengths[1] > 0)
        product = (slopes[0] * slopes[1]).sum(dim=1)
        safe = torch.where(known, lengths[0] * lengths[1], torch.ones_like(product))
        return torch.where(known, 1 - product / safe.sqrt(), torch.zeros_like(product))

    @staticmethod
    def _slope(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        """The gradient, scaled by its largest entry so that its square does not underflow."""
        points = inputs.detach().requires_grad_()
        value = cross_entropy(network(points), labels).sum()
        (slope,) = torch.autograd.grad(value, points, create_graph=True)
        flat = slope.flatten(1)
        largest = flat.detach().abs().amax(dim=1, keepdim=True)
        return flat / torch.where(largest > 0, largest, torch.ones_like(largest))
