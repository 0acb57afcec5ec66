"""Number systems in which a network can be evaluated."""

from gnomon.algebra.affine import Affine
from gnomon.algebra.enclose import enclose
from gnomon.algebra.evaluate import evaluate
from gnomon.algebra.interval import Ball, Interval
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.algebra.lift import Parameters
from gnomon.algebra.moments import Moments
from gnomon.algebra.relaxed import Relaxed
from gnomon.algebra.rounded import RoundedBall, RoundedInterval
from gnomon.algebra.rounding import REAL, Deployed, Level, Real
from gnomon.algebra.value import Value

__all__ = [
    "REAL",
    "Affine",
    "Ball",
    "Deployed",
    "Interval",
    "Level",
    "Moments",
    "NormBall",
    "Parameters",
    "Real",
    "Relaxed",
    "RoundedBall",
    "RoundedInterval",
    "Value",
    "enclose",
    "evaluate",
]
