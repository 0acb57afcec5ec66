"""Linear relaxations (CROWN): linear bounds, substituted back to inputs and parameters."""

from gnomon.algebra.interval import Interval
from gnomon.algebra.relaxation.affine_maps import AFFINE
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation
from gnomon.algebra.relaxation.pointwise import POINTWISE
from gnomon.algebra.relaxation.recording import starting_afresh
from gnomon.algebra.relaxation.slopes import optimised
from gnomon.algebra.relaxation.structural import STRUCTURAL

# Rules make values, so they cannot stand where the class is defined. What intervals have a rule
# for and relaxations have none, starts afresh from an interval.
LinearRelaxation.rules = {
    **{name: starting_afresh(name) for name in Interval.rules},
    **STRUCTURAL,
    **AFFINE,
    **POINTWISE,
}

__all__ = ["LinearRelaxation", "optimised"]
