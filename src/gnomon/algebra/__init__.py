"""Number systems in which a network can be evaluated."""

from gnomon.algebra.evaluate import Parameters, evaluate
from gnomon.algebra.interval import Interval
from gnomon.algebra.value import Value

__all__ = ["Interval", "Parameters", "Value", "evaluate"]
