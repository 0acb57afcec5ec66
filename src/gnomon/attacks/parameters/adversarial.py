"""Small changes of parameters that keep the accuracy and destroy the robustness."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.climb import Climb
from gnomon.attacks.parameters.descent import FROM_THE_INPUT, Descent, restoring, spoiling
from gnomon.attacks.parameters.outcome import Batches, ParameterOutcome
from gnomon.attacks.parameters.reading import read
from gnomon.errors import SettingError
from gnomon.networks.undisturbed import undisturbed
from gnomon.objectives import cross_entropy
from gnomon.seeds import ensure
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterRegion


@dataclass(frozen=True)
class AdversarialParameterAttack:
    """Parameters within a set that answer as before, and withstand perturbed inputs no more.

    Two phases of stochastic gradient descent over the batches, each step projected on the set:

    1. raise the loss CE(f(x′), y) of perturbed inputs x′, until the accuracy on the batches
       falls below `spoiled`;
    2. lower the quotient CE(f(x), y) / CE(f(x′), y), which brings the accuracy back.

    With a `ParameterBox` of the law `Relative(γ)` this is the L∞ attack. Normalisations keep
    their running statistics, so that nothing but parameters changes (the authors let them
    drift). Where training goes on in a weight decay or at other rates than the authors',
    the settings say so.

    Attributes:
        inputs: where perturbed inputs lie.
        climb: the ascent that finds them.
        spoil_epochs: largest number of epochs of phase 1.
        restore_epochs: number of epochs of phase 2.
        spoil_rate: learning rate of phase 1.
        restore_rates: learning rates of the first and the second half of phase 2.
        spoiled: the accuracy at which phase 1 ends.

    Raises:
        SettingError: fewer than no epochs, or a rate that is not positive.

    References:
        yu2023, algorithm 1; the learning rates are those of the authors' program.
    """

    inputs: InputSet
    climb: Climb = FROM_THE_INPUT
    spoil_epochs: int = 10
    restore_epochs: int = 40
    spoil_rate: float = 0.1
    restore_rates: tuple[float, float] = (0.002, 0.001)
    spoiled: float = 0.2

    def __post_init__(self) -> None:
        rates = (self.spoil_rate, *self.restore_rates)
        if min(self.spoil_epochs, self.restore_epochs) < 0 or min(rates) <= 0:
            raise SettingError(
                "AdversarialParameterAttack: expected epochs ≥ 0 and rates > 0, got "
                f"{self.spoil_epochs}, {self.restore_epochs} and {rates}. Correct them."
            )

    def __call__(
        self,
        network: nn.Module,
        batches: Batches,
        region: ParameterRegion,
        generator: torch.Generator | None = None,
    ) -> ParameterOutcome:
        """The changed parameters; `robustness_lost` says what they do."""
        generator = ensure(generator)
        region, gradients = region.detach(), 0
        with undisturbed(network):
            descent = Descent(network, batches, self.inputs, self.climb, generator)
            here = region.centre()
            for _ in range(self.spoil_epochs):
                here = descent.epoch(here, spoiling, self.spoil_rate, region.project)
                gradients += len(batches)
                if read(network, here, batches, cross_entropy).accuracy < self.spoiled:
                    break
            for epoch in range(self.restore_epochs):
                rate = self.restore_rates[2 * epoch >= self.restore_epochs]
                here = descent.epoch(here, restoring, rate, region.project)
                gradients += len(batches)
            reading = read(network, here, batches, cross_entropy)
        name = "adversarial parameter attack"
        return ParameterOutcome(name, here, reading.accuracy, reading.value, gradients)


@dataclass(frozen=True)
class RobustnessLost:
    """Accuracies before and after an attack on parameters, as shares of the examples.

    Attributes:
        accuracy: before and after.
        attacked_accuracy: before and after, under the same attack on inputs.
    """

    accuracy: tuple[float, float]
    attacked_accuracy: tuple[float, float]

    @property
    def adversarial_rate(self) -> float:
        """The share of accuracy kept times the share of attacked accuracy lost.

            (Acc(θ_a) / Acc(θ)) · (1 − Rob(θ_a) / Rob(θ))

        1 for an attack that nobody notices and that leaves no robustness; 0 where there was
        none to begin with.
        """
        before, after = self.accuracy
        robust, left = self.attacked_accuracy
        if before <= 0 or robust <= 0:
            return 0.0
        return max(0.0, after / before) * max(0.0, 1 - left / robust)
