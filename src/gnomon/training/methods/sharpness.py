"""Training for flat minima."""

from dataclasses import dataclass
from typing import ClassVar

from gnomon.training.adversaries import Sharpness
from gnomon.training.min_max import Composed, MinMax


@dataclass(frozen=True)
class SAM(Composed):
    """The loss at θ + ρ g / ‖g‖, with g the gradient over all parameters.

    Attributes:
        size: ρ ≥ 0.

    References:
        foret2021, algorithm 1.
    """

    size: float = 0.05
    references: ClassVar[tuple[str, ...]] = ("foret2021",)

    def composed(self) -> MinMax:
        """An ascent of all parameters together."""
        return MinMax(parameters=Sharpness(self.size))


@dataclass(frozen=True)
class ASAM(Composed):
    """The loss at θ + ρ T² g / ‖T g‖, T = |θ| + η: sharpness that rescaling does not change.

    Attributes:
        size: ρ ≥ 0.
        offset: η ≥ 0.

    References:
        kwon2021, algorithm 1.
    """

    size: float = 0.5
    offset: float = 0.01
    references: ClassVar[tuple[str, ...]] = ("kwon2021",)

    def composed(self) -> MinMax:
        """An ascent in units of the parameters."""
        return MinMax(parameters=Sharpness(self.size, self.offset))
