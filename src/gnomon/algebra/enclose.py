"""From sets of inputs to values of an algebra."""

import torch

from gnomon.algebra.arithmetic import NEAREST, Arithmetic
from gnomon.algebra.interval import Interval
from gnomon.algebra.interval.interval import as_real
from gnomon.algebra.interval.norm_ball import NormBall
from gnomon.errors import SettingError, UnsupportedOperationError
from gnomon.sets import L1, L2, Box, InputSet, Linf
from gnomon.sets.balls import LinfBall
from gnomon.shapes import Centres


def enclose(
    inputs: Centres, within: InputSet | None, arithmetic: Arithmetic = NEAREST
) -> Interval:
    """All inputs that a set allows around each example, as an interval.

    That of an L2 or L1 ball is a `NormBall`: matrices, convolutions and `LinearRelaxation`
    use more of it than its box. With `Outward`, sides and radii are meant as the numbers that
    they are, also where the inputs' type would round them.

    >>> from gnomon.sets import Linf
    >>> enclose(torch.zeros(1, 2), Linf(0.5)).upper
    tensor([[0.5000, 0.5000]])

    Args:
        inputs: examples, inside the set's domain.
        within: the set; None for the inputs as they are.
        arithmetic: how bounds are computed from these.

    Raises:
        SettingError: inputs outside the domain, or NaN; with `Outward` at the level of
            executions, inputs in half precision.
        UnsupportedOperationError: a set of another kind.
    """
    inputs = inputs if arithmetic.outwards else as_real(inputs)
    if within is None:
        return Interval.point(inputs, arithmetic=arithmetic)
    if isinstance(within, Linf):
        return Interval.around(inputs, within.radius, within.domain, arithmetic=arithmetic)
    if isinstance(within, Box):
        return _box(inputs, within, arithmetic)
    if isinstance(within, L1 | L2):
        return _ball(inputs, within, arithmetic)
    raise UnsupportedOperationError(
        f"enclose: expected Linf, L2, L1 or Box, got {type(within).__name__}. Enclose it in "
        "one of these."
    )


def _box(inputs: Centres, within: Box, arithmetic: Arithmetic) -> Interval:
    """The sides of the box, each cut with the domain."""
    inside = Interval.around(inputs, 0.0, within.domain, arithmetic=arithmetic)
    if not arithmetic.outwards:
        sides: LinfBall = within.around(inputs)
        ends = (inputs + sides.lower, inputs + sides.upper)
        return Interval.computed(*ends, nonnegative=inside.nonnegative)
    low, high = (
        inside.idealised.like(torch.as_tensor(side, dtype=torch.float64) * within.radius)
        for side in (within.lower, within.upper)
    )
    low, high = inside.arithmetic.settle(low.lower, high.upper, 0)
    lower, upper = inside.arithmetic.settle(inside.lower + low, inside.upper + high, 0)
    if within.domain is not None:
        first, last = (inside.idealised.like(float(end)) for end in within.domain)
        lower, upper = lower.maximum(first.lower), upper.minimum(last.upper)
    made = inside.made(lower, upper, nonnegative=inside.nonnegative)
    return made.held_in(inputs.dtype)


def _ball(inputs: Centres, within: L1 | L2, arithmetic: Arithmetic) -> Interval:
    if inputs.ndim < 2:
        raise SettingError(
            "enclose: expected examples along the first of at least two axes, got shape "
            f"{tuple(inputs.shape)}. Add an axis with unsqueeze(0)."
        )
    box = Interval.around(inputs, within.radius, within.domain, arithmetic=arithmetic)
    core = Interval.point(inputs, arithmetic=arithmetic.real).at(box.arithmetic)
    reach = core.lower.new_full((len(inputs),), within.radius)
    reach = arithmetic.up(reach)  # where the bounds' type rounds the radius
    scale = core.lower.new_ones(1, *inputs.shape[1:])
    norm = "L2" if isinstance(within, L2) else "L1"
    return NormBall(box, core, reach, norm, scale, whole=within.domain is None)
