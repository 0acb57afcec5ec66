"""The identity times a gate that opens with the input: smooth, and not monotone."""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gnomon.activations.activation import Activation


class GELU(Activation):
    """x Φ(x), with Φ the standard normal distribution function (not its tanh approximation).

    Its slope is largest at √2: Φ(√2) + √2 φ(√2).
    """

    turning_points = (-0.7517915246935645,)
    lipschitz = 1.1289041451851548
    monotone = False
    references: ClassVar = ("hendrycks2016",)

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.gelu(x)


class SiLU(Activation):
    """x σ(x), with σ the logistic sigmoid (also called swish); steepest at 2.39936."""

    turning_points = (-1.2784645427610738,)
    lipschitz = 1.0998393201288669
    monotone = False
    references: ClassVar = ("elfwing2018",)

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.silu(x)


class Mish(Activation):
    """x tanh(log(1 + exp x)); steepest at 1.49057."""

    turning_points = (-1.1924312145154921,)
    lipschitz = 1.0884981612517279
    monotone = False
    references: ClassVar = ("misra2020",)

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.mish(x)
