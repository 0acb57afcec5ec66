"""Computes the smallest number of straight segments that separate the arms of a spiral.

For two arms: the smallest number of links of a polyline whose first and last link are rays,
which meets neither arm and has them on different sides. It comes from infinity through one of
the two channels between the arms, crosses the gap between their inner ends, and leaves through
the other.

Method (a minimum-link path; greedy is optimal in a simply connected corridor, [suri1986]). In
the channel outside arm 0, at polar angle θ, the inner wall is r = bθ and the outer wall
r = b(θ + w) with w = 2π / arms. Let a path from the origin reach the angle e on the outer wall.
No link that begins at or before e gets further than the one that begins at e, touches the inner
wall at one angle t, and ends on the outer wall at t + u. The line that touches r = bθ at t is
r(t + x) (t cos x − sin x) = b t², hence

    beginning:  (e + w) ((e + s) cos s + sin s) = (e + s)²   for s = t − e in (0, π)
    end:        (t + u + w) (t cos u − sin u)   = t²         for u in (0, arctan t).

The first link is a ray from the origin, which gets as far as the direction of the inner end of
arm 0: e = φ_min. A line through the gap between the inner ends of two arms gets no further on
either side than the one through the origin does on both. A link leaves when its end is past the
end of the outer wall, t + u > φ_max − w. With g links in each channel, the two innermost form
one segment: 2g − 1.

These links touch the walls, and their reach is approached but not attained by links that
touch nothing. The same spiral with both walls moved inwards by the angle ε (r = b(θ + ε) and
b(θ + w − ε), again a spiral, with a channel of the width w − 2ε) gives links that keep clear;
the polyline returned is that of the first ε among w/8, w/16, … for which the number stays the
same.

For m > 2 arms it is the smallest star: polylines from the origin to infinity, one through each
of the m channels, where opposite innermost links (m even) are one segment: m g, less m/2 where
m is even.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from jaxtyping import Float

from gnomon.data.spiral_geometry import Spiral

_HALVINGS = 40
_ROUNDING = 1e-14  # radians
_BEYOND = 1.5  # how far the drawn part of a ray reaches, in radii of the spiral


@dataclass(frozen=True)
class Separation:
    """Polylines that separate the arms of a spiral.

    Attributes:
        segments: number of straight segments in all polylines together.
        polylines: their vertices. A first or last vertex outside the spiral stands for the ray
            through it.
        slack: the angle, in radians, by which every segment stays ahead of one arm and behind
            the other; the walls of its channel could move by this angle.
    """

    segments: int
    polylines: tuple[Float[np.ndarray, " vertices 2"], ...]
    slack: float


def separate(spiral: Spiral) -> Separation:
    """The smallest number of segments that separate the arms, with polylines that do."""
    slack = _slack(spiral)
    channels = _channels(spiral, slack)
    if spiral.arms != 2:
        inner = np.zeros((1, 2))
        merged = spiral.arms // 2 if spiral.arms % 2 == 0 else 0
        polylines = tuple(np.concatenate([inner, channel]) for channel in channels)
        return Separation(spiral.arms * len(channels[0]) - merged, polylines, slack)
    polyline = np.concatenate([channels[1][::-1], channels[0]])
    return Separation(len(polyline) - 1, (polyline,), slack)


def _channels(spiral: Spiral, slack: float) -> list[Float[np.ndarray, " vertices 2"]]:
    """For each channel, the ends of its links, outwards; the first begins in the origin."""
    angles, far = _links(spiral, slack)
    # On the outer wall moved inwards by the slack, except for the end of the last link, a ray.
    radii = spiral.growth * (angles[:-1] + spiral.turn - 2 * slack)
    distances = np.append(radii, far)
    return [
        distances[:, None] * np.stack([np.cos(turned), np.sin(turned)], axis=1)
        for turned in (angles - slack + spiral.turn * arm for arm in range(spiral.arms))
    ]


def _slack(spiral: Spiral) -> float:
    """An angle by which the walls may move without more links: the first of w/8, w/16, … ."""
    fewest = len(_links(spiral, 0.0)[0])
    slack = spiral.turn / 8
    for _ in range(_HALVINGS):
        if len(_links(spiral, slack)[0]) == fewest:
            break
        slack /= 2
    return slack


def _links(spiral: Spiral, slack: float) -> tuple[Float[np.ndarray, " links"], float]:
    """The angles at which links end, in a channel whose walls are moved inwards by `slack`.

    Angles are measured so that the inner wall is r = bθ. The last is on the ray, beyond the
    spiral, and its distance from the origin comes with it.
    """
    width = spiral.turn - 2 * slack
    ends = [spiral.phi_min]
    touch = 0.0
    while ends[-1] <= spiral.phi_max - width:
        touch = _touch(ends[-1], width)
        ends.append(touch + _reach(touch, width))
    far = _BEYOND * max(spiral.radius, spiral.growth * (spiral.phi_max + width))
    if len(ends) > 1:
        ends[-1] = touch + _angle_at(touch, far / spiral.growth)
    return np.array(ends), far


def _touch(end: float, width: float) -> float:
    """The angle at which the link from `end` on the outer wall touches the inner wall."""

    def excess(s: float) -> float:
        return (end + width) * ((end + s) * math.cos(s) + math.sin(s)) - (end + s) ** 2

    return end + _root(excess, 0.0, math.pi)


def _reach(touch: float, width: float) -> float:
    """The angle from where a link touches the inner wall to where it meets the outer one."""

    def excess(u: float) -> float:
        return (touch + u + width) * (touch * math.cos(u) - math.sin(u)) - touch**2

    return _root(excess, 0.0, math.atan(touch))


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    """A zero of a function that is positive at `low` and negative at `high`."""
    from scipy.optimize import brentq  # noqa: PLC0415 - takes 0.5 s

    return cast("float", brentq(excess, low, high, xtol=_ROUNDING))


def _angle_at(touch: float, radius: float) -> float:
    """The angle from where a link touches r = θ to where it is at this radius."""
    tilt = math.atan(touch)
    return tilt - math.asin(touch * math.sin(tilt) / radius)
