"""Number systems in which a network can be evaluated."""

from gnomon.algebra import library
from gnomon.algebra.affine import Affine
from gnomon.algebra.enclose import enclose
from gnomon.algebra.evaluate import evaluate
from gnomon.algebra.interval import Ball, Exact, Interval
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.algebra.library import Accuracy, Library
from gnomon.algebra.lift import Parameters, exactly
from gnomon.algebra.moments import Moments
from gnomon.algebra.relaxed import Relaxed
from gnomon.algebra.rounded import RoundedBall, RoundedInterval, enclose_rounded
from gnomon.algebra.rounded.relaxed import RoundedRelaxed
from gnomon.algebra.rounding import REAL, Deployed, Level, Real
from gnomon.algebra.value import Value

__all__ = [
    "REAL",
    "Accuracy",
    "Affine",
    "Ball",
    "Deployed",
    "Exact",
    "Interval",
    "Level",
    "Library",
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
    "library",
]
