"""Products term by term, what the cheaper forms promise beside them, and infinite bounds."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import gnomon as gn
from gnomon.activations import ACTIVATIONS
from gnomon.algebra import Ball, Exact, Interval, evaluate, exactly
from gnomon.algebra.interval import exact
from gnomon.algebra.interval.interval import extremes
from gnomon.algebra.interval.products import linear, mul
from gnomon.seeds import generator
from reference.interval_products import exact_convolution, exact_linear

RATIO = 4 - 2 * 2**0.5


def _random(*shape: int, seed: int) -> Interval:
    source = generator(seed)
    centre = torch.randn(shape, generator=source, dtype=torch.float64)
    radius = torch.rand(shape, generator=source, dtype=torch.float64)
    return Interval(centre - radius, centre + radius)


class _Joined(nn.Module):
    """A function of two tensors: of the input and of a weight of this shape."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor], *shape: int) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.zeros(shape, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, self.weight)


def _boxes(layer: nn.Module) -> dict[str, Interval]:
    return {
        name: _random(*each.shape, seed=seed)
        for seed, (name, each) in enumerate(layer.named_parameters())
    }


LAYERS = {
    "matrix": (nn.Linear(4, 3), (5, 4)),
    "matrix of one example": (nn.Linear(4, 3), (4,)),
    "matrix of a sequence": (nn.Linear(4, 3), (2, 6, 4)),
    "line": (nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), (2, 4, 9)),
    "image": (nn.Conv2d(3, 4, (3, 2), dilation=2, padding=1), (2, 3, 7, 7)),
    "image of one example": (nn.Conv2d(4, 4, 3, padding="same", groups=4), (4, 6, 6)),
    "volume": (nn.Conv3d(2, 3, 2), (2, 2, 3, 3, 3)),
    "line turned": (nn.ConvTranspose1d(3, 5, 3, stride=2, output_padding=1), (2, 3, 6)),
    "image turned": (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (2, 4, 5, 5)),
}


@pytest.fixture(params=LAYERS)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Interval]:
    layer, shape = LAYERS[request.param]
    return layer.double(), _random(*shape, seed=9)


def _attained(layer: nn.Module, x: Interval, boxes: dict[str, Interval]) -> None:
    """Some inputs and weights reach the bounds, coordinate by coordinate: by signs of slopes.

    A product of both factors is least and greatest at corners; from any corner, moving to the
    better end of one factor after the other ends at a best one, if all four are tried.
    """
    found = evaluate(layer, x, exactly(boxes))
    for place in range(0, found.numel(), max(1, found.numel() // 6)):
        low, high = found.lower.flatten()[place], found.upper.flatten()[place]
        reached = [_climbed(layer, x, boxes, place, sign) for sign in (1.0, -1.0)]
        assert reached[0] == pytest.approx(high.item())
        assert reached[1] == pytest.approx(low.item())


def _climbed(
    layer: nn.Module, x: Interval, boxes: dict[str, Interval], place: int, sign: float
) -> float:
    """The best output over all corners, term by term: each is tried at the four of its own."""
    picked: list[Tensor] = []
    for x_end, w_end in itertools.product(x.parts, ("lower", "upper")):
        weight = getattr(boxes["weight"], w_end)
        leaf = x_end.clone().requires_grad_()
        given = {"weight": weight, "bias": torch.zeros_like(boxes["bias"].lower)}
        value = torch.func.functional_call(layer, given, (leaf,)).flatten()[place]
        (slope,) = torch.autograd.grad(value, leaf)
        weights_seen = slope.flatten()  # the weight that each input meets: one, or none
        picked.append(sign * weights_seen * x_end.flatten())
    bias = boxes["bias"].upper if sign > 0 else boxes["bias"].lower
    given = {"weight": torch.zeros_like(boxes["weight"].lower), "bias": bias}
    shift = torch.func.functional_call(layer, given, (x.lower,)).flatten()[place]
    return float(sign * torch.stack(picked).amax(0).sum() + shift)


def test_bounds_are_attained(case: tuple[nn.Module, Interval]) -> None:
    layer, x = case
    _attained(layer, x, _boxes(layer))


def test_matrices_and_convolutions_equal_the_reference() -> None:
    x, w = _random(3, 7, seed=0), _random(5, 7, seed=1)
    low, high = exact_linear((x.lower, x.upper), (w.lower, w.upper))
    found = linear(x, Exact.of(w))
    assert torch.allclose(found.lower, low)
    assert torch.allclose(found.upper, high)
    x, w = _random(2, 3, 6, 6, seed=2), _random(4, 3, 3, 3, seed=3)
    ends = (x.lower, x.upper), (w.lower, w.upper)
    low, high = exact_convolution(*ends, 3, stride=2, padding=1)
    layer = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False).double()
    found = evaluate(layer, x, {"weight": Exact.of(w)})
    assert torch.allclose(found.lower.flatten(2), low)
    assert torch.allclose(found.upper.flatten(2), high)


def test_a_matrix_on_either_side_is_exact() -> None:
    x, y = _random(3, 7, seed=0), _random(7, 5, seed=1)
    low, high = exact_linear((x.lower, x.upper), (y.lower.T, y.upper.T))
    for left, right in ((Exact.of(x), y), (x, Exact.of(y))):
        found = evaluate(_Joined(torch.matmul, 7, 5), left, {"weight": right})
        operator = left @ right
        assert torch.equal(found.lower, operator.lower)
        assert torch.equal(found.upper, operator.upper)
        assert torch.allclose(found.lower, low)
        assert torch.allclose(found.upper, high)


def test_the_default_is_at_most_this_much_wider(case: tuple[nn.Module, Interval]) -> None:
    layer, x = case
    boxes = _boxes(layer)
    narrow, wide = (evaluate(layer, x, given) for given in (exactly(boxes), boxes))
    ratio = wide.width / narrow.width
    assert float(ratio.min()) >= 1 - 1e-12
    assert float(ratio.max()) <= RATIO + 1e-12
    assert x.ndim == 1 or float(ratio.max()) > 1.0001


@pytest.mark.parametrize("sign", [1.0, -1.0, 0.0])
def test_weights_of_one_sign_each_are_exact_for_all_inputs(
    case: tuple[nn.Module, Interval], sign: float
) -> None:
    """No weight's interval holds 0 inside; a sign of 0 here stands for signs of any kind."""
    layer, x = case
    boxes = _boxes(layer)
    box = boxes["weight"]
    signs = torch.where(box.centre > 0, 1.0, -1.0).double() if sign == 0 else sign
    size = torch.stack([end.abs() for end in box.parts])
    ends = torch.stack([signs * size.amin(0), signs * size.amax(0)])
    boxes["weight"] = Interval(ends.amin(0), ends.amax(0))
    narrow, wide = (evaluate(layer, x, given) for given in (exactly(boxes), boxes))
    assert torch.allclose(narrow.lower, wide.lower, rtol=1e-12, atol=1e-12)
    assert torch.allclose(narrow.upper, wide.upper, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("budget", [1, 10_000])
def test_portions_change_nothing_and_keep_the_budget(
    case: tuple[nn.Module, Interval], budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, x = case
    boxes = exactly(_boxes(layer))
    whole = evaluate(layer, x, boxes)
    monkeypatch.setattr(exact, "BUDGET", budget)
    parts = evaluate(layer, x, boxes)
    assert torch.allclose(whole.lower, parts.lower, rtol=1e-12, atol=1e-12)
    assert torch.allclose(whole.upper, parts.upper, rtol=1e-12, atol=1e-12)


def test_no_tensor_of_size_batch_times_out_times_in_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, w = _random(64, 90, seed=0), _random(50, 90, seed=1)
    sizes: list[int] = []

    def watched(ends: list[Tensor]) -> tuple[Tensor, Tensor]:
        sizes.append(sum(each.numel() * each.element_size() for each in ends))
        return extremes(ends)

    monkeypatch.setattr("gnomon.algebra.interval.exact.extremes", watched)
    monkeypatch.setattr(exact, "BUDGET", 2**21)
    linear(x, Exact.of(w))
    assert len(sizes) > 5
    assert max(sizes) <= 2**21


def test_gradients_are_those_of_the_reference() -> None:
    ends = [*_random(3, 7, seed=0).parts, *_random(5, 7, seed=1).parts]
    found: list[tuple[Tensor, ...]] = []
    for exactly_multiplied in (True, False):
        leaves = [end.clone().requires_grad_() for end in ends]
        x, w = (leaves[0], leaves[1]), (leaves[2], leaves[3])
        if exactly_multiplied:
            box = linear(Interval(*x), Exact(*w))
            low, high = box.parts
        else:
            low, high = exact_linear(x, w)
        found.append(torch.autograd.grad((high.square() - low).sum(), leaves))
    for mine, expected in zip(*found, strict=True):
        assert torch.allclose(mine, expected)


def test_regions_are_multiplied_exactly_and_balls_stay_balls() -> None:
    layer = nn.Linear(4, 3).double()
    box = exactly(gn.ParameterBox(gn.radius.Constant(0.1)).of(layer))
    assert all(isinstance(each, Exact) for each in box.values())
    ball = evaluate(layer, _random(2, 4, seed=0), exactly(gn.ParameterBall(0.1).of(layer)))
    same = evaluate(layer, _random(2, 4, seed=0), gn.ParameterBall(0.1).of(layer))
    assert torch.equal(ball.lower, same.lower)
    held = Ball(layer.weight.detach(), torch.tensor(0.1).double())
    assert exactly({"weight": held})["weight"] is held


def test_groups_may_be_given_by_position() -> None:
    x, w = _random(2, 4, 6, seed=0), _random(4, 3, 3, seed=1)

    def by_name(image: Tensor, weight: Tensor) -> Tensor:
        return functional.conv_transpose1d(image, weight, groups=2)

    def by_place(image: Tensor, weight: Tensor) -> Tensor:
        return functional.conv_transpose1d(image, weight, None, 1, 0, 0, 2)

    named, placed = (
        evaluate(_Joined(function, 4, 3, 3), x, {"weight": w})
        for function in (by_name, by_place)
    )
    assert placed.shape == (2, 6, 8)
    assert torch.equal(named.lower, placed.lower)
    assert torch.equal(named.upper, placed.upper)


VALUES = (-math.inf, -2.0, -1.0, 0.0, 1.0, 2.0, math.inf)
HALVES = [
    (low, high)
    for low, high in itertools.combinations_with_replacement(VALUES, 2)
    if math.isfinite(low) or low < high
]


@pytest.mark.parametrize("known", [False, True])
def test_products_with_infinite_ends_say_what_is_known(
    known: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """All pairs of such boxes against their corners, where 0 · ∞ = 0."""
    for first, second in itertools.product(HALVES, HALVES):
        corners = [0.0 if 0 in (a, b) else a * b for a in first for b in second]
        nonnegative = known and first[0] >= 0
        x = Interval(*(torch.tensor([[end]]) for end in first), nonnegative=nonnegative)
        w = Interval(*(torch.tensor([[end]]) for end in second))
        for found in (linear(x, Exact.of(w)), mul(x, w)):
            assert (found.lower.item(), found.upper.item()) == (min(corners), max(corners))
        found = linear(x, w)
        assert found.lower.item() <= min(corners)
        assert found.upper.item() >= max(corners)
        if not all(map(math.isfinite, (*first, *second))):
            assert math.isinf(found.lower.item()) == math.isinf(min(corners))
            assert math.isinf(found.upper.item()) == math.isinf(max(corners))


def _half_open() -> Interval:
    """Of four coordinates: one bounded, one from below, one from above, one not at all."""
    low = torch.tensor([[-1.0, 0.5, -torch.inf, -torch.inf]]).double()
    high = torch.tensor([[2.0, torch.inf, 1.0, torch.inf]]).double()
    return Interval(low, high)


def test_a_layer_keeps_the_half_that_is_known() -> None:
    layer = nn.Linear(4, 4).double()
    rows = [[1.0, 2, 0, 0], [1, 0, 3, 0], [2, 0, 0, 0], [1, 1, 1, 1]]
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(rows))
        layer.bias.zero_()
    found = evaluate(layer, _half_open())
    assert found.lower.tolist() == [[0.0, -torch.inf, -2.0, -torch.inf]]
    assert found.upper.tolist() == [[torch.inf, 5.0, 4.0, torch.inf]]
    clamped = evaluate(nn.Sequential(layer, nn.Hardtanh(-3, 3)), _half_open())
    assert clamped.lower.tolist() == [[0.0, -3.0, -2.0, -3.0]]
    assert clamped.upper.tolist() == [[3.0, 3.0, 3.0, 3.0]]


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_unknown_inputs_give_the_whole_range_of_an_activation(name: str) -> None:
    function = ACTIVATIONS[name]()
    found = evaluate(nn.Sequential(nn.Linear(4, 4).double(), function), _half_open())
    assert not bool(found.lower.isnan().any() | found.upper.isnan().any())
    values = function(torch.linspace(-60, 60, 6001).double())
    assert bool((found.upper >= function(torch.tensor(60.0)).double() - 1e-6).all())
    profile = function.profile()
    assert profile is not None
    if profile.nonnegative:
        assert bool((found.lower >= 0).all())
    if name in {"silu", "gelu", "mish"}:  # whose values at −∞ are 0 · ∞
        assert torch.allclose(found.lower, values.min().expand(1, 4), atol=1e-4)


@pytest.mark.parametrize("kind", ["layer", "rms", "group", "softmax", "batch"])
def test_normalisations_know_their_caps_without_inputs_bounds(kind: str) -> None:
    layers = {
        "layer": nn.LayerNorm(4),
        "rms": nn.RMSNorm(4),
        "group": nn.GroupNorm(1, 4),
        "softmax": nn.Softmax(1),
        "batch": nn.BatchNorm1d(4),
    }
    found = evaluate(layers[kind].double().eval(), _half_open())
    most = {"layer": 3**0.5, "rms": 2.0, "group": 3**0.5, "softmax": 1.0, "batch": math.inf}
    assert not bool(found.lower.isnan().any() | found.upper.isnan().any())
    assert float(found.upper.detach().max()) <= most[kind] + 1e-9


def test_what_is_divided_by_zero_is_unknown_and_not_nan() -> None:
    class Divided(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.nn.functional.linear(1 / x, torch.tensor([[0.0, 1.0], [1.0, 0.0]]))

    x = Interval(torch.tensor([[-1.0, 2.0]]), torch.tensor([[1.0, 4.0]]))
    found = evaluate(Divided(), x)
    assert found.lower.tolist() == [[0.25, -torch.inf]]
    assert found.upper.tolist() == [[0.5, torch.inf]]
