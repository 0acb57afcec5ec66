"""Rounded intervals against exact rational arithmetic, where plain ones are beaten."""

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import Activation
from gnomon.algebra import REAL, Deployed, Interval, Level, Outward, evaluate
from gnomon.algebra.lift import lift
from gnomon.errors import SettingError, UnsupportedOperationError
from gnomon.seeds import generator
from gnomon.sets.parameters import TensorBall, TensorBox
from reference.exact_rationals import Rationals, outputs, rationals
from reference.networks_of_all_kinds import networks

FLOATS = [torch.float32, torch.float64]
LEVELS: list[Level] = [REAL, Deployed(torch.float32)]
NETWORKS = networks()


def _normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def _spread(seed: int, *shape: int) -> Tensor:
    """Numbers of either sign and of sizes between 2⁻⁶ and 2⁶."""
    exponent = torch.randint(-6, 7, shape, generator=generator(seed, "exponents"))
    return _normal(seed, *shape) * 2.0**exponent


def _linear(x: object, weight: object) -> Interval:
    """The product x Wᵀ of anything that torch's function takes."""
    return call(functional.linear, x, weight)


def call(function: Callable[..., Any], *args: object, **settings: object) -> Any:  # noqa: ANN401
    """A torch function of values, of which its types do not know."""
    return function(*args, **settings)


def _sandwiched(found: Interval, low: Rationals, high: Rationals) -> bool:
    lower, upper = rationals(found.lower), rationals(found.upper)
    return bool((lower <= low).all() and (high <= upper).all())


def _range_of_products(x: tuple[Rationals, ...], w: tuple[Rationals, ...]) -> list[Rationals]:
    """The exact range of x Wᵀ over two boxes: the sum of the ranges of the products."""
    ends = [a[:, None, :] * b[None] for a, b in itertools.product(x, w)]
    least, most = ends[0], ends[0]
    for end in ends[1:]:
        least, most = np.minimum(least, end), np.maximum(most, end)
    return [least.sum(-1), most.sum(-1)]


KINDS = {
    "point × box": ("point", "any"),
    "box × point": ("any", "point"),
    "nonnegative × box": ("nonnegative", "any"),
    "box × nonnegative": ("any", "nonnegative"),
    "box × box": ("any", "any"),
    "point × point": ("point", "point"),
}


def _factor(kind: str, centre: Tensor) -> tuple[Tensor, Tensor]:
    radius = 0.3 * centre.abs().flip(-1)
    if kind == "point":
        return centre, centre
    low, high = centre - radius, centre + radius
    return (low.relu(), high.relu()) if kind == "nonnegative" else (low, high)


@pytest.mark.parametrize("level", LEVELS, ids=["real", "deployed"])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_products_contain_their_exact_range(
    kind: str, dtype: torch.dtype, level: Level
) -> None:
    n = 24
    for seed in range(3):
        x, w = (
            _factor(each, _spread(seed + shift, rows, n))
            for each, shift, rows in zip(KINDS[kind], (0, 100), (3, 5), strict=True)
        )
        values = [
            Interval.point(low, arithmetic=Outward(level=level, dtype=dtype))
            if low is high
            else Interval(
                low.to(dtype),
                high.to(dtype),
                arithmetic=Outward(level=level, dtype=dtype),
                nonnegative=bool((low >= 0).all()),
            )
            for low, high in (x, w)
        ]
        found = _linear(*values)
        low, high = _range_of_products(*(tuple(map(rationals, each)) for each in (x, w)))
        assert _sandwiched(found, low, high)
        sizes = [torch.maximum(*(end.abs() for end in each)).double() for each in (x, w)]
        size = sizes[0] @ sizes[1].T
        unit = torch.finfo(torch.float32 if level != REAL else dtype).eps
        width = torch.tensor((high - low).astype(float)) * (
            1.1716 if kind == "box × box" else 1
        )
        assert bool((found.width.double() <= width + 30 * n * unit * size).all())


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_balls_of_weights_contain_their_exact_range(dtype: torch.dtype) -> None:
    for seed in range(5):
        x, w, reach = _spread(seed, 2, 10), _spread(seed + 50, 3, 10), torch.tensor(0.37)
        box = Interval.around(x, 0.1, arithmetic=Outward(dtype=dtype))
        ball = lift(TensorBall(w, reach), box)
        found = _linear(box, ball)
        ends = tuple(rationals(end) for end in box.parts)
        low, high = _range_of_products(ends, (rationals(w),))
        longest = (np.maximum(abs(ends[0]), abs(ends[1])) ** 2).sum(-1)[:, None]
        lower, upper = rationals(found.lower), rationals(found.upper)
        reached = Fraction(float(reach)) ** 2 * longest
        # At the centre's worst x the length may be smaller: the sum of both is what is claimed.
        assert bool(((upper - high >= 0) & ((upper - high) ** 2 >= reached)).all())
        assert bool(((low - lower >= 0) & ((low - lower) ** 2 >= reached)).all())


@pytest.mark.parametrize("relative", [0.0, 1e-3])
def test_corners_beat_plain_bounds_and_never_these(relative: float) -> None:
    """One layer in float32: many of the plain bounds are wrong by a rounding error."""
    beaten = outputs_ = 0
    for seed in range(6):
        x, w = _normal(seed, 2, 64).abs(), _normal(seed + 50, 8, 64)
        spread = relative * w.abs()
        weight = TensorBox(w, spread)
        plain = _linear(
            Interval.around(x, 1e-3),
            Interval.computed(weight.lower, weight.upper) if relative else w,
        )
        ends = _around(x, torch.full_like(x, 1e-3))
        low, high = _range_of_products(ends, _around(w, spread))
        beaten += int((rationals(plain.lower) > low).sum())
        beaten += int((rationals(plain.upper) < high).sum())
        outputs_ += 2 * low.size
        for dtype in FLOATS:
            box = Interval.around(x, torch.full_like(x, 1e-3), arithmetic=Outward(dtype=dtype))
            assert _sandwiched(
                _linear(box, lift(weight, box)),
                low,
                high,
            )
    # About three in eight; which of them, and so how many, is up to the order of the sums.
    assert beaten > 0.1 * outputs_


def _around(centre: Tensor, radius: Tensor) -> tuple[Rationals, Rationals]:
    """The exact ends of a box, which floating point cannot hold."""
    middle, size = rationals(centre), rationals(radius)
    return middle - size, middle + size


@pytest.mark.parametrize(
    ("dtype", "large"), [(torch.float32, 2.0**25), (torch.float64, 2.0**54)]
)
def test_large_terms_that_cancel(dtype: torch.dtype, large: float) -> None:
    """1 and −1, in every order of the terms: however one adds, some orders lose them."""
    x = torch.ones(1, 3, dtype=dtype)
    exact = torch.tensor([[1.0, -1.0]], dtype=dtype)
    network = nn.Linear(3, 2, bias=False, dtype=dtype)
    missed = 0
    for order in itertools.permutations(range(3)):
        terms = torch.tensor([[large, 1.0, -large], [large, -1.0, -large]], dtype=dtype)
        with torch.no_grad():
            network.weight.copy_(terms[:, list(order)])
        missed += not evaluate(network, Interval.point(x)).contains(exact)
        found = evaluate(network, Interval.point(x, arithmetic=Outward(dtype=dtype)))
        assert found.contains(exact)
        assert float(found.width.detach().max()) < 100 * torch.finfo(dtype).eps * 2 * large
    assert missed > 0


def _conv() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 2, 2),
        nn.ReLU(),
        nn.Conv2d(2, 2, 2),
        nn.LeakyReLU(),
        nn.Flatten(0),
        nn.Linear(2, 3),
    )


def _dense() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)
    )


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize(
    ("make", "shape"), [(_conv, (1, 3, 3)), (_dense, (4,))], ids=["conv", "dense"]
)
@pytest.mark.parametrize("spread", [0.0, 1e-7, 1e-2])
def test_exact_outputs_of_networks_lie_inside(
    make: type[nn.Sequential], shape: tuple[int, ...], spread: float, dtype: torch.dtype
) -> None:
    """Members and corners of boxes of inputs and of all parameters, without any rounding."""
    network, x = make(), _normal(1, *shape)
    with torch.no_grad():
        for index, parameter in enumerate(network.parameters()):
            parameter.copy_(_normal(7 + index, *parameter.shape))
    sets = {
        name: TensorBox(value.detach(), spread * value.detach().abs())
        for name, value in network.named_parameters()
    }
    radius = torch.full_like(x, spread)
    found = evaluate(network, Interval.around(x, radius, arithmetic=Outward(dtype=dtype)), sets)
    source = np.random.default_rng(3)
    for draw in range(12):

        def member(centre: Tensor, size: Tensor, draw: int = draw) -> Rationals:
            place = source.integers(-8, 9, size=tuple(centre.shape)).astype(object)
            place = np.sign(place) * 8 if draw % 2 else place
            return rationals(centre) + rationals(size) * place / Fraction(8)

        weights = {name: member(each.centre, each.radius) for name, each in sets.items()}
        exact = outputs(network, member(x, radius), weights)
        assert _sandwiched(found, exact, exact)


def test_a_point_is_missed_by_plain_bounds_of_a_network_only() -> None:
    network, x = _dense(), _normal(4, 4)
    exact = outputs(network, rationals(x))
    plain = evaluate(network, Interval.point(x))
    assert bool(
        (rationals(plain.lower) > exact).any() or (rationals(plain.upper) < exact).any()
    )
    for dtype in FLOATS:
        found = evaluate(network, Interval.point(x, arithmetic=Outward(dtype=dtype)))
        assert _sandwiched(found, exact, exact)
        assert float(found.width.detach().max()) < 1000 * torch.finfo(dtype).eps


CONVOLUTIONS: dict[str, tuple[Any, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "plain": (functional.conv2d, (2, 4, 5, 5), (3, 4, 2, 3), {"stride": 2, "padding": 1}),
    "groups": (functional.conv2d, (2, 4, 5, 5), (6, 2, 2, 2), {"groups": 2, "dilation": 2}),
    "1d": (functional.conv1d, (2, 3, 7), (2, 3, 3), {"padding": "same"}),
    "3d": (functional.conv3d, (1, 2, 3, 3, 3), (2, 2, 2, 2, 2), {}),
    "transposed": (functional.conv_transpose2d, (2, 4, 3, 3), (4, 2, 3, 3), {"stride": 2}),
    "transposed, groups": (functional.conv_transpose1d, (2, 4, 5), (4, 3, 3), {"groups": 2}),
    "one example": (functional.conv2d, (4, 5, 5), (3, 4, 2, 3), {}),
}


@pytest.mark.parametrize("weights", ["point", "box"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions_contain_their_exact_range(name: str, weights: str) -> None:
    """Of numbers with few digits, with which sums are exact in float64."""
    function, shape, kernel, settings = CONVOLUTIONS[name]
    x = (_normal(0, *shape) * 2**11).round() / 2**11
    w = (_normal(1, *kernel) * 2**11).round() / 2**11
    bias = _normal(2, 6 if name == "groups" else 3)
    bias = None if name not in {"plain", "groups", "one example"} else bias
    lows, highs = (x - 0.25).relu(), (x + 0.25).relu()
    spread = 0.0 if weights == "point" else 0.125
    parts = [(w - spread).double(), (w + spread).double()]
    ends = [lows.double(), highs.double()]
    shift = None if bias is None else ((bias * 2**11).round() / 2**11)
    wide = None if shift is None else shift.double()
    upper = function(ends[1], parts[1].relu(), wide, **settings) - function(
        ends[0], (-parts[1]).relu(), None, **settings
    )
    lower = function(ends[0], parts[0].relu(), wide, **settings) - function(
        ends[1], (-parts[0]).relu(), None, **settings
    )
    for dtype in FLOATS:
        box = Interval(
            lows.to(dtype), highs.to(dtype), arithmetic=Outward(dtype=dtype), nonnegative=True
        )
        given = (
            w
            if weights == "point"
            else Interval(*(each.to(dtype) for each in parts), arithmetic=Outward(dtype=dtype))
        )
        found: Interval = call(function, box, given, shift, **settings)
        assert bool(
            (found.lower.double() <= lower).all() & (upper <= found.upper.double()).all()
        )
        most = 1e3 * torch.finfo(dtype).eps
        assert float((found.upper.double() - upper).max()) < most
        assert float((lower - found.lower.double()).max()) < most


def _single(rows: list[np.float32]) -> np.float32:
    total = np.float32(0)
    for each in rows:
        total = np.float32(total + each)
    return total


def _pairwise(rows: list[np.float32]) -> np.float32:
    if len(rows) == 1:
        return rows[0]
    middle = len(rows) // 2
    return np.float32(_pairwise(rows[:middle]) + _pairwise(rows[middle:]))


def _executions(w: Tensor, x: Tensor, seed: int) -> list[float]:
    """The same sum of products in float32: forwards, backwards, in pairs, shuffled, fused."""
    products = [np.float32(a * b) for a, b in zip(w.numpy(), x.numpy(), strict=True)]
    order = np.random.default_rng(seed).permutation(len(products))
    fused = np.float32(0)
    for a, b in zip(w.double().tolist(), x.double().tolist(), strict=True):
        fused = np.float32(float(Fraction(a) * Fraction(b) + Fraction(float(fused))))
    found = [
        _single(products),
        _single(products[::-1]),
        _pairwise(products),
        _single([products[place] for place in order]),
        fused,
    ]
    return [float(each) for each in found]


def test_every_order_of_summation_lies_inside_at_the_level_of_executions() -> None:
    beaten = 0
    for seed in range(10):
        w, x = _spread(seed, 1, 200), _spread(seed + 30, 1, 200)
        found = {
            level: _linear(Interval.point(x, arithmetic=Outward(level=level)), w)
            for level in LEVELS
        }
        for value in _executions(w[0], x[0], seed):
            point = torch.tensor([[value]], dtype=torch.float64)
            assert found[LEVELS[1]].contains(point)
            beaten += not found[REAL].contains(point)
    assert beaten > 25


def test_the_real_level_is_beaten_by_an_execution_of_a_built_example() -> None:
    """1 + 2⁻²⁵ + 2⁻²⁵ is 1 from left to right in float32, and more from right to left."""
    w = torch.tensor([[1.0, 2.0**-25, 2.0**-25]])
    x = torch.ones(1, 3)
    forwards, *_ = _executions(w[0], x[0], 0)
    assert forwards == 1
    point = torch.tensor([[1.0]], dtype=torch.float64)
    real = _linear(Interval.point(x, arithmetic=Outward()), w)
    deployed = _linear(
        Interval.point(x, arithmetic=Outward(level=LEVELS[1])),
        w,
    )
    assert not real.contains(point)
    assert deployed.contains(point)


@pytest.mark.parametrize("name", NETWORKS)
def test_executions_of_networks_in_float32_lie_inside(name: str) -> None:
    network, x = NETWORKS[name]()
    network, x = network.float(), x.float()
    try:
        found = evaluate(network, Interval.around(x, 0.0, arithmetic=Outward(level=LEVELS[1])))
    except UnsupportedOperationError as error:
        assert "at the level of executions" in str(error)  # noqa: PT017
        assert "norm" in name
        return
    with torch.no_grad():
        assert found.contains(network(x).double())
        one_by_one = torch.cat([network(each[None]) for each in x])
        assert found.contains(one_by_one.double())


@pytest.mark.parametrize("name", NETWORKS)
def test_bounds_in_float32_contain_those_in_float64(name: str) -> None:
    """Both contain the truth; the finer ones are hardly wider than it."""
    network, x = NETWORKS[name]()
    network, x = network.float(), x.float()
    fine, coarse = (
        evaluate(network, Interval.around(x, 0.01, arithmetic=Outward(dtype=dtype)))
        for dtype in (torch.float64, torch.float32)
    )
    slack = 1e-9 * (1 + fine.magnitude)
    assert bool((coarse.lower.double() <= fine.lower + slack).all())
    assert bool((coarse.upper.double() >= fine.upper - slack).all())
    plain = evaluate(network.double(), Interval.around(x.double(), 0.01))
    # RMS normalisation adds the ε of its weight's type, 1.2e-7 or 2.2e-16, if it is given none.
    assert torch.allclose(fine.width, plain.width, rtol=1e-5)


def test_ends_of_boxes_of_parameters_are_widened() -> None:
    box = TensorBox(_normal(0, 200), _normal(1, 200).abs() * 1e-3)
    low, high = _around(box.centre, box.radius)
    assert bool((rationals(box.lower) > low).any())
    for dtype in FLOATS:
        like = Interval.point(torch.zeros(1), arithmetic=Outward(dtype=dtype))
        found = lift(box, like)
        assert isinstance(found, Interval)
        assert _sandwiched(found, low, high)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_balls_of_inputs_are_rounded_outwards(dtype: torch.dtype) -> None:
    """The radius is the number that was given, also where float32 cannot hold it."""
    x = torch.rand(300, generator=generator(0))
    found = Interval.around(x, 2 / 255, (0.0, 1.0), arithmetic=Outward(dtype=dtype))
    radius = Fraction(2 / 255)
    zero = 0 * rationals(x)
    low = np.maximum(rationals(x) - radius, zero)
    high = np.minimum(rationals(x) + radius, zero + 1)
    assert _sandwiched(found, low, high)
    assert found.nonnegative
    assert float(found.lower.min()) == 0
    assert float(found.upper.max()) == 1
    still = Interval.around(x, 0.0, arithmetic=Outward(dtype=dtype))
    assert torch.equal(still.lower, x.to(dtype))
    assert torch.equal(still.upper, x.to(dtype))


def test_numbers_that_are_stored_coarser_are_enclosed() -> None:
    value = torch.tensor([0.1, 0.5], dtype=torch.float64)
    kept = Interval.point(value, arithmetic=Outward(dtype=torch.float32))
    assert _sandwiched(kept, rationals(value), rationals(value))
    assert float(kept.width[1]) == 0
    deployed = Interval.point(value, arithmetic=Outward(level=LEVELS[1]))
    assert deployed.contains(value)
    assert deployed.contains(value.float().double())


UNKNOWN = {
    "not a number": torch.nan,
    "infinite": torch.inf,
    "overflowing": 1e308,
}


@pytest.mark.parametrize("value", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_cannot_be_computed_is_not_known_and_stays_so(value: float) -> None:
    layer = nn.Linear(2, 2, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[value, value], [1.0, 1.0]]))
    layer.requires_grad_(requires_grad=False)
    x = torch.ones(1, 2, dtype=torch.float64)
    bounded = nn.Sequential(
        layer, nn.Tanh(), nn.ReLU6(), nn.Hardtanh(), nn.Sigmoid(), nn.MaxPool1d(1)
    )
    for network in (layer, bounded):
        found = evaluate(network, Interval.around(x, 0.1, arithmetic=Outward()))
        assert float(found.lower[0, 0]) == -torch.inf
        assert float(found.upper[0, 0]) == torch.inf
        assert bool(found.upper[0, 1] < 3)
    whole = evaluate(
        nn.Sequential(layer, nn.Softmax(1)), Interval.around(x, 0.1, arithmetic=Outward())
    )
    assert not bool(whole.lower.isfinite().any())
    pooled = evaluate(
        nn.Sequential(layer, nn.MaxPool1d(2)), Interval.around(x, 0.1, arithmetic=Outward())
    )
    assert not bool(pooled.lower.isfinite().any() | pooled.upper.isfinite().any())


def test_what_overflows_in_an_execution_is_not_known() -> None:
    layer = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1e30)
    layer.requires_grad_(requires_grad=False)
    x = torch.full((1, 1), 1e10)
    assert bool(evaluate(layer, Interval.point(x, arithmetic=Outward())).upper.isfinite())
    found = evaluate(layer, Interval.point(x, arithmetic=Outward(level=LEVELS[1])))
    assert float(found.upper) == torch.inf


def test_sums_of_too_many_terms_are_not_known() -> None:
    """Where γ says nothing: so many terms that all digits of float32 may be lost."""
    x = torch.ones(1, 2**22)
    found = _linear(
        Interval.around(x, 0.0, arithmetic=Outward(dtype=torch.float32)),
        x,
    )
    assert float(found.upper) == torch.inf
    assert float(found.lower) == -torch.inf


def test_values_with_ordinary_rounding_are_not_mixed_in() -> None:
    x = torch.ones(1, 2)
    with pytest.raises(UnsupportedOperationError, match="rounded to nearest"):
        call(torch.add, Interval.point(x, arithmetic=Outward()), Interval.point(x))
    with pytest.raises(SettingError, match="one level"):
        call(
            torch.add,
            Interval.point(x, arithmetic=Outward()),
            Interval.point(x, arithmetic=Outward(level=LEVELS[1])),
        )
    given = evaluate(
        nn.Linear(2, 1),
        Interval.point(x, arithmetic=Outward()),
        {"weight": Interval.around(x, 0.1)},
    )
    assert isinstance(given, Interval)


class Sine(Activation):
    """A function whose error nobody stated."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sin()


def test_functions_whose_error_is_not_known_are_refused() -> None:
    box = Interval.around(torch.ones(1, 1, 4), 0.1, arithmetic=Outward())
    for network, message in (
        (Sine(), "has a rule for"),
        (nn.Softmin(1), "has a rule for"),
    ):
        with pytest.raises(UnsupportedOperationError, match=message):
            evaluate(network, box)


def test_wrong_bounds_are_refused() -> None:
    with pytest.raises(SettingError, match="lower ≤ upper"):
        Interval(torch.ones(1), torch.zeros(1), arithmetic=Outward())
    with pytest.raises(SettingError, match="one type"):
        Interval(torch.zeros(1), torch.ones(1).double(), arithmetic=Outward())
    with pytest.raises(SettingError, match="radius ≥ 0"):
        Interval.around(torch.ones(1), -1.0, arithmetic=Outward())


@pytest.mark.parametrize("name", NETWORKS)
def test_larger_sets_have_wider_bounds_that_can_be_differentiated(name: str) -> None:
    network, x = NETWORKS[name]()
    x = x[:1]
    radius = torch.full_like(x, 1e-4).requires_grad_()
    small = evaluate(network, Interval.around(x, radius, arithmetic=Outward()))
    large = evaluate(network, Interval.around(x, 0.02, arithmetic=Outward()))
    assert bool((large.lower <= small.lower).all() & (small.upper <= large.upper).all())
    assert float(small.width.detach().min()) > 0
    (slope,) = torch.autograd.grad(small.width.sum(), radius)
    assert bool(slope.isfinite().all())
    assert float(slope.abs().max()) > 0
