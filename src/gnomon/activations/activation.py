"""What every activation function states about itself."""

from abc import abstractmethod
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn


class Activation(nn.Module):
    """A function R → R applied to each coordinate, with the facts that methods rely on.

    A rule (an interval bound, a Lipschitz bound, a region count) is written once against these
    facts and serves every activation. Each fact is tested against the function.

    Attributes:
        turning_points: where the function turns between rising and falling (strict local
            extrema).
        breakpoints: where a derivative of some order jumps; between them the function is
            analytic.
        lipschitz: the smallest Lipschitz constant, ``sup |f'|``.
        monotone: never falls.
        homogeneous: f(a x) = a f(x) for all a ≥ 0.
        references: keys of `references.bib`.
    """

    turning_points: tuple[float, ...] = ()
    breakpoints: tuple[float, ...] = ()
    lipschitz: float = 1.0
    monotone: bool = True
    homogeneous: bool = False
    references: ClassVar[tuple[str, ...]] = ()

    @property
    def smooth(self) -> bool:
        """Infinitely often differentiable everywhere."""
        return not self.breakpoints

    @abstractmethod
    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
