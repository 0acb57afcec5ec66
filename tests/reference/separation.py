"""The smallest number of segments that separate two arms, by search over random vertices."""

import numpy as np

from gnomon.data.spiral_geometry import Spiral


def side(start: np.ndarray, end: np.ndarray, point: np.ndarray) -> np.ndarray:
    """The sign of the area of the triangle, over any leading axes."""
    a, b = end - start, point - start
    return np.sign(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def crossings(start: np.ndarray, end: np.ndarray, line: np.ndarray) -> np.ndarray:
    """How often each segment from `start` to `end` crosses or touches the polyline."""
    p, q = start[..., None, :], end[..., None, :]
    a, b = line[:-1], line[1:]
    apart = (side(a, b, p) * side(a, b, q) > 0) | (side(p, q, a) * side(p, q, b) > 0)
    return (~apart).sum(axis=-1)


def fewest_segments(spiral: Spiral, vertices: int, rng: np.random.Generator) -> int:
    """The smallest number of links of a separating polyline with vertices among random points.

    A breadth-first search over (vertex, how often modulo 2 the path has crossed the segment
    between the arms' inner ends): both arms and that segment together are connected, so a path
    from infinity to infinity that misses the arms separates them exactly if it crosses the
    segment an odd number of times. Never fewer than the true
    number, and equal to it when the points are dense enough.
    """
    phi = np.linspace(spiral.phi_min, spiral.phi_max, 80)
    arms = [spiral.points(phi, arm) for arm in range(2)]
    gap = np.stack([arms[0][0], arms[1][0]])
    radius = 1.05 * spiral.radius * np.sqrt(rng.random(vertices))
    angle = 2 * np.pi * rng.random(vertices)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)

    def view(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        free = np.all([crossings(start, end, arm) == 0 for arm in arms], axis=0)
        return free, crossings(start, end, gap) % 2 == 1

    directions = 2 * np.pi * np.arange(180) / 180
    far = 10 * spiral.radius * np.stack([np.cos(directions), np.sin(directions)], axis=1)
    free, odd = view(points[:, None], points[:, None] + far)
    if (free & (odd != np.roll(odd, 90, axis=1)) & np.roll(free, 90, axis=1)).any():
        return 1  # A ray and the opposite one make a line.
    leaves = np.stack([(free & ~odd).any(axis=1), (free & odd).any(axis=1)])
    sees, flips = (
        np.array(rows) for rows in zip(*(view(p[None], points) for p in points), strict=True)
    )
    reached, links = leaves.copy(), 1
    while True:
        links += 1
        if (reached[0] & leaves[1]).any() or (reached[1] & leaves[0]).any():
            return links
        kept, flipped = sees & ~flips, sees & flips
        grown = np.stack(
            [
                reached[0] | kept[reached[0]].any(axis=0) | flipped[reached[1]].any(axis=0),
                reached[1] | kept[reached[1]].any(axis=0) | flipped[reached[0]].any(axis=0),
            ]
        )
        if (grown == reached).all():
            raise ValueError("the points are too few to separate the arms")
        reached = grown
