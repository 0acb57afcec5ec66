"""Linear relaxations (CROWN) whose bounds hold although they are computed in floating point."""

from gnomon.algebra.interval import Interval
from gnomon.algebra.rounded.relaxed.affine import AFFINE
from gnomon.algebra.rounded.relaxed.pointwise import POINTWISE
from gnomon.algebra.rounded.relaxed.record import guarded, starting_afresh
from gnomon.algebra.rounded.relaxed.structural import STRUCTURAL
from gnomon.algebra.rounded.relaxed.value import RoundedRelaxed

# Rules make values, so they cannot stand where the class is defined. What rounded intervals
# have a rule for and this algebra has none, starts afresh from an interval.
RoundedRelaxed.rules = guarded(
    {
        **{name: starting_afresh(name) for name in Interval.rules},
        **STRUCTURAL,
        **AFFINE,
        **POINTWISE,
    }
)

__all__ = ["RoundedRelaxed"]
