"""The distance between sampled arms of a spiral: a bound that a dense sample makes tight."""

import itertools

import numpy as np

from gnomon.data.spiral_geometry import Spiral


def sampled_distance(
    spiral: Spiral, order: float, embedding: np.ndarray | None = None, samples: int = 1500
) -> float:
    """The smallest distance in the norm of this order between samples of two different arms."""
    phi = np.linspace(spiral.phi_min, spiral.phi_max, samples)
    q = np.eye(2) if embedding is None else embedding
    arms = [spiral.points(phi, arm) @ q.T for arm in range(spiral.arms)]
    nearest = np.inf
    for one, other in itertools.combinations(arms, 2):
        for piece in np.array_split(one, max(1, samples * samples * q.shape[0] // 2_000_000)):
            difference = piece[:, None] - other[None]
            nearest = min(nearest, np.linalg.norm(difference, ord=order, axis=-1).min())
    return float(nearest)


def largest_error(spiral: Spiral, samples: int = 1500) -> float:
    """How far the samples' distance may exceed the curves', in any norm that is at most L2.

    A point of an arm is within half a step of a sample, and ‖γ'‖ = b √(1 + φ²).
    """
    step = (spiral.phi_max - spiral.phi_min) / (samples - 1)
    return float(spiral.growth * np.hypot(1, spiral.phi_max) * step)
