"""Linear relaxations (CROWN): linear bounds, substituted back to inputs and parameters."""

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxed.affine import AFFINE
from gnomon.algebra.relaxed.pointwise import POINTWISE
from gnomon.algebra.relaxed.record import starting_afresh
from gnomon.algebra.relaxed.relaxed import Relaxed
from gnomon.algebra.relaxed.slopes import optimised
from gnomon.algebra.relaxed.structural import STRUCTURAL

# Rules make values, so they cannot stand where the class is defined. What intervals have a rule
# for and relaxations have none, starts afresh from an interval.
Relaxed.rules = {
    **{name: starting_afresh(name) for name in Interval.rules},
    **STRUCTURAL,
    **AFFINE,
    **POINTWISE,
}

__all__ = ["Relaxed", "optimised"]
