"""Softmax, softplus, averages and relaxations against executions and many digits."""

import math
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from mpmath import mp
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import REAL, Deployed, Interval, Level, LinearRelaxation, Outward, evaluate
from gnomon.algebra.library import ONNXRUNTIME
from gnomon.errors import UnsupportedOperationError
from gnomon.seeds import generator
from reference.real_programs import Node, run_graph

SINGLE, DOUBLE = torch.float32, torch.float64
EXECUTED = Deployed(SINGLE)
FLOATS = [SINGLE, DOUBLE]


def _call(function: Callable[..., Any], *args: object, **settings: object) -> Any:  # noqa: ANN401
    """A torch function of values, of which its types do not know."""
    return function(*args, **settings)


WIDE = {
    "17 apart": [[0.0, 17.0, 3.0], [0.0, -17.0, -16.0]],
    "88 and more": [[0.0, 88.0, -88.0], [103.0, 0.0, -104.5], [89.0, 89.0, -200.0]],
    "800": [[800.0, 0.0, -800.0], [745.0, 0.0, 0.5], [710.0, -710.0, 709.0]],
    "fractions": [[0.1, -61.3, 17.7], [600.1, 0.3, -33.33], [-0.7, 12.345, 641.9]],
    "far out": [[1e4, 0.0, -1e4], [1e30, -1e30, 0.0], [-3e37, -3e37, 3e37]],
}


@pytest.mark.parametrize("radius", [0.0, 1.0, 400.0])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", WIDE)
def test_softmax_of_logits_far_apart_with_many_digits(
    name: str, dtype: torch.dtype, radius: float
) -> None:
    """The exact range: own logit at one end, all others at the other."""
    x = torch.tensor(WIDE[name], dtype=dtype)
    box = Interval.around(x, radius, arithmetic=Outward(dtype=dtype))
    found = box.softmax(1)
    assert not bool((found.lower.isnan() | found.upper.isnan()).any())
    assert bool((found.lower >= 0).all() & (found.upper <= 1 + 4e-7).all())
    rows = zip(box.lower.tolist(), box.upper.tolist(), strict=True)
    with mp.workdps(60):
        for row, (low, high) in enumerate(rows):
            for own in range(3):
                for mine, theirs, end in ((low, high, found.lower), (high, low, found.upper)):
                    others = [mp.mpf(each) for k, each in enumerate(theirs) if k != own]
                    whole = mp.fsum(mp.exp(each - mp.mpf(mine[own])) for each in others)
                    truth = 1 / (1 + whole)
                    side = 1 if end is found.lower else -1
                    gap = side * (truth - mp.mpf(float(end[row, own])))
                    assert gap >= 0
                    if radius <= 1 and name != "far out":  # else a small difference is lost
                        share, least = (1e-3, 1e-25) if dtype == SINGLE else (1e-11, 1e-200)
                        assert gap <= share * truth + least


@pytest.mark.parametrize("name", WIDE)
def test_softmax_of_logits_far_apart_as_executed(name: str) -> None:
    x = torch.tensor(WIDE[name])
    found = Interval.point(x, arithmetic=Outward(level=EXECUTED)).softmax(1)
    for layout in (x, x.T.contiguous().T, torch.stack([x, x], 2)[:, :, 0]):
        assert found.contains(layout.softmax(1).double())
    fine = Interval.point(x.double(), arithmetic=Outward(level=Deployed(DOUBLE))).softmax(1)
    assert fine.contains(x.double().softmax(1))
    assert bool((found.lower >= 0).all() & (found.upper <= 1 + 1e-5).all())
    assert found.contains(run_graph((("Softmax", "x", "y", {"axis": 1}),))(x).double())


def test_sums_of_many_exponentials_as_executed() -> None:
    for scale in (0.0, 1.0, 30.0):
        x = scale * torch.randn(2, 20_000, generator=generator(int(scale)))
        box = Interval.point(x, arithmetic=Outward(level=EXECUTED))
        assert box.softmax(1).contains(x.softmax(1).double())
        assert box.logsumexp(1).contains(x.logsumexp(1).double())
        run = run_graph((("Softmax", "x", "y", {"axis": 1}),))
        assert box.softmax(1).contains(run(x).double())
        summed = run_graph((("ReduceLogSumExp", "x", "y", {"keepdims": 1}),))
        assert _call(torch.flatten, box).logsumexp(0).contains(summed(x)[0, 0].double())


AVERAGES: dict[str, tuple[Callable[[Any], Any], Node]] = {
    "adaptive": (
        lambda v: functional.adaptive_avg_pool2d(v, 1),
        ("GlobalAveragePool", "x", "y", {}),
    ),
    "window": (
        lambda v: functional.avg_pool2d(v, v.shape[-1]),
        ("AveragePool", "x", "y", {}),
    ),
    "mean": (lambda v: v.mean((0, 1, 2, 3), keepdim=True), ("ReduceMean", "x", "y", {})),
    "sum": (lambda v: v.sum((0, 1, 2, 3), keepdim=True), ("ReduceSum", "x", "y", {})),
}


def _one_after_the_other(x: Tensor) -> Tensor:
    """The sum of each plane in float32, from the first number to the last."""
    return torch.from_numpy(x.numpy().reshape(*x.shape[:2], -1).cumsum(-1)[..., -1:].copy())


@pytest.mark.parametrize("name", AVERAGES)
def test_averages_of_large_planes_as_executed(name: str) -> None:
    """Flat planes of 0.1 lose most digits: 5e-4 of 224² numbers added one after the other."""
    function, (operator, start, end, settings) = AVERAGES[name]
    for side, kind in ((224, "flat"), (224, "drawn"), (7, "drawn")):
        x = torch.full((1, 2, side, side), 0.1)
        x = torch.randn(x.shape, generator=generator(side)) if kind == "drawn" else x
        found = function(Interval.point(x, arithmetic=Outward(level=EXECUTED)))
        for layout in (x, x.to(memory_format=torch.channels_last), x.transpose(2, 3)):
            assert found.contains(function(layout).double())
        plain = _one_after_the_other(x)
        count = side * side
        if name in {"adaptive", "window"}:
            assert found.contains((plain / count)[..., None].double())
        sized = (
            dict(settings, kernel_shape=[side] * 2) if operator == "AveragePool" else settings
        )
        assert found.contains(run_graph(((operator, start, end, sized),))(x).double())
    flat = torch.full((1, 1, 224, 224), 0.1)
    lost = abs(float(_one_after_the_other(flat) / 224**2) - float(flat[0, 0, 0, 0]))
    assert lost > 1e-5  # so that this was a test


def _intervals(centre: Tensor, radius: float, *, level: Level = REAL) -> Interval:
    return Interval.around(centre, radius, arithmetic=Outward(level))


def _relaxed(centre: Tensor, radius: float, *, level: Level = REAL) -> LinearRelaxation:
    return LinearRelaxation.around(centre, radius, arithmetic=Outward(level))


JUMPS = [(1.0, 1.0), (2.0, 3.0), (0.5, 0.0), (1.0, 20.0), (1.0, -2.0), (3.0, 1e30)]


@pytest.mark.parametrize("level", [REAL, EXECUTED], ids=["real", "executed"])
@pytest.mark.parametrize("around", [_intervals, _relaxed])
@pytest.mark.parametrize(("beta", "threshold"), JUMPS)
def test_softplus_holds_its_step_at_the_threshold(
    beta: float,
    threshold: float,
    around: Callable[..., Any],
    level: Level,
) -> None:
    """Both branches lie inside over all intervals about the threshold; far from it, one."""
    edge = threshold / beta if threshold < 1e9 else 4.0
    function = nn.Softplus(beta, threshold)
    centres = edge + torch.tensor([[-3.0, -0.2, -1e-4, 0.0, 1e-4, 0.2, 3.0]])
    for radius in (0.0, 1e-3, 0.1, 0.5):
        box = around(centres, radius, level=level)
        found = evaluate(function, box)
        assert bool(found.lower.isfinite().all())
        low, high = box.parts
        for place in torch.linspace(0, 1, 21).tolist():
            point = low + place * (high - low)
            assert found.contains(function(point))
            if level == EXECUTED and radius == 0:
                assert found.contains(function(centres).double())
        if isinstance(box, Interval):
            step = math.log1p(math.exp(-threshold)) / beta
            away = (centres - edge).abs() > radius + 1e-3
            most = 2 * radius + 2e-4 + torch.where(away, 0.0, step)
            assert bool((found.width <= most).all())


def test_rounding_decides_on_which_side_of_the_threshold_softplus_is() -> None:
    """Numbers of float32 about 1.1 / 3.3, whose products with 3.3 may be rounded across 1.1."""
    beta, threshold = 3.3, 1.1
    edge = torch.tensor(threshold / beta)
    x = edge * (1 + torch.arange(-60, 61) * 2.0**-24)
    found = _call(
        functional.softplus,
        Interval.point(x, arithmetic=Outward(level=EXECUTED)),
        beta,
        threshold,
    )
    computed = functional.softplus(x, beta, threshold)
    exact = x.double() * beta > threshold
    assert bool(((computed == x) != exact).any())
    assert found.contains(computed.double())


def test_softplus_that_overflows_on_the_way_or_falls_is_not_known() -> None:
    x = torch.tensor([50.0, 100.0])
    found = _call(
        functional.softplus, Interval.point(x, arithmetic=Outward(level=EXECUTED)), 1.0, 1e30
    )
    assert found.upper.isfinite().tolist() == [True, False]
    assert functional.softplus(x, 1.0, 1e30).isfinite().tolist() == [True, False]
    real = _call(functional.softplus, Interval.point(x, arithmetic=Outward()), 1.0, 1e30)
    assert real.contains(x.double() + torch.log1p(torch.exp(-x.double())))
    with pytest.raises(UnsupportedOperationError, match="beta > 0"):
        _call(functional.softplus, Interval.point(x, arithmetic=Outward()), -1.0)


@pytest.mark.parametrize("name", ["Sigmoid", "Tanh", "Erf", "Elu", "Mish"])
def test_relaxations_hold_the_functions_of_onnxruntime(name: str) -> None:
    function: dict[str, Callable[[Any], Any]] = {
        "Sigmoid": nn.Sigmoid(),
        "Tanh": nn.Tanh(),
        "Erf": torch.erf,
        "Elu": nn.ELU(),
        "Mish": nn.Mish(),
    }
    x = torch.linspace(-20, 20, 1000).reshape(100, 10)
    box = LinearRelaxation.around(x, 0.0, arithmetic=Outward(EXECUTED))
    # Between matrices, the lines around the function are substituted.
    turned, same = torch.eye(10).flip(0), torch.eye(10)
    bent = function[name](_call(functional.linear, box, turned))
    found = _call(functional.linear, _call(functional.linear, bent, turned), same)
    run = run_graph(((name, "x", "y", {}),))
    assert found.contains(run(x).double())
    assert float(found.width.max()) < 3e-4


def test_where_nothing_is_claimed_other_coordinates_are_bounded_still() -> None:
    """A logarithm of the sigmoid at −20 is −∞ in ONNX Runtime."""
    x = torch.tensor([[1.0, -20.0], [2.0, 1.0]])
    level = Deployed(SINGLE, ONNXRUNTIME)
    found = evaluate(
        nn.LogSigmoid(), LinearRelaxation.around(x, 0.1, arithmetic=Outward(level))
    )
    assert found.lower.isfinite().tolist() == [[True, False], [True, True]]
    best = found.at_least(torch.eye(2, dtype=DOUBLE))
    assert best[0, 1] == -torch.inf
    assert bool(best[1].isfinite().all())


_FLUSHED = """
import torch
torch.set_num_threads(2)
torch.set_flush_denormal({started})
torch.randn(10**6).exp()  # starts the other thread, which keeps the setting
torch.set_flush_denormal(False)
half = torch.full((2**17,), torch.finfo(torch.float32).tiny) / 2
print(float((half == 0).double().mean()))
from gnomon.algebra.rounding import safe_kernels
with safe_kernels():
    print("entered")
"""


@pytest.mark.parametrize("started", [True, False])
def test_threads_that_flush_subnormal_numbers_are_seen(*, started: bool) -> None:
    command = [sys.executable, "-c", _FLUSHED.format(started=started)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    share = float(done.stdout.split()[0])
    if started and share == 0:
        pytest.skip("subnormal numbers: threads of this machine do not inherit the setting")
    assert (share > 0) == started
    assert ("entered" in done.stdout) == (not started)
    assert ("in one that works for it" in done.stderr) == started


def test_monotone_functions_are_bounded_by_monotone_bounds() -> None:
    """Wider sets, wider bounds: the claims of pieces grow with the interval."""
    level = Deployed(SINGLE, ONNXRUNTIME)
    found = [
        evaluate(
            nn.LogSigmoid(),
            Interval.around(torch.zeros(1), radius, arithmetic=Outward(level=level)),
        )
        for radius in (0.1, 0.9, 1.1, 3.0, 5.0, 12.0, 13.5)
    ]
    for narrow, wide in pairwise(found):
        assert float(wide.lower) <= float(narrow.lower)
        assert float(wide.upper) >= float(narrow.upper)
