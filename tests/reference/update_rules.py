"""The update rules of the papers, in float64 and one line per formula."""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def sgd(theta: Vector, gradients: list[Vector], rate: float, decay: float, mu: float) -> Vector:
    """Heavy-ball momentum: v ← μ v + g, θ ← θ − η v."""
    v = np.zeros_like(theta)
    for gradient in gradients:
        g = gradient + decay * theta
        v = mu * v + g
        theta = theta - rate * v
    return theta


def nesterov(
    theta: Vector, gradients: list[Vector], rate: float, decay: float, mu: float
) -> Vector:
    """The same with the look-ahead g + μ v in place of v."""
    v = np.zeros_like(theta)
    for gradient in gradients:
        g = gradient + decay * theta
        v = mu * v + g
        theta = theta - rate * (g + mu * v)
    return theta


def adam(
    theta: Vector,
    gradients: list[Vector],
    rate: float,
    decay: float,
    betas: tuple[float, float, float],
    *,
    decoupled: bool,
) -> Vector:
    """Kingma and Ba, algorithm 1; Loshchilov and Hutter, algorithm 2 when decoupled."""
    beta1, beta2, epsilon = betas
    m = np.zeros_like(theta)
    v = np.zeros_like(theta)
    for t, gradient in enumerate(gradients, start=1):
        g = gradient if decoupled else gradient + decay * theta
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        step = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        theta = theta - rate * step - (rate * decay * theta if decoupled else 0)
    return theta
