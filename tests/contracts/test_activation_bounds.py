"""What bounds of activations promise: inputs, coefficients or both vary, in every algebra."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gnomon.activations import ACTIVATIONS, Activation, PReLU, Swish
from gnomon.algebra import (
    NEAREST,
    REAL,
    Arithmetic,
    Deployed,
    Interval,
    Level,
    LinearRelaxation,
    Moments,
    Outward,
    Value,
    Zonotope,
    evaluate,
)
from gnomon.bounds import CROWN, IBP, NormProduct
from gnomon.errors import UnsupportedOperationError
from gnomon.seeds import generator
from gnomon.sets import Linf, ParameterBox
from gnomon.sets.parameters import TensorSet
from gnomon.sets.radius import Constant, Relative
from reference.user_activations import WITHOUT_FACTS, Gate, Rational, Wave

CHANNELS, EXAMPLES = 3, 4
GRID = 81
"""Number of inputs tried in every interval, its ends among them."""
DRAWS = 10
"""Number of sets of coefficients tried, corners of their box among them."""

MEMBERS: dict[str, Callable[[], Activation]] = {
    **ACTIVATIONS,
    "swish by channel": partial(Swish, 1.0, CHANNELS),
    "prelu by channel": partial(PReLU, 0.25, CHANNELS),
    "wave": Wave,
    **{kind.__name__: kind for kind in WITHOUT_FACTS},
}
TRAINABLE = [name for name, make in MEMBERS.items() if any(True for _ in make().parameters())]

Make = Callable[[Tensor, float], Value]


def _outward(level: Level, x: Tensor, radius: float) -> Interval:
    return Interval.around(x, radius, arithmetic=Outward(level))


def _outward_relaxation(level: Level, x: Tensor, radius: float) -> LinearRelaxation:
    return LinearRelaxation.of(_outward(level, x, radius))


ALGEBRAS: dict[str, Make] = {
    "intervals": Interval.around,
    "zonotopes": Zonotope.around,
    "relaxations": LinearRelaxation.around,
    "outward intervals": partial(_outward, REAL),
    "outward relaxations": partial(_outward_relaxation, REAL),
    "intervals of executions": partial(_outward, Deployed(torch.float32)),
    "relaxations of executions": partial(_outward_relaxation, Deployed(torch.float32)),
}


def made(name: str, seed: int, dtype: torch.dtype = torch.float64) -> Activation:
    """The activation, with coefficients drawn at random around those it begins with."""
    function, draw = MEMBERS[name](), generator(seed)
    with torch.no_grad():
        for coefficient in function.parameters():
            coefficient.add_(0.7 * torch.randn(coefficient.shape, generator=draw))
        if isinstance(function, Rational):
            function.c.clamp_(min=0.2)  # its pole stays away
    return function.to(dtype)


def inputs(seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return 2 * torch.randn(EXAMPLES, CHANNELS, generator=generator(seed), dtype=dtype)


def tried(function: Activation, boxes: Mapping[str, Any], x: Tensor, radius: float) -> Tensor:
    """Outputs for a fine grid in every coordinate's interval, and for many coefficients."""
    shares = torch.linspace(0, 1, GRID, dtype=torch.float64).reshape(-1, 1, 1)
    low, high = x.double() - radius, x.double() + radius
    grid = (low + shares * (high - low)).minimum(high).to(x.dtype)
    inside = torch.where(grid > high, grid.nextafter(x), grid)  # where rounding left the box
    grid = torch.where(grid < low, grid.nextafter(x), inside)
    draw, outputs = generator(11), []
    for attempt in range(DRAWS if boxes else 1):
        shares = {
            name: torch.rand(box.lower.shape, generator=draw) for name, box in boxes.items()
        }
        if attempt % 2:  # a corner
            shares = {name: each.round() for name, each in shares.items()}
        chosen = {
            name: (box.lower + shares[name] * (box.upper - box.lower)).to(x.dtype)
            for name, box in boxes.items()
        }
        flat = torch.func.functional_call(function, chosen, grid.flatten(0, 1))
        outputs.append(flat.reshape(grid.shape).detach())
    return torch.cat(outputs)


@pytest.mark.parametrize("algebra", ALGEBRAS)
@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("varying", ["inputs", "coefficients", "both"])
def test_what_was_tried_lies_inside(algebra: str, name: str, varying: str) -> None:
    if name not in TRAINABLE and varying != "inputs":
        pytest.skip("it has no coefficients")
    executed = "executions" in algebra
    dtype = torch.float32 if executed else torch.float64
    for seed in range(2):
        function, x = made(name, seed, dtype), inputs(seed + 20, dtype)
        radius = 0.0 if varying == "coefficients" else (0.1, 1.5)[seed]
        boxes: Mapping[str, TensorSet] = (
            {} if varying == "inputs" else ParameterBox(Relative(0.1)).of(function)
        )
        value = ALGEBRAS[algebra](x, radius)
        if name == "wave" and "outward" in algebra + "outward" * executed:
            with pytest.raises(UnsupportedOperationError, match="sin"):
                evaluate(function, value)
            continue
        result = evaluate(function, value, boxes or None)
        outputs = tried(function, boxes, x, radius)
        size = 1 + float(outputs.abs().max())
        # Plain bounds are rounded a few dozen times; outward ones hold as they are.
        slack = 0.0 if "outward" in algebra or executed else 1e-13 * size
        assert bool((outputs >= result.lower.detach() - slack).all())
        assert bool((outputs <= result.upper.detach() + slack).all())


def network_with(function: Activation, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    network = nn.Sequential(nn.Linear(2, CHANNELS), function, nn.Linear(CHANNELS, 3))
    draw = generator(5)
    with torch.no_grad():
        for layer in (network[0], network[2]):
            for parameter in layer.parameters():
                parameter.copy_(0.6 * torch.randn(parameter.shape, generator=draw))
    return network.to(dtype)


@pytest.mark.parametrize("arithmetic", [NEAREST, Outward()], ids=str)
@pytest.mark.parametrize("name", [name for name in MEMBERS if name != "wave"])
def test_linear_relaxations_are_tighter_than_intervals(
    name: str, arithmetic: Arithmetic
) -> None:
    """They keep what outputs have in common through the activation, whoever states facts."""
    network, x = network_with(made(name, 1)), inputs(2)[:, :2]
    box = Interval.around(x, 0.2, arithmetic=arithmetic)
    for parameters in (None, ParameterBox(Relative(0.005)).of(network)):
        plain = evaluate(network, box, parameters)
        relaxed = evaluate(network, LinearRelaxation.of(box), parameters)
        assert bool((relaxed.lower >= plain.lower - 1e-12).all())
        assert bool((relaxed.upper <= plain.upper + 1e-12).all())
        assert bool(relaxed.width.mean() <= 0.97 * plain.width.mean())


def test_facts_that_are_found_bound_as_well_as_stated_ones() -> None:
    """The mean value form on cells of half width h is too wide by h² sup |f''| at most."""
    x = inputs(1)
    for radius in (0.01, 0.3, 1.0):
        stated = evaluate(Swish(1.3).double(), Interval.around(x, radius))
        found = evaluate(Gate(1.3).double(), Interval.around(x, radius))
        excess = 2 * (radius / 32) ** 2 * 0.7 + 1e-12  # |f''| ≤ β/2
        assert bool((found.lower <= stated.lower + 1e-12).all())
        assert bool((found.upper >= stated.upper - 1e-12).all())
        assert bool((found.width <= stated.width + 2 * excess).all())


def test_a_coefficient_of_known_direction_is_bounded_exactly() -> None:
    x = inputs(3)
    for function, name in ((Swish(0.8), "beta"), (PReLU(-0.3), "weight")):
        own = getattr(function.double(), name).detach()
        box = {name: Interval(own - 0.4, own + 0.3)}
        result = evaluate(function, Interval.point(x), box)
        ends = [torch.func.functional_call(function, {name: end}, x) for end in box[name].parts]
        torch.testing.assert_close(result.lower, ends[0].minimum(ends[1]), rtol=0, atol=0)
        torch.testing.assert_close(result.upper, ends[0].maximum(ends[1]), rtol=0, atol=0)


@pytest.mark.parametrize("name", [*ACTIVATIONS, *(kind.__name__ for kind in WITHOUT_FACTS)])
def test_moments_are_those_of_normal_inputs(name: str) -> None:
    """Mean and variance of 40,000 draws, within five standard errors about."""
    function, x = made(name, 2), inputs(4) / 8  # near 0, where no kink is met too rarely
    value = function(Moments.gaussian(x, 0.3))
    draws = torch.randn(40_000, *x.shape, generator=generator(5), dtype=x.dtype)
    outputs = function((x + 0.3 * draws).flatten(0, 1)).detach().reshape(draws.shape)
    error = 5 * outputs.std(0) / 200 + 1e-3 * outputs.std()  # and quadrature at kinks
    assert bool(((outputs.mean(0) - value.centre).abs() <= error).all())
    assert torch.allclose(outputs.var(0), value.variance, rtol=0.15, atol=0)


def test_moments_know_that_coefficients_vary() -> None:
    function, x = made("swish", 2), inputs(4)
    still = function(Moments.gaussian(x, 0.1))
    boxes = {"beta": Moments.gaussian(dict(function.named_parameters())["beta"].detach(), 0.2)}
    moved = evaluate(function, Moments.gaussian(x, 0.1), boxes)
    assert bool(moved.variance.mean() > still.variance.mean())


def test_a_box_over_all_parameters_reaches_coefficients() -> None:
    """Nothing is left out: wider boxes of the coefficients alone give wider bounds."""
    for name in TRAINABLE:
        network, x = network_with(made(name, 1)), inputs(2)[:, :2]
        labels = torch.zeros(EXAMPLES, dtype=torch.long)
        for method in (IBP(), CROWN(), CROWN(arithmetic=Outward())):
            worst = [
                method(
                    network,
                    x,
                    labels,
                    Linf(0.01),
                    ParameterBox(radius, only=("1.*",)).of(network),
                ).worst
                for radius in (Constant(0.0), Constant(0.02), Constant(0.1))
            ]
            assert bool((worst[0] <= worst[1]).all() and (worst[1] <= worst[2]).all())
            assert bool((worst[0] < worst[1]).any() and (worst[1] < worst[2]).any())


def test_lipschitz_constants_follow_from_facts_that_are_found() -> None:
    x = inputs(2)[:, :2]
    stated, found = (
        NormProduct()(network_with(function), x, Interval.around(x, 0.3)).values
        for function in (Swish(1.3), Gate(1.3))
    )
    assert bool((found >= stated * (1 - 1e-9)).all())
    assert bool((found <= 2 * stated).all())


class Product(nn.Module):
    """x σ(β x) as any module: nothing says that it is a function of each coordinate."""

    def __init__(self) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.beta * x)


@pytest.mark.parametrize("arithmetic", [NEAREST, Outward()], ids=str)
def test_what_has_no_relaxation_is_said(arithmetic: Arithmetic) -> None:
    """A product of two values starts afresh: a result with intervals' numbers says so."""
    x, labels = inputs(2)[:, :2], torch.zeros(EXAMPLES, dtype=torch.long)
    method = CROWN(arithmetic=arithmetic)
    network = network_with(Gate())
    assert method(network, x, labels, Linf(0.1)).restarts == frozenset()
    network[1] = Product().double()
    margins = method(network, x, labels, Linf(0.1))
    assert margins.restarts == {"mul"}
    assert not bool((margins.worst < IBP()(network, x, labels, Linf(0.1)).worst - 1e-9).any())


class Shifted(Activation):
    """A new activation, in one place: x tanh(β x) / 2 + x / 2, as a test adds it."""

    rising_in = ("beta",)

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.full((1,), beta))

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x * torch.tanh(self.beta * x) + 0.5 * x


def test_one_class_is_all_that_a_new_activation_needs() -> None:
    """No table of any algebra names it; what it states makes its bounds exact."""
    x, network = inputs(2)[:, :2], network_with(Shifted())
    boxes = ParameterBox(Relative(0.01)).of(network)
    labels = torch.zeros(EXAMPLES, dtype=torch.long)
    for method in (IBP(), CROWN(), CROWN(arithmetic=Outward())):
        assert bool(method(network, x, labels, Linf(0.1), boxes).worst.isfinite().all())
    result = evaluate(
        Shifted(),
        Interval.point(x),
        {"beta": Interval(torch.tensor([0.5]), torch.tensor([2.0]))},
    )
    torch.testing.assert_close(result.lower, Shifted(0.5)(x).detach())
    torch.testing.assert_close(result.upper, Shifted(2.0)(x).detach())
