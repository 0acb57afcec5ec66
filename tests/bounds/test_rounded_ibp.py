"""Certificates that hold although they were computed: against rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import REAL, Deployed, Level, Outward
from gnomon.bounds import IBP
from gnomon.seeds import generator
from gnomon.sets import Box, Linf, ParameterBox
from gnomon.sets.parameters import TensorBox
from gnomon.sets.radius import Relative
from reference.exact_rationals import outputs, rationals
from reference.networks_of_all_kinds import networks

EXECUTED: Level = Deployed(torch.float32)
LEVELS = {"real": REAL, "executed": EXECUTED}
NETWORKS = networks()


def _normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def _layer(weight: Tensor, bias: Tensor) -> nn.Sequential:
    layer = nn.Linear(weight.shape[1], len(weight)).to(weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return nn.Sequential(layer)


def test_margins_of_a_layer_contain_the_exact_ones_and_plain_ones_do_not() -> None:
    """Max (W_j − W_y) x + b_j − b_y over a box of inputs, exactly; in float32."""
    beaten = asked = 0
    for seed in range(5):
        weight, bias, x = _normal(seed, 6, 40), _normal(seed + 9, 6), _normal(seed + 19, 4, 40)
        labels, network = torch.arange(4), _layer(weight, bias)
        rows = rationals(weight)[None] - rationals(weight)[:4, None]
        shift = rationals(bias)[None] - rationals(bias)[:4, None]
        exact = (rows * rationals(x)[:, None]).sum(-1) + shift
        exact = exact + Fraction(1e-3) * abs(rows).sum(-1)
        plain = rationals(IBP()(network, x, labels, Linf(1e-3)).upper)
        wrong = np.arange(6)[None] != np.arange(4)[:, None]
        beaten += int((plain < exact)[wrong].sum())
        asked += int(wrong.sum())
        for dtype in (torch.float32, torch.float64):
            for level in LEVELS.values():
                method = IBP(Outward(level=level, dtype=dtype))
                found = rationals(method(network, x, labels, Linf(1e-3)).upper)
                assert bool((found >= exact)[wrong].all())
                if (level, dtype) == (REAL, torch.float64):
                    assert bool((found <= exact + Fraction(1e-11))[wrong].all())
    assert beaten > 0.25 * asked


def test_a_certificate_by_cancellation_is_not_given() -> None:
    """Exactly z_1 − z_0 = 1/2; in float32 the two large terms swallow it."""
    weight = torch.tensor([[0.0, 0.0, 0.0], [2.0**25, 1.0, -(2.0**25)]])
    lowered = _layer(weight, torch.tensor([0.0, -0.5]))
    x, labels = torch.ones(1, 3), torch.tensor([0])
    assert outputs(lowered, rationals(x[0]))[1] == Fraction(1, 2)
    assert IBP()(lowered, x, labels, None).certified.item()
    for dtype in (torch.float32, torch.float64):
        assert not IBP(Outward(dtype=dtype))(lowered, x, labels, None).certified.item()


def test_elision_is_as_tight_as_without_rounding_and_never_below() -> None:
    for name in ("mlp, gelu", "residual", "lenet, batch norm", "linear, softmax"):
        network, x = NETWORKS[name]()
        labels = torch.arange(len(x)) % 3
        region = ParameterBox(Relative(0.01)).of(network)
        for parameters in (None, region):
            plain = IBP()(network, x, labels, Linf(0.02), parameters).upper
            found = IBP(Outward())(network, x, labels, Linf(0.02), parameters).upper
            assert torch.allclose(found, plain, rtol=1e-9, atol=1e-9) or bool(
                (found <= plain + 1e-9).all()
            )
            assert bool((found.detach() > -torch.inf).all())
        single, given = network.float(), x.float()
        for parameters in (None, ParameterBox(Relative(0.01)).of(single)):
            found, executed = (
                IBP(Outward(level=level))(single, given, labels, Linf(0.02), parameters).upper
                for level in LEVELS.values()
            )
            assert bool((executed >= found).all())
            assert torch.allclose(executed, found, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS.keys())
def test_exact_margins_inside_boxes_of_inputs_and_parameters_are_below(level: Level) -> None:
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 3))
    with torch.no_grad():
        for index, parameter in enumerate(network.parameters()):
            parameter.copy_(_normal(index, *parameter.shape))
    x, labels = _normal(8, 1, 3), torch.tensor([1])
    sets = {
        name: TensorBox(value.detach(), 1e-6 * value.detach().abs())
        for name, value in network.named_parameters()
    }
    within = Box(lower=-1e-6, upper=3e-6)
    found = rationals(IBP(Outward(level=level))(network, x, labels, within, sets).upper)[0]
    source = np.random.default_rng(0)
    for _ in range(60):
        weights = {
            name: rationals(each.centre)
            + rationals(each.radius) * source.choice([-1, 1], tuple(each.centre.shape))
            for name, each in sets.items()
        }
        sides = np.array([Fraction(-1e-6), Fraction(3e-6)], dtype=object)
        moved = sides[source.integers(0, 2, 3)]
        exact = outputs(network, rationals(x[0]) + moved, weights)
        margins = exact - exact[1]
        assert margins[0] <= found[0]
        assert margins[2] <= found[2]


def test_executions_in_float32_do_not_fool_what_is_certified_for_them() -> None:
    """Two logits that are equal but for rounding: only the level of executions declines."""
    weight = torch.tensor([[1.0, 2.0**-24, 2.0**-24], [1.0, 0.0, 0.0]])
    network, x, labels = _layer(weight, torch.zeros(2)), torch.ones(1, 3), torch.tensor([0])
    one_by_one = ((weight[0, 0] + weight[0, 1]) + weight[0, 2]).item()
    assert one_by_one == 1  # so that this execution finds a tie
    assert IBP(Outward())(network, x, labels, None).certified.item()
    assert not IBP(Outward(level=EXECUTED))(network, x, labels, None).certified.item()


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e38])
@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS.keys())
def test_what_is_not_a_number_is_never_certified(level: Level, value: float) -> None:
    method = IBP(Outward(level=level))
    network = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(0.0)
        network.get_parameter("2.bias").copy_(torch.tensor([1.0, 0.0]))
        assert method(network, torch.ones(1, 2), torch.tensor([0]), None, None).certified.item()
        network.get_parameter("0.weight").fill_(value)
        x = (
            torch.full((1, 2), 1e300, dtype=torch.float64)
            if value == 1e38
            else torch.ones(1, 2)
        )
        found = method(network, x, torch.tensor([0]), None, None)
    assert not found.certified.item()
    assert found.worst.item() == torch.inf
