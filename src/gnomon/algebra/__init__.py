"""Number systems in which a network can be evaluated."""

from gnomon.algebra.evaluate import evaluate
from gnomon.algebra.interval import Ball, Interval
from gnomon.algebra.lift import Parameters
from gnomon.algebra.relaxed import Relaxed
from gnomon.algebra.value import Value

__all__ = ["Ball", "Interval", "Parameters", "Relaxed", "Value", "evaluate"]
