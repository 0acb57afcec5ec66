"""Interval arithmetic that is true as computed: rounding errors are enclosed too."""

from gnomon.algebra.rounded.enclose import enclose_rounded
from gnomon.algebra.rounded.movement import ARITHMETIC
from gnomon.algebra.rounded.normalization import NORMALIZATION
from gnomon.algebra.rounded.pointwise import POINTWISE
from gnomon.algebra.rounded.products import PRODUCTS
from gnomon.algebra.rounded.rounded_interval import RoundedBall, RoundedInterval

# Rules make intervals, so they cannot stand where the class is defined.
RoundedInterval.rules = {**ARITHMETIC, **PRODUCTS, **POINTWISE, **NORMALIZATION}

__all__ = ["RoundedBall", "RoundedInterval", "enclose_rounded"]
