"""Means and variances: exact where independence holds, close where it is assumed."""

import importlib
import pkgutil
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ACTIVATIONS, Activation, LeakyReLU, ReLU
from gnomon.algebra import Ball, Interval, evaluate, moments
from gnomon.algebra.moments import Moments
from gnomon.algebra.moments.pointwise import through
from gnomon.errors import SettingError, ShapeError, UnsupportedOperationError
from gnomon.networks import CNN4, MLP, Architecture, CNN4Conv, LeNet, Signature

F64 = torch.float64
ERRORS = 5  # standard errors allowed: one false alarm in 1.7 million coordinates


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=F64)


def agree_with_samples(found: Moments, samples: Tensor) -> None:
    """Mean and variance within 5 standard errors of those of the samples."""
    mean, count = samples.mean(0), len(samples)
    squares = (samples - found.centre).square()
    assert bool(((found.centre - mean).abs() <= ERRORS * samples.std(0) / count**0.5).all())
    error = squares.std(0) / count**0.5
    assert bool(((found.variance - squares.mean(0)).abs() <= ERRORS * error + 1e-12).all())


LAYERS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "linear": (nn.Linear(5, 3), (1, 5)),
    "conv": (nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), (1, 2, 5, 5)),
    "transposed": (nn.ConvTranspose1d(2, 3, 4, stride=3), (1, 2, 4)),
    "batch": (nn.BatchNorm2d(3), (1, 3, 2, 2)),
    "average": (nn.AvgPool2d(3, 2, padding=1), (1, 2, 5, 5)),
    "average without padding": (
        nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
        (1, 2, 5, 5),
    ),
    "average of a sequence": (nn.AvgPool1d(2, 1), (1, 2, 5)),
    "adaptive": (nn.AdaptiveAvgPool2d((2, 3)), (1, 2, 5, 7)),
    "global": (nn.AdaptiveAvgPool1d(1), (1, 2, 5)),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("law", ["uniform", "normal"])
def test_one_layer_is_exact(name: str, law: str) -> None:
    """Against 40,000 samples of inputs and parameters; only single outputs are compared."""
    layer, shape = LAYERS[name]
    layer = layer.double().eval()
    rng, count = generator(5), 40_000

    def drawn(centre: Tensor, radius: Tensor) -> Tensor:
        size = (count, *centre.shape)
        if law == "normal":
            return centre + radius * torch.randn(size, generator=rng, dtype=F64)
        return centre + radius * (2 * torch.rand(size, generator=rng, dtype=F64) - 1)

    def given(centre: Tensor, radius: Tensor) -> Moments | Interval:
        if law == "normal":
            return Moments.gaussian(centre, radius)
        return Interval(centre - radius, centre + radius)

    centres = {"x": random(*shape), **{n: p.detach() for n, p in layer.named_parameters()}}
    radii = {n: random(*c.shape, seed=9).abs() / 3 for n, c in centres.items()}
    values = {n: given(c, radii[n]) for n, c in centres.items()}
    draws = {n: drawn(c, radii[n]) for n, c in centres.items()}
    x = values.pop("x")
    found = evaluate(layer, x if isinstance(x, Moments) else Moments.uniform(x), values)
    inputs = draws.pop("x")
    run = torch.func.vmap(lambda p, v: torch.func.functional_call(layer, p, (v,)))
    if not draws:
        run = torch.func.vmap(lambda _p, v: layer(v), in_dims=(None, 0))
    agree_with_samples(found, run(draws, inputs))


def test_the_variance_of_a_product_sum_is_that_of_all_combinations() -> None:
    """Coins x_j = m ± a and w_j = c ± b have exactly these means and variances."""
    m, a, c, b = random(2), random(2, seed=1), random(2, seed=2), random(2, seed=3)
    sums = [
        float((m + torch.tensor(s).double() * a) @ (c + torch.tensor(t).double() * b))
        for s in product((-1, 1), repeat=2)
        for t in product((-1, 1), repeat=2)
    ]
    weights = Moments(c[None], b.square()[None])
    found = Moments.rules["linear"](Moments(m[None], a.square()[None]), weights)
    assert float(found.centre) == pytest.approx(np.mean(sums), rel=1e-12)
    assert float(found.variance) == pytest.approx(np.var(sums), rel=1e-12)


def test_sums_of_independent_terms_are_exact() -> None:
    given = [
        Moments.uniform(Interval.around(random(2, 6), 0.3)),
        Moments.gaussian(random(2, 6, seed=1), 0.2),
        Moments.gaussian(random(2, 2, seed=2), 0.4),
    ]

    def sums(u: Tensor, v: Tensor, w: Tensor) -> list[Tensor]:
        joined = torch.cat([2 * u - v, functional.pad(w, (1, 0), value=1.0)], dim=1)
        return [joined.sum(1), joined.mean(dim=1), -joined[:, 3] / 4 + 1]

    rng, count = generator(3), 40_000
    draws = [torch.randn(count, *x.shape, generator=rng, dtype=F64) for x in given]
    uniform = 3**0.5 * (2 * torch.rand(count, 2, 6, generator=rng, dtype=F64) - 1)
    draws = [
        x.centre + x.deviation * z for x, z in zip(given, [uniform, *draws[1:]], strict=True)
    ]
    formula: Any = sums
    for found, samples in zip(formula(*given), torch.func.vmap(sums)(*draws), strict=True):
        agree_with_samples(found, samples)
    x, y, _ = given
    torch.testing.assert_close((x + x).variance, 4 * x.variance)  # a value is no second one
    torch.testing.assert_close((x - y).variance, x.variance + y.variance)


def test_deviations_grow_like_the_root_of_the_number_of_terms() -> None:
    """The ratio n / (3 √(n/3)) of an interval's radius to three standard deviations."""
    n, layer = 1024, nn.Linear(1024, 1, bias=False)
    box = {"weight": Interval(layer.weight.detach() - 0.01, layer.weight.detach() + 0.01)}
    x = torch.ones(1, n)
    exact = evaluate(layer, x, box)
    statistical = evaluate(layer, Moments.uniform(Interval.point(x)), box).interval(3.0)
    assert float(exact.width / statistical.width) == pytest.approx(18.475, rel=1e-3)
    assert not statistical.contains(exact.upper)  # it is not sound


def integral(f: Callable[[float], float], mean: float, std: float) -> float:
    def integrand(z: float) -> float:
        return f(mean + std * z) * float(stats.norm.pdf(z))

    kink = -mean / std
    ends = sorted({-10.0, min(max(kink, -10), 10), 0.0, 10.0})
    return sum(integrate.quad(integrand, a, b, limit=200)[0] for a, b in pairwise(ends))


@pytest.mark.parametrize("name", [*ACTIVATIONS, "leaky"])
def test_activations_of_normal_variables(name: str) -> None:
    function: Activation = LeakyReLU(0.3) if name == "leaky" else ACTIVATIONS[name]()
    function.requires_grad_(requires_grad=False)

    def f(t: float) -> float:
        return float(function(torch.tensor(t, dtype=F64)))

    profile = function.profile()
    assert profile is not None
    smooth = 1e-8 if profile.smooth else 2e-2
    for mean, std in product((-2.0, -0.3, 0.0, 1.5), (1e-3, 0.2, 1.0)):
        found = function(Moments.gaussian(torch.tensor([mean], dtype=F64), std))
        first = integral(f, mean, std)
        second = integral(lambda t, m=first: (f(t) - m) ** 2, mean, std)
        tolerance = 1e-9 if profile.homogeneous else smooth
        assert abs(float(found.centre) - first) <= tolerance * std
        assert abs(float(found.variance) - second) <= tolerance * std**2 + 1e-14


def test_the_closed_form_of_relu_agrees_with_quadrature() -> None:
    x = Moments(random(300), random(300, seed=1).square() + 0.01)
    closed, summed = ReLU()(x), through(torch.relu, x)
    assert float(((closed.centre - summed.centre) / x.deviation).abs().max()) < 0.02
    assert float(((closed.variance - summed.variance) / x.variance).abs().max()) < 0.02
    leaky = Moments.rules["leaky_relu"](x, 0.0)
    torch.testing.assert_close(leaky.variance, closed.variance)
    far = Moments(torch.tensor([100.0, -100.0]), torch.tensor([1e-6, 1e-6]))
    torch.testing.assert_close(ReLU()(far).variance, torch.tensor([1e-6, 0.0]))


@pytest.mark.parametrize(
    ("one", "two"),
    [((0.3, 1.0), (-0.2, 0.5)), ((2.0, 0.1), (1.9, 0.3)), ((5.0, 0.1), (0.0, 1.0))],
)
def test_the_larger_of_two_is_exact(one: tuple[float, float], two: tuple[float, float]) -> None:
    first: Any = stats.norm(*one)
    second: Any = stats.norm(*two)

    def moment(of: Callable[[float], float]) -> float:
        def integrand(t: float) -> float:
            return of(t) * (first.pdf(t) * second.cdf(t) + second.pdf(t) * first.cdf(t))

        return integrate.quad(integrand, -8, 8, points=[one[0], two[0]])[0]

    mean = moment(lambda t: t)
    variance = moment(lambda t: (t - mean) ** 2)
    x, y = (Moments.gaussian(torch.tensor([m], dtype=F64), s) for m, s in (one, two))
    larger, smaller = x.maximum(y), (-x).minimum(-y)
    assert float(larger.centre) == pytest.approx(mean, abs=1e-8)
    assert float(larger.variance) == pytest.approx(variance, abs=1e-8)
    assert float(smaller.centre) == pytest.approx(-mean, abs=1e-8)
    assert float(smaller.variance) == pytest.approx(variance, abs=1e-8)


def test_max_pooling_picks_windows_as_torch_does_and_is_nearly_right() -> None:
    image = random(2, 3, 7, 7)
    for settings in ((2, None, 0), (3, 2, 1), ((2, 3), (1, 2), (1, 0))):
        pool = nn.MaxPool2d(settings[0], settings[1], settings[2])
        thin = pool(Moments.gaussian(image, 0.0))
        torch.testing.assert_close(thin.centre, pool(image))
        assert float(thin.variance.max()) == 0
    found = nn.MaxPool1d(4)(Moments.gaussian(torch.zeros(1, 1, 4, dtype=F64), 1.0))
    assert float(found.centre) == pytest.approx(1.02938, abs=0.02)  # the true mean of four
    assert float(found.variance) == pytest.approx(0.49172, abs=0.06)


NORMALISATIONS: dict[str, Callable[[Any], Any]] = {
    "softmax": lambda v: functional.softmax(v, 1),
    "layer": nn.LayerNorm([3, 4]).double(),
    "group": nn.GroupNorm(2, 6).double(),
    "instance": nn.InstanceNorm1d(6).double(),
    "rms": nn.RMSNorm(4, eps=0.1).double(),
}


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_normalisations_follow_their_derivatives(name: str) -> None:
    function, shape = NORMALISATIONS[name], (1, 2, 3, 4) if name == "layer" else (1, 6, 4)
    x, v = random(*shape), random(*shape, seed=1).square()
    found = function(Moments(x, v))
    slopes = torch.func.jacrev(function)(x).reshape(x.numel(), x.numel()).detach()
    torch.testing.assert_close(found.centre.detach(), function(x).detach())
    torch.testing.assert_close(found.variance.detach().flatten(), slopes.square() @ v.flatten())


NETWORKS: list[Architecture] = [
    MLP((20, 20)), LeNet((3, 4), (10,)), CNN4(1, 12), CNN4Conv(1, 12),
    MLP((20,), normalization="layer"), CNN4(1, 12, normalization="instance"),
    LeNet((3, 4), (10,), normalization="batch"), CNN4Conv(1, 12, normalization="group"),
]  # fmt: skip


@pytest.mark.parametrize("architecture", NETWORKS, ids=repr)
def test_what_does_not_vary_is_what_the_network_says(architecture: Architecture) -> None:
    network = architecture(Signature((1, 12, 12), 4, (0.5,), (0.3,)), generator())
    network = network.double().eval().requires_grad_(requires_grad=False)
    x = torch.rand(2, 1, 12, 12, generator=generator(1), dtype=F64)
    boxes = {n: Interval.point(p) for n, p in network.named_parameters()}
    found = evaluate(network, Moments.uniform(Interval.point(x)), boxes)
    torch.testing.assert_close(found.centre, network(x))
    assert float(found.variance.max()) <= 1e-20


def test_most_outputs_of_a_network_lie_within_three_deviations() -> None:
    network = MLP((40, 40))(Signature((20,), 5, (0.0,) * 20, (1.0,) * 20), generator())
    network = network.double().eval().requires_grad_(requires_grad=False)
    x = random(1, 20)
    boxes = {
        n: Interval(p - 0.1 * p.abs(), p + 0.1 * p.abs()) for n, p in network.named_parameters()
    }
    found = evaluate(network, Moments.uniform(Interval.around(x, 0.1)), boxes)
    rng = generator(4)

    def draw(box: Interval, count: int = 4000) -> Tensor:
        return box.lower + box.width * torch.rand((count, *box.shape), generator=rng, dtype=F64)

    outputs = torch.func.vmap(lambda p, v: torch.func.functional_call(network, p, (v,)))(
        {n: draw(b) for n, b in boxes.items()}, draw(Interval.around(x, 0.1))
    )
    inside = found.interval(3.0)
    share = ((outputs >= inside.lower) & (outputs <= inside.upper)).double().mean()
    assert float(share) > 0.97
    ratio = outputs.std(0) / found.deviation
    assert float(ratio.max()) < 1.6  # independence is not exact
    assert float(ratio.min()) > 0.6
    sound = evaluate(network, Interval.around(x, 0.1), boxes)
    assert float(inside.width.mean()) < 0.3 * float(sound.width.mean())


def test_a_ball_of_parameters_is_uniform_in_the_ball() -> None:
    layer = nn.Linear(6, 1, bias=False).double()
    ball = Ball(layer.weight.detach(), torch.tensor(0.5, dtype=F64))
    x = random(1, 6)
    found = evaluate(layer, Moments.uniform(Interval.point(x)), {"weight": ball})
    directions = torch.randn(40_000, 6, generator=generator(1), dtype=F64)
    lengths = 0.5 * torch.rand(40_000, 1, generator=generator(2), dtype=F64) ** (1 / 6)
    deltas = lengths * functional.normalize(directions, dim=1)
    agree_with_samples(found, (layer.weight.detach() + deltas) @ x.T)


def test_functions_in_place_change_the_value_and_return_it() -> None:
    for layer in (nn.ReLU, nn.ELU, nn.Hardtanh, nn.LeakyReLU):
        x, y = (Moments.gaussian(random(2, 3), 0.5) for _ in range(2))
        expected, found = layer()(x), layer(inplace=True)(y)
        assert torch.equal(found.centre, expected.centre)
        assert torch.equal(y.centre, expected.centre)
        assert not torch.equal(x.centre, expected.centre)


def test_slopes_that_vary_add_variance() -> None:
    x = Moments.gaussian(torch.tensor([[-1.0, 0.5]], dtype=F64), 0.7)
    slope = Moments(torch.tensor([0.3], dtype=F64), torch.tensor([0.04], dtype=F64))
    rng = generator()
    draws = x.centre + 0.7 * torch.randn(40_000, 1, 2, generator=rng, dtype=F64)
    slopes = 0.3 + 0.2 * torch.randn(40_000, 1, 1, generator=rng, dtype=F64)
    agree_with_samples(
        Moments.rules["prelu"](x, slope), draws.clamp_min(0) + slopes * draws.clamp_max(0)
    )


def test_moments_are_differentiated_right() -> None:
    weights = random(3, 4)

    def spread(mean: Tensor, std: Tensor, radius: Tensor) -> Tensor:
        box = Interval(weights - radius, weights + radius)
        hidden = Moments.rules["linear"](Moments.gaussian(mean, std), box)
        found = functional.softmax(torch.tanh(hidden) + torch.relu(hidden), 1)
        return found.centre + found.deviation  # type: ignore[attr-defined]

    arguments = (random(2, 4), random(2, 4, seed=1).abs(), torch.tensor(0.1, dtype=F64))
    assert torch.autograd.gradcheck(spread, [a.requires_grad_() for a in arguments])


def test_it_says_that_it_is_not_sound() -> None:
    assert "not sound" in Moments.kind
    assert "NOT SOUND" in (Moments.__doc__ or "")
    for module in pkgutil.iter_modules(moments.__path__):
        found = importlib.import_module(f"{moments.__name__}.{module.name}")
        assert "not sound" in (found.__doc__ or "").lower()


def test_wrong_input_is_refused() -> None:
    x = Moments.gaussian(random(2, 3), 0.1)
    with pytest.raises(SettingError, match=r"variance ≥ 0, got -1"):
        Moments(random(2), torch.tensor([0.5, -1.0]).double())
    with pytest.raises(ShapeError, match="one shape"):
        Moments(random(2), random(3))
    with pytest.raises(UnsupportedOperationError, match="denominator"):
        _ = 1 / x
    for layer, message in [
        (nn.Dropout(), "evaluation mode"),
        (nn.BatchNorm1d(3).double(), "running statistics"),
        (nn.LogSoftmax(1), "log_softmax"),
        (nn.Upsample(scale_factor=2, mode="linear"), "nearest neighbours"),
    ]:
        with pytest.raises(UnsupportedOperationError, match=message):
            evaluate(layer, x)
