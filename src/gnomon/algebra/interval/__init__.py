"""Interval arithmetic: bounds of every coordinate, over boxes of inputs and parameters."""

from gnomon.algebra.interval.averages import AVERAGES
from gnomon.algebra.interval.ball import Ball
from gnomon.algebra.interval.exact import Exact
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.interval.kept import keeping
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.algebra.interval.normalization import NORMALIZATION
from gnomon.algebra.interval.pointwise import POINTWISE
from gnomon.algebra.interval.products import PRODUCTS
from gnomon.algebra.interval.relative_box import RelativeBox
from gnomon.algebra.interval.softmax import SOFTMAX
from gnomon.algebra.interval.sums import SUMS
from gnomon.algebra.interval.unbounded import heeding

# Rules make intervals, so they cannot stand where the class is defined.
_RULES = {**SUMS, **AVERAGES, **PRODUCTS, **POINTWISE, **SOFTMAX, **NORMALIZATION}
Interval.rules = heeding(keeping(_RULES))

__all__ = ["Ball", "Exact", "Interval", "NormBall", "RelativeBox"]
