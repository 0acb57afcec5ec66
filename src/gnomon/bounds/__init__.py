"""The worst case from outside: what no perturbation in a set can exceed."""

from gnomon.bounds.crown import CROWN as CROWN
from gnomon.bounds.falsifier import Falsification as Falsification, Falsifier as Falsifier
from gnomon.bounds.head import Head as Head, evaluate_head as evaluate_head
from gnomon.bounds.ibp import (
    IBP as IBP,
    interval_margins as interval_margins,
    pairwise_margins as pairwise_margins,
)
from gnomon.bounds.largest_radius import LargestRadius as LargestRadius
from gnomon.bounds.lipschitz import (
    ECLipsEFast as ECLipsEFast,
    IntervalJacobian as IntervalJacobian,
    LipschitzBound as LipschitzBound,
    LipschitzMethod as LipschitzMethod,
    NormProduct as NormProduct,
    SteepestAscent as SteepestAscent,
    SteepPoints as SteepPoints,
    tightest as tightest,
)
from gnomon.bounds.margins import BoundMethod as BoundMethod, Margins as Margins

BOUNDS: dict[str, type] = {"ibp": IBP, "crown": CROWN}
"""The methods of bounding by their names in a configuration."""
