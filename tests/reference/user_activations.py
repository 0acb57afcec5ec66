"""Activation functions as a user writes them: a formula with coefficients, and no facts."""

import torch
from torch import Tensor, nn

from gnomon.activations import Activation, Profile
from gnomon.seeds import generator


class Gate(Activation):
    """x σ(β x), of which nothing is stated."""

    def __init__(self, beta: float = 1.3) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.full((1,), beta))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.beta * x)


class ScaledTanh(Activation):
    """α tanh(x)."""

    def __init__(self, alpha: float = -1.4) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.full((1,), alpha))

    def forward(self, x: Tensor) -> Tensor:
        return self.alpha * torch.tanh(x)


class Cubic(Activation):
    """A polynomial of the third degree."""

    def __init__(self) -> None:
        super().__init__()
        self.coefficients = nn.Parameter(torch.tensor([0.1, 0.5, 0.3, -0.05]))

    def forward(self, x: Tensor) -> Tensor:
        a, b, c, d = self.coefficients.unbind()
        return a + b * x + c * x**2 + d * x**3


class Rational(Activation):
    """(a x² + b x) / (1 + c x²)."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor([0.7]))
        self.b = nn.Parameter(torch.tensor([-0.4]))
        self.c = nn.Parameter(torch.tensor([0.9]))

    def forward(self, x: Tensor) -> Tensor:
        square = x**2
        return (self.a * square + self.b * x) / (1 + self.c * square)


class Bumps(Activation):
    """Σ α_i exp(−γ (x − d_i)²) with Gaussian bumps at fixed places."""

    places: Tensor

    def __init__(self, number: int = 10) -> None:
        super().__init__()
        weights = torch.randn(number, generator=generator(3))
        self.weights = nn.Parameter(0.5 * weights)
        self.register_buffer("places", torch.linspace(-3, 3, number))

    def forward(self, x: Tensor) -> Tensor:
        bumps = torch.exp(-1.3 * (x.unsqueeze(-1) - self.places) ** 2)
        return (bumps * self.weights).sum(-1)


class Hinges(Activation):
    """max(0, x) + Σ a_i max(0, b_i − x), with one pair of a and b for each channel."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        draw = generator(5)
        self.a = nn.Parameter(torch.randn(channels, generator=draw))
        self.b = nn.Parameter(torch.randn(channels, generator=draw))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x) + self.a * torch.relu(self.b - x)


class Wave(Activation):
    """α sin x, for which no algebra has a rule: with a fixed α, its facts are enough."""

    def profile(self) -> Profile:
        turns = tuple((k + 0.5) * torch.pi for k in range(-20, 20))
        return Profile(turning_points=turns, lipschitz=1.0)

    def forward(self, x: Tensor) -> Tensor:
        return x.sin()


WITHOUT_FACTS = (Gate, ScaledTanh, Cubic, Rational, Bumps, Hinges)
"""The kinds of which nothing is stated; each has coefficients."""
