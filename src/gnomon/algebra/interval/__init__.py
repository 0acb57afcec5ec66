"""Interval arithmetic: bounds of every coordinate, over boxes of inputs and parameters."""

from collections.abc import Mapping
from typing import Any

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
from gnomon.algebra.rounded.pointwise import POINTWISE as OUTWARD
from gnomon.algebra.value import Rule


def _by_arithmetic(nearest: Mapping[str, Rule], outward: Mapping[str, Rule]) -> dict[str, Rule]:
    """The rules of functions of one coordinate, which are two tables still."""

    def chosen(name: str) -> Rule:
        def rule(*args: Any, **named: Any) -> Any:
            values = [each for each in args if isinstance(each, Interval)]
            table = outward if values[0].arithmetic.outwards else nearest
            return table[name](*args, **named)

        return rule

    return {name: chosen(name) for name in nearest}


# Rules make intervals, so they cannot stand where the class is defined.
Interval.rules = heeding(
    keeping(
        {
            **SUMS,
            **AVERAGES,
            **PRODUCTS,
            **_by_arithmetic(POINTWISE, OUTWARD),
            **SOFTMAX,
            **NORMALIZATION,
        }
    )
)

__all__ = ["Ball", "Exact", "Interval", "NormBall", "RelativeBox"]
