"""From sets of inputs to values of an algebra."""

from gnomon.algebra.interval import Interval
from gnomon.algebra.interval.interval import as_real
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.errors import SettingError, UnsupportedOperationError
from gnomon.sets import L1, L2, Box, InputSet, Linf
from gnomon.sets.balls import LinfBall
from gnomon.shapes import Centres


def enclose(inputs: Centres, within: InputSet | None) -> Interval:
    """All inputs that a set allows around each example, as an interval.

    That of an L2 or L1 ball is a `NormBall`: matrices, convolutions and `LinearRelaxation`
    use more of it than its box.

    Args:
        inputs: examples, inside the set's domain.
        within: the set; None for the inputs as they are.

    Raises:
        SettingError: inputs outside the domain, or NaN.
        UnsupportedOperationError: a set of another kind.
    """
    inputs = as_real(inputs)
    if within is None:
        return Interval.point(inputs)
    if isinstance(within, Linf):
        return Interval.around(inputs, within.radius, within.domain)
    if isinstance(within, Box):
        return _box(inputs, within)
    if isinstance(within, L1 | L2):
        return _ball(inputs, within)
    raise UnsupportedOperationError(
        f"enclose: expected Linf, L2, L1 or Box, got {type(within).__name__}. Enclose it in "
        "one of these."
    )


def _box(inputs: Centres, within: Box) -> Interval:
    """The sides of the box, each cut with the domain."""
    inside = Interval.around(inputs, 0.0, within.domain)
    sides: LinfBall = within.around(inputs)
    ends = (inputs + sides.lower, inputs + sides.upper)
    return Interval.computed(*ends, nonnegative=inside.nonnegative)


def _ball(inputs: Centres, within: L1 | L2) -> Interval:
    if inputs.ndim < 2:
        raise SettingError(
            "enclose: expected examples along the first of at least two axes, got shape "
            f"{tuple(inputs.shape)}. Add an axis with unsqueeze(0)."
        )
    box = Interval.around(inputs, within.radius, within.domain)
    reach = inputs.new_full((len(inputs),), within.radius)
    scale = inputs.new_ones(1, *inputs.shape[1:])
    norm = "L2" if isinstance(within, L2) else "L1"
    return NormBall(box, inputs, reach, norm, scale, whole=within.domain is None)
