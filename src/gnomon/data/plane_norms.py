"""Measures norms on the plane, and the distance between segments in them."""

import itertools
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

Vectors = Float[np.ndarray, " pairs 2"]
Lengths = Float[np.ndarray, " pairs"]


@runtime_checkable
class PlaneNorm(Protocol):
    """A norm N on the plane, with shrink · ‖d‖₂ ≤ N(d) ≤ stretch · ‖d‖₂."""

    shrink: float
    stretch: float

    def __call__(self, d: Vectors) -> Lengths:
        """N(d), row by row."""
        ...

    def to_segment(self, start: Vectors, direction: Vectors) -> Lengths:
        """The smallest N(start + s · direction) over 0 ≤ s ≤ 1, row by row."""
        ...


class Euclidean:
    """The Euclidean norm ‖d‖₂."""

    shrink = 1.0
    stretch = 1.0

    def __call__(self, d: Vectors) -> Lengths:
        return np.hypot(d[:, 0], d[:, 1])

    def to_segment(self, start: Vectors, direction: Vectors) -> Lengths:
        square = (direction**2).sum(axis=1)
        along = -(start * direction).sum(axis=1) / np.where(square > 0, square, 1)
        return self(start + np.clip(along, 0, 1)[:, None] * direction)


class Polyhedral:
    """The norm max_i |⟨q_i, d⟩| for functionals q_i that span the plane."""

    def __init__(self, functionals: Float[np.ndarray, " n 2"]) -> None:
        self._functionals = corners(functionals)
        self.stretch = float(np.hypot(*self._functionals.T).max())
        singular = np.linalg.svd(self._functionals, compute_uv=False)
        self.shrink = float(singular[-1]) / len(self._functionals) ** 0.5

    def __call__(self, d: Vectors) -> Lengths:
        return np.abs(d @ self._functionals.T).max(axis=1)

    def to_segment(self, start: Vectors, direction: Vectors) -> Lengths:
        """Minimises N, the largest of linear functions of s: where two cross, or at 0 or 1."""
        a, u = start @ self._functionals.T, direction @ self._functionals.T
        a, u = np.concatenate([a, -a], axis=1), np.concatenate([u, -u], axis=1)
        smallest = np.minimum(a.max(axis=1), (a + u).max(axis=1))
        for i, j in itertools.combinations(range(a.shape[1]), 2):
            slope = u[:, i] - u[:, j]
            s = np.clip((a[:, j] - a[:, i]) / np.where(slope == 0, 1, slope), 0, 1)
            smallest = np.minimum(smallest, (a + s[:, None] * u).max(axis=1))
        return smallest


def between_segments(
    norm: PlaneNorm, one: tuple[Vectors, Vectors], other: tuple[Vectors, Vectors]
) -> Lengths:
    """The distance between two segments, row by row.

    It is 0 where they cross, and else attained at an end of one of them.

    Args:
        norm: measures the distance.
        one: the beginnings and the ends of the first segments.
        other: the beginnings and the ends of the second segments.
    """
    (a, b), (c, d) = one, other
    from_ends = [
        norm.to_segment(a - c, b - a),
        norm.to_segment(a - d, b - a),
        norm.to_segment(a - c, c - d),
        norm.to_segment(b - c, c - d),
    ]
    return np.where(cross(one, other), 0.0, np.minimum.reduce(from_ends))


def cross(
    one: tuple[Vectors, Vectors], other: tuple[Vectors, Vectors]
) -> Bool[np.ndarray, " pairs"]:
    """Tells whether two segments cross in a point inside both, row by row."""
    (a, b), (c, d) = one, other
    return (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)


def corners(functionals: Float[np.ndarray, " n 2"]) -> Float[np.ndarray, " m 2"]:
    """One of each pair ±q of corners of the convex hull of all ±q_i; they decide the norm.

    The upper half of the hull (Andrew's monotone chain) holds one of each pair; its two ends
    are a pair.
    """
    both = np.concatenate([functionals, -functionals])
    upper: list[np.ndarray] = []
    for point in both[np.lexsort((both[:, 1], both[:, 0]))]:
        while len(upper) > 1 and _turn(upper[-2], upper[-1], point) >= 0:
            upper.pop()
        upper.append(point)
    return np.array(upper[:-1])


def _side(start: Vectors, end: Vectors, point: Vectors) -> Lengths:
    """Positive numbers where the point lies to the left of the line from start to end."""
    along, to = end - start, point - start
    return along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0]


def _turn(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> float:
    return float(_side(start[None], end[None], point[None])[0])
