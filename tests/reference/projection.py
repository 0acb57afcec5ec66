"""The nearest point of an intersection of convex sets, by Dykstra's alternating projections."""

import numpy as np


def nearest_in_cut_ball(
    point: np.ndarray, radius: float, lower: np.ndarray, upper: np.ndarray, rounds: int = 5000
) -> np.ndarray:
    """The point of {‖δ‖₂ ≤ radius, lower ≤ δ ≤ upper} nearest to `point`; converges, slowly."""
    current, ball_debt, box_debt = point.copy(), np.zeros_like(point), np.zeros_like(point)
    for _ in range(rounds):
        shifted = current + ball_debt
        in_ball = shifted * min(1.0, radius / max(np.linalg.norm(shifted), 1e-300))
        ball_debt = shifted - in_ball
        shifted = in_ball + box_debt
        current = np.clip(shifted, lower, upper)
        box_debt = shifted - current
    return current
