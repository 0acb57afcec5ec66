"""Smooth monotone functions built from the exponential: saturating ones, and softplus."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gnomon.activations.activation import Activation
from gnomon.activations.profile import Evaluation, Profile
from gnomon.errors import SettingError


class Tanh(Activation):
    """The hyperbolic tangent, (exp 2x − 1) / (exp 2x + 1); steepest at 0."""

    def profile(self) -> Profile:
        """The facts about tanh x."""
        evaluation = Evaluation("tanh")
        return Profile("+-", (0.0,), lipschitz=1.0, monotone=True, evaluation=evaluation)

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return x.tanh()


class Sigmoid(Activation):
    """The logistic function 1 / (1 + exp −x); steepest at 0."""

    def profile(self) -> Profile:
        """The facts about 1 / (1 + exp −x)."""
        return Profile(
            "+-",
            knots=(0.0,),
            lipschitz=0.25,
            monotone=True,
            nonnegative=True,
            evaluation=Evaluation("sigmoid"),
        )

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

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        if not beta > 0:
            raise SettingError(f"Softplus: expected beta > 0, got {beta}. Correct it.")
        self.beta = beta

    def profile(self) -> Profile:
        """The facts about log(1 + exp(beta x)) / beta."""
        evaluation = Evaluation("logsigmoid", -self.beta, 1 / self.beta)
        return Profile(
            "+", lipschitz=1.0, monotone=True, nonnegative=True, evaluation=evaluation
        )

    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""
        return -functional.logsigmoid(-self.beta * x) / self.beta
