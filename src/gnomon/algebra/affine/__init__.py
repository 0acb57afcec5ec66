"""Affine arithmetic: zonotopes, which keep what coordinates have in common."""

from gnomon.algebra.affine.affine import SYMBOLS, Affine
from gnomon.algebra.affine.arithmetic import ARITHMETIC
from gnomon.algebra.affine.hull import hulled
from gnomon.algebra.affine.normalization import NORMALIZATION
from gnomon.algebra.affine.pointwise import POINTWISE
from gnomon.algebra.affine.products import PRODUCTS
from gnomon.algebra.interval import Interval

# Rules make values, so they cannot stand where the class is defined. What intervals have a rule
# for and zonotopes have not goes through intervals.
Affine.rules = {
    **{name: hulled(name) for name in Interval.rules},
    **ARITHMETIC,
    **PRODUCTS,
    **POINTWISE,
    **NORMALIZATION,
}

__all__ = ["SYMBOLS", "Affine"]
