"""The two lines around a function of one variable: sound on every interval, and near."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gnomon.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    Mish,
    PReLU,
    Profile,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Swish,
    Tanh,
)
from gnomon.algebra import Interval
from gnomon.algebra.relaxation import LinearRelaxation
from gnomon.algebra.relaxation.backward_steps import Activated
from gnomon.algebra.relaxation.lines import Lines
from gnomon.seeds import generator
from reference import facts

MEMBERS: list[Callable[..., object]] = [
    ReLU(),
    LeakyReLU(0.2),
    ELU(),
    ELU(0.5),
    ELU(2.0),
    SELU(),
    GELU(),
    SiLU(),
    Mish(),
    Tanh(),
    Sigmoid(),
    PReLU(),
    PReLU(1.7),
    Swish(),
    Swish(-0.7),
    Softplus(),
    Softplus(5.0),
    nn.ReLU6(),
    nn.Hardswish(),
    nn.Hardsigmoid(),
    nn.Hardtanh(-0.5, 2.0),
    nn.CELU(0.7),
    nn.GELU("tanh"),
    nn.LeakyReLU(3.0),
    nn.PReLU(init=-0.5),
    nn.PReLU(init=1.7),
    nn.Softplus(2.0, 5.0),
    nn.Softsign(),
    nn.LogSigmoid(),
    nn.Tanhshrink(),
    torch.abs,
    torch.erf,
    lambda x: x.pow(3.0),
    lambda x: x.pow(2.0),
    lambda x: x.clamp(-1.0, 0.5),
    lambda x: x.clamp(max=1.0),
]
for _member in MEMBERS:
    if isinstance(_member, Activation):
        _member.requires_grad_(requires_grad=False)
KNOWN = [member for member in MEMBERS if isinstance(member, Activation)]


def _name(index: int) -> str:
    """Modules by their settings; the name of a function, which is the same in every process."""
    member = MEMBERS[index]
    return str(member) if isinstance(member, nn.Module) else f"{member.__name__} {index}"


@pytest.fixture(params=range(len(MEMBERS)), ids=_name)
def function(request: pytest.FixtureRequest) -> Callable[..., object]:
    member = MEMBERS[request.param]
    return member.double() if isinstance(member, nn.Module) else member


def _intervals(widths: float, count: int = 200) -> Interval:
    """Random intervals of about this width, most of them near 0; some begin or end at 0."""
    source = generator(3)
    middle = 3 * torch.randn(count, 1, generator=source).double()
    radius = widths * torch.rand(count, 1, generator=source).double()
    low, high = middle - radius, middle + radius
    if widths > 0:
        low[:20], high[20:40] = 0.0, 0.0
    low, high = torch.minimum(low, high), torch.maximum(low, high)
    return Interval(low, high)


def _lines(function: Callable[..., object], box: Interval) -> Lines:
    found = function(LinearRelaxation.of(box))
    assert isinstance(found, LinearRelaxation)
    assert isinstance(found.node.origin, Activated)
    return found.node.origin.lines


def _gaps(function: Callable[..., object], box: Interval) -> tuple[Tensor, Tensor, Tensor]:
    """How far f lies above the lower and below the upper line on a dense grid; its size."""
    lines = _lines(function, box)
    share = torch.linspace(0, 1, 1001, dtype=torch.float64)
    grid = (box.lower + share * (box.upper - box.lower)).minimum(box.upper)
    with torch.no_grad():
        value = function(grid)
    assert isinstance(value, Tensor)
    offset = 0.0 if lines.lower_offset is None else lines.lower_offset
    below = value - lines.lower_slope * grid - offset
    above = lines.upper_slope * grid + lines.upper_offset - value
    size = value.abs().amax(1) + grid.abs().amax(1)
    return below.detach(), above.detach(), size


@pytest.mark.parametrize("width", [1e-9, 0.1, 1.0, 5.0, 1e4])
def test_the_lines_enclose_the_function(function: Callable[..., object], width: float) -> None:
    below, above, size = _gaps(function, _intervals(width))
    slack = 1e-14 * size.clamp_min(1)  # some roundings of the largest term
    assert bool((below.amin(1) >= -slack).all())
    assert bool((above.amin(1) >= -slack).all())


@pytest.mark.parametrize("width", [0.3, 5.0, 40.0])
def test_each_line_is_the_lowest_or_highest_in_the_middle(
    function: Callable[..., object], width: float
) -> None:
    """In the middle no line above f is lower than the highest chord, nor is this one higher.

    Only torch's softplus, which jumps, has lines that keep a distance.
    Chords between points of a grid miss a kink by at most half a step on either side.
    """
    tolerance = 3e-3 if width <= 1 else 2e-2
    if isinstance(function, nn.Softplus):
        return
    box = _intervals(width, count=60)
    share = torch.linspace(0, 1, 201, dtype=torch.float64)
    grid = box.lower + share * (box.upper - box.lower)
    with torch.no_grad():
        value = function(grid)
    assert isinstance(value, Tensor)
    weight = (share[101:] - 0.5)[:, None] / (share[101:, None] - share[None, :100])
    chords = weight * value[:, None, :100] + (1 - weight) * value[:, 101:, None]
    highest = torch.maximum(chords.flatten(1).amax(1), value[:, 100])
    lowest = torch.minimum(chords.flatten(1).amin(1), value[:, 100])
    below, above, _ = _gaps(function, box)
    middle = value[:, 100]
    range_ = value.amax(1) - value.amin(1) + 1e-9
    assert float(((above[:, 500] - (highest - middle)) / range_).max()) < tolerance
    if function is not torch.abs:  # whose line below goes through 0 with the slope 1 or -1
        assert float(((below[:, 500] - (middle - lowest)) / range_).max()) < tolerance


def test_a_point_has_lines_through_it(function: Callable[..., object]) -> None:
    box = _intervals(0.0)
    below, above, size = _gaps(function, box)
    slack = 1e-14 * size.clamp_min(1)
    if isinstance(function, nn.Softplus):
        slack = slack + 0.01  # torch's function jumps there by log(1 + exp −5) / 2
    assert bool((below.amax(1) <= slack).all())
    assert bool((above.amax(1) <= slack).all())


def test_every_slope_that_is_called_free_is_right() -> None:
    for function in (ReLU(), LeakyReLU(0.2)):
        box = _intervals(2.0)
        lines = _lines(function, box)
        assert lines.free is not None
        share = torch.linspace(0, 1, 101, dtype=torch.float64)
        grid = box.lower + share * (box.upper - box.lower)
        for part in (0.0, 0.4, 1.0):
            slope = lines.free[0] + part * (lines.free[1] - lines.free[0])
            assert bool((function(grid) >= slope * grid - 1e-12).all())


@pytest.mark.parametrize("member", KNOWN, ids=str)
def test_the_bends_are_those_of_the_function(member: Activation) -> None:
    """Between knots the slope rises where it is convex, and falls where concave."""
    curvature = member.profile()
    assert curvature is not None
    grid, slopes = facts.grid().numpy()[:-1] + 5e-4, facts.slopes(member)
    for start, end, bend in curvature.pieces:
        inside = (grid > float(start) + 1e-3) & (grid < float(end) - 1e-3)
        steps = slopes[inside][1:] - slopes[inside][:-1]
        if len(steps) == 0:
            continue
        if bend == "0":
            assert abs(steps).max() < 1e-9
        else:
            sign = 1 if bend == "+" else -1
            assert (sign * steps).min() > -1e-10
            assert (sign * steps).max() > 1e-6


@pytest.mark.parametrize("member", [GELU(), SiLU(), Mish()], ids=["gelu", "silu", "mish"])
def test_the_second_derivative_is_zero_at_inflections(member: Activation) -> None:
    curvature = member.profile()
    assert curvature is not None

    def slope(x: Tensor) -> Tensor:
        return torch.func.grad(member)(x)

    for knot in curvature.knots:
        x = torch.tensor(knot, dtype=torch.float64)
        assert abs(float(torch.func.grad(slope)(x))) < 1e-14


def test_the_curvature_of_every_activation_is_known() -> None:
    assert {type(member) for member in KNOWN} == set(ACTIVATIONS.values())


def test_an_activation_of_unknown_curvature_has_lines_by_its_lipschitz_constant() -> None:
    class Wave(Activation):
        def profile(self) -> Profile:
            turns = (-1.5707963267948966, 1.5707963267948966)
            return Profile(turning_points=turns, lipschitz=1.0)

        def forward(self, x: Tensor) -> Tensor:
            return x.clamp(-2.0, 2.0).sin()

    box = _intervals(1.0)
    below, above, _ = _gaps(Wave(), box)
    assert bool((below >= -1e-12).all())
    assert bool((above >= -1e-12).all())
    assert bool((_lines(Wave(), box).upper_slope != 0).any())
