"""Computes the smallest distance between the arms of a spiral as curves, not as samples."""

import itertools
import math

import numpy as np
from jaxtyping import Float

from gnomon.data.plane_norms import Euclidean, PlaneNorm, Polyhedral, between_segments
from gnomon.data.spiral_geometry import Spiral

_Array = np.ndarray

_PIECE = 0.25  # radians of an arm in one piece, before any piece is halved
_PRECISION = 1e-10  # relative
_MOST_HALVINGS = 60


def smallest_distance(
    spiral: Spiral, functionals: Float[np.ndarray, " n 2"] | None = None
) -> float:
    """The smallest distance between points of two different arms.

    The norm is Euclidean or, with `functionals` q_1 … q_n, the polyhedral N(d) = max_i |⟨q_i,
    d⟩|; the two unit vectors give L∞ in the plane, and the rows of an embedding into R^n give
    L∞ there.

    Branch and bound: the arms are cut into pieces. A piece of h radians is nowhere further from
    its chord (run through linearly) than e = max ‖γ''‖ h²/8 = b √(4 + φ²) h²/8, so two pieces
    are no nearer to each other than their chords are, less both e. Pairs of pieces that cannot
    come nearer than two points already evaluated are dropped; the others are halved. As e falls
    with h², the number of pairs stays bounded while they shrink. The answer is the distance
    between two points of the arms and exceeds the smallest one by at most a relative 1e-10, and
    rounding.
    """
    if functionals is None:
        # Turning all arms by one angle changes no Euclidean distance: arm 0 stands for each.
        norm: PlaneNorm = Euclidean()
        pairs = [(0, arm) for arm in range(1, spiral.arms // 2 + 1)]
    else:
        norm = Polyhedral(functionals)
        pairs = list(itertools.combinations(range(spiral.arms), 2))
    best = math.inf
    for pair in pairs:
        best = _smallest_of_pair(spiral, pair, norm, best)
    return best


def _smallest_of_pair(
    spiral: Spiral, pair: tuple[int, int], norm: PlaneNorm, best: float
) -> float:
    """The distance between two arms, or `best` where they come no nearer than that."""
    pieces = max(1, math.ceil((spiral.phi_max - spiral.phi_min) / _PIECE))
    width = (spiral.phi_max - spiral.phi_min) / pieces
    starts = _pairs_of_pieces(spiral, pair, norm, width, pieces)
    for _ in range(_MOST_HALVINGS):
        chords = [
            _chords(spiral, start, width, arm) for start, arm in zip(starts, pair, strict=True)
        ]
        (begin, end), (other_begin, other_end) = chords
        best = min(
            best, *(float(norm(d).min()) for d in (begin - other_begin, end - other_end))
        )
        sagittas = sum(sagitta(spiral, start + width, width) for start in starts)
        lower = between_segments(norm, chords[0], chords[1]) - norm.stretch * sagittas
        undecided = lower < best * (1 - _PRECISION)
        if not undecided.any():
            break
        width /= 2
        starts = _halves(starts[:, undecided], width)
    return best


def _pairs_of_pieces(
    spiral: Spiral, pair: tuple[int, int], norm: PlaneNorm, width: float, pieces: int
) -> Float[np.ndarray, " 2 pairs"]:
    """The beginnings of the pieces, in radians, for all pairs that may hold the minimum.

    Since ‖γ_j(φ) − γ_k(ψ)‖₂ ≥ b |φ − ψ|, pairs far apart in φ do not compete with the inner
    ends.
    """
    inner = np.array([spiral.phi_min])
    at_inner_ends = float(
        norm(spiral.points(inner, pair[0]) - spiral.points(inner, pair[1]))[0]
    )
    reach = at_inner_ends / (norm.shrink * spiral.growth) + width
    most = min(pieces - 1, math.ceil(reach / width))
    one = np.arange(pieces)[:, None]
    one, other = np.broadcast_arrays(one, one + np.arange(-most, most + 1))
    valid = (other >= 0) & (other < pieces)
    return spiral.phi_min + width * np.stack([one[valid], other[valid]])


def _chords(spiral: Spiral, start: _Array, width: float, arm: int) -> tuple[_Array, _Array]:
    end = np.minimum(
        start + width, spiral.phi_max
    )  # The sum may round beyond the end of the arm.
    return spiral.points(start, arm), spiral.points(end, arm)


def sagitta(spiral: Spiral, phi: _Array, width: float) -> _Array:
    """The largest distance that a piece that ends at φ may have from its chord."""
    return spiral.growth * np.sqrt(4 + phi**2) * width**2 / 8


def _halves(
    starts: Float[np.ndarray, " 2 pairs"], width: float
) -> Float[np.ndarray, " 2 fourfold"]:
    """The four pairs of halves of each pair of pieces."""
    steps = np.array([[0, 0], [0, width], [width, 0], [width, width]])
    return np.concatenate([starts + step[:, None] for step in steps], axis=1)
