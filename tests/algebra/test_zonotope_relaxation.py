"""The strip around a line holds the graph of every function, and is nearly the narrowest."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

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
from gnomon.algebra.zonotope import Zonotope
from gnomon.algebra.zonotope.pointwise import strip_of
from gnomon.algebra.zonotope.relaxation import Curve

MEMBERS: list[Activation] = [
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
]
for _member in MEMBERS:
    _member.requires_grad_(requires_grad=False)
WIDTHS = [(1, 1e-9), (1, 1e-3), (3, 0.3), (2, 3), (5, 10), (50, 100), (1e4, 1e4), (1, 1e30)]


def intervals(scale: float, width: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(int(width) % 1000)
    lower = torch.randn(80, generator=rng, dtype=torch.float64) * scale
    lower = lower - torch.rand(80, generator=rng, dtype=torch.float64) * width
    upper = lower + torch.rand(80, generator=rng, dtype=torch.float64) * width
    return lower.to(dtype), upper.to(dtype)


def members_of(lower: Tensor, upper: Tensor) -> Tensor:
    """Many points of each interval, more of them where functions bend."""
    shares = torch.linspace(0, 1, 401, dtype=lower.dtype)[:, None]
    near = torch.linspace(-9, 9, 901, dtype=lower.dtype)[:, None].expand(-1, len(lower))
    inside = torch.cat([lower + shares * (upper - lower), near])
    return inside.maximum(lower).minimum(upper)


def excess(function: Callable[[Tensor], Tensor], relax: Callable[..., object], lower: Tensor,
           upper: Tensor) -> float:  # fmt: skip
    """How far the graph leaves the strip, in roundings of the numbers involved."""
    slope, offset, error = relax(lower, upper)  # type: ignore[misc]
    t = members_of(lower, upper)
    values = function(t)
    away = (values - slope * t - offset).abs() - error
    size = 1 + (t.abs() + values.abs() + (slope * t).abs()).amax(0)
    return float((away / size).max()) / torch.finfo(lower.dtype).eps


def test_every_activation_of_the_catalogue_is_a_known_curve() -> None:
    assert {type(member) for member in MEMBERS} == set(ACTIVATIONS.values())
    assert all(isinstance(strip_of(member), Curve) for member in MEMBERS)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("function", MEMBERS, ids=repr)
def test_the_strip_holds_the_graph(function: Activation, dtype: torch.dtype) -> None:
    curve = strip_of(function)
    for scale, width in WIDTHS:
        lower, upper = intervals(scale, width, dtype)
        assert excess(function, curve, lower, upper) <= 8


@pytest.mark.parametrize("function", MEMBERS, ids=repr)
def test_the_strip_is_nearly_the_narrowest(function: Activation) -> None:
    curve = strip_of(function)
    lower, upper = intervals(4, 8, torch.float64)
    error = curve(lower, upper)[2]
    t = members_of(lower, upper)[:401:2]
    values = function(t)
    slopes = torch.linspace(-2, 3, 501, dtype=torch.float64)
    strips = [(values - slope * t).amax(0) - (values - slope * t).amin(0) for slope in slopes]
    least = torch.stack(strips).amin(0) / 2
    assert bool((error <= 1.15 * least + 0.006).all())  # 0.006: the grid of slopes
    assert float(error.mean()) <= 1.005 * float(least.mean()) + 5e-4


def test_relu_has_the_known_strip() -> None:
    curve = strip_of(ReLU())
    lower = torch.tensor([-1.0, -2.0, 0.5, -3.0])
    upper = torch.tensor([3.0, 2.0, 2.0, -1.0])
    slope, offset, error = curve(lower, upper)
    assert torch.equal(slope, torch.tensor([0.75, 0.5, 1.0, 0.0]))  # u / (u − l)
    assert torch.equal(offset, torch.tensor([0.375, 0.5, 0.0, 0.0]))  # −l u / 2 (u − l)
    assert torch.equal(error, offset)


def test_a_parabola_has_chebyshevs_strip() -> None:
    lower, upper = torch.tensor([-1.0]).double(), torch.tensor([3.0]).double()
    slope, offset, error = Curve(torch.square, Profile("+"))(lower, upper)
    assert float(slope) == pytest.approx(2.0)  # l + u
    assert float(error) == pytest.approx(2.0)  # (u − l)² / 8
    assert float(offset) == pytest.approx(1.0)


class Wave(Activation):
    """sin 2x: it turns and bends again and again, and no table knows it."""

    def profile(self) -> Profile:
        """Where it turns, and how steep it is; not how it bends."""
        turns = tuple((k + 0.5) * torch.pi / 2 for k in range(-40, 40))
        return Profile(turning_points=turns, lipschitz=2.0)

    def forward(self, x: Tensor) -> Tensor:
        return (2 * x).sin()


def test_an_unknown_activation_is_bounded_by_its_facts() -> None:
    function = Wave()
    for scale, width in [(1, 1e-3), (3, 0.3), (2, 3), (5, 10)]:
        lower, upper = intervals(scale, width, torch.float64)
        assert excess(function, strip_of(function), lower, upper) <= 8
    x = Zonotope.around(torch.randn(50, 3, generator=torch.Generator().manual_seed(1)), 0.05)
    y = function(x)
    assert y.contains(function(x.centre))
    assert float(y.width.max()) <= float(Interval.around(x.centre, 0.1).width.max()) * 1.1


FUNCTIONS: list[tuple[str, Callable[[Tensor], Tensor], tuple[float, float]]] = [
    ("gelu by tanh", lambda v: functional.gelu(v, approximate="tanh"), (-6, 6)),
    ("negative slope", lambda v: functional.leaky_relu(v, -0.3), (-6, 6)),
    ("celu", lambda v: functional.celu(v, 2.0), (-6, 6)),
    ("hardswish", functional.hardswish, (-6, 6)),
    ("hardsigmoid", functional.hardsigmoid, (-6, 6)),
    ("hardtanh", lambda v: functional.hardtanh(v, -0.5, 2.0), (-6, 6)),
    ("relu6", functional.relu6, (-9, 9)),
    ("clamp", lambda v: v.clamp(-1, 0.5), (-6, 6)),
    ("clamp_min", lambda v: v.clamp_min(0.5), (-6, 6)),
    ("clamp_max", lambda v: v.clamp_max(0.5), (-6, 6)),
    ("abs", abs, (-6, 6)),
    ("square", lambda v: v.square(), (-6, 6)),
    ("cube", lambda v: v**3, (-6, 6)),
    ("erf", torch.erf, (-6, 6)),
    ("exp", torch.exp, (-6, 6)),
    ("log", torch.log, (0.1, 6)),
    ("sqrt", torch.sqrt, (0.1, 6)),
    ("softplus", functional.softplus, (-6, 6)),
    ("softsign", functional.softsign, (-6, 6)),
    ("tanhshrink", functional.tanhshrink, (-6, 6)),
    ("logsigmoid", functional.logsigmoid, (-6, 6)),
    ("prelu", lambda v: functional.prelu(v, torch.tensor([-0.4]).double()), (-6, 6)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "function", "domain"), FUNCTIONS, ids=[f[0] for f in FUNCTIONS]
)
def test_torch_functions_of_one_coordinate_are_enclosed(
    name: str, function: Callable[..., Tensor], domain: tuple[float, float]
) -> None:
    rng = torch.Generator().manual_seed(3)
    ends = torch.rand(2, 300, 1, generator=rng, dtype=torch.float64)
    lower, upper = (domain[0] + (domain[1] - domain[0]) * ends).sort(0).values
    shares = torch.linspace(-1, 1, 201, dtype=torch.float64)
    for symbols in (0, 1):  # all in the radius, or in a symbol
        x = Zonotope.of(Interval(lower, upper), symbols)
        y = function(x)  # type: ignore[arg-type]
        assert isinstance(y, Zonotope)
        zonotope = y.generators.abs().sum(0) + y.radius
        for share in shares:
            true = function(x.centre + share * (upper - lower) / 2)
            assert y.contains(true, 1e-12)
            assert bool(((true - y.centre).abs() <= zonotope + 1e-12).all())


def test_functions_in_place_change_the_value_and_return_it() -> None:
    for layer in (nn.ReLU, nn.ELU, nn.Hardtanh, nn.LeakyReLU):
        x, y = (Zonotope.around(torch.linspace(-1, 1, 6).reshape(2, 3), 0.5) for _ in range(2))
        expected, found = layer()(x), layer(inplace=True)(y)
        assert torch.equal(found.upper, expected.upper)
        assert torch.equal(y.upper, expected.upper)
        assert not torch.equal(x.upper, expected.upper)


def test_numbers_that_are_not_finite_leave_the_range() -> None:
    whole = Interval(torch.tensor([[-torch.inf, -1.0]]), torch.tensor([[torch.inf, 1.0]]))
    y = Sigmoid()(Zonotope.of(whole))
    assert float(y.lower[0, 0]) == 0
    assert float(y.upper[0, 0]) == 1
    assert bool(y.width.isfinite().all())
