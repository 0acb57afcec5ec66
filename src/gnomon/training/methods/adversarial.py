"""Adversarial training by many gradient steps."""

from dataclasses import dataclass
from typing import ClassVar

from gnomon.sets import InputSet
from gnomon.training.adversaries import AttackedInputs
from gnomon.training.criteria import MisclassificationAware, Tradeoff
from gnomon.training.min_max import Composed, MinMax


@dataclass(frozen=True)
class PGDTraining(Composed):
    """The loss where projected gradient ascent on the cross-entropy ends.

    Attributes:
        within: the set of perturbations, such as Linf(8/255).
        steps: gradient steps.
        relative_step: length of a step divided by the radius; None means 2.5 / steps, at most
            1.

    References:
        madry2018, equation 2.1.
    """

    within: InputSet
    steps: int = 10
    relative_step: float | None = None
    references: ClassVar[tuple[str, ...]] = ("madry2018",)

    def composed(self) -> MinMax:
        """An attack on the inputs."""
        return MinMax(AttackedInputs(self.within, self.steps, self.relative_step))


@dataclass(frozen=True)
class TRADES(Composed):
    """The cross-entropy, and how far an attack can move the answer: CE(z) + β KL(p ‖ p̂).

    The ascent of the divergence starts at a random member of the set; the source starts 0.001
    away from the input.

    Attributes:
        within: the set of perturbations, such as Linf(8/255).
        weight: β.
        steps: gradient steps.
        relative_step: length of a step on the inputs divided by the radius; None means
            2.5 / steps, at most 1.

    References:
        zhang2019, equation 5.
    """

    within: InputSet
    weight: float = 6.0
    steps: int = 10
    relative_step: float | None = None
    references: ClassVar[tuple[str, ...]] = ("zhang2019",)

    def composed(self) -> MinMax:
        """An attack on the answer."""
        return MinMax(
            AttackedInputs(
                self.within, self.steps, self.relative_step, objective="kl_divergence"
            ),
            criterion=Tradeoff(self.weight),
        )


@dataclass(frozen=True)
class MART(Composed):
    """TRADES with more weight on examples that are wrong: BCE(p̂) + β (1 − p_y) KL(p ‖ p̂).

    Attributes:
        within: the set of perturbations, such as Linf(8/255).
        weight: β.
        steps: gradient steps.
        relative_step: length of a step on the inputs divided by the radius; None means
            2.5 / steps, at most 1.

    References:
        wang2020, equation 11.
    """

    within: InputSet
    weight: float = 6.0
    steps: int = 10
    relative_step: float | None = None
    references: ClassVar[tuple[str, ...]] = ("wang2020",)

    def composed(self) -> MinMax:
        """An attack on the inputs."""
        return MinMax(
            AttackedInputs(self.within, self.steps, self.relative_step),
            criterion=MisclassificationAware(self.weight),
        )
