"""Training against no adversary but chance."""

from dataclasses import dataclass
from typing import ClassVar

from gnomon.attacks import GaussianNoise
from gnomon.training.adversaries import RandomInputs, RandomWeights
from gnomon.training.criteria import WorstCase
from gnomon.training.min_max import Composed, MinMax


@dataclass(frozen=True)
class NoiseTraining(Composed):
    """Standard training with Gaussian noise on the inputs, in the data's domain.

    Attributes:
        size: standard deviation ≥ 0, in the data's own units.

    References:
        bishop1995.
    """

    size: float = 0.1
    references: ClassVar[tuple[str, ...]] = ("bishop1995",)

    def composed(self) -> MinMax:
        """Random inputs."""
        return MinMax(inputs=RandomInputs(GaussianNoise(self.size)))


@dataclass(frozen=True)
class RandomWeightPerturbation(Composed):
    """Half the loss of the network, half that with Gaussian noise on its parameters.

        α CE(f_θ) + (1 − α) CE(f_{θ+ν}),   ν_filter ~ N(0, (γ ‖θ_filter‖)²)

    Attributes:
        size: γ ≥ 0.
        clean_weight: α in [0, 1].

    References:
        li2024.
    """

    size: float = 0.01
    clean_weight: float = 0.5
    references: ClassVar[tuple[str, ...]] = ("li2024",)

    def composed(self) -> MinMax:
        """Random parameters, mixed with the network's own."""
        return MinMax(
            parameters=RandomWeights(self.size), criterion=WorstCase(self.clean_weight)
        )
