"""Relaxations with an account of rounding, against exact rationals and executions."""

import itertools
import math
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import Interval, LinearRelaxation, Outward, enclose, evaluate
from gnomon.algebra.relaxation import optimised
from gnomon.algebra.relaxation.forms import bounds
from gnomon.algebra.rounding import REAL, Deployed
from gnomon.seeds import generator
from gnomon.sets import L1, L2
from gnomon.sets.parameters import TensorBall
from reference.exact_rationals import Rationals, outputs, rationals

SINGLE, DOUBLE = torch.float32, torch.float64
LEVELS = [REAL, Deployed(SINGLE)]


def _spread(shape: tuple[int, ...], source: torch.Generator, octaves: float) -> Tensor:
    """Numbers of both signs whose sizes differ by so many octaves at most: they cancel."""
    size = 2.0 ** (octaves * (torch.rand(shape, generator=source) - 0.5))
    return size * torch.randn(shape, generator=source).sign()


def _network(kind: str, seed: int, octaves: float = 12.0) -> tuple[nn.Sequential, Tensor]:
    """A network in float32, and two points."""
    bend = nn.LeakyReLU(0.3) if "leaky" in kind else nn.ReLU()
    if "convolution" in kind:
        layers = [nn.Conv2d(2, 3, 2), bend, nn.Conv2d(3, 2, 2), bend, nn.Flatten()]
        network, shape = nn.Sequential(*layers, nn.Linear(8, 2)), (2, 2, 4, 4)
    else:
        network = nn.Sequential(nn.Linear(5, 6), bend, nn.Linear(6, 6), bend, nn.Linear(6, 2))
        shape = (2, 5)
    source = generator(seed, kind)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(_spread(tuple(parameter.shape), source, octaves))
    return network.eval().requires_grad_(requires_grad=False), _spread(shape, source, 4.0)


def _drawn(centre: Tensor, radius: Fraction, source: torch.Generator) -> Rationals:
    """A point of the box of this radius, at a corner as often as not."""
    share = torch.rand(centre.shape, generator=source) * 4 - 2
    return rationals(centre) + radius * rationals(share.clamp(-1, 1))


def _holds(low: Tensor, high: Tensor, value: Rationals) -> bool:
    """Whether exact numbers lie between bounds, compared exactly."""
    inside = (rationals(low) <= value) & (value <= rationals(high))
    return bool(inside.all())


@pytest.mark.parametrize("kind", ["relu", "leaky", "convolution", "leaky convolution"])
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize("radius", [0.0, 2.0**-10, 0.25])
def test_exact_outputs_lie_inside(kind: str, dtype: torch.dtype, radius: float) -> None:
    source = generator(3, kind)
    for seed in range(1 if "convolution" in kind else 4):
        network, x = _network(kind, seed)
        found = evaluate(
            network, LinearRelaxation.around(x, radius, arithmetic=Outward(dtype=dtype))
        )
        assert found.precision == dtype
        for example, trial in itertools.product(range(2), range(4 if radius else 1)):
            point = _drawn(x[example], Fraction(radius) * (trial > 0), source)
            exact = outputs(network, point)
            assert _holds(found.lower[example], found.upper[example], exact)
            rows = torch.tensor([[1.0, -1.0], [0.5, 3.0]])
            combined = found.bound(rows)
            both = rationals(rows).dot(exact)
            assert _holds(combined.lower[example], combined.upper[example], both)
            least = rationals(found.at_least(rows)[example])
            assert bool((least <= both).all())


def test_rounding_breaks_plain_relaxations_but_not_these() -> None:
    """In float32, at points: one number is enclosed, and all else is rounding."""
    broken = 0
    for seed in range(20):
        network, x = _network("relu", seed, octaves=20.0)
        plain = evaluate(network, LinearRelaxation.around(x, 0.0)).settled()
        found = evaluate(
            network, LinearRelaxation.around(x, 0.0, arithmetic=Outward(dtype=SINGLE))
        )
        for example in range(2):
            exact = outputs(network, rationals(x[example]))
            broken += not _holds(plain.lower[example], plain.upper[example], exact)
            assert _holds(found.lower[example], found.upper[example], exact)
    assert broken > 10


def test_a_certificate_that_only_rounding_gives() -> None:
    """2²⁴ + 1 − 2²⁴ − 1/2 is 1/2 exactly, and −1/2 in float32 from left to right.

    The network is minus that, so its largest value is −1/2: not certified as ≥ 0, which plain
    bounds in float32 do.
    """
    first, last = nn.Linear(4, 4, bias=False), nn.Linear(4, 1, bias=False)
    network = nn.Sequential(first, nn.ReLU(), last)
    with torch.no_grad():
        first.weight.copy_(torch.eye(4))
        last.weight.copy_(-torch.tensor([[2.0**24, 1.0, -(2.0**24), -0.5]]))
    x = torch.ones(1, 4)
    rows = torch.ones(1, 1)
    found = evaluate(network, LinearRelaxation.around(x, 0.0, arithmetic=Outward(dtype=SINGLE)))
    assert found.at_least(rows).item() <= -0.5 <= found.bound(rows).upper.item()
    wide = evaluate(network, LinearRelaxation.around(x, 0.0, arithmetic=Outward()))
    assert wide.at_least(rows).item() == pytest.approx(-0.5, abs=1e-6)
    assert wide.bound(rows).upper.item() < 0
    deployed = evaluate(
        network, LinearRelaxation.around(x, 0.0, arithmetic=Outward(Deployed(SINGLE)))
    )
    assert deployed.at_least(rows).item() <= -1.0
    assert deployed.bound(rows).upper.item() >= 0.5


def test_rows_that_cancel_on_their_way_back_are_accounted_for() -> None:
    """Two matrices whose product is 2²⁴ + 1 − 2²⁴ = 1: nothing of the size of 2²⁴ remains."""
    broken = 0
    for order in itertools.permutations((2.0**24, 1.0, -(2.0**24))):
        network = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 1, bias=False))
        with torch.no_grad():
            network.get_parameter("0.weight").copy_(torch.tensor([order, order]).T)
            network.get_parameter("1.weight").fill_(1.0)
        x = torch.tensor([[3.0, -1.0]])
        assert outputs(network, rationals(x[0]))[0] == 2
        plain = evaluate(network, LinearRelaxation.around(x, 2.0**-9))
        broken += not plain.contains(torch.tensor([[2.0]]))
        found = evaluate(
            network, LinearRelaxation.around(x, 2.0**-9, arithmetic=Outward(dtype=SINGLE))
        )
        assert found.contains(torch.tensor([[2.0]]))
    assert broken > 0


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize("kind", ["leaky", "convolution"])
def test_exact_outputs_lie_inside_where_parameters_vary(kind: str, dtype: torch.dtype) -> None:
    source = generator(4, kind)
    for seed, radius in itertools.product(range(2), (2.0**-30, 2.0**-6)):
        network, x = _network(kind, seed)
        own = dict(network.named_parameters())
        boxes = {
            name: Interval.around(value, radius, arithmetic=Outward(dtype=dtype))
            for name, value in own.items()
        }
        found = evaluate(
            network, LinearRelaxation.around(x, radius, arithmetic=Outward(dtype=dtype)), boxes
        )
        for example, _ in itertools.product(range(2), range(4)):
            weights = {
                name: _drawn(value, Fraction(radius), source) for name, value in own.items()
            }
            exact = outputs(network, _drawn(x[example], Fraction(radius), source), weights)
            assert _holds(found.lower[example], found.upper[example], exact)


def _executed(network: nn.Sequential, x: Tensor, order: str, source: torch.Generator) -> Tensor:
    """Outputs of linear layers and rectifiers in float32, each sum in an order of its own."""
    for layer in network:
        if not isinstance(layer, nn.Linear):
            x = layer(x)
            continue
        terms = torch.cat(
            [layer.weight * x[:, None], layer.bias.expand(len(x), -1)[..., None]], 2
        )
        terms = terms[..., torch.randperm(terms.shape[2], generator=source)]
        if order == "by size":
            terms = terms.gather(2, terms.abs().argsort(2, descending=True))
        if order == "in pairs":
            terms = torch.stack([terms[..., ::2].sum(2), terms[..., 1::2].sum(2)], 2)
        total = torch.zeros_like(terms[..., 0])
        for term in terms.unbind(2):
            total = total + term
        x = total
    return x


@pytest.mark.parametrize("order", ["by chance", "by size", "in pairs"])
def test_executions_in_any_order_lie_inside(order: str) -> None:
    """At level REAL not all of them do."""
    outside = 0
    source = generator(5, order)
    for seed in range(10):
        network, x = _network("leaky", seed, octaves=20.0)
        deployed = evaluate(
            network, LinearRelaxation.around(x, 0.0, arithmetic=Outward(Deployed(SINGLE)))
        )
        real = evaluate(network, LinearRelaxation.around(x, 0.0, arithmetic=Outward()))
        for _ in range(10):
            output = _executed(network, x, order, source)
            assert output.dtype == SINGLE
            assert deployed.contains(output.double())
            outside += not real.contains(output.double())
    assert outside > 10


def test_weight_boxes_on_inputs_of_both_signs_hold_all_vertices() -> None:
    """Of a difference of outputs, which is found by substitution; nearly attained."""
    layer = nn.Linear(2, 2, bias=False)
    network = nn.Sequential(layer)
    x, radius = torch.tensor([[0.25, -0.125]]), 0.5
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, -0.5], [0.25, 2.0]]))
    box = {"0.weight": Interval.around(layer.weight.detach(), 0.125, arithmetic=Outward())}
    found = evaluate(network, LinearRelaxation.around(x, radius, arithmetic=Outward()), box)
    range_ = found.bound(torch.tensor([[1.0, -1.0]]))
    differences: list[Fraction] = []
    for signs in itertools.product((-1, 1), repeat=6):
        moves = rationals(torch.tensor(signs))
        point = rationals(x[0]) + Fraction(radius) * moves[:2]
        weight = rationals(layer.weight) + Fraction(0.125) * moves[2:].reshape(2, 2)
        first, second = outputs(network, point, {"0.weight": weight})
        differences.append(first - second)
    assert Fraction(range_.lower.item()) <= min(differences)
    assert max(differences) <= Fraction(range_.upper.item())
    assert range_.width.item() < 1.5 * float(max(differences) - min(differences))


class Repeated(nn.Module):
    """A hundred times its input, one after the other."""

    def forward(self, x: Tensor) -> Tensor:
        total = x
        for _ in range(99):
            total = total + x
        return total


def test_rows_that_are_added_many_times_are_accounted_for() -> None:
    """Adding the float32 next to 0.3 a hundred times misses its hundredfold by 17 u."""
    x, row = torch.ones(1, 1), torch.full((1, 1), 0.3)
    exact = 100 * Fraction(row.item())
    plain = evaluate(Repeated(), LinearRelaxation.around(x, 2.0**-20)).node
    found = evaluate(
        Repeated(), LinearRelaxation.around(x, 0.0, arithmetic=Outward(dtype=SINGLE))
    )
    alone = bounds(found.node, row[:, None], arithmetic=found.arithmetic)
    assert Fraction(alone[0].item()) <= exact <= Fraction(alone[1].item())
    assert Fraction(bounds(plain, row[:, None])[1].item()) < exact


class Sum(nn.Module):
    """The sum of all coordinates."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(dim=1, keepdim=True)


@pytest.mark.parametrize("layer", [Sum(), nn.LeakyReLU(0.3)], ids=["sum", "leaky relu"])
def test_what_one_layer_executes_lies_inside(layer: nn.Module) -> None:
    """Forms over one layer, where no other hides what it misses."""
    for order in itertools.permutations((2.0**24, 1.0, -(2.0**24), -0.75)):
        x = torch.tensor([order])
        executed = layer(x).double()
        rows = torch.eye(executed.shape[1])
        found = evaluate(
            layer, LinearRelaxation.around(x, 0.0, arithmetic=Outward(Deployed(SINGLE)))
        )
        assert found.bound(rows).contains(executed)


def _largest_product(norm: str) -> tuple[Fraction, Tensor]:
    """Of ⟨a, δ⟩ with a = (3, 4, 0), over the unit ball: exactly; and a times 2²⁰ as a row."""
    largest = {"L2": Fraction(5), "L1": Fraction(4)}
    return largest[norm] * 2**20, torch.tensor([[3.0, 4.0, 0.0]]) * 2.0**20


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize("within", [L2(0.1), L1(0.1)], ids=str)
def test_balls_of_inputs_hold_their_exact_range(within: L2 | L1, dtype: torch.dtype) -> None:
    """Of forms, whose range ⟨a, x⟩ ± r ‖a‖ is a rational number; and hardly more."""
    x = torch.tensor([[0.1, -1.0 / 3, 7.0]])
    largest, row = _largest_product(within.norm)
    box = enclose(x, within, Outward(dtype=dtype))
    found = LinearRelaxation.of(box).bound(row)
    middle, reach = rationals(row).dot(rationals(x[0]))[0], Fraction(0.1) * largest
    assert Fraction(found.lower.item()) <= middle - reach
    assert middle + reach <= Fraction(found.upper.item())
    assert found.width.item() <= 2 * float(reach) * (1 + 256 * torch.finfo(dtype).eps)


def test_balls_that_a_domain_cuts_hold_their_exact_range() -> None:
    """Of ⟨(3, 4), δ⟩ with ‖δ‖₂ ≤ 1 and δ₂ ≤ 1/4: at δ₂ = 1/4, δ₁ = √15 / 4."""
    x, row = torch.tensor([[-5.0, 0.75]]), torch.tensor([[3.0, 4.0]])
    within = L2(1.0, domain=(-8.0, 1.0))
    exact = 3 * (-5 + math.sqrt(15) / 4) + 4  # to 8 units in the last place of 16
    found = LinearRelaxation.of(enclose(x, within, Outward())).bound(row).upper.item()
    assert exact - 2.0**-46 <= found <= exact + 0.02


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
def test_balls_of_weights_hold_their_exact_range_and_use_the_norm(dtype: torch.dtype) -> None:
    """Of ⟨w, x⟩ with x = (3, 4) and ‖w − w₀‖₂ ≤ r: ± 5 r, where the box gives ± 7 r."""
    layer = nn.Linear(2, 1, bias=False).requires_grad_(requires_grad=False)
    layer.weight.copy_(torch.tensor([[1.0 / 3, -0.7]]))
    x = torch.tensor([[3.0, 4.0]])
    ball = {"weight": TensorBall(layer.weight, torch.tensor(0.5))}
    value = evaluate(
        layer, LinearRelaxation.around(x, 0.0, arithmetic=Outward(dtype=dtype)), ball
    )
    found = value.bound(torch.ones(1, 1))
    middle = rationals(layer.weight)[0].dot(rationals(x[0]))
    assert Fraction(found.lower.item()) <= middle - Fraction(5, 2)
    assert middle + Fraction(5, 2) <= Fraction(found.upper.item())
    assert found.width.item() < 5 * (1 + 256 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("kind", ["relu", "leaky"])
def test_slopes_that_bound_best_hold_exact_outputs(kind: str) -> None:
    """Found by ascent, in float32; some bounds are better than those of the chosen slopes."""
    better, source = 0, generator(12, kind)
    for seed in range(4):
        network, x = _network(kind, seed)
        value = evaluate(
            network, LinearRelaxation.around(x, 0.25, arithmetic=Outward(dtype=SINGLE))
        )
        found, known = optimised(value, steps=20), value.bound(torch.eye(2))
        better += int((found.width < 0.999 * known.width).any())
        assert bool((found.width <= known.width).all())
        for example, _ in itertools.product(range(2), range(8)):
            exact = outputs(network, _drawn(x[example], Fraction(0.25), source))
            assert _holds(found.lower[example], found.upper[example], exact)
    assert better > 0


class Overwritten(nn.Module):
    """Writes into a copy of its input, and resamples it."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(x.clone())
        y[:, 0] = 0.1 * x[:, 1]
        wide = nn.functional.interpolate(y[:, None], scale_factor=1.7, mode="linear")
        return wide[:, 0] / 3


def test_what_is_overwritten_or_resampled_goes_on_as_an_interval() -> None:
    x = torch.randn(5, 4, generator=generator(13))
    found = evaluate(Overwritten(), LinearRelaxation.around(x, 0.0, arithmetic=Outward()))
    assert found.contains(Overwritten()(x.double()))
    level = Deployed(SINGLE)
    executed = evaluate(
        Overwritten(), LinearRelaxation.around(x, 0.0, arithmetic=Outward(level))
    )
    assert executed.contains(Overwritten()(x).double())
