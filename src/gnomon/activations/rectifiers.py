"""Functions that pass positive values and damp negative ones."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations.activation import Activation
from gnomon.activations.profile import Evaluation, Fact, Profile
from gnomon.errors import SettingError

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


class ReLU(Activation):
    """max(0, x)."""

    references: ClassVar = ("he2015",)

    def profile(self) -> Profile:
        """The facts about max(0, x)."""
        return Profile(
            "00",
            knots=(0.0,),
            breakpoints=(0.0,),
            lipschitz=1.0,
            monotone=True,
            nonnegative=True,
            sides=(0.0, 1.0),
            evaluation=Evaluation("relu"),
        )

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.relu(x)


class LeakyReLU(Activation):
    """x for x ≥ 0, slope · x below.

    Args:
        slope: in [0, 1), so that the function neither falls nor bends the other way.
    """

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        if not 0 <= slope < 1:
            raise SettingError(f"LeakyReLU: expected 0 ≤ slope < 1, got {slope}. Correct it.")
        self.slope = slope

    def profile(self) -> Profile:
        """The facts about max(x, slope · x)."""
        return leaky(self.slope)

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.leaky_relu(x, self.slope)


class PReLU(Activation):
    """x for x ≥ 0, w x below, with a trainable w of any sign.

    Args:
        initial: the value of w before training.
        channels: the number of slopes, one for each channel, or 1 for all channels together.

    >>> from gnomon.activations import PReLU
    >>> PReLU()(torch.tensor([-1.0, 1.0])).tolist()
    [-0.25, 1.0]
    """

    falling_in: ClassVar = ("weight",)
    references: ClassVar = ("he2015",)

    def __init__(self, initial: float | int = 0.25, channels: int = 1) -> None:
        super().__init__()
        self.initial, self.channels = initial, channels
        self.weight = nn.Parameter(torch.full((channels,), float(initial)))

    @classmethod
    def of(cls, weight: object) -> "PReLU":
        """The activation with these slopes, a tensor or a value of an algebra."""
        made = cls()
        vars(made)["_parameters"].clear()
        vars(made)["weight"] = weight
        return made

    def profile(self) -> Profile:
        """The facts for the current slopes: f turns at 0 where w < 0."""
        weight = self.weight
        turn = torch.where(weight.detach() < 0, 0.0, torch.inf)
        return Profile(
            "00",
            knots=(0.0,),
            turning_points=(turn,),
            breakpoints=(0.0,),
            lipschitz=weight.detach().abs().clamp_min(1),
            sides=(weight, 1.0),
            evaluation=Evaluation("prelu"),
        )

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.prelu(x, self.weight.to(x.dtype))


class ELU(Activation):
    """x for x ≥ 0, alpha (exp x − 1) below; its slope jumps at 0 unless alpha is 1.

    Args:
        alpha: > 0; the function tends to −alpha.
    """

    references: ClassVar = ("clevert2016",)

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        if not alpha > 0:
            raise SettingError(f"ELU: expected alpha > 0, got {alpha}. Correct it.")
        self.alpha = alpha

    def profile(self) -> Profile:
        """The facts about max(0, x) + min(0, alpha (exp x − 1))."""
        return _exponential(max(1.0, self.alpha), Evaluation("elu", size=self.alpha))

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.elu(x, self.alpha)


class SELU(Activation):
    """λ x for x ≥ 0, λ α (exp x − 1) below; λ and α keep mean 0 and variance 1."""

    references: ClassVar = ("klambauer2017",)

    def profile(self) -> Profile:
        """The facts about λ max(0, x) + λ min(0, α (exp x − 1))."""
        return _exponential(SELU_SCALE * SELU_ALPHA, Evaluation("selu"))

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return functional.selu(x)


def leaky(slope: float | int) -> Profile:
    """The facts about x for x ≥ 0 and slope · x below, for a slope of any sign.

    >>> from gnomon.activations.rectifiers import leaky
    >>> leaky(-1.0).turning_points
    (0.0,)
    """
    return Profile(
        "00",
        knots=(0.0,),
        turning_points=(0.0,) if slope < 0 else (),
        breakpoints=(0.0,),
        lipschitz=max(1.0, abs(slope)),
        monotone=slope >= 0,
        sides=(slope, 1.0),
        evaluation=Evaluation("leaky_relu"),
    )


def _exponential(steepest: Fact, evaluation: Evaluation) -> Profile:
    """The facts about a function that is straight above 0, and convex and rising below."""
    return Profile(
        "+0",
        knots=(0.0,),
        breakpoints=(0.0,),
        lipschitz=steepest,
        monotone=True,
        evaluation=evaluation,
    )
