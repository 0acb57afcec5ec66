"""The identity times a gate that opens with the input: smooth, and not monotone."""

import math
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations.activation import Activation
from gnomon.activations.profile import Evaluation, Profile, per_channel

SILU_TURN, SILU_BEND, SILU_SLOPE = 1.2784645427610738, 2.3993572805154675, 1.0998393201288669
"""−t where x σ(x) turns, ±t where it bends the other way (t tanh(t/2) = 2), and its slope."""


class GELU(Activation):
    """x Φ(x), with Φ the standard normal distribution function (not its tanh approximation).

    Its second derivative is (2 − x²) φ(x): the slope is largest at √2, Φ(√2) + √2 φ(√2).
    """

    references: ClassVar = ("hendrycks2016",)

    def profile(self) -> Profile:
        """The facts about x Φ(x)."""
        return Profile(
            "-+-",
            knots=(-math.sqrt(2), math.sqrt(2)),
            turning_points=(-0.7517915246935645,),
            lipschitz=1.1289041451851548,
            evaluation=Evaluation("gelu"),
        )

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.gelu(x)


class SiLU(Activation):
    """x σ(x), with σ the logistic sigmoid; steepest at 2.39936."""

    references: ClassVar = ("elfwing2018",)

    def profile(self) -> Profile:
        """The facts about x σ(x)."""
        return Profile(
            "-+-",
            knots=(-SILU_BEND, SILU_BEND),
            turning_points=(-SILU_TURN,),
            lipschitz=SILU_SLOPE,
            evaluation=Evaluation("silu"),
        )

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.silu(x)


class Swish(Activation):
    """x σ(β x) with a trainable β of any sign: SiLU for β = 1, x/2 for 0, towards ReLU for ∞.

    Its derivative by β, x² σ'(β x), is nowhere negative.

    Args:
        initial: the value of β before training.
        channels: the number of βs, one for each channel, or 1 for all channels together.

    >>> from gnomon.activations import Swish
    >>> Swish()(torch.tensor([1.0]))
    tensor([0.7311], grad_fn=<MulBackward0>)
    """

    rising_in: ClassVar = ("beta",)
    references: ClassVar = ("ramachandran2017",)

    def __init__(self, initial: float | int = 1.0, channels: int = 1) -> None:
        super().__init__()
        self.initial, self.channels = initial, channels
        self.beta = nn.Parameter(torch.full((channels,), float(initial)))

    def profile(self) -> Profile:
        """The facts for the current β: those of SiLU, stretched by 1/β; for β < 0 of −SiLU.

        The signs "+-+-" hold for both: the last knot lies at ∞ for β ≤ 0, and the first one at
        −∞ for β > 0. The product β x is rounded, which changes the gate by no more than
        u |t σ'(t)| ≤ u/4.
        """
        beta = self.beta.detach()
        bend = SILU_BEND / beta.abs()
        beyond = torch.full_like(beta, torch.inf)
        falls = beta <= 0
        return Profile(
            "+-+-",
            knots=(
                torch.where(falls, -bend, -beyond),
                torch.where(falls, bend, -bend),
                torch.where(falls, beyond, bend),
            ),
            turning_points=(-SILU_TURN / beta,),
            lipschitz=torch.where(beta == 0, 0.5, SILU_SLOPE),
            evaluation=Evaluation("sigmoid", beta, more=2, gates=True, beside=0.25),
        )

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return x * (per_channel(self.beta, x) * x).sigmoid()


class Mish(Activation):
    """x tanh(log(1 + exp x)); steepest at 1.49057."""

    references: ClassVar = ("misra2020",)

    def profile(self) -> Profile:
        """The facts about x tanh(log(1 + exp x))."""
        return Profile(
            "-+-",
            knots=(-2.256376396360793, 1.490571179485428),
            turning_points=(-1.1924312145154921,),
            lipschitz=1.0884981612517279,
            evaluation=Evaluation("mish"),
        )

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.mish(x)
