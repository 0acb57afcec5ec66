"""Nearest and furthest points of intersections of convex sets, by slow general methods."""

import numpy as np
from scipy.optimize import linprog, minimize


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


def shortest_at_height(
    norm: str, direction: np.ndarray, height: float, lower: np.ndarray, upper: np.ndarray
) -> float:
    """The least norm of a δ with ⟨δ, direction⟩ ≥ height and lower ≤ δ ≤ upper.

    L∞ and L1 are linear programs, L2 is solved by sequential quadratic programming.
    """
    count = len(direction)
    if norm == "L2":
        corner = np.where(direction > 0, upper, lower)
        start = corner * height / (direction @ corner)
        unit = np.linalg.norm(start)  # in units of a feasible length the tolerance is relative
        solved = minimize(
            lambda point: point @ point,
            start / unit,
            jac=lambda point: 2 * point,
            bounds=list(zip(lower / unit, upper / unit, strict=True)),
            constraints={
                "type": "ineq",
                "fun": lambda point: direction @ point - height / unit,
                "jac": lambda _: direction,
            },
            method="SLSQP",
            options={"ftol": 1e-12, "maxiter": 500},
        )
        assert solved.success
        return float(unit * np.linalg.norm(solved.x))
    # δ = p − q with p, q ≥ 0; for L∞ a further variable bounds all of p + q.
    cost = np.ones(2 * count) if norm == "L1" else np.append(np.zeros(2 * count), 1.0)
    rise = np.concatenate([-direction, direction])
    rows, bounds = [rise], [-height]
    room = [(0.0, most) for most in (*upper, *-lower)]
    if norm == "Linf":
        rows = [np.append(rise, 0.0)]
        pairs = np.hstack([np.eye(count), np.eye(count), -np.ones((count, 1))])
        rows += list(pairs)
        bounds += [0.0] * count
        room.append((0.0, None))
    solved = linprog(cost, A_ub=np.stack(rows), b_ub=bounds, bounds=room, method="highs")
    assert solved.status == 0
    return float(solved.fun)
