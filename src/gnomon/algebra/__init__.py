"""Number systems in which a network can be evaluated."""

from gnomon.algebra import library
from gnomon.algebra.arithmetic import NEAREST, Arithmetic
from gnomon.algebra.enclose import enclose
from gnomon.algebra.evaluate import evaluate
from gnomon.algebra.interval import Ball, Exact, Interval
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.algebra.library import Accuracy, Library
from gnomon.algebra.lift import Parameters, exactly
from gnomon.algebra.moments import Moments
from gnomon.algebra.outward import Outward
from gnomon.algebra.relaxation import LinearRelaxation
from gnomon.algebra.rounding import REAL, Deployed, Level, Real
from gnomon.algebra.value import Value
from gnomon.algebra.zonotope import Zonotope

__all__ = [
    "NEAREST",
    "REAL",
    "Accuracy",
    "Arithmetic",
    "Ball",
    "Deployed",
    "Exact",
    "Interval",
    "Level",
    "Library",
    "LinearRelaxation",
    "Moments",
    "NormBall",
    "Outward",
    "Parameters",
    "Real",
    "Value",
    "Zonotope",
    "enclose",
    "evaluate",
    "exactly",
    "library",
]
