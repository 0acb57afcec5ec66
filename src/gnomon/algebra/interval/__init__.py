"""Interval arithmetic: bounds of every coordinate, over boxes of inputs and parameters."""

from gnomon.algebra.interval.arithmetic import ARITHMETIC
from gnomon.algebra.interval.ball import Ball
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.interval.normalization import NORMALIZATION
from gnomon.algebra.interval.pointwise import POINTWISE
from gnomon.algebra.interval.products import PRODUCTS

# Rules make intervals, so they cannot stand where the class is defined.
Interval.rules = {**ARITHMETIC, **PRODUCTS, **POINTWISE, **NORMALIZATION}

__all__ = ["Ball", "Interval"]
