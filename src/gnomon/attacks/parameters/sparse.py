"""An adversarial parameter attack that changes few parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.attacks.climb import Climb
from gnomon.attacks.parameters.descent import (
    FROM_THE_INPUT,
    Descent,
    Loss,
    restoring,
    spoiling,
)
from gnomon.attacks.parameters.outcome import Batches, ParameterOutcome
from gnomon.attacks.parameters.reading import read
from gnomon.errors import SettingError
from gnomon.networks.undisturbed import undisturbed
from gnomon.networks.weights import weights_of
from gnomon.objectives import cross_entropy
from gnomon.seeds import ensure
from gnomon.sets import InputSet

Masks = dict[str, Tensor]


@dataclass(frozen=True)
class SparseParameterAttack:
    """The L0 form: at most a share of the weights changes, by as much as it takes.

    Half of the share is spent on the weights with the largest slope of −CE(f(x′), y) over all
    batches, which then are trained to raise the loss of perturbed inputs; the other half on
    those with the largest slope of CE(f(x), y) / CE(f(x′), y) there, and both halves are
    trained to bring the accuracy back. No step changes a weight by more than `step`.

    The authors take 390 steps an epoch, at rates of 0.01 and 0.05. A search on 500 examples
    takes a few: at those rates it leaves a network of MNIST as it is (adversarial rate 0.03 for
    one weight in a hundred), with those here the adversarial rate is 0.4.

    Attributes:
        inputs: where perturbed inputs lie.
        share: p of the entries of each weight, in (0, 1].
        climb: the ascent that finds perturbed inputs.
        spoil_epochs: largest number of epochs of phase 1.
        restore_epochs: number of epochs of phase 2.
        spoil_rate: learning rate of phase 1.
        restore_rates: learning rates of the three thirds of phase 2.
        step: largest change of a weight in one step.
        enough: mean loss of perturbed inputs at which phase 1 ends.

    Raises:
        SettingError: a share outside (0, 1], fewer than no epochs, or a rate that is not
            positive.

    References:
        yu2023, section 4 (L0); epochs and the choice by slopes are those of the authors'
        program, whose regulariser is left out.
    """

    inputs: InputSet
    share: float = 0.01
    climb: Climb = FROM_THE_INPUT
    spoil_epochs: int = 10
    restore_epochs: int = 40
    spoil_rate: float = 10.0
    restore_rates: tuple[float, float, float] = (0.5, 0.25, 0.125)
    step: float = 0.1
    enough: float = 50.0

    def __post_init__(self) -> None:
        rates = (self.spoil_rate, *self.restore_rates, self.step)
        if not 0 < self.share <= 1:
            raise SettingError(
                f"SparseParameterAttack: expected a share in (0, 1], got {self.share}."
            )
        if min(self.spoil_epochs, self.restore_epochs) < 0 or min(rates) <= 0:
            raise SettingError(
                "SparseParameterAttack: expected epochs ≥ 0 and rates > 0, got "
                f"{self.spoil_epochs}, {self.restore_epochs} and {rates}. Correct them."
            )

    def __call__(
        self, network: nn.Module, batches: Batches, generator: torch.Generator | None = None
    ) -> ParameterOutcome:
        """Returns the changed parameters."""
        generator = ensure(generator)
        with undisturbed(network):
            descent = Descent(network, batches, self.inputs, self.climb, generator)
            own = {name: each.value().detach() for name, each in weights_of(network).items()}
            here, done = dict(own), 0
            masks = self._chosen(descent, here, spoiling, {})
            for _ in range(self.spoil_epochs):
                here = self._epoch(descent, here, spoiling, self.spoil_rate, masks)
                done += 1
                if -_mean_loss(descent, here, spoiling) > self.enough:
                    break
            masks = self._chosen(descent, here, restoring, masks)
            for epoch in range(self.restore_epochs):
                rate = self.restore_rates[3 * epoch // self.restore_epochs]
                here = self._epoch(descent, here, restoring, rate, masks)
                done += 1
            reading = read(network, here, batches, cross_entropy)
        name = f"adversarial parameter attack on {self.share:.2%} of the weights"
        gradients = (done + 2) * len(batches)
        return ParameterOutcome(name, here, reading.accuracy, reading.value, gradients)

    def _chosen(
        self, descent: Descent, here: Mapping[str, Tensor], loss: Loss, before: Masks
    ) -> Masks:
        """Half the share more, by the sizes of summed slopes, beside those chosen before."""
        total = {name: torch.zeros_like(each) for name, each in here.items()}
        for batch in range(len(descent.batches)):
            for name, slope in descent.slopes(here, loss, batch).items():
                total[name] += slope
        masks: Masks = {}
        for name, slope in total.items():
            taken = before.get(name, torch.zeros_like(slope, dtype=torch.bool))
            count = int(self.share / 2 * slope.numel())
            order = slope.abs().masked_fill(taken, -1.0).flatten().topk(count).indices
            masks[name] = taken.flatten().index_fill(0, order, True).reshape(slope.shape)  # noqa: FBT003
        return masks

    def _epoch(
        self,
        descent: Descent,
        here: Mapping[str, Tensor],
        loss: Loss,
        rate: float,
        masks: Masks,
    ) -> dict[str, Tensor]:
        """Makes one pass over the batches that moves the chosen entries only."""
        weights = dict(here)
        for batch in range(len(descent.batches)):
            slopes = descent.slopes(weights, loss, batch)
            for name, slope in slopes.items():
                move = (rate * slope).clamp(-self.step, self.step) * masks[name]
                weights[name] = weights[name] - move
        return weights


def _mean_loss(descent: Descent, here: Mapping[str, Tensor], loss: Loss) -> float:
    """The loss over all batches with freshly perturbed inputs."""
    values = [descent.value(here, loss, batch) for batch in range(len(descent.batches))]
    return sum(values) / len(values)
