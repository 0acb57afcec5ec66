"""Measures the rise of the loss under attack when parameters change."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gnomon.attacks.climb import Climb
from gnomon.attacks.losses import losses
from gnomon.attacks.parameters.joint import JointPGD
from gnomon.attacks.parameters.outcome import Batches
from gnomon.errors import SettingError
from gnomon.networks.alternative import Alternative
from gnomon.objectives import cross_entropy
from gnomon.seeds import ensure
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterBall, ParameterRegion

_CLIMB = Climb(steps=20)


@dataclass(frozen=True)
class Flatness:
    """The rise of the attacked loss in a neighbourhood of the parameters; less is flatter.

    Attributes:
        loss: the mean cross-entropy of perturbed inputs at the network itself, in nats.
        rises: the rise at each random network, or of each search, in nats.
    """

    loss: float
    rises: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean rise, in nats: average-case flatness."""
        return sum(self.rises) / len(self.rises)

    @property
    def worst(self) -> float:
        """The largest rise, in nats: worst-case flatness."""
        return max(self.rises)

    @property
    def standard_error(self) -> float:
        """The standard error of the mean; infinite for a single rise."""
        count = len(self.rises)
        if count < 2:
            return float("inf")
        spread = sum((rise - self.mean) ** 2 for rise in self.rises) / (count - 1)
        return (spread / count) ** 0.5


@dataclass(frozen=True)
class AverageFlatness:
    """The mean rise of the attacked loss over random networks in the layer-wise ball.

        E_ν [RLoss(θ + ν)] − RLoss(θ),   ‖ν_l‖₂ ≤ ξ ‖θ_l‖₂

    RLoss is the mean cross-entropy at inputs perturbed for the network in question. Weights and
    biases are tensors of their own. A layer scaled up against the next changes nothing, which
    the eigenvalues of a Hessian cannot say.

    Attributes:
        ball: ξ, and which parameters.
        samples: number of random networks, ≥ 1.
        climb: the ascent that finds perturbed inputs.

    Raises:
        SettingError: no samples.

    References:
        stutz2021, section 3.2, where ξ = 0.5 and 10 samples.
    """

    ball: ParameterBall = field(default_factory=lambda: ParameterBall(0.5))
    samples: int = 10
    climb: Climb = _CLIMB

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise SettingError(
                f"AverageFlatness: expected samples ≥ 1, got {self.samples}. Raise it."
            )

    def __call__(
        self,
        network: nn.Module,
        batches: Batches,
        within: InputSet | None,
        generator: torch.Generator | None = None,
    ) -> Flatness:
        """The rise at each random network; None as a set leaves inputs as they are."""
        generator = ensure(generator)
        region = self.ball.of(network).detach()
        seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
        own = _attacked(network, region.centre(), batches, within, self.climb, seed)
        rises = [
            _attacked(network, region.sample(generator), batches, within, self.climb, seed)
            - own
            for _ in range(self.samples)
        ]
        return Flatness(own, tuple(rises))


@dataclass(frozen=True)
class WorstFlatness:
    """The largest rise of the attacked loss that a joint search finds in the layer-wise ball.

        max_ν max_δ mean CE(f_{θ+ν}(x + δ), y) − RLoss(θ),   ‖ν_l‖₂ ≤ ξ ‖θ_l‖₂

    Attributes:
        ball: ξ, and which parameters.
        search: the ascent; each of its starts is a search of its own.
        climb: the ascent that finds RLoss(θ).

    References:
        stutz2021, section 3.3, where ξ = 0.00075, 20 steps and the worst of 10.
    """

    ball: ParameterBall = field(default_factory=lambda: ParameterBall(0.00075))
    search: JointPGD = field(
        default_factory=lambda: JointPGD(20, 10, objective=cross_entropy, over="all")
    )
    climb: Climb = _CLIMB

    def __call__(
        self,
        network: nn.Module,
        batches: Batches,
        within: InputSet | None,
        generator: torch.Generator | None = None,
    ) -> Flatness:
        """The rise; the parameters' change is shared by all examples of a batch.

        Each batch has its own, so that more batches never give a smaller figure than one.
        """
        generator = ensure(generator)
        region: ParameterRegion = self.ball.of(network).detach()
        seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
        own = _attacked(network, region.centre(), batches, within, self.climb, seed)
        total, count = 0.0, 0
        for inputs, labels in batches:
            outcome = self.search(network, inputs, labels, within, region, generator)
            total += outcome.value * len(labels)
            count += len(labels)
        return Flatness(own, (total / count - own,))


def _attacked(
    network: nn.Module,
    parameters: Mapping[str, Tensor],
    batches: Batches,
    within: InputSet | None,
    climb: Climb,
    seed: int,
) -> float:
    """The attacked loss with other parameters, from the same random starts each time."""
    source = torch.Generator(batches[0][0].device).manual_seed(seed)
    changed = Alternative(network, parameters)
    return losses(changed, batches, within, climb, source).attacked_loss
