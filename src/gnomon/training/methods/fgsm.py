"""Adversarial training by one gradient step."""

from dataclasses import dataclass
from typing import ClassVar

from gnomon.sets import InputSet
from gnomon.training.adversaries import AttackedInputs, NoisyStep
from gnomon.training.min_max import Composed, MinMax


@dataclass(frozen=True)
class FGSMTraining(Composed):
    """The loss after one full step of steepest ascent from the input itself.

    It is prone to catastrophic overfitting: `Training.overfitting` notices it.

    Attributes:
        within: the set of perturbations, such as Linf(8/255).

    References:
        goodfellow2015, section 6.
    """

    within: InputSet
    references: ClassVar[tuple[str, ...]] = ("goodfellow2015",)

    def composed(self) -> MinMax:
        """One step of length ε from 0."""
        return MinMax(AttackedInputs(self.within, 1, 1.0, random_start=False))


@dataclass(frozen=True)
class FastTraining(Composed):
    """The loss after one step from a random start: "fast is better than free".

        δ ← Π(η + α ε sign ∇ℓ(x + η)),   η uniform in the set

    Attributes:
        within: the set of perturbations, such as Linf(8/255).
        relative_step: α > 0.

    References:
        wong2020, algorithm 3. Its early stop is `Training.overfitting`.
    """

    within: InputSet
    relative_step: float = 1.25
    references: ClassVar[tuple[str, ...]] = ("wong2020",)

    def composed(self) -> MinMax:
        """One step from a random start."""
        return MinMax(AttackedInputs(self.within, 1, self.relative_step))


@dataclass(frozen=True)
class NFGSM(Composed):
    """The loss after one step from a noisy input, without projection on the set.

    Attributes:
        within: the L∞ set of perturbations.
        noise: the start is uniform within this multiple of the radius.
        relative_step: length of the step divided by the radius.

    References:
        dejorge2022.
    """

    within: InputSet
    noise: float = 2.0
    relative_step: float = 1.0
    references: ClassVar[tuple[str, ...]] = ("dejorge2022",)

    def composed(self) -> MinMax:
        """One noisy step."""
        return MinMax(NoisyStep(self.within, self.noise, self.relative_step))
