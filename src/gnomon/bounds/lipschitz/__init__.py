"""Lipschitz constants: how much the logits can change per unit of change of the input."""

from gnomon.bounds.lipschitz.bound import (
    Factor,
    LipschitzBound,
    LipschitzMethod,
    Norm,
    tightest,
)
from gnomon.bounds.lipschitz.eclipse import ECLipsEFast
from gnomon.bounds.lipschitz.interval_jacobian import IntervalJacobian
from gnomon.bounds.lipschitz.norm_product import NormProduct
from gnomon.bounds.lipschitz.rules import RULES
from gnomon.bounds.lipschitz.steepest import SteepestAscent, SteepPoints
from gnomon.bounds.lipschitz.trace import Traced

# Rules make traced values, so they cannot stand where the class is defined.
Traced.rules = RULES

__all__ = [
    "ECLipsEFast",
    "Factor",
    "IntervalJacobian",
    "LipschitzBound",
    "LipschitzMethod",
    "Norm",
    "NormProduct",
    "SteepPoints",
    "SteepestAscent",
    "tightest",
]
