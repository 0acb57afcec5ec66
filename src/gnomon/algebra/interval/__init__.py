"""Interval arithmetic: bounds of every coordinate, over boxes of inputs and parameters."""

from gnomon.algebra.interval.arithmetic import ARITHMETIC
from gnomon.algebra.interval.ball import Ball
from gnomon.algebra.interval.exact import Exact
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.interval.kept import keeping
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.algebra.interval.normalization import NORMALIZATION
from gnomon.algebra.interval.pointwise import POINTWISE
from gnomon.algebra.interval.products import PRODUCTS
from gnomon.algebra.interval.relative_box import RelativeBox
from gnomon.algebra.interval.unbounded import heeding

# Rules make intervals, so they cannot stand where the class is defined.
Interval.rules = heeding(keeping({**ARITHMETIC, **PRODUCTS, **POINTWISE, **NORMALIZATION}))

__all__ = ["Ball", "Exact", "Interval", "NormBall", "RelativeBox"]
