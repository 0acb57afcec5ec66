"""From sets of inputs to rounded intervals."""

import torch

from gnomon.algebra.rounded.rounded_interval import RoundedInterval
from gnomon.algebra.rounding import REAL, Level, level_of, outward
from gnomon.sets import Box, InputSet
from gnomon.shapes import Centres


def enclose_rounded(
    inputs: Centres,
    within: InputSet | None,
    *,
    level: Level = REAL,
    dtype: torch.dtype = torch.float64,
) -> RoundedInterval:
    """A box around all inputs that a set allows, rounding included.

    Around an L2 or L1 ball it is the L∞ ball of its radius. Sides and radii are meant as the
    numbers that they are.

    Args:
        inputs: examples, inside the set's domain.
        within: the set; None for the inputs as they are.
        level: of which executions bounds shall be true.
        dtype: of the bounds.

    Raises:
        SettingError: inputs outside the domain, or NaN; in half precision, at the level of
            executions.
    """
    if within is None:
        return RoundedInterval.point(inputs, level=level, dtype=dtype)
    if not isinstance(within, Box):
        return RoundedInterval.around(
            inputs, within.radius, within.domain, level=level, dtype=dtype
        )
    whole = RoundedInterval.around(inputs, 0.0, within.domain)  # refuses what is outside
    sides = (
        torch.as_tensor(side, dtype=torch.float64) for side in (within.lower, within.upper)
    )
    low, high = (side.to(inputs.device) * within.radius for side in sides)
    low, high = outward(low, high)
    lower, upper = outward(whole.lower + low, whole.upper + high)
    if within.domain is not None:
        lower, upper = lower.clamp_min(within.domain[0]), upper.clamp_max(within.domain[1])
    ends = [RoundedInterval.point(end, dtype=dtype) for end in (lower, upper)]
    level = level_of(inputs, level)
    made = RoundedInterval.computed(
        ends[0].lower, ends[1].upper, level, nonnegative=whole.nonnegative
    )
    return made.held_in(inputs.dtype)
