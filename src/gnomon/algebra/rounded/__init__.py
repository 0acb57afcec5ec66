"""Interval arithmetic that is true as computed: rounding errors are enclosed too."""

from gnomon.algebra.interval import Interval
from gnomon.algebra.rounded.bridge import bridged, lifted
from gnomon.algebra.rounded.enclose import enclose_rounded
from gnomon.algebra.rounded.movement import ARITHMETIC
from gnomon.algebra.rounded.normalization import NORMALIZATION
from gnomon.algebra.rounded.pointwise import POINTWISE
from gnomon.algebra.rounded.products import PRODUCTS
from gnomon.algebra.rounded.rounded_interval import RoundedBall, RoundedInterval

# Rules make intervals, so they cannot stand where the class is defined.
RoundedInterval.rules = {**ARITHMETIC, **PRODUCTS, **POINTWISE, **NORMALIZATION}

Interval.rules = bridged(Interval.rules)
Interval.lifted = lifted

__all__ = ["RoundedBall", "RoundedInterval", "enclose_rounded"]
