"""Functions that pass positive values and damp negative ones."""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gnomon.activations.activation import Activation
from gnomon.errors import SettingError

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


class ReLU(Activation):
    """max(0, x)."""

    breakpoints = (0.0,)
    homogeneous = True
    nonnegative = True
    references: ClassVar = ("he2015",)

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.relu(x)


class LeakyReLU(Activation):
    """x for x ≥ 0, slope · x below.

    Args:
        slope: in [0, 1), so that the function neither falls nor bends the other way.
    """

    breakpoints = (0.0,)
    homogeneous = True

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        if not 0 <= slope < 1:
            raise SettingError(f"LeakyReLU: expected 0 ≤ slope < 1, got {slope}. Correct it.")
        self.slope = slope

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.leaky_relu(x, self.slope)


class ELU(Activation):
    """x for x ≥ 0, alpha (exp x − 1) below; its slope jumps at 0 unless alpha is 1.

    Args:
        alpha: > 0; the function tends to −alpha.
    """

    breakpoints = (0.0,)
    references: ClassVar = ("clevert2016",)

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        if not alpha > 0:
            raise SettingError(f"ELU: expected alpha > 0, got {alpha}. Correct it.")
        self.alpha = alpha
        self.lipschitz = max(1.0, alpha)

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.elu(x, self.alpha)


class SELU(Activation):
    """λ x for x ≥ 0, λ α (exp x − 1) below; λ and α keep mean 0 and variance 1."""

    breakpoints = (0.0,)
    lipschitz = SELU_SCALE * SELU_ALPHA
    references: ClassVar = ("klambauer2017",)

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.selu(x)
