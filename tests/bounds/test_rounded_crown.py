"""Certificates that rounding cannot break: against exact margins and executions."""

import itertools
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import NEAREST, REAL, Deployed, Interval, Level, Outward
from gnomon.bounds import CROWN, IBP, BoundMethod
from gnomon.seeds import generator
from gnomon.sets import Linf
from reference.exact_rationals import outputs, rationals

SINGLE = torch.float32
LABELS = torch.tensor([0, 2, 1, 0])


def _network(seed: int, octaves: float = 6.0) -> tuple[nn.Sequential, Tensor]:
    """A network in float32 whose weights differ much in size, and four points."""
    network = nn.Sequential(
        nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 3)
    )
    source = generator(seed, "rounded CROWN")
    with torch.no_grad():
        for parameter in network.parameters():
            size = 2.0 ** (octaves * (torch.rand(parameter.shape, generator=source) - 0.5))
            parameter.copy_(size * torch.randn(parameter.shape, generator=source))
    return network.requires_grad_(requires_grad=False), torch.randn(4, 3, generator=source)


def test_it_is_a_bound_method() -> None:
    assert isinstance(CROWN(Outward()), BoundMethod)
    assert CROWN(Outward()).kind == "floating point"
    assert CROWN(Outward()).name == "rounded CROWN"
    assert CROWN().kind == "exact arithmetic"
    assert CROWN().arithmetic is NEAREST


@pytest.mark.parametrize("dtype", [SINGLE, torch.float64], ids=str)
@pytest.mark.parametrize("radius", [0.0, 2.0**-6])
def test_exact_margins_lie_below(dtype: torch.dtype, radius: float) -> None:
    """At all corners and the centre, in rational arithmetic."""
    for seed in range(2):
        network, x = _network(seed)
        within = Linf(radius) if radius else None
        found = CROWN(Outward(dtype=dtype))(network, x, LABELS, within).upper
        assert found.dtype == dtype
        corners = itertools.product((-1, 1), repeat=3) if radius else [(0, 0, 0)]
        for corner, example in itertools.product(list(corners), range(4)):
            move = rationals(torch.tensor(corner)) * Fraction(radius)
            logits = outputs(network, rationals(x[example]) + move)
            margins = logits - logits[int(LABELS[example])]
            assert bool((margins <= rationals(found[example])).all())


def test_never_wider_than_intervals_and_as_tight_as_plain_ones_in_double_precision() -> None:
    network, x = _network(3)
    found = CROWN(Outward())(network, x, LABELS, Linf(0.05)).upper
    intervals = IBP(Outward())(network, x, LABELS, Linf(0.05)).upper
    assert bool((found <= intervals).all())
    assert bool((found < intervals - 0.01).any())
    plain = CROWN()(network.double(), x.double(), LABELS, Linf(0.05)).upper
    assert torch.allclose(found, plain, rtol=1e-11, atol=1e-10)


def _tied(gap: float, order: tuple[int, ...] = (0, 1, 2, 3)) -> nn.Sequential:
    """The logits 0 and 2²⁴ + 1 − gap − 2²⁴, the terms in this order: a margin 1 − gap."""
    network = nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU(), nn.Linear(4, 2, bias=False))
    terms = torch.tensor([2.0**24, 1.0, -gap, -(2.0**24)])[list(order)]
    with torch.no_grad():
        network.get_parameter("0.weight").copy_(torch.eye(4))
        network.get_parameter("2.weight").copy_(torch.stack([torch.zeros(4), terms]))
    return network.requires_grad_(requires_grad=False)


def test_no_false_certificate_where_plain_ones_give_one() -> None:
    """Label 0 loses by 1/4 exactly. In float32, 2²⁴ + 1 = 2²⁴ and 2²⁴ − 3/4 = 2²⁴ − 1."""
    x, label = torch.ones(1, 4), torch.tensor([0])
    false = 0
    for order in itertools.permutations(range(4)):
        network = _tied(0.75, order)
        assert outputs(network, rationals(x[0]))[1] == Fraction(1, 4)
        false += CROWN()(network, x, label).certified.item()
        assert not CROWN(Outward(dtype=SINGLE))(network, x, label).certified.item()
        found = CROWN(Outward())(network, x, label)
        assert found.upper[0, 1].item() == pytest.approx(0.25, abs=1e-6)
    assert false > 0


def test_a_certificate_in_real_arithmetic_may_fail_for_executions() -> None:
    """The margin is −1/4 exactly, and 0 in float32: 2²⁴ − 5/4 = 2²⁴ − 1 there."""
    network, x, label = _tied(1.25), torch.ones(1, 4), torch.tensor([0])
    assert CROWN(Outward())(network, x, label).certified.item()
    deployed = CROWN(Outward(Deployed(SINGLE)))(network, x, label)
    assert not deployed.certified.item()
    terms = network.get_parameter("2.weight")[1]
    executed = ((terms[2] + terms[0]) + terms[1]) + terms[3]
    assert executed.item() == 0
    assert float(deployed.upper[0, 1]) >= 0


@pytest.mark.parametrize("level", [REAL, Deployed(SINGLE)], ids=["real", "deployed"])
def test_parameters_vary_too(level: Level) -> None:
    network, x = _network(5, octaves=2.0)
    arithmetic = Outward(level)
    boxes = {
        name: Interval.around(value, 2.0**-8, arithmetic=arithmetic)
        for name, value in network.named_parameters()
    }
    method = CROWN(arithmetic)
    found = method(network, x, LABELS, Linf(2.0**-8), boxes)
    assert bool(
        (found.upper <= IBP(arithmetic)(network, x, LABELS, Linf(2.0**-8), boxes).upper).all()
    )
    source = generator(6)
    for _ in range(20):
        moved = {
            name: value + 2.0**-8 * (2 * torch.rand(value.shape, generator=source) - 1)
            for name, value in network.double().named_parameters()
        }
        logits = torch.func.functional_call(network, moved, (x.double(),))
        margins = logits - logits.gather(1, LABELS[:, None])
        assert bool((margins <= found.upper + 1e-12).all())


def test_what_is_unknown_is_not_certified() -> None:
    network, x = _network(7)
    with torch.no_grad():
        network.get_parameter("2.weight")[0, 0] = torch.nan
    found = CROWN(Outward())(network, x, LABELS, Linf(0.01))
    assert not bool(found.certified.any())
