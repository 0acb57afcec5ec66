"""Zonotopes: exact where a network is affine, sound where it is not, and of bounded size."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import Ball, Interval, evaluate
from gnomon.algebra.zonotope import Zonotope, symbols as noise
from gnomon.errors import SettingError, ShapeError, UnsupportedOperationError

F64 = torch.float64


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=F64)


def support(x: Zonotope, direction: Tensor) -> Tensor:
    """The largest value of ⟨direction, member⟩ for each example."""
    fixed = (direction * x.centre).flatten(1).sum(1)
    turned = (direction * x.generators).flatten(2).sum(2).abs().sum(0)
    return fixed + turned + (direction.abs() * x.radius).flatten(1).sum(1)


def run(formula: Callable[[Tensor], Any], x: Any) -> Any:  # noqa: ANN401
    """The formula of a value, which stands for a tensor."""
    return formula(x)


def exact(network: Callable[[Tensor], Tensor], x: Interval) -> tuple[Tensor, Tensor]:
    """The range of an affine network over a box, from its matrix."""
    centre, radius = x.centre, x.radius
    jacobian = torch.func.vmap(torch.func.jacrev(lambda v: network(v[None])[0].flatten()))(
        centre
    )
    middle = network(centre)
    reach = (jacobian.abs() * radius[:, None]).flatten(2).sum(2).reshape(middle.shape)
    return middle - reach, middle + reach


def affine_networks() -> dict[str, nn.Module]:
    normal = nn.BatchNorm2d(6)
    normal.running_mean, normal.running_var = random(6).float(), random(6).float().exp()
    instance = nn.InstanceNorm2d(6, affine=True, track_running_stats=True)
    return {
        "conv": nn.Sequential(
            nn.Conv2d(2, 6, 3, stride=2, padding=1), normal, nn.AvgPool2d(2),
            nn.Flatten(), nn.Linear(24, 5), nn.Linear(5, 4),
        ),
        "settings": nn.Sequential(
            nn.Conv2d(2, 6, (3, 2), stride=(1, 2), padding=(2, 1), dilation=2, groups=2),
            instance, nn.AdaptiveAvgPool2d(3), nn.ConvTranspose2d(6, 3, 3, stride=2),
            nn.Upsample(scale_factor=2, mode="bilinear"), nn.Dropout(0.5),
        ),
        "sequences": nn.Sequential(
            nn.Flatten(2), nn.Conv1d(2, 4, 5, padding=2, dilation=2, padding_mode="reflect"),
            nn.AvgPool1d(3, 2, padding=1), nn.ConvTranspose1d(4, 2, 4, stride=3),
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["conv", "settings", "sequences"])
def test_affine_networks_are_exact(name: str) -> None:
    network = affine_networks()[name].double().eval()
    box = Interval.around(random(3, 2, 8, 8), random(3, 2, 8, 8, seed=1).abs() / 10)
    with torch.no_grad():
        found = evaluate(network, Zonotope.of(box))
    lower, upper = (bound.detach() for bound in exact(network, box))
    torch.testing.assert_close(found.lower, lower, atol=1e-12, rtol=0)
    torch.testing.assert_close(found.upper, upper, atol=1e-12, rtol=0)
    if name == "conv":
        assert float(found.width.mean()) < 0.5 * float(
            evaluate(network, box).width.detach().mean()
        )


def test_movements_of_coordinates_are_exact() -> None:
    def moved(v: Tensor) -> Tensor:
        v = torch.cat([v, v.flip(2), -2 * v[:, :1]], dim=1).permute(0, 2, 3, 1)
        v = v.reshape(len(v), 4, -1).transpose(1, 2)[:, 2:, [0, 3, 1]]
        first, second = functional.pad(v, (1, 1), value=3.0).chunk(2, dim=1)
        v = torch.stack([first, second + first / 4], dim=-1) - 1
        v = v.unsqueeze(1).expand(-1, 2, -1, -1, -1).squeeze(1)
        return v.sum(2) + v.mean(dim=(1, 2), keepdim=False)[:, None] - v.roll(1, 3).select(2, 0)

    box = Interval.around(random(3, 2, 4, 4), 0.1)
    found = run(moved, Zonotope.of(box))
    lower, upper = exact(moved, box)
    torch.testing.assert_close(found.lower, lower, atol=1e-12, rtol=0)
    torch.testing.assert_close(found.upper, upper, atol=1e-12, rtol=0)


def test_a_value_minus_itself_is_zero() -> None:
    x = Zonotope.around(random(2, 5), 0.3)
    assert float((x - x).width.max()) == 0
    assert torch.equal((x + x).upper, (2 * x).upper)
    y = nn.Linear(5, 4).double().requires_grad_(requires_grad=False)(x)
    assert float((y - y).width.max()) == 0
    z = (x + 0.5).relu()
    assert float((z - z).width.max()) == 0  # errors of activations are symbols too


def test_intervals_are_loose_where_zonotopes_are_exact() -> None:
    """The sum of x₁ + x₂ and x₁ − x₂ is 2 x₁, and depends on x₂ no more."""
    turn = nn.Linear(2, 2, bias=False).double()
    turn.weight.data = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=F64)
    box = Interval.around(torch.zeros(1, 2, dtype=F64), 1.0)
    twice = nn.Sequential(turn, turn)
    assert evaluate(twice, Zonotope.of(box)).upper.tolist() == [[2, 2]]
    assert evaluate(twice, box).upper.tolist() == [[4, 4]]


def test_residual_joins_keep_what_their_branches_share() -> None:
    weights = random(4, 4)

    def network(x: Tensor) -> Tensor:
        hidden = functional.linear(x, weights).relu()
        return x + functional.linear(hidden, -weights) - hidden

    box = Interval.around(random(3, 4), 0.2)
    found = run(network, Zonotope.of(box))
    shares = torch.rand(2000, 3, 4, generator=generator(), dtype=F64) * 2 - 1
    shares = torch.cat([shares, shares.sign()])
    for share in shares:
        assert found.contains(network(box.centre + share * box.radius), 1e-12)
    naive = run(network, box)
    assert float(found.width.mean()) < 0.8 * float(naive.width.mean())
    # where no relu changes its mind the network is affine, and the join exact
    far = Interval.around(5 + random(3, 4), 0.01)
    lower, upper = exact(network, far)
    kept = (functional.linear(far.centre, weights).abs() > 0.1).all(1)
    assert bool(kept.any())
    torch.testing.assert_close(run(network, Zonotope.of(far)).upper[kept], upper[kept])
    torch.testing.assert_close(run(network, Zonotope.of(far)).lower[kept], lower[kept])


def test_branches_with_different_symbols_join_soundly() -> None:
    box = Interval.around(random(2, 6), 0.5)
    x = Zonotope.of(box, symbols=7)
    first, second = nn.Linear(6, 6).double(), nn.Linear(6, 6).double()

    def network(v: Tensor) -> Tensor:
        one = first(v).relu()
        two = second(one).tanh()
        return torch.cat([one + two, v - two, one * 2 - v], dim=1)

    with torch.no_grad():
        found = run(network, x)
        assert len(found.generators) <= 7
        for signs in product((-1.0, 1.0), repeat=6):
            point = box.centre + torch.tensor(signs, dtype=F64) * box.radius
            assert found.contains(network(point), 1e-12)


def test_symbols_for_a_box_describe_the_same_box() -> None:
    radius = random(3, 2, 4).abs()
    generators, labels, rest = noise.renewed(*noise.none(radius), radius, 5)
    assert generators.shape == (5, 3, 2, 4)
    torch.testing.assert_close(generators.abs().sum(0) + rest, radius)
    assert bool((generators.flatten(2).count_nonzero(2) == 1).all())
    assert bool((rest.flatten(1).amax(1) <= generators.flatten(2).sum(2).amin(0)).all())
    assert len(labels.unique()) == 5 * 3 or len(labels[:, 0].unique()) == 5


def test_folding_symbols_encloses_the_set_and_keeps_its_hull() -> None:
    made = Zonotope(random(3, 4, 2), random(9, 3, 4, 2, seed=1), random(3, 4, 2, seed=2).abs())
    fewer = Zonotope.computed(
        made.centre, made.generators, made.labels, made.radius, made.box, 4
    )
    assert len(fewer.generators) == len(fewer.labels) == 4
    for seed in range(20):
        direction = random(3, 4, 2, seed=100 + seed)
        assert bool((support(fewer, direction) >= support(made, direction) - 1e-12).all())
    torch.testing.assert_close(fewer.upper, made.upper)
    torch.testing.assert_close(fewer.lower, made.lower)
    sizes = made.generators.abs().sum((2, 3)).sort(0, descending=True).values[:4].sum(0)
    torch.testing.assert_close(fewer.generators.abs().sum((0, 2, 3)), sizes)


def test_the_number_of_symbols_stays_bounded() -> None:
    network = nn.Sequential(
        *(layer for _ in range(5) for layer in (nn.Linear(12, 12), nn.Tanh()))
    ).double()
    counts: list[Any] = []
    for layer in network:
        layer.register_forward_hook(lambda _m, _i, out: counts.append(out))
    boxes = {n: Interval(p - 0.01, p + 0.01) for n, p in network.named_parameters()}
    for most in (0, 1, 5, 12, 30):
        counts.clear()
        found = evaluate(network, Zonotope.around(random(2, 12), 0.1, symbols=most), boxes)
        assert max(len(each.generators) for each in counts) <= most
        assert found.contains(network(random(2, 12)))


def test_without_symbols_it_is_no_wider_than_intervals() -> None:
    network = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)).double()
    box = Interval.around(random(4, 6), 0.2)
    found, plain = evaluate(network, Zonotope.of(box, symbols=0)), evaluate(network, box)
    torch.testing.assert_close(found.upper, plain.upper)
    torch.testing.assert_close(found.lower, plain.lower)


def test_functions_that_mix_examples_are_sound() -> None:
    """Examples have noise of their own, so rows must not be taken for one another."""
    box = Interval.around(random(3, 3), 0.5)
    x = Zonotope.of(box)

    def mixed(v: Tensor) -> list[Tensor]:
        weights = random(3, 3, seed=7)
        return [
            v.flip(0) - v, v.roll(1, 0) + v, v.t() - v, v[[1, 2, 0]] - v, v.sum(0) - v[1],
            weights @ v - v, v.reshape(1, 9) * 1, torch.cat([v, v]), torch.stack([v, v]),
            v - v[:1], v.cumsum(0) - v, v.transpose(0, 1).reshape(3, 3) - v,
            functional.conv1d(v, weights[:, :, None]) - v, v.mean() - v,
        ]  # fmt: skip

    points = torch.rand(300, 3, 3, generator=generator(), dtype=F64) * 2 - 1
    found = run(mixed, x)
    for share in torch.cat([points, points.sign()]):
        for bound, true in zip(found, mixed(box.centre + share * box.radius), strict=True):
            assert bound.contains(true, 1e-12)


NORMALISATIONS: dict[str, nn.Module] = {
    "layer": nn.LayerNorm([2, 3]),
    "group": nn.GroupNorm(2, 4),
    "instance": nn.InstanceNorm1d(4, affine=True),
    "batch": nn.BatchNorm1d(4),
}


@pytest.mark.parametrize("name", NORMALISATIONS)
@pytest.mark.parametrize("radius", [0.01, 0.3, 2.0])
def test_normalised_zonotopes_hold_normalised_points(name: str, radius: float) -> None:
    """The zonotope by itself, not only where intervals are laid over it."""
    layer = NORMALISATIONS[name].double().eval().requires_grad_(requires_grad=False)
    box = Interval.around(random(2, 4, 2, 3) if name == "layer" else random(2, 4, 3), radius)
    found = evaluate(layer, Zonotope.of(box))
    reach = found.generators.abs().sum(0) + found.radius
    shares = torch.rand(500, *box.shape, generator=generator(), dtype=F64) * 2 - 1
    for share in torch.cat([shares, shares.sign()]):
        true = layer(box.centre + share * box.radius)
        assert bool(((true - found.centre).abs() <= reach + 1e-12).all())
        assert found.contains(true, 1e-12)


def test_balls_of_weights_lie_within_and_are_tighter_than_their_boxes() -> None:
    layer = nn.Linear(6, 4).double().requires_grad_(requires_grad=False)
    x = Interval.around(random(3, 6), 0.1)
    weight = layer.weight.detach()
    ball = Ball(weight, torch.tensor(0.5, dtype=F64))
    found = evaluate(layer, Zonotope.of(x), {"weight": ball})
    box = Interval(weight - 0.5, weight + 0.5)
    assert float(found.width.max()) < float(
        evaluate(layer, Zonotope.of(x), {"weight": box}).width.min()
    )
    for seed in range(50):
        row = torch.zeros(4, 6, dtype=F64)
        row[seed % 4] = functional.normalize(x.centre[seed % 3], dim=0) * (0.5 - seed % 2)
        point = x.centre + 0.1 * random(3, 6, seed=seed).sign()
        assert found.contains(functional.linear(point, weight + row, layer.bias), 1e-12)
    norm, centred = nn.BatchNorm1d(6).double().eval(), Zonotope.of(x)
    ones = Ball(torch.ones(6, dtype=F64), torch.tensor(0.1, dtype=F64))
    assert evaluate(norm, centred, {"weight": ones}).contains(norm(x.centre) * 1.04)


def test_one_batch_is_the_same_as_one_by_one() -> None:
    network = nn.Sequential(nn.Linear(6, 8), nn.SiLU(), nn.Linear(8, 8), nn.ReLU()).double()
    box = Interval.around(random(4, 6), random(4, 6, seed=3).abs() / 5)
    together = evaluate(network, Zonotope.of(box, symbols=5))
    for row in range(4):
        alone = Zonotope.of(Interval(box.lower[row : row + 1], box.upper[row : row + 1]), 5)
        torch.testing.assert_close(evaluate(network, alone).upper[0], together.upper[row])


def test_a_matrix_whose_weights_vary_gets_an_error_of_its_own() -> None:
    layer = nn.Linear(3, 2).double()
    x = torch.tensor([[1.0, -2.0, 0.5]], dtype=F64)
    boxes = {n: Interval(p - 0.1, p + 0.1) for n, p in layer.named_parameters()}
    found = evaluate(layer, Zonotope.of(Interval.point(x)), boxes)
    torch.testing.assert_close(found.upper, layer(x) + 0.1 * (3.5 + 1))  # Σ R |x| + r_b
    torch.testing.assert_close(found.lower, layer(x) - 0.1 * (3.5 + 1))


@pytest.mark.parametrize("kind", ["linear", "conv", "transposed", "batch", "prelu", "product"])
def test_vertices_of_parameter_and_input_boxes_lie_within(kind: str) -> None:
    layers: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
        "linear": (nn.Linear(2, 1), (1, 2)),
        "conv": (nn.Conv1d(1, 1, 2, bias=False), (1, 1, 3)),
        "transposed": (nn.ConvTranspose1d(1, 1, 2), (1, 1, 2)),
        "batch": (nn.BatchNorm1d(2), (1, 2)),
        "prelu": (nn.PReLU(2, init=-0.3), (1, 2)),
        "product": (Scaled(), (1, 2)),
    }
    layer, shape = layers[kind]
    layer = layer.double().eval()
    own = dict(layer.named_parameters())
    sizes = [p.numel() for p in own.values()] + [torch.Size(shape).numel()]
    box = Interval.around(random(*shape) / 2, 0.7)
    params = {n: Interval(p.detach() - 0.4, p.detach() + 0.4) for n, p in own.items()}
    found = evaluate(layer, Zonotope.of(box), params)
    for signs in product((-1.0, 0.0, 1.0), repeat=sum(sizes)):
        parts = torch.tensor(signs, dtype=F64).split(sizes)
        values = {
            n: (p + 0.4 * s.reshape(p.shape))
            for (n, p), s in zip(own.items(), parts[:-1], strict=True)
        }
        point = box.centre + 0.7 * parts[-1].reshape(shape)
        assert found.contains(torch.func.functional_call(layer, values, (point,)), 1e-12)


class Scaled(nn.Module):
    """A module that uses its parameter without a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([0.3, -0.2]))

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.scale + self.scale) / 2 - self.scale * 3


def test_bounds_are_differentiated_right() -> None:
    first, second = random(5, 4), random(2, 5, seed=1)

    def bend(v: Tensor) -> Tensor:
        return functional.linear((functional.silu(v) + v.tanh()).relu(), second)

    def bounds(centre: Tensor, radius: Tensor, size: Tensor) -> Tensor:
        weights = Interval(first - size * first.abs(), first + size * first.abs())
        hidden = Zonotope.rules["linear"](Zonotope.around(centre, radius, symbols=6), weights)
        out = run(bend, hidden)
        return out.upper - 0.3 * out.lower

    arguments = (
        random(2, 4, seed=5),
        random(2, 4, seed=6).abs() / 2,
        torch.tensor(0.05).double(),
    )
    for each in arguments:
        each.requires_grad_()
    assert torch.autograd.gradcheck(bounds, arguments, eps=1e-5, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_keep_their_precision(dtype: torch.dtype) -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.Mish(), nn.Softmax(1)).to(dtype)
    x = Zonotope.around(random(2, 4).to(dtype), 0.1)
    found = evaluate(network, x)
    assert found.lower.dtype == found.upper.dtype == found.generators.dtype == dtype
    assert x.float().double().centre.dtype == F64
    assert x.detach().shape == x.clone().shape == (2, 4)


def test_it_works_inside_vmap() -> None:
    x = random(2, 4)

    def top(weights: Tensor) -> Tensor:
        hidden = Zonotope.rules["linear"](Zonotope.around(x, 0.1, symbols=3), weights)
        return run(functional.gelu, hidden).upper

    weights = random(5, 3, 4)
    together = torch.func.vmap(top)(weights)
    torch.testing.assert_close(together, torch.stack([top(each) for each in weights]))


def test_wrong_input_is_refused() -> None:
    x = random(2, 3)
    with pytest.raises(SettingError, match="radius ≥ 0"):
        Zonotope.around(x, -0.1)
    with pytest.raises(SettingError, match="symbols ≥ 0, got -1"):
        Zonotope.around(x, 0.1, symbols=-1)
    with pytest.raises(ShapeError, match=r"generators symbols × \(2, 3\)"):
        Zonotope(x, random(4, 2, 2), x.abs())
    with pytest.raises(UnsupportedOperationError, match=r"Sort.*got 'sort'"):
        evaluate(Sort(), Zonotope.around(x, 0.1))
    with pytest.raises(UnsupportedOperationError, match="evaluation mode"):
        evaluate(nn.Dropout(), Zonotope.around(x, 0.1))
    with pytest.raises(UnsupportedOperationError, match="running statistics"):
        evaluate(nn.BatchNorm1d(3).double(), Zonotope.around(x, 0.1))


class Sort(nn.Module):
    """An operation without a rule."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sort(x).values
