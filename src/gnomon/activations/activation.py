"""What every activation function states about itself."""

from abc import abstractmethod
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.overrides import handle_torch_function, has_torch_function


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
        nonnegative: no value lies below 0.
        references: keys of `references.bib`.
    """

    turning_points: tuple[float, ...] = ()
    breakpoints: tuple[float, ...] = ()
    lipschitz: float = 1.0
    monotone: bool = True
    homogeneous: bool = False
    nonnegative: bool = False
    references: ClassVar[tuple[str, ...]] = ()

    @property
    def smooth(self) -> bool:
        """Infinitely often differentiable everywhere."""
        return not self.breakpoints

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        """The function at each coordinate of a tensor, or of what stands for one.

        A value of an algebra is handed to that algebra's rule for activations, which knows the
        facts above.
        """
        if isinstance(x, Tensor) or not has_torch_function((x,)):
            return super().__call__(x, *args, **kwargs)
        return handle_torch_function(Activation.activation, (x,), self, x)

    def activation(self, x: Any) -> Any:  # noqa: ANN401
        """The name under which algebras find their rule for activations."""
        return self(x)

    @abstractmethod
    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
