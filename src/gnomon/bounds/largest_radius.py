"""How far each example can be certified: in a family of sets, the largest that still is."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gnomon.algebra import Parameters
from gnomon.bounds.ibp import IBP
from gnomon.bounds.margins import BoundMethod
from gnomon.errors import SettingError
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterSet
from gnomon.shapes import Centres, Labels, Mask, PerExample

Certify = Callable[[Tensor, float], Mask]
"""For the numbers of some examples and a size, which of them are certified at that size."""


@dataclass(frozen=True)
class LargestRadius:
    """Bisection of the radius up to which each example is certified.

    Examples that have come to the same radius are bounded together. What is returned was itself
    certified, so that it is sound whatever the method. Where larger sets have wider bounds, as
    with `IBP` over boxes, it is the largest up to (most) · 2^(−steps); with other methods an
    example may be certified at a larger radius, beyond one at which it is not.

    Attributes:
        steps: of the bisection.
        method: of bounds.

    Raises:
        SettingError: no step.
    """

    steps: int = 12
    method: BoundMethod = field(default_factory=IBP)

    def __post_init__(self) -> None:
        _check("LargestRadius", self.steps)

    def __call__(
        self,
        network: nn.Module,
        inputs: Centres,
        labels: Labels,
        within: InputSet,
        parameters: Parameters | None = None,
    ) -> PerExample:
        """The certified radius of each example, in float64; 0 where not even its input is.

        Args:
            network: in evaluation mode.
            inputs: inside the set's domain.
            labels: their labels.
            within: the family of sets, all but their radius; that of the set is the most tried.
            parameters: sets of parameters that vary as well.
        """

        def certify(places: Tensor, radius: float) -> Mask:
            around = within.with_radius(radius)
            return self.method(
                network, inputs[places], labels[places], around, parameters
            ).certified

        return _bisected(certify, labels, within.radius, self.steps)


@dataclass(frozen=True)
class LargestSize:
    """Bisection of the λ of a set of parameters up to which each example is certified.

    All that `LargestRadius` says of radii holds for λ. Every example has its own: it is the
    size of the set of alternative networks none of which gets this example wrong.

    Attributes:
        steps: of the bisection.
        method: of bounds.

    Raises:
        SettingError: no step.
    """

    steps: int = 12
    method: BoundMethod = field(default_factory=IBP)

    def __post_init__(self) -> None:
        _check("LargestSize", self.steps)

    def __call__(
        self,
        network: nn.Module,
        inputs: Centres,
        labels: Labels,
        around: ParameterSet,
        within: InputSet | None = None,
    ) -> PerExample:
        """The certified λ of each example, in float64; 0 where it is not even at λ = 0.

        Args:
            network: in evaluation mode; the centre of the sets.
            inputs: inside the set's domain.
            labels: their labels.
            around: the family of sets, all but their λ; that of the set is the most tried.
            within: which inputs are allowed as well; None for the inputs as they are.
        """

        def certify(places: Tensor, size: float) -> Mask:
            region = around.with_size(size).of(network).detach()
            return self.method(
                network, inputs[places], labels[places], within, region
            ).certified

        return _bisected(certify, labels, around.size, self.steps)


def _bisected(certify: Certify, labels: Labels, most: float, steps: int) -> PerExample:
    """For each example the largest size at which it was seen certified."""
    safe = torch.zeros(len(labels), dtype=torch.float64, device=labels.device)
    failed = torch.full_like(safe, most)
    with torch.no_grad():
        everyone = torch.arange(len(labels), device=labels.device)
        alive = everyone[certify(everyone, 0.0)]
        whole = certify(alive, most) if len(alive) else alive.bool()
        safe[alive[whole]] = most
        open_ = alive[~whole]
        for _ in range(steps):
            middle = (safe + failed)[open_] / 2
            for size in middle.unique().tolist():
                places = open_[middle == size]
                good = certify(places, size)
                safe[places[good]] = size
                failed[places[~good]] = size
    return safe


def _check(name: str, steps: int) -> None:
    if steps < 1:
        raise SettingError(f"{name}: expected steps ≥ 1, got {steps}. Ask for one.")
