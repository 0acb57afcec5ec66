"""Projected ascent inside a set of parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.attacks.parameters.outcome import Batches, ParameterOutcome
from gnomon.attacks.parameters.reading import Reading, check_batches, read, read_slopes
from gnomon.errors import SettingError
from gnomon.networks.undisturbed import undisturbed
from gnomon.objectives import Objective, scale_free_cross_entropy
from gnomon.seeds import ensure
from gnomon.sets.parameters import ParameterRegion


@dataclass(frozen=True)
class ParameterPGD:
    """Steps of a mean objective over all examples towards its steepest member of the set.

        θ ← Π(θ + α (steepest(∇) − centre))

    In a box this is the sign of the gradient times the radius of each parameter; in layer-wise
    balls it is γ‖θ_l‖ ∇_l / ‖∇_l‖, so that one step of length 1 from the centre is the
    direction of adversarial weight perturbation (`awp_direction`). The worst of all networks
    on the way is kept, the network itself among them.

    Attributes:
        steps: number of gradients of each ascent, ≥ 1.
        relative_step: α; None means 2.5 / steps, at most 1.
        restarts: number of ascents; the first starts at the centre, the others at random
            members.
        objective: the function to maximise.

    Raises:
        SettingError: a setting outside its range.

    References:
        madry2018, for inputs; wu2020, equation 9.
    """

    steps: int = 10
    relative_step: float | None = None
    restarts: int = 1
    objective: Objective = scale_free_cross_entropy

    def __post_init__(self) -> None:
        positive = self.relative_step is None or self.relative_step > 0
        if self.steps < 1 or self.restarts < 1 or not positive:
            raise SettingError(
                "ParameterPGD: expected steps ≥ 1, restarts ≥ 1 and relative_step > 0, got "
                f"{self.steps}, {self.restarts} and {self.relative_step}. Correct them."
            )

    def __call__(
        self,
        network: nn.Module,
        batches: Batches,
        region: ParameterRegion,
        generator: torch.Generator | None = None,
    ) -> ParameterOutcome:
        """The alternative network with the least accuracy on the way.

        Raises:
            DataError: no examples.
            ShapeError: the network does not return batch × classes.
            SubjectError: NaN logits, or a label without a logit.
        """
        generator = ensure(generator)
        region = region.detach()
        length = self.relative_step or min(1.0, 2.5 / self.steps)
        best: tuple[Reading, Mapping[str, Tensor]] | None = None
        with undisturbed(network):
            varies = check_batches(network, batches)
            for restart in range(self.restarts):
                here = region.sample(generator) if restart else region.centre()
                for step in range(self.steps + 1):
                    last = step == self.steps
                    measure = read if last else read_slopes
                    reading = measure(network, here, batches, self.objective)
                    if best is None or _rank(reading) < _rank(best[0]):
                        best = (reading, here)
                    if not last:
                        here = towards(region, here, reading.slopes, length)
            assert best is not None
            if varies:  # the least of many random readings is too low
                best = (read(network, best[1], batches, self.objective), best[1])
        repeated = f" × {self.restarts}" if self.restarts > 1 else ""
        return ParameterOutcome(
            f"PGD-{self.steps}{repeated} on parameters",
            best[1],
            best[0].accuracy,
            best[0].value,
            self.restarts * self.steps * len(batches),
        )


def towards(
    region: ParameterRegion,
    here: Mapping[str, Tensor],
    slopes: Mapping[str, Tensor],
    length: float,
) -> dict[str, Tensor]:
    """A step along what leads from the centre to the member furthest along the slopes."""
    furthest, centre = region.steepest(slopes), region.centre()
    return region.project(
        {name: here[name] + length * (furthest[name] - centre[name]) for name in region}
    )


def awp_direction(
    network: nn.Module, batches: Batches, region: ParameterRegion, objective: Objective
) -> dict[str, Tensor]:
    """The parameters one full step of steepest ascent from the network's own.

    In a `ParameterBall` of size γ they are θ_l + γ ‖θ_l‖ ∇_l / ‖∇_l‖.

    References:
        wu2020, equation 9.
    """
    region = region.detach()
    with undisturbed(network):
        check_batches(network, batches)
        slopes = read_slopes(network, region.centre(), batches, objective).slopes
    return region.steepest(slopes)


def _rank(reading: Reading) -> tuple[float, float]:
    """Sort key, smallest for the worst: lower accuracy first, then higher objective."""
    return (reading.accuracy, -reading.value)
