"""Training on bounds of the loss."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from gnomon.algebra import Parameters
from gnomon.bounds import CROWN, IBP, Margins
from gnomon.errors import SettingError
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterBox
from gnomon.sets.radius import RadiusLaw
from gnomon.training.adversaries import EnclosedInputs, EnclosedParameters, SmallBoxes
from gnomon.training.criteria import WorstCase
from gnomon.training.method import Batch, InOwnLoop, Loss, check_numbers
from gnomon.training.min_max import Composed, MinMax
from gnomon.training.ramps import Ramp, SmoothRamp

_RAMP = SmoothRamp()


@dataclass(frozen=True)
class IBPTraining(Composed):
    """The cross-entropy of worst-case margins that intervals give, mixed with the plain one.

        κ CE(z) + (1 − κ) CE(ẑ)

    Attributes:
        within: the set of perturbations, such as Linf(0.1).
        clean_weight: κ at the end; it falls from 1 as ε rises.
        ramp: the course of ε and κ.

    References:
        gowal2019.
    """

    within: InputSet
    clean_weight: float = 0.5
    ramp: Ramp = _RAMP
    references: ClassVar[tuple[str, ...]] = ("gowal2019",)

    def composed(self) -> MinMax:
        """Bounds over the inputs."""
        return MinMax(
            EnclosedInputs(self.within, self.ramp),
            criterion=WorstCase(self.clean_weight, self.ramp),
        )


@dataclass(frozen=True)
class APP(Composed):
    """Adversarial parameter propagation: intervals over inputs and parameters at once.

        κ CE(f_θ(x), y) + (1 − κ) CE(ẑ, y),   ẑ_j ≥ z_j − z_y over |x̃ − x| ≤ ε, |θ̃ − θ| ≤ λ r(θ)

    θ, the midpoint, is what is trained and delivered; the gradient flows through the radius
    too, unless it is detached. With λ = 0 this is `IBPTraining`, with ε = λ = 0 standard
    training.
    `Training.weight_clip` restricts the range of the parameters, and
    `Training.initialisation = "interval"` begins with weights that do not widen intervals.

    Attributes:
        within: the set of perturbations of the inputs.
        radius: λ r(θ), the law of the boxes of parameters: `Relative` is |θ| ("abs"), `Tanh`
            narrows the boxes of small weights.
        biases: whether biases are perturbed too.
        detached: whether radii are constants to the derivative.
        clean_weight: κ at the end; it falls from 1 as ε rises.
        ramp: the course of ε and κ.
        parameter_ramp: the course of λ; as that of ε where it is None.

    References:
        szasz2024.
    """

    within: InputSet
    radius: RadiusLaw
    biases: bool = True
    detached: bool = False
    clean_weight: float = 0.5
    ramp: Ramp = _RAMP
    parameter_ramp: Ramp | None = None
    references: ClassVar[tuple[str, ...]] = ("szasz2024",)

    def composed(self) -> MinMax:
        """Bounds over both."""
        box = ParameterBox(self.radius, biases=self.biases, detached=self.detached)
        return MinMax(
            EnclosedInputs(self.within, self.ramp),
            EnclosedParameters(box, self.parameter_ramp or self.ramp),
            WorstCase(self.clean_weight, self.ramp),
        )


@dataclass(frozen=True)
class SABR(Composed):
    """Intervals over a small box around the worst point that an attack finds.

    Attributes:
        within: the set of perturbations of radius ε.
        share: τ; the box has radius τ ε.
        steps: gradient steps of the attack.
        ramp: the course of ε; κ falls from 1 to 0 with it.
        relative_step: length of a step divided by (1 − τ) ε; None means
            2.5 / steps, at most 1.

    References:
        mueller2023.
    """

    within: InputSet
    share: float = 0.4
    steps: int = 8
    ramp: Ramp = _RAMP
    relative_step: float | None = None
    references: ClassVar[tuple[str, ...]] = ("mueller2023",)

    def composed(self) -> MinMax:
        """An attack on the inputs, then bounds."""
        return MinMax(
            SmallBoxes(self.within, self.share, self.steps, self.ramp, self.relative_step),
            criterion=WorstCase(0.0, self.ramp),
        )


@dataclass(frozen=True)
class CROWNIBP(InOwnLoop):
    """IBP training with margins β CROWN-IBP + (1 − β) IBP; β falls from 1 as ε rises.

    Attributes:
        within: the set of perturbations, such as Linf(0.1).
        clean_weight: κ at the end.
        final_share: β at the end.
        ramp: the course of ε, κ and β.

    References:
        zhang2020, equation 9.
    """

    within: InputSet
    clean_weight: float = 0.0
    final_share: float = 0.0
    ramp: Ramp = _RAMP
    references: ClassVar[tuple[str, ...]] = ("zhang2020",)

    def __post_init__(self) -> None:
        check_numbers(self)
        WorstCase(self.clean_weight, self.ramp)  # refuses a wrong κ
        if not 0 <= self.final_share <= 1:
            raise SettingError(
                f"CROWNIBP: expected final_share in [0, 1], got {self.final_share}. Use 0."
            )

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss of `network` on `batch`."""
        share = 1 - (1 - self.final_share) * self.ramp(batch.progress)
        return MinMax(
            EnclosedInputs(self.within, self.ramp),
            criterion=WorstCase(self.clean_weight, self.ramp),
            bound=_Blend(share),
        ).loss(network, batch, generator)


@dataclass(frozen=True)
class _Blend:
    """The mean of two bounds, a share β of CROWN-IBP and 1 − β of intervals: a bound, too."""

    share: float
    name: str = "CROWN-IBP"
    kind: str = "exact arithmetic"

    def __call__(
        self,
        network: nn.Module,
        inputs: torch.Tensor,
        labels: torch.Tensor,
        within: InputSet | None,
        parameters: Parameters | None,
    ) -> Margins:
        given = (network, inputs, labels, within, parameters)
        if self.share == 0:
            return IBP()(*given)
        tight = CROWN(intermediate="interval")(*given)
        if self.share == 1:
            return tight
        wide = IBP()(*given)
        upper = self.share * tight.upper + (1 - self.share) * wide.upper
        return Margins(upper, labels)
