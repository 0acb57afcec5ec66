"""The worst case from outside: what no perturbation in a set can exceed."""

from gnomon.bounds.crown import CROWN
from gnomon.bounds.falsifier import Falsification, Falsifier
from gnomon.bounds.head import Head, evaluate_head
from gnomon.bounds.ibp import IBP, interval_margins, pairwise_margins
from gnomon.bounds.largest_radius import LargestRadius
from gnomon.bounds.lipschitz import (
    ECLipsEFast,
    IntervalJacobian,
    LipschitzBound,
    NormProduct,
    SteepestAscent,
    SteepPoints,
    tightest,
)
from gnomon.bounds.margins import BoundMethod, Margins

__all__ = [
    "CROWN",
    "IBP",
    "BoundMethod",
    "ECLipsEFast",
    "Falsification",
    "Falsifier",
    "Head",
    "IntervalJacobian",
    "LargestRadius",
    "LipschitzBound",
    "Margins",
    "NormProduct",
    "SteepPoints",
    "SteepestAscent",
    "evaluate_head",
    "interval_margins",
    "pairwise_margins",
    "tightest",
]
