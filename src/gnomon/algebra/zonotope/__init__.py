"""Affine arithmetic: zonotopes, which keep what coordinates have in common."""

from gnomon.algebra.interval import Interval
from gnomon.algebra.zonotope.arithmetic import ARITHMETIC
from gnomon.algebra.zonotope.hull import hulled
from gnomon.algebra.zonotope.normalization import NORMALIZATION
from gnomon.algebra.zonotope.pointwise import POINTWISE
from gnomon.algebra.zonotope.products import PRODUCTS
from gnomon.algebra.zonotope.zonotope import SYMBOLS, Zonotope

# Rules make values, so they cannot stand where the class is defined. What intervals have a rule
# for and zonotopes have not goes through intervals.
Zonotope.rules = {
    **{name: hulled(name) for name in Interval.rules},
    **ARITHMETIC,
    **PRODUCTS,
    **POINTWISE,
    **NORMALIZATION,
}

__all__ = ["SYMBOLS", "Zonotope"]
