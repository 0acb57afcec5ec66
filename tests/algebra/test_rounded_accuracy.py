"""Functions of one number against fifty digits: what is assumed of the library holds here."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from mpmath import mp
from torch import Tensor
from torch.nn import functional

from gnomon.activations import ELU, GELU, SELU, LeakyReLU, Mish, Sigmoid, SiLU, Softplus, Tanh
from gnomon.algebra import Deployed, Interval, Outward

Function = Callable[[Any], Any]
Number = Any
"""Of fifty digits; mpmath states no types."""
Exact = Callable[[Number], Number]

SELU_ALPHA = mp.mpf("1.6732632423543772848170429916717")
SELU_SCALE = mp.mpf("1.0507009873554804934193349852946")


def _log1p_exp(x: Number) -> Number:
    return mp.log1p(mp.exp(x))


def _relu6(x: Number) -> Number:
    return min(max(x, mp.mpf(0)), mp.mpf(6))


def _normal(x: Number) -> Number:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _by_tanh(x: Number) -> Number:
    inner = mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)
    return x / 2 * (1 + mp.tanh(inner))


def _elu(alpha: float, width: float = 1.0) -> Exact:
    return lambda x: x if x > 0 else mp.mpf(alpha) * mp.expm1(x / mp.mpf(width))


EVERYWHERE: dict[str, tuple[Function, Exact]] = {
    "exp": (torch.exp, mp.exp),
    "tanh": (Tanh(), mp.tanh),
    "erf": (torch.erf, mp.erf),
    "sigmoid": (Sigmoid(), lambda x: 1 / (1 + mp.exp(-x))),
    "silu": (SiLU(), lambda x: x / (1 + mp.exp(-x))),
    "mish": (Mish(), lambda x: x * mp.tanh(_log1p_exp(x))),
    "gelu": (GELU(), lambda x: x * _normal(x)),
    "gelu by tanh": (lambda v: functional.gelu(v, approximate="tanh"), _by_tanh),
    "elu": (ELU(1.7), _elu(1.7)),
    "celu": (lambda v: functional.celu(v, 0.3), _elu(0.3, 0.3)),
    "selu": (SELU(), lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * mp.expm1(x))),
    "softplus": (functional.softplus, _log1p_exp),
    "softplus of the catalogue": (
        Softplus(0.7),
        lambda x: _log1p_exp(mp.mpf(0.7) * x) / mp.mpf(0.7),
    ),
    "logsigmoid": (functional.logsigmoid, lambda x: -_log1p_exp(-x)),
    "softsign": (functional.softsign, lambda x: x / (1 + abs(x))),
    "tanhshrink": (functional.tanhshrink, lambda x: x - mp.tanh(x)),
    "hardsigmoid": (functional.hardsigmoid, lambda x: _relu6(x + 3) / 6),
    "hardswish": (functional.hardswish, lambda x: x * _relu6(x + 3) / 6),
    "relu6": (functional.relu6, _relu6),
    "hardtanh": (
        lambda v: functional.hardtanh(v, -0.1, 0.3),
        lambda x: min(max(x, mp.mpf(-0.1)), mp.mpf(0.3)),
    ),
    "leaky relu": (LeakyReLU(0.3), lambda x: x if x > 0 else mp.mpf(0.3) * x),
    "prelu": (
        lambda v: functional.prelu(v, torch.tensor([-0.3])),
        lambda x: x if x > 0 else mp.mpf(float(torch.tensor(-0.3))) * x,
    ),
    "cube": (lambda v: v**3, lambda x: x**3),
    "square": (torch.square, lambda x: x**2),
}
POSITIVE: dict[str, tuple[Function, Exact]] = {
    "log": (torch.log, mp.log),
    "sqrt": (torch.sqrt, mp.sqrt),
    "reciprocal": (torch.reciprocal, lambda x: 1 / x),
    "root by power": (lambda v: v**0.5, mp.sqrt),
    "power": (lambda v: v**1.25, lambda x: x ** mp.mpf(1.25)),
}
FUNCTIONS = EVERYWHERE | POSITIVE


def _points(name: str) -> Tensor:
    """Dense near 0 and around 20, where softplus switches; and some far out."""
    sizes = torch.logspace(-12, 1.9, 120, dtype=torch.float64)
    if name in POSITIVE:
        return torch.cat([sizes, 1 + sizes[:60], sizes.reciprocal()]).float()
    grid = torch.linspace(-9.7, 9.7, 173, dtype=torch.float64)
    near = 20 + torch.tensor([-1e-3, -1e-6, 0.0, 2e-6, 1e-3], dtype=torch.float64)
    return torch.cat([grid, sizes, -sizes, near]).float()


def _value(name: str, exact: Exact, point: float) -> Number:
    if name == "softplus" and point > 20:
        return mp.mpf(point)  # torch's own definition, which steps down there
    return exact(mp.mpf(point))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_with_fifty_digits_lie_inside(name: str) -> None:
    function, exact = FUNCTIONS[name]
    points = _points(name)
    with mp.workdps(50):
        truth = [_value(name, exact, point) for point in points.double().tolist()]
        for dtype in (torch.float64, torch.float32):
            box = Interval(
                points.to(dtype),
                points.to(dtype),
                arithmetic=Outward(dtype=dtype),
                nonnegative=name in POSITIVE,
            )
            found = function(box)
            for value, low, high in zip(
                truth, found.lower.tolist(), found.upper.tolist(), strict=True
            ):
                assert low <= value <= high
            eps = torch.finfo(dtype).eps
            size = 1 + found.magnitude + points.to(dtype).abs()
            bounded = found.width <= 100 * eps * size + 5e-9 * (name == "softplus")
            assert bool(bounded.all())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_executions_in_float32_lie_inside(name: str) -> None:
    function, _ = FUNCTIONS[name]
    points = _points(name)
    box = Interval.point(points, arithmetic=Outward(level=Deployed(torch.float32)))
    box.nonnegative = name in POSITIVE
    # One by one and many at once, torch takes different paths.
    single = torch.stack([function(each) for each in points])
    for executed in (function(points), single):
        assert function(box).contains(executed.double())


@pytest.mark.parametrize("name", EVERYWHERE)
def test_ranges_contain_a_dense_grid_with_fifty_digits(name: str) -> None:
    """Of narrow and wide intervals, about the turning points too."""
    function, exact = EVERYWHERE[name]
    centres = torch.linspace(-3, 3, 25).double()
    with mp.workdps(50):
        for radius in (1e-9, 1e-3, 0.4):
            for dtype in (torch.float64, torch.float32):
                box = Interval.around(centres, radius, arithmetic=Outward(dtype=dtype))
                found = function(box)
                for place in range(9):
                    points = box.lower + (place / 8) * (box.upper - box.lower)
                    points = points.maximum(box.lower).minimum(box.upper)
                    for point, low, high in zip(
                        points.tolist(), found.lower.tolist(), found.upper.tolist(), strict=True
                    ):
                        assert low <= exact(mp.mpf(point)) <= high


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_softmax_and_logsumexp_with_fifty_digits(dtype: torch.dtype) -> None:
    x = torch.tensor(
        [[0.1, -2.0, 3.0, 0.7], [50.0, -50.0, 49.0, 1.0], [1e-4, 0.0, -1e-4, 300.0]]
    )
    wide = Interval.around(x, 0.0, arithmetic=Outward(dtype=dtype))
    found, total = wide.softmax(1), wide.logsumexp(1)
    executed = Interval.point(x, arithmetic=Outward(level=Deployed(torch.float32)))
    assert executed.softmax(1).contains(x.softmax(1).double())
    assert executed.logsumexp(1).contains(x.logsumexp(1).double())
    with mp.workdps(50):
        for row, logits in enumerate(x.double().tolist()):
            whole = mp.fsum(mp.exp(mp.mpf(each)) for each in logits)
            assert float(total.lower[row]) <= mp.log(whole) <= float(total.upper[row])
            for column, logit in enumerate(logits):
                truth = mp.exp(mp.mpf(logit)) / whole
                low, high = (float(end[row, column]) for end in found.parts)
                assert low <= truth <= high
    assert float(found.width.max()) < 1e3 * torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_ends_of_a_softmax_with_fifty_digits(dtype: torch.dtype) -> None:
    x, radius = torch.tensor([[0.5, -1.0, 2.0]]), 0.25
    found = Interval.around(x, radius, arithmetic=Outward(dtype=dtype)).softmax(1)
    logits = x[0].double().tolist()
    with mp.workdps(50):
        for own, logit in enumerate(logits):
            for side, end in ((-1, found.lower), (1, found.upper)):
                others = [
                    mp.exp(mp.mpf(each) - side * mp.mpf(radius))
                    for place, each in enumerate(logits)
                    if place != own
                ]
                mine = mp.exp(mp.mpf(logit) + side * mp.mpf(radius))
                truth = mine / (mine + mp.fsum(others))
                distance = side * (mp.mpf(float(end[0, own])) - truth)
                assert 0 <= distance <= 300 * torch.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("kind", ["layer", "group", "instance", "rms", "batch"])
def test_normalisations_with_fifty_digits(kind: str, dtype: torch.dtype) -> None:
    x = torch.tensor([[[0.3, -1.7, 2.2, 0.4]], [[1000.0, 1000.5, 999.0, 1001.0]]])
    weight = torch.tensor([1.5, -0.7, 0.2, 1.0])
    moments = (torch.tensor([0.4]), torch.tensor([1.3]))
    box = Interval.point(x, arithmetic=Outward(dtype=dtype))
    calls: dict[str, Callable[[Any], Any]] = {
        "layer": lambda v: functional.layer_norm(v, (4,), weight),
        "rms": lambda v: functional.rms_norm(v, (4,), weight, eps=1e-5),
        "group": lambda v: functional.group_norm(v, 1, weight[:1]),
        "instance": functional.instance_norm,
        "batch": lambda v: functional.batch_norm(v, *moments, weight[:1]),
    }
    found = calls[kind](box)
    with mp.workdps(50):
        for row in range(2):
            values = [mp.mpf(each) for each in x[row, 0].double().tolist()]
            mean = mp.fsum(values) / 4 if kind != "rms" else mp.mpf(0)
            spread = mp.fsum((each - mean) ** 2 for each in values) / 4
            if kind == "batch":
                mean, spread = (mp.mpf(float(each)) for each in moments)
            for place, value in enumerate(values):
                factor = {
                    "layer": weight[place],
                    "rms": weight[place],
                    "instance": torch.ones(1),
                }
                scale = mp.mpf(float(factor.get(kind, weight[0])))
                truth = (value - mean) / mp.sqrt(spread + mp.mpf(1e-5)) * scale
                low, high = (float(end[row, 0, place]) for end in found.parts)
                assert low <= truth <= high
    assert float(found.width.max()) < 1e6 * torch.finfo(dtype).eps
