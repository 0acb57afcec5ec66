"""Smooth monotone functions built from the exponential: saturating ones, and softplus."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gnomon.activations.activation import Activation
from gnomon.errors import SettingError


class Tanh(Activation):
    """The hyperbolic tangent, (exp 2x − 1) / (exp 2x + 1); steepest at 0."""

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return x.tanh()


class Sigmoid(Activation):
    """The logistic function 1 / (1 + exp −x); steepest at 0."""

    lipschitz = 0.25
    nonnegative = True

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return x.sigmoid()


class Softplus(Activation):
    """log(1 + exp(beta x)) / beta, a smooth ReLU whose slope tends to 1.

    Args:
        beta: > 0; the larger, the closer to ReLU.

    Computed as −log σ(−beta x) / beta, which is accurate for every x; torch's own softplus
    switches to x where beta x > 20, and so has a jump there.
    """

    nonnegative = True

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        if not beta > 0:
            raise SettingError(f"Softplus: expected beta > 0, got {beta}. Correct it.")
        self.beta = beta

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return -functional.logsigmoid(-self.beta * x) / self.beta
