"""Number systems in which a network can be evaluated."""

from gnomon.algebra.affine import Affine
from gnomon.algebra.enclose import enclose
from gnomon.algebra.evaluate import evaluate
from gnomon.algebra.interval import Ball, Exact, Interval
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.algebra.lift import Parameters, exactly
from gnomon.algebra.moments import Moments
from gnomon.algebra.relaxed import Relaxed
from gnomon.algebra.rounded import RoundedBall, RoundedInterval, enclose_rounded
from gnomon.algebra.rounded.relaxed import RoundedRelaxed
from gnomon.algebra.rounding import REAL, Deployed, Level, Real
from gnomon.algebra.value import Value

__all__ = [
    "REAL",
    "Affine",
    "Ball",
    "Deployed",
    "Exact",
    "Interval",
    "Level",
    "Moments",
    "NormBall",
    "Parameters",
    "Real",
    "Relaxed",
    "RoundedBall",
    "RoundedInterval",
    "RoundedRelaxed",
    "Value",
    "enclose",
    "enclose_rounded",
    "evaluate",
    "exactly",
]
