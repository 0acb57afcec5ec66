"""Rules of functions of one coordinate: they are relaxed to two lines."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from gnomon.activations import Activation, PReLU, Profile, per_channel
from gnomon.algebra.accuracy import executed
from gnomon.algebra.functions import with_settings
from gnomon.algebra.interval import Interval
from gnomon.algebra.profiles import CURVED, PROFILES
from gnomon.algebra.relaxation.linear_relaxation import LinearRelaxation
from gnomon.algebra.relaxation.lines import Lines, enclosing, level, rectified
from gnomon.algebra.relaxation.recording import fresh, relaxed
from gnomon.algebra.subdivision import Formula
from gnomon.algebra.value import Rule

Function = Callable[[Tensor], Tensor]
Values = Callable[[Interval], Interval]


def activation(function: Activation, x: LinearRelaxation) -> LinearRelaxation:
    """An activation function, between lines that its facts give, stated or found.

    Where coefficients vary, the lower line lies below the lowest function, and the upper one
    above the highest, if f is stated to rise or to fall in each coefficient.
    """
    values = partial(Interval.rules["activation"], function)
    envelope = function.envelope() if function.varying() else (function, function)
    if envelope is None:
        return relaxed(x, values, partial(_found, function))
    return _between(x, values, *envelope)


def named(name: str) -> Rule:
    """The rule of a torch function of one coordinate."""

    def rule(x: LinearRelaxation, *settings: Any, **named: Any) -> Any:
        profile = PROFILES[name](*settings, **named)

        def values(box: Interval) -> Interval:
            return Interval.rules[name](box, *settings, **named)

        if profile is None or not profile.bends:
            return relaxed(x, values, lambda box: level(values(box)))
        function = with_settings(name, settings, named)
        relax = _relaxation(function, profile, values)
        return relaxed(x, values, relax, _undecided(profile), _misses(profile))

    return rule


def prelu(x: Any, weight: Any) -> Any:
    """X for x ≥ 0, w x below, one slope w for each channel or for all; it may be a box."""
    if not isinstance(x, LinearRelaxation) or isinstance(weight, LinearRelaxation):
        return fresh("prelu", x, weight)
    return activation(PReLU.of(weight), x)


def _between(
    x: LinearRelaxation, values: Values, lowest: Activation, highest: Activation
) -> LinearRelaxation:
    """Between the lower line of one function and the upper line of another."""
    outwards, pair = x.interval.arithmetic.outwards, (lowest, highest)
    profiles = [profile for each in pair if (profile := each.profile()) is not None]
    if len(profiles) < len(pair) or (outwards and not all(p.evaluation for p in profiles)):
        relaxations = [partial(_found, function) for function in pair]
        undecided, missed = None, None
    else:
        relaxations = [
            _relaxation(function, profile, partial(Interval.rules["activation"], function))
            for function, profile in zip(pair, profiles, strict=True)
        ]
        undecided, missed = _undecided(profiles[0]), _misses(*profiles)

    def relax(box: Interval) -> Lines:
        below, above = (each(box) for each in relaxations)
        lower = (below.lower_slope, below.lower_offset)
        return Lines(*lower, above.upper_slope, above.upper_offset)

    return relaxed(x, values, relaxations[0] if lowest is highest else relax, undecided, missed)


def _relaxation(
    function: Function, profile: Profile, values: Values
) -> Callable[[Interval], Lines]:
    """Returns the function that finds the lines in a box, by the facts."""
    if (
        profile.sides is not None
        and isinstance(profile.sides[1], float | int)
        and profile.sides[1] == 1
    ):
        return partial(_kinked, profile.sides[0])
    if profile.bends:
        return partial(enclosing, function, profile, values=values)
    assert isinstance(function, Activation)
    return partial(_found, function)


def _kinked(slope: float | Tensor, box: Interval) -> Lines:
    """The lines around x for x ≥ 0 and slope · x below, one for each channel or for all."""
    if isinstance(slope, Tensor):
        return rectified(per_channel(slope.to(box.lower), box.lower), box)
    return rectified(slope if slope <= 1 else box.lower.new_tensor(slope), box)


def _found(function: Activation, box: Interval) -> Lines:
    """The lines around a function of which no facts are stated."""
    return Lines(*Formula(function, box).lines(box))


def _undecided(profile: Profile) -> Callable[[Interval], Tensor] | None:
    """Returns which bounds are worth work: those around a kink, if f is straight elsewhere."""
    return _bent if profile.homogeneous else None


def _bent(known: Interval) -> Tensor:
    """True where an interval holds the kink at 0."""
    return (known.lower < 0) & (known.upper > 0)


def _misses(*profiles: Profile) -> Callable[[Interval, Interval], Tensor | None]:
    """Returns the error of executions, as a function of an interval and its values."""

    def missed(box: Interval, image: Interval) -> Tensor | None:
        misses = [_missed(profile, box, image) for profile in profiles]
        known = [each for each in misses if each is not None]
        return None if not known else known[0].maximum(known[-1])

    return missed


def _missed(profile: Profile, box: Interval, image: Interval) -> Tensor | None:
    arithmetic = box.arithmetic
    if profile.sides is None:
        assert profile.evaluation is not None
        return executed(
            profile.evaluation, arithmetic.level, (box.lower, box.upper), image.magnitude
        )
    slope = profile.sides[0]
    if not isinstance(slope, Tensor):
        if slope in {0.0, 1.0, -1.0}:
            return None
        slope = box.lower.new_tensor([slope])
        rest = abs(profile.sides[0] - float(slope))
        return arithmetic.up(
            _of_slope(slope, box) + arithmetic.up(arithmetic.up(box.lower.abs() * rest))
        )
    return _of_slope(slope, box)


def _of_slope(slope: Tensor, box: Interval) -> Tensor:
    """The error of executions of slope · x where x < 0, whose slope is rounded, too."""
    steep, arithmetic = per_channel(slope.to(box.lower).abs(), box.lower), box.arithmetic
    return arithmetic.level.extra(3, arithmetic.up(steep * box.lower.clamp_max(0).abs()))


POINTWISE: dict[str, Rule] = {
    "activation": activation,
    **{name: named(name) for name in CURVED},
    "prelu": prelu,
}
