"""Describes the arms of an Archimedean spiral as curves, and points on them.

Arm k of m is the curve γ_k(φ) = b φ (cos(φ + 2πk/m), sin(φ + 2πk/m)), φ_min ≤ φ ≤ φ_max. For
two arms these are r = bφ and r = −bφ.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Angles = Float[np.ndarray, " points"]
Points = Float[np.ndarray, " points 2"]

_MOST_NEWTON_STEPS = 100


@dataclass(frozen=True)
class Spiral:
    """The arms of one spiral.

    Attributes:
        growth: b > 0, the radius gained per radian.
        phi_min: angle > 0 at which the arms begin, in radians.
        phi_max: angle > phi_min at which the arms end, in radians.
        arms: number of arms, ≥ 2; neighbours differ by a turn of 2π / arms.
    """

    growth: float
    phi_min: float
    phi_max: float
    arms: int = 2

    @property
    def radius(self) -> float:
        """The radius of the smallest disc around the origin that holds all arms."""
        return self.growth * self.phi_max

    @property
    def turn(self) -> float:
        """The angle between neighbouring arms, in radians."""
        return 2 * math.pi / self.arms

    def points(self, phi: Angles, arm: int = 0) -> Points:
        """The points γ_arm(φ)."""
        angle = phi + self.turn * arm
        return (self.growth * phi)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def angles(self, count: int) -> Angles:
        """`count` values of φ, equally spaced, both ends among them."""
        return np.linspace(self.phi_min, self.phi_max, count)

    def angles_of_equal_arc_length(self, count: int) -> Angles:
        """`count` values of φ that cut an arm into equal lengths, both ends among them.

        The length from 0 to φ is b/2 · s(φ) with s(φ) = φ √(1 + φ²) + arsinh φ, which is
        increasing and convex: Newton's method, started at the far end, comes down to each value
        without overshooting.
        """
        ends = _arc_length(np.array([self.phi_min, self.phi_max]))
        wanted = np.linspace(ends[0], ends[1], count)
        phi = np.full(count, self.phi_max)
        for _ in range(_MOST_NEWTON_STEPS):
            step = (_arc_length(phi) - wanted) / (2 * np.sqrt(1 + phi**2))
            phi = phi - step
            if np.abs(step).max(initial=0) <= 4 * np.finfo(float).eps * self.phi_max:
                break
        return np.clip(phi, self.phi_min, self.phi_max)


def _arc_length(phi: Angles) -> Angles:
    """The arc length s(φ) from 0 to φ, in units of b/2."""
    return phi * np.sqrt(1 + phi**2) + np.arcsinh(phi)
