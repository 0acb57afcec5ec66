"""Certified radii: the largest set of a family at which each example is still certified."""

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
"""Returns which examples, given by their numbers, are certified at a size."""


@dataclass(frozen=True)
class LargestRadius:
    """Bisection of the radius up to which each example is certified, of inputs or parameters.

    Examples that have come to the same radius are bounded together. What is returned was itself
    certified, so that it is sound whatever the method. Where larger sets have wider bounds, as
    with `IBP` over boxes, it is the largest up to (most) · 2^(−steps); with other methods an
    example may be certified at a larger radius, beyond one at which it is not.

    Of a family of parameters around the network, the radius is the λ of the set of alternative
    networks none of which gets this example wrong. Every example has its own.

    >>> from gnomon.sets import Linf
    >>> network = torch.nn.Linear(1, 2, bias=False).requires_grad_(False)
    >>> _ = network.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    >>> x, labels = torch.tensor([[0.3]]), torch.tensor([0])
    >>> round(LargestRadius()(network, x, labels, Linf(1.0)).item(), 2)
    0.3

    Attributes:
        steps: number of bisections.
        method: that certifies.

    Raises:
        SettingError: no step.
    """

    steps: int = 12
    method: BoundMethod = field(default_factory=IBP)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise SettingError(
                f"LargestRadius: expected steps ≥ 1, got {self.steps}. Ask for one."
            )

    def __call__(
        self,
        network: nn.Module,
        inputs: Centres,
        labels: Labels,
        within: InputSet | None = None,
        region: Parameters | None = None,
        *,
        parameters: ParameterSet | None = None,
    ) -> PerExample:
        """The certified radius of each example, in float64; 0 where not even 0 is certified.

        Args:
            network: in evaluation mode.
            inputs: inside the set's domain.
            labels: their labels.
            within: the allowed inputs. Its radius is searched, up to its own, unless a family
                of parameters is given.
            region: sets of parameters around the network that vary as well.
            parameters: the family of sets of parameters whose λ is searched instead, up to its
                own.

        Raises:
            SettingError: no family, or a region beside a family of parameters.
        """
        if parameters is not None and region is None:
            most = parameters.size
        elif parameters is None and within is not None:
            most = within.radius
        else:
            raise SettingError(
                "LargestRadius: expected a set of inputs, or one of parameters and no region, "
                "got neither or both. Give the family whose radius is searched."
            )

        def certify(places: Tensor, radius: float) -> Mask:
            allowed, varying = within, region
            if parameters is not None:
                varying = parameters.with_size(radius).of(network).detach()
            elif within is not None:
                allowed = within.with_radius(radius)
            examples, own = inputs[places], labels[places]
            return self.method(network, examples, own, allowed, varying).certified

        return _bisected(certify, labels, most, self.steps)


def _bisected(certify: Certify, labels: Labels, most: float, steps: int) -> PerExample:
    """The largest size at which each example was seen certified."""
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
