"""Moments: mean and variance of every coordinate. Statistical, not sound."""

from gnomon.algebra.moments.moments import Moments
from gnomon.algebra.moments.movement import MOVEMENT
from gnomon.algebra.moments.normalization import NORMALIZATION
from gnomon.algebra.moments.pointwise import POINTWISE
from gnomon.algebra.moments.products import PRODUCTS

# Rules make values, so they cannot stand where the class is defined.
Moments.rules = {**MOVEMENT, **PRODUCTS, **POINTWISE, **NORMALIZATION}

__all__ = ["Moments"]
