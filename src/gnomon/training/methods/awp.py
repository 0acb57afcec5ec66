"""Adversarial perturbation of inputs and weights by gradients."""

from dataclasses import dataclass
from typing import ClassVar

from gnomon.sets import InputSet
from gnomon.training.adversaries import AttackedInputs, LayerwiseAscent, RobustAscent
from gnomon.training.criteria import Tradeoff
from gnomon.training.min_max import Composed, MinMax
from gnomon.training.ramps import Full, Ramp

_FULL = Full()


@dataclass(frozen=True)
class AWPTraining(Composed):
    """PGD on the inputs, then v_l = γ ‖w_l‖ g_l / ‖g_l‖ on each weight tensor.

    Attributes:
        within: the set of perturbations, such as Linf(8/255).
        size: γ ≥ 0.
        steps: gradient steps on the inputs.
        ramp: the share of γ so far; a `LinearRamp` or later start is the source's warm-up.
        relative_step: length of a step on the inputs divided by the radius; None means
            2.5 / steps, at most 1.

    References:
        wu2020, algorithm 1.
    """

    within: InputSet
    size: float = 0.01
    steps: int = 10
    ramp: Ramp = _FULL
    relative_step: float | None = None
    references: ClassVar[tuple[str, ...]] = ("wu2020",)

    def composed(self) -> MinMax:
        """An attack on both."""
        return MinMax(
            AttackedInputs(self.within, self.steps, self.relative_step),
            LayerwiseAscent(self.size, ramp=self.ramp),
        )


@dataclass(frozen=True)
class TRADESAWP(Composed):
    """TRADES, with its whole loss taken at weights moved along the gradient of that loss.

    Attributes:
        within: the set of perturbations, such as Linf(8/255).
        size: γ ≥ 0.
        weight: β of TRADES.
        steps: gradient steps on the inputs.
        ramp: the share of γ so far.
        relative_step: length of a step on the inputs divided by the radius; None means
            2.5 / steps, at most 1.

    References:
        wu2020, section 4; zhang2019.
    """

    within: InputSet
    size: float = 0.005
    weight: float = 6.0
    steps: int = 10
    ramp: Ramp = _FULL
    relative_step: float | None = None
    references: ClassVar[tuple[str, ...]] = ("wu2020", "zhang2019")

    def composed(self) -> MinMax:
        """An attack on the answer, and on the weights."""
        return MinMax(
            AttackedInputs(
                self.within, self.steps, self.relative_step, objective="kl_divergence"
            ),
            LayerwiseAscent(self.size, ramp=self.ramp),
            Tradeoff(self.weight),
        )


@dataclass(frozen=True)
class RWP(Composed):
    """PGD on the inputs, then an ascent of the weights on examples whose loss is below c.

    Each gradient of the ascent is taken at the full distance γ ‖w‖, along all gradients so far.

    Attributes:
        within: the set of perturbations, such as Linf(8/255).
        size: γ ≥ 0.
        threshold: c > 0: 1.7 for CIFAR-10, 4 for CIFAR-100.
        steps: gradient steps on the inputs.
        weight_steps: gradient steps on the weights.
        relative_step: length of a step on the inputs divided by the radius; None means
            2.5 / steps, at most 1.

    References:
        yu2022.
    """

    within: InputSet
    size: float = 0.01
    threshold: float = 1.7
    steps: int = 10
    weight_steps: int = 10
    relative_step: float | None = None
    references: ClassVar[tuple[str, ...]] = ("yu2022",)

    def composed(self) -> MinMax:
        """An attack on both."""
        return MinMax(
            AttackedInputs(self.within, self.steps, self.relative_step),
            RobustAscent(self.size, self.weight_steps, self.threshold),
        )
