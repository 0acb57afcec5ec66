"""One set of interval rules: with ordinary rounding, and rounded outwards."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from gnomon.algebra import (
    NEAREST,
    Arithmetic,
    Deployed,
    Exact,
    Interval,
    Outward,
    enclose,
    evaluate,
)
from gnomon.algebra.interval import Ball, RelativeBox
from gnomon.algebra.interval.products import linear
from gnomon.bounds import IBP
from gnomon.errors import UnsupportedOperationError
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Box, InputSet, Linf
from gnomon.sets.parameters import ParameterBox, ParameterSet
from gnomon.sets.radius import Relative
from reference.exact_rationals import rationals
from reference.networks_of_all_kinds import networks

NETWORKS = networks()
DOUBLE, SINGLE = torch.float64, torch.float32
LAW = Relative(0.01)
REGIONS: dict[str, ParameterSet | None] = {"inputs": None, "both": ParameterBox(LAW)}


@dataclass(frozen=True)
class WithoutAllowances(Outward):
    """The arithmetic `Outward`, in which no rounding is allowed for but that of functions."""

    down = Arithmetic.down
    up = Arithmetic.up
    settle = Arithmetic.settle
    underflow = Arithmetic.underflow
    ball = Arithmetic.ball
    around = Arithmetic.around
    share = Arithmetic.share
    widen = Arithmetic.widen
    lowered = Arithmetic.lowered
    raised = Arithmetic.raised
    inflate = Arithmetic.inflate


def _bounds(network: nn.Module, x: Tensor, region: str, arithmetic: Arithmetic) -> Interval:
    varying = REGIONS[region]
    parameters = None if varying is None else varying.of(network)
    box = enclose(x, Linf(0.01), arithmetic)
    with torch.no_grad():
        return evaluate(network, box, parameters)


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_without_allowances_bounds_are_the_plain_ones_and_with_them_not_narrower(
    name: str, region: str
) -> None:
    network, x = NETWORKS[name]()
    network, x = network.double(), x.double()
    plain, bare, sound = (
        _bounds(network, x, region, each) for each in (NEAREST, WithoutAllowances(), Outward())
    )
    scale = float(plain.magnitude.max())
    # RMS normalisation adds the ε of float32 or of float64 where its weight varies.
    if not (name == "linear, rms norm" and region == "both"):
        for mine, other in zip(bare.parts, plain.parts, strict=True):
            assert float((mine - other).abs().max()) <= 1e-12 * scale
    slack = 1e-14 * scale  # the two may form one number by different products
    assert bool((sound.lower <= plain.lower + slack).all())
    assert bool((sound.upper >= plain.upper - slack).all())


@pytest.mark.parametrize("name", NETWORKS)
def test_executions_of_networks_of_all_kinds_lie_inside(name: str) -> None:
    """Of inputs and parameters in their boxes, in the numbers that the level speaks of."""
    network, x = NETWORKS[name]()
    network, x = network.float(), x.float()
    network.requires_grad_(requires_grad=False)
    region = ParameterBox(LAW).of(network)
    try:
        level, dtype = Deployed(SINGLE), SINGLE
        bounds = evaluate(network, enclose(x, Linf(0.01), Outward(level)), region)
    except UnsupportedOperationError as error:
        assert "at the level of executions" in str(error)  # noqa: PT017
        dtype = DOUBLE
        bounds = evaluate(network, enclose(x, Linf(0.01), Outward()), region)
    source = generator(3)
    for _ in range(3):
        values = {name: part.sample(source).to(dtype) for name, part in region.items()}
        point = x + 0.01 * (2 * torch.rand(x.shape, generator=source) - 1) * (1 - 1e-6)
        executed = torch.func.functional_call(network.to(dtype), values, (point.to(dtype),))
        slack = 0.0 if dtype == SINGLE else 1e-13 * float(bounds.magnitude.max())
        assert bounds.contains(executed.double(), slack)


SETS: dict[str, InputSet] = {
    "L2": L2(0.25),
    "L1": L1(0.5),
    "L2, cut": L2(0.25, domain=(-1.0, 1.0)),
    "L1, cut": L1(0.5, domain=(-1.0, 1.0)),
    "box": Box(-0.25 * torch.ones(4), 0.5 * torch.ones(4), radius=1.5, domain=(-1.0, 1.0)),
}


def _drawn(seed: int, *shape: int) -> Tensor:
    """Numbers of either sign and of sizes between 2⁻⁶ and 2⁶."""
    source = generator(seed)
    exponent = torch.randint(-6, 7, shape, generator=source)
    return torch.randn(shape, generator=source) * 2.0**exponent


FORMS: dict[str, Callable[[Tensor, Arithmetic], Any]] = {
    "point": lambda w, arithmetic: Interval.point(w, arithmetic=arithmetic),
    "box": lambda w, arithmetic: Interval.around(w, 0.25, arithmetic=arithmetic),
    "exact": lambda w, arithmetic: Exact.of(Interval.around(w, 0.25, arithmetic=arithmetic)),
    "relative": lambda w, arithmetic: RelativeBox(w, 0.125, arithmetic),
    "ball": lambda w, arithmetic: Ball(w, torch.tensor(0.5), arithmetic),
}


def _members(form: str, w: Tensor) -> list[Tensor]:
    """Members of the set of weights, exact in float64: its centre, corners or far ends."""
    wide = w.double()
    signs = [torch.randn(w.shape, generator=generator(s)).sign().double() for s in range(4)]
    if form == "point":
        return [wide]
    if form == "ball":  # one coordinate at a time
        unit = torch.zeros_like(wide)
        unit.flatten()[1] = 0.5
        return [wide, wide + unit, wide - unit]
    radius = 0.125 * wide.abs() if form == "relative" else torch.full_like(wide, 0.25)
    return [wide + sign * radius for sign in signs]


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10**6), st.sampled_from(list(FORMS)), st.sampled_from(list(SETS)))
def test_exact_products_of_sets_of_inputs_and_weights_lie_inside(
    seed: int, form: str, within: str
) -> None:
    """Corners of boxes and ends of balls, in rational arithmetic: rounding beats no bound."""
    x, w = _drawn(seed, 2, 4).clamp(-1, 1), _drawn(seed + 1, 3, 4)
    x = (x * 1024).round() / 1024  # so that members are sums without rounding
    for arithmetic in (Outward(), Outward(dtype=SINGLE)):
        bounds = linear(enclose(x, SETS[within], arithmetic), FORMS[form](w, arithmetic))
        for point in _points(x, SETS[within]):
            for weight in _members(form, w):
                exact = rationals(point).dot(rationals(weight).T)
                assert bool((rationals(bounds.lower) <= exact).all())
                assert bool((exact <= rationals(bounds.upper)).all())


def _points(x: Tensor, within: InputSet) -> list[Tensor]:
    """Members of a set: the centre, and for each coordinate those with the most room."""
    wide, points = x.double(), [x.double()]
    low, high = within.domain or (-torch.inf, torch.inf)
    for place in range(x.shape[1]):
        for side in (-1.0, 1.0):
            moved = wide.clone()
            if isinstance(within, Box):
                step = (-0.25 if side < 0 else 0.5) * within.radius
            else:
                step = side * within.radius
            moved[:, place] = (moved[:, place] + step).clamp(low, high)
            points.append(moved)
    return points


@pytest.mark.parametrize("within", ["L2", "L1", "L2, cut", "L1, cut"])
@pytest.mark.parametrize("form", FORMS)
def test_norm_balls_and_relative_boxes_are_used_by_both(form: str, within: str) -> None:
    """Also after a shift and factors: the same bounds without allowances, hardly wider with."""
    x, w = _drawn(5, 3, 4).clamp(-1, 1).double(), _drawn(6, 5, 4).double()
    shift, factor = _drawn(7, 4).double(), _drawn(8, 4).double()

    def bounds(arithmetic: Arithmetic) -> Interval:
        ball: Any = enclose(x, SETS[within], arithmetic)
        return linear((ball - shift) * factor, FORMS[form](w, arithmetic))

    plain, bare, sound = map(bounds, (NEAREST, WithoutAllowances(), Outward()))
    scale = float(plain.magnitude.max())
    assert float((plain.width - bare.width).abs().max()) <= 1e-13 * scale
    assert bool((sound.width >= plain.width - 1e-15 * scale).all())
    assert float((sound.width - plain.width).max()) <= 1e-12 * scale
    box = linear((Interval.around(x, SETS[within].radius) - shift) * factor, w)
    if form == "point":
        assert bool((sound.width < box.width).any())


@pytest.mark.parametrize("within", ["L2", "L1", "L2, cut"])
def test_executions_of_shifted_balls_of_inputs_lie_inside(within: str) -> None:
    level = Outward(Deployed(SINGLE))
    x, w = _drawn(5, 3, 4).clamp(-1, 1), _drawn(6, 5, 4)
    shift, factor = _drawn(7, 4) * 2.0**12, _drawn(8, 4)
    ball: Any = enclose(x, SETS[within], level)
    bounds = linear((ball - shift) * factor, w)
    for point in _points(x, SETS[within]):
        executed = ((point.float() - shift) * factor) @ w.T
        assert bounds.contains(executed.double())


MODES: dict[str, dict[str, Any]] = {
    "linear": {"size": 7, "mode": "linear"},
    "linear, corners": {"size": 7, "mode": "linear", "align_corners": True},
    "linear, by a factor": {"scale_factor": 1.7, "mode": "linear"},
    "area": {"size": 3, "mode": "area"},
    "nearest": {"size": 7},
    "nearest, 49 times": {"size": 245},
    "nearest, by a factor": {"scale_factor": 1.7},
    "nearest-exact": {"size": 8, "mode": "nearest-exact"},
}


@pytest.mark.parametrize("mode", MODES)
def test_every_interpolation_holds_what_programs_in_both_types_compute(mode: str) -> None:
    x = _drawn(9, 2, 3, 5)

    def resample(v: Any) -> Any:  # noqa: ANN401 - a value or a tensor
        return nn.functional.interpolate(v, **MODES[mode])

    for kind in (SINGLE, DOUBLE):
        executed = Outward(Deployed(kind))
        bounds = resample(Interval.point(x.to(kind), arithmetic=executed))
        assert bounds.contains(resample(x.to(kind)).double())
    scale = float(x.abs().max())
    real = resample(Interval.point(x, arithmetic=Outward()))
    if "nearest" not in mode:
        assert float(real.width.max()) < 1e-12 * scale
    plain = resample(Interval.point(x.double()))
    assert bool((real.lower <= plain.lower).all())
    assert bool((real.upper >= plain.upper).all())


def test_places_that_programs_round_to_either_side_hold_both_neighbours() -> None:
    """In float32, 41 · fl(1/41) is below 1: the first of 41 copies comes one too late."""
    x = torch.arange(5.0).reshape(1, 1, 5)
    value: Any = Interval.point(x, arithmetic=Outward())
    bounds: Any = nn.functional.interpolate(value, size=205)
    assert (bounds.lower[0, 0, 41].item(), bounds.upper[0, 0, 41].item()) == (0, 1)
    assert bool((bounds.lower[0, 0] <= torch.arange(205) // 41).all())
    assert bool((bounds.upper[0, 0] >= torch.arange(205) // 41).all())


class Counted(TorchDispatchMode):
    """Counts the operations that torch dispatches."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[str] = []

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 - torch's signature
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        self.operations.append(str(func))
        return func(*args, **(kwargs or {}))


def test_ordinary_rounding_launches_no_kernel_of_its_own() -> None:
    x = torch.rand(3)
    with Counted() as counted:
        for same in (NEAREST.up(x), NEAREST.down(x), NEAREST.inflate(x, 5)):
            assert same is x
        assert NEAREST.widen(x, x, 0.5) is x
        for ends in (
            NEAREST.enclose(x),
            NEAREST.known(x, x, nonnegative=True),
            NEAREST.settle(x, x, 7, x),
            NEAREST.underflow(x, x, 7),
        ):
            assert all(end is x for end in ends)
        assert NEAREST.share(3, 3) == 0
    assert counted.operations == []


def _operations(run: Callable[[], Interval]) -> int:
    with Counted() as counted:
        run()
    return len(counted.operations)


def test_rules_launch_the_kernels_of_their_formulas_and_no_others() -> None:
    """Counted are those of plain intervals: a sum is two, a matrix two with what it needs."""
    low, high = torch.rand(3, 4) - 1, torch.rand(3, 4)
    w, b = torch.randn(5, 4), torch.randn(5)
    x: Any = Interval.computed(low, high)
    assert _operations(lambda: x + x) == 2
    assert _operations(lambda: x - x) == 2
    assert _operations(lambda: x + w[:3]) - _operations(lambda: w[:3]) == 2  # type: ignore[arg-type,return-value]
    # (l + u) / 2, (u − l) / 2, |w|, two products with two transposes, and both ends.
    assert _operations(lambda: linear(x, w)) == 4 + 1 + 4 + 2
    assert _operations(lambda: linear(x, w, b)) == 4 + 1 + 4 + 2 + 2
    assert _operations(lambda: linear(Interval.point(low), w)) == 2


def test_bounds_that_are_values_are_refused() -> None:
    box = Interval.point(torch.ones(2))
    with pytest.raises((AssertionError, TypeError)):
        Interval.computed(box, box)  # type: ignore[arg-type]


def test_a_certificate_says_what_kind_of_truth_it_is() -> None:
    assert (IBP().name, IBP().kind) == ("IBP", "exact arithmetic")
    assert (IBP(Outward()).name, IBP(Outward()).kind) == ("rounded IBP", "floating point")
