"""What the tables of accuracies claim, against real executions over the whole line."""

import math
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from mpmath import mp
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import Softplus
from gnomon.algebra import Deployed, Interval, Outward
from gnomon.algebra.accuracy import executed
from gnomon.algebra.library import ANY, COMPILED, ONNXRUNTIME, TORCH, Accuracy, Library
from gnomon.errors import SettingError, UnsupportedOperationError
from reference.real_programs import ROWS, TRUTH_MISSES, Row, onnx_session, whole_line

SINGLE = torch.float32
Run = Callable[[Tensor], Tensor]


def beaten(row: Row, library: Library, x: Tensor, computed: Tensor) -> Tensor:
    """The arguments at which an execution misses the truth by more than the library claims.

    Where nothing is claimed, nothing is; NaN misses everything.
    """
    exact = x.double()
    truth = row.truth(exact)
    miss = executed(row.called, Deployed(SINGLE, library), (exact, exact), truth.abs())
    miss = torch.zeros_like(truth) if miss is None else miss
    off = (computed.double() - truth).abs()
    within = off <= miss + TRUTH_MISSES * truth.abs()
    # An execution that overflows at the end, where the truth does, is not spoken of.
    silent = miss.isinf() | ~exact.isfinite() | (truth.abs() > torch.finfo(SINGLE).max)
    return x[~(within | silent)]


def _eager(function: Run) -> Iterator[tuple[str, Run]]:
    """Layouts for which torch has code of its own."""
    yield "contiguous", function

    def strided(x: Tensor) -> Tensor:
        return function(torch.stack([x, x], dim=1)[:, 0])

    def channels_last(x: Tensor) -> Tensor:
        whole = functional.pad(x, (0, -len(x) % 64), value=1.0).reshape(-1, 4, 4, 4)
        image = whole.contiguous(memory_format=torch.channels_last)
        return function(image).reshape(-1)[: len(x)]

    def one_by_one(x: Tensor) -> Tensor:
        return torch.stack([function(each) for each in x])

    yield "strided", strided
    yield "channels last", channels_last
    yield "one by one", one_by_one


@pytest.mark.parametrize("name", ROWS)
def test_eager_executions_are_as_accurate_as_stated(name: str) -> None:
    row = ROWS[name]
    points = whole_line(20_001, row.least)
    for layout, run in _eager(row.function):
        x = points[::200] if layout == "one by one" else points
        for library in (TORCH, ANY):
            wrong = beaten(row, library, x, run(x))
            assert not len(wrong), f"{layout}: {wrong[:5].tolist()}"


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.nodes])
def test_onnxruntime_is_as_accurate_as_stated(name: str) -> None:
    row = ROWS[name]
    run = onnx_session(row)
    points = whole_line(20_001, row.least)
    for library in (ONNXRUNTIME, ANY):
        assert not len(beaten(row, library, points, run(points)))
        few = points[::500]
        alone = torch.cat([run(each[None]) for each in few])
        assert not len(beaten(row, library, few, alone))


@pytest.mark.parametrize("name", ["sigmoid", "silu", "logsigmoid"])
def test_onnxruntime_is_less_accurate_than_torch_is_stated_to_be(name: str) -> None:
    """So that the two tables are needed: its sigmoid is 0 from −18 down."""
    row = ROWS[name]
    points = torch.linspace(-20, 0, 2001)
    assert len(beaten(row, TORCH, points, onnx_session(row)(points))) > 100


@pytest.mark.slow  # a compilation by a C++ compiler for each size
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, by torch
@pytest.mark.parametrize("size", [1, 3, 8, 2**15])
def test_compiled_executions_are_as_accurate_as_stated(size: int) -> None:
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        pytest.skip("torch.compile: there is no C++ compiler on this machine")
    rows = [row for row in ROWS.values() if not isinstance(row.function, nn.Module)]

    def every(x: Tensor, positive: Tensor) -> list[Tensor]:
        return [row.function(x if row.least < 0 else positive) for row in rows]

    torch.compiler.reset()
    compiled: Callable[..., list[Tensor]] = torch.compile(every, dynamic=False)
    points = whole_line(50_001 if size > 8 else 20_000_003)
    x = points[: len(points) // size * size]
    parts = [compiled(each, each.abs()) for each in x.split(size)]
    for row, computed in zip(rows, zip(*parts, strict=True), strict=True):
        for library in (COMPILED, ANY):
            given = x if row.least < 0 else x.abs()
            assert not len(beaten(row, library, given, torch.cat(computed))), row.called


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_erf_is_less_accurate_than_torch_is_stated_to_be() -> None:
    if shutil.which("g++") is None and shutil.which("clang++") is None:
        pytest.skip("torch.compile: there is no C++ compiler on this machine")
    torch.compiler.reset()
    x = torch.linspace(-0.3, 0.3, 1024)
    if torch.equal(torch.compile(torch.erf)(x), torch.erf(x)):
        pytest.skip("torch.compile: this back end computes erf as eager mode does")
    assert len(beaten(ROWS["erf"], TORCH, x, torch.compile(torch.erf)(x))) > 100


@pytest.mark.parametrize("function", [torch.exp, torch.tanh, torch.sigmoid, torch.erf])
def test_executions_in_float64_lie_inside(function: Callable[[Any], Any]) -> None:
    x = torch.cat([torch.linspace(-40, 40, 641), torch.tensor([1e-300, -5e-324, 0.0])]).double()
    found = function(Interval.point(x, arithmetic=Outward(level=Deployed(torch.float64))))
    strided = function(torch.stack([x, x], 1)[:, 0])
    for run in (function(x), strided, torch.stack([function(each) for each in x])):
        assert found.contains(run)
    assert bool((found.width <= 100 * 2.0**-53 * (1 + found.magnitude)).all())


def test_large_arguments_are_not_spoken_of() -> None:
    """GELU and hardswish overflow on the way, in some layouts; from 2.1e37 on, all is open."""
    x = torch.tensor([2e37, 3e37, 3e38])
    for function in (functional.gelu, functional.hardswish, functional.silu):
        found: Any = function(Interval.point(x, arithmetic=Outward(level=Deployed(SINGLE))))  # type: ignore[arg-type]
        assert found.upper.isfinite().tolist() == [True, False, False]
        assert bool(function(x)[0].isfinite())
    exact: Any = functional.relu(Interval.point(x, arithmetic=Outward(level=Deployed(SINGLE))))  # type: ignore[arg-type]
    assert bool(exact.upper.isfinite().all())


def test_a_claim_holds_for_a_part_of_the_line() -> None:
    """An interval is judged by the first claim that holds it whole."""
    narrow, wide = Accuracy(1, within=(-1, 1)), Accuracy(100, within=(-1, 5))
    library = Library("two", {"tanh": (narrow, wide)})
    low = torch.tensor([-0.5, 0.5, 0.5, -2.0], dtype=torch.float64)
    high = torch.tensor([0.5, 2.0, 6.0, 0.0], dtype=torch.float64)
    box = Interval(low, high, arithmetic=Outward(level=Deployed(SINGLE, library)))
    found = box.tanh()
    slack = (found.upper - high.tanh()) * 2.0**24 / high.tanh()
    assert slack[0].item() == pytest.approx(1, rel=0.02)
    assert slack[1].item() == pytest.approx(100, rel=0.02)
    assert found.upper.isfinite().tolist() == [True, True, False, False]


def test_a_logarithm_of_a_sigmoid_is_claimed_as_far_as_it_can_be() -> None:
    """Its accuracy falls with the argument, until the sigmoid may be 0."""
    level = Deployed(SINGLE, ONNXRUNTIME)
    x = torch.tensor([3.0, -0.5, -3.0, -8.0, -12.9, -13.1, -30.0])
    found: Any = functional.logsigmoid(Interval.point(x, arithmetic=Outward(level=level)))  # type: ignore[arg-type]
    truth = functional.logsigmoid(x.double())
    wrong = truth - found.lower
    sigmoid = torch.sigmoid(x.double())
    for place in range(5):  # what a sigmoid off by 8 u makes of it, and not a hundred times it
        least = -torch.log1p(-8 * 2.0**-24 / sigmoid[place])
        assert least <= wrong[place] <= 100 * least
    assert found.lower[5:].tolist() == [-math.inf] * 2
    eager: Any = functional.logsigmoid(
        Interval.point(x, arithmetic=Outward(level=Deployed(SINGLE, TORCH)))  # type: ignore[arg-type]
    )
    # As stated: 40 u of |x| and 8 u on either side.
    assert bool((eager.width < 2.1 * 2.0**-24 * (40 * (1 + x.abs()) + 8)).all())


def test_a_softplus_that_is_a_logarithm_of_a_sigmoid_is_claimed_on_its_side() -> None:
    """The catalogue's is −log σ(−beta x) / beta: exported, it is ∞ for large x, not small."""
    x = torch.tensor([-30.0, -1.0, 2.0, 17.0, 20.0])
    box = Interval.point(x, arithmetic=Outward(level=Deployed(SINGLE, ONNXRUNTIME)))
    found: Any = Softplus(0.7)(box)  # type: ignore[arg-type]
    assert found.upper.isfinite().tolist() == [True, True, True, True, False]
    assert bool((found.width[:3] < 1e-4).all())
    ends = torch.tensor([[-30.0, 2.0], [2.0, 25.0]]).double()
    wide: Any = Softplus(0.7)(
        Interval(ends[0], ends[1], arithmetic=Outward(level=box.arithmetic.level))
    )  # type: ignore[arg-type]
    assert wide.upper.isfinite().tolist() == [True, False]


def test_libraries_can_be_changed_and_joined() -> None:
    mine = TORCH.changed("mine", "a data sheet", tanh=Accuracy(absolute=1000))
    assert mine.accuracies("tanh") == (Accuracy(absolute=1000),)
    assert mine.accuracies("exp") == TORCH.accuracies("exp")
    assert TORCH.accuracies("tanh") == (Accuracy(relative=8),)
    both = mine.joined(TORCH, "both")
    assert both.accuracies("tanh") == (Accuracy(relative=8, absolute=1000),)
    x = torch.tensor([0.5])
    widths = [
        float(Interval.point(x, arithmetic=Outward(level=Deployed(SINGLE, each))).tanh().width)
        for each in (TORCH, mine, both)
    ]
    assert widths[0] * 50 < widths[1] < widths[2] < 2000.0 * 1.05 * 2.0**-24 + widths[0]
    assert str(Deployed(SINGLE, mine)) == "executions in float32 by mine"
    assert len({Deployed(SINGLE), Deployed(SINGLE, ANY), Deployed(SINGLE, mine)}) == 2


def test_softmax_stands_on_the_exponential_of_the_library() -> None:
    x = torch.tensor([[0.3, -2.0, 1.0]])
    for worse in (
        Accuracy(relative=10_000),
        Accuracy(8, argument=900),
        Accuracy(8, absolute=900),
    ):
        library = TORCH.changed("coarse", exp=worse)
        narrow, wide = (
            Interval.point(x, arithmetic=Outward(level=Deployed(SINGLE, each)))
            for each in (TORCH, library)
        )
        assert bool((wide.softmax(1).width > 20 * narrow.softmax(1).width).all())
        assert float(wide.logsumexp(1).width) > 20 * float(narrow.logsumexp(1).width)
    partly = TORCH.changed("partly", exp=Accuracy(8, within=(-5, 5)))
    with pytest.raises(UnsupportedOperationError, match="all arguments"):
        Interval.point(x, arithmetic=Outward(level=Deployed(SINGLE, partly))).softmax(1)


def test_what_a_library_does_not_state_is_refused() -> None:
    bare = Library("bare", {"tanh": (Accuracy(8),)})
    box = Interval.point(torch.ones(2), arithmetic=Outward(level=Deployed(SINGLE, bare)))
    assert bool(box.tanh().upper.isfinite().all())
    with pytest.raises(UnsupportedOperationError, match="'bare' is stated, got 'sigmoid'"):
        box.sigmoid()
    wrongs: list[dict[str, Any]] = [
        {"relative": -1},
        {"absolute": math.nan},
        {"within": (1, 0)},
    ]
    for wrong in wrongs:
        with pytest.raises(SettingError, match="Accuracy"):
            Accuracy(**wrong)


@pytest.mark.parametrize("name", ["silu", "gelu", "tanhshrink", "mish"])
def test_the_truths_of_the_sweeps_hold_with_many_digits(name: str) -> None:
    exact: dict[str, Callable[[Any], Any]] = {
        "silu": lambda x: x / (1 + mp.exp(-x)),
        "gelu": lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2,
        "tanhshrink": lambda x: x - mp.tanh(x),
        "mish": lambda x: x * mp.tanh(mp.log1p(mp.exp(x))),
    }
    x = torch.cat([torch.linspace(-30, 9, 79), torch.logspace(-20, 1, 43)]).double()
    with mp.workdps(120):
        for point, truth in zip(x.tolist(), ROWS[name].truth(x).tolist(), strict=True):
            value = exact[name](mp.mpf(point))
            assert abs(truth - value) <= TRUTH_MISSES * abs(value)
