"""Nearest and furthest points of intersections of convex sets, by slow general methods."""

import numpy as np
from scipy.optimize import linprog


def nearest_in_cut_ball(
    point: np.ndarray, radius: float, lower: np.ndarray, upper: np.ndarray, rounds: int = 5000
) -> np.ndarray:
    """The point of {‖δ‖₂ ≤ radius, lower ≤ δ ≤ upper} nearest to `point`.

    Dykstra's alternating projections: they converge, slowly.
    """
    current, ball_debt, box_debt = point.copy(), np.zeros_like(point), np.zeros_like(point)
    for _ in range(rounds):
        shifted = current + ball_debt
        in_ball = shifted * min(1.0, radius / max(np.linalg.norm(shifted), 1e-300))
        ball_debt = shifted - in_ball
        shifted = in_ball + box_debt
        current = np.clip(shifted, lower, upper)
        box_debt = shifted - current
    return current


def support_of_cut_l1_ball(
    direction: np.ndarray, radius: float, lower: np.ndarray, upper: np.ndarray
) -> float:
    """The largest ⟨δ, direction⟩ over {‖δ‖₁ ≤ radius, lower ≤ δ ≤ upper}, a linear program.

    δ = p − q with p, q ≥ 0 and Σ p + q ≤ radius.
    """
    cost = np.concatenate([-direction, direction])
    room = [(0.0, most) for most in (*upper, *-lower)]
    budget = np.ones((1, 2 * len(direction)))
    solved = linprog(cost, A_ub=budget, b_ub=[radius], bounds=room, method="highs")
    assert solved.status == 0
    return -float(solved.fun)
