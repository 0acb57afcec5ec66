"""Conversions to other numbers are functions, copies are copies, wide softmaxes are exact."""

from collections.abc import Callable
from copy import copy, deepcopy
from functools import partial

import mpmath
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import (
    Interval,
    LinearRelaxation,
    Moments,
    Outward,
    Value,
    Zonotope,
    evaluate,
)
from gnomon.errors import UnsupportedOperationError
from gnomon.seeds import generator

RADIUS = 0.8
ALGEBRAS: dict[str, Callable[[Tensor, float], Value]] = {
    "interval": Interval.around,
    "affine": Zonotope.around,
    "relaxed": LinearRelaxation.around,
    "rounded": partial(Interval.around, arithmetic=Outward()),
    "rounded relaxed": lambda x, radius: LinearRelaxation.around(
        x, radius, arithmetic=Outward()
    ),
}


class Apply(nn.Module):
    """A function as a network."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@pytest.fixture(params=ALGEBRAS)
def around(request: pytest.FixtureRequest) -> Callable[[Tensor, float], Value]:
    return ALGEBRAS[request.param]


CONVERSIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "to(int32)": lambda x: x.to(torch.int32).float(),
    "to(int64, copy)": lambda x: x.to("cpu", torch.int64, copy=True).float(),
    "int()": lambda x: x.int().float(),
    "long()": lambda x: x.long().float(),
    "char()": lambda x: x.char().float(),
    "short()": lambda x: (3 * x).short().double().float(),
    "type(int16)": lambda x: x.type(torch.int16).float(),
    "type_as(long)": lambda x: x.type_as(torch.zeros(1, dtype=torch.int64)).float(),
    "to(another)": lambda x: x.to(torch.zeros(1, dtype=torch.int32)).to(x),
    "byte()": lambda x: (x + 5).byte().float(),
    "bool()": lambda x: x.relu().bool().float(),
    "half()": lambda x: x.half().float(),
    "bfloat16()": lambda x: (100 * x).bfloat16().float(),
    "to(float8)": lambda x: x.to(torch.float8_e4m3fn).float(),
    "sum(dtype)": lambda x: x.sum(1, keepdim=True, dtype=torch.float64).float(),
    "softmax(dtype)": lambda x: functional.softmax(x, 1, dtype=torch.float64).float(),
    "moved on the way": lambda x: x.int().T.contiguous().T.reshape(3, 4).clone().float(),
    "a constant like it": lambda x: x + torch.ones(4, dtype=torch.float64).to(x),
    "there and back": lambda x: x + x.double().float() + x.to(torch.float64).type_as(x),
}


def members(x: Tensor, radius: float) -> Tensor:
    """Members of a ball, corners and the centre: draws × the shape of x."""
    draws = torch.rand((600, *x.shape), generator=generator(1)) * 2 - 1
    draws[:100] = draws[:100].sign()
    draws[100] = 0.0
    return x + radius * draws


@pytest.mark.parametrize("function", CONVERSIONS.values(), ids=CONVERSIONS)
def test_no_member_leaves_the_bounds(
    around: Callable[[Tensor, float], Value], function: Callable[[Tensor], Tensor]
) -> None:
    x = 2 * torch.randn(3, 4, generator=generator(2))
    found = evaluate(Apply(function), around(x, RADIUS))
    slack = 1e-5  # of bounds and members in float32, of sums of at most four numbers below 10³
    for member in members(x, RADIUS):
        output = function(member)
        assert bool((output >= found.lower - slack).all())
        assert bool((output <= found.upper + slack).all())


@pytest.mark.parametrize("name", [name for name in CONVERSIONS if name.endswith(")")])
def test_bounds_of_intervals_are_attained(name: str) -> None:
    """Each is a function of one coordinate that never falls: its ends are its extremes."""
    if "sum" in name or "softmax" in name:
        pytest.skip("a function of several coordinates")
    function = CONVERSIONS[name]
    x = 2 * torch.randn(3, 4, generator=generator(3))
    box = Interval.around(x, RADIUS)
    found = evaluate(Apply(function), box)
    if name == "bool()":  # it falls below 0, were it not for relu
        box = Interval(box.lower.relu(), box.upper.relu())
    assert torch.equal(found.lower, function(box.lower))
    assert torch.equal(found.upper, function(box.upper))


def test_what_is_too_large_for_whole_numbers_may_be_any_of_them() -> None:
    x = torch.tensor([[-0.5, 1.0, 255.5, 300.0]])
    found = evaluate(Apply(lambda x: x.byte().float()), Interval.around(x, 0.25))
    assert found.lower.tolist() == [[0.0, 0.0, 255.0, 0.0]]
    assert found.upper.tolist() == [[0.0, 1.0, 255.0, 255.0]]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.int() + 1,
        lambda x: x.half() * 2,
        lambda x: x.long() @ torch.ones(4, 2, dtype=torch.int64),
        lambda x: x.relu().bfloat16().relu_(),
        lambda x: torch.cat([x, x.int()], dim=1),
    ],
)
def test_nothing_is_computed_in_numbers_that_are_not_real(
    around: Callable[[Tensor, float], Value], function: Callable[[Tensor], Tensor]
) -> None:
    with pytest.raises(UnsupportedOperationError, match=r"in float32 or float64 to compute"):
        evaluate(Apply(function), around(torch.zeros(3, 4), RADIUS))


@pytest.mark.parametrize("plain", [Interval.around, Zonotope.around, LinearRelaxation.around])
def test_weights_in_half_precision_are_refused_where_bounds_would_be_computed_in_it(
    plain: Callable[[Tensor, float], Value],
) -> None:
    layer, x = nn.Linear(4, 2).bfloat16(), torch.zeros(3, 4)
    with pytest.raises(UnsupportedOperationError, match=r"float\(\), the network too"):
        evaluate(layer, plain(x, RADIUS))
    with pytest.raises(UnsupportedOperationError, match=r"float\(\), the network too"):
        evaluate(layer, plain(x.bfloat16(), RADIUS))


def test_whole_numbers_are_centres_of_real_balls(
    around: Callable[[Tensor, float], Value],
) -> None:
    for kind in (torch.uint8, torch.int8, torch.int32, torch.int64, torch.bool):
        x = torch.tensor([[1, 0], [0, 1]]).to(kind)
        found = around(x, 0.9)
        plain = around(x.float(), 0.9)
        assert torch.allclose(found.lower.double(), plain.lower.double(), atol=1e-6)
        assert torch.allclose(found.upper.double(), plain.upper.double(), atol=1e-6)
    image = torch.tensor([[200, 7]], dtype=torch.uint8)
    assert Interval.around(image, 100).upper.tolist() == [[300.0, 107.0]]


def copied(x: Tensor) -> Tensor:
    y = x * 1
    y.clone().neg_()
    return y


def copied_twice(x: Tensor) -> Tensor:
    y = x * 1
    z = y.clone()
    y.neg_()
    return z


def asked_for_a_copy(x: Tensor) -> Tensor:
    y = x * 1
    y.to(y.dtype, copy=True).neg_()
    return y


def copied_deeply(x: Tensor) -> Tensor:
    y = x * 1
    deepcopy(y).neg_()
    return y


def raised_in_place(x: Tensor) -> Tensor:
    y = x * 1
    z = y
    z **= 2
    return y


@pytest.mark.parametrize(
    "function", [copied, copied_twice, copied_deeply, asked_for_a_copy, raised_in_place]
)
def test_what_is_written_reaches_what_torch_lets_it_reach(
    around: Callable[[Tensor, float], Value], function: Callable[[Tensor], Tensor]
) -> None:
    x = torch.randn(3, 4, generator=generator(4))
    found = evaluate(Apply(function), around(x, 0.0))
    assert torch.allclose(found.lower.float(), function(x), atol=1e-6)
    assert torch.allclose(found.upper.float(), function(x), atol=1e-6)


def through_a_copy(x: Tensor) -> Tensor:
    y = x * 1
    copy(y).neg_()
    return y


def through_a_detached_one(x: Tensor) -> Tensor:
    y = x * 1
    y.detach().neg_()
    return y


@pytest.mark.parametrize("function", [through_a_copy, through_a_detached_one])
def test_what_is_written_through_shared_memory_is_not_read_as_it_was(
    around: Callable[[Tensor, float], Value], function: Callable[[Tensor], Tensor]
) -> None:
    x = torch.randn(3, 4, generator=generator(4))
    assert torch.equal(function(x), -x)
    with pytest.raises(UnsupportedOperationError, match="shares memory"):
        evaluate(Apply(function), around(x, 0.0))


@pytest.mark.parametrize("algebra", [Interval.around, Zonotope.around, LinearRelaxation.around])
def test_a_conversion_that_changes_nothing_is_the_tensor_itself(
    algebra: Callable[[Tensor, float], Value],
) -> None:
    def function(x: Tensor) -> Tensor:
        y = x * 1
        y.float().neg_()
        y.double().neg_()
        return y

    x = torch.randn(3, 4, generator=generator(5))
    found = evaluate(Apply(function), algebra(x, 0.0))
    assert torch.allclose(found.lower, function(x))
    assert torch.equal(function(x), -x)


def test_a_tensor_that_cannot_hold_a_value_is_not_written(
    around: Callable[[Tensor, float], Value],
) -> None:
    def total(x: Tensor) -> Tensor:
        whole = torch.zeros(3, 4)
        part = whole[:, :2]
        part += x[:, :2]
        return whole + 0 * x

    with pytest.raises(UnsupportedOperationError, match=r"t = t \+ x"):
        evaluate(Apply(total), around(torch.zeros(3, 4), RADIUS))


def test_moments_refuse_what_they_cannot_estimate() -> None:
    with pytest.raises(UnsupportedOperationError, match="cast"):
        evaluate(Apply(lambda x: x.int().float()), Moments.gaussian(torch.zeros(3, 4), 0.1))


def softmax_of(own: float, others: list[float]) -> float:
    """One coordinate of a softmax in fifty digits."""
    with mpmath.workdps(50):
        terms = [mpmath.exp(mpmath.mpf(other) - mpmath.mpf(own)) for other in others]
        return float(1 / (1 + mpmath.fsum(terms)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [0.0, 1.0, 17.0, 90.0, 300.0])
def test_the_range_of_softmax_is_exact_however_wide(width: float, dtype: torch.dtype) -> None:
    centre = 10 * torch.randn(6, 5, generator=generator(6), dtype=torch.float64)
    centre[0], centre[1, :2] = 0.0, 40.0  # ties, of all and of the largest
    box = Interval.around(centre.to(dtype), width / 2)
    found = evaluate(nn.Softmax(dim=1), box)
    eps = torch.finfo(dtype).eps
    # The argument of σ is wrong by a few units of numbers below 50 + width, and σ' ≤ σ.
    relative = 8 * eps * (50 + width)
    smallest = torch.finfo(dtype).tiny
    low, high = box.lower.tolist(), box.upper.tolist()
    for row in range(6):
        for i in range(5):
            rest = [j for j in range(5) if j != i]
            least = softmax_of(low[row][i], [high[row][j] for j in rest])
            most = softmax_of(high[row][i], [low[row][j] for j in rest])
            assert float(found.lower[row, i]) == pytest.approx(
                least, rel=relative, abs=smallest
            )
            assert float(found.upper[row, i]) == pytest.approx(most, rel=relative, abs=smallest)


def test_softmax_of_one_class_and_of_a_mask() -> None:
    one = evaluate(nn.Softmax(dim=1), Interval.around(torch.zeros(2, 1), 3.0))
    assert one.lower.tolist() == one.upper.tolist() == [[1.0], [1.0]]
    mask = torch.tensor([[False, True, True]])
    masked = Apply(lambda x: functional.softmax(x.masked_fill(mask, -torch.inf), 1))
    found = evaluate(masked, Interval.around(torch.zeros(1, 3), 3.0))
    assert found.lower.tolist() == found.upper.tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
def test_softmax_without_an_axis_takes_torchs(
    around: Callable[[Tensor, float], Value],
) -> None:
    for shape in ((2, 3), (2, 3, 2, 2)):
        x = torch.randn(shape, generator=generator(7))
        found = evaluate(nn.Softmax(), around(x, 0.0))
        assert torch.allclose(found.lower.float(), nn.Softmax()(x), atol=1e-5)


@pytest.mark.parametrize("beta", [1.0, 4.0, 0.5])
@pytest.mark.parametrize("threshold", [1.0, 3.0, 20.0])
def test_softplus_steps_down_at_its_threshold(
    around: Callable[[Tensor, float], Value], beta: float, threshold: float
) -> None:
    network = nn.Softplus(beta, threshold)
    place = threshold / beta
    centres = place + torch.tensor([[-0.6], [-0.2], [0.0], [0.1], [0.7]])
    found = evaluate(network, around(centres, 0.25))
    for offset in torch.linspace(-0.25, 0.25, 1001):
        output = network(centres + offset)
        assert bool((output >= found.lower - 1e-6).all())
        assert bool((output <= found.upper + 1e-6).all())
