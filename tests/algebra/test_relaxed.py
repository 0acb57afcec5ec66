"""Relaxations against CROWN by loops, against intervals, and against attacked points."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import Interval, Value, evaluate
from gnomon.algebra.relaxation import LinearRelaxation, optimised
from gnomon.algebra.relaxation.forms import Node
from gnomon.algebra.relaxation.receptive_fields import ReceptiveFields
from gnomon.errors import SettingError, ShapeError, UnsupportedOperationError
from gnomon.networks import LeNet, Standardize
from gnomon.seeds import generator
from reference.networks_of_all_kinds import IMAGES, networks
from reference.substitution import crown


def _mlp(*widths: int, seed: int = 0) -> nn.Sequential:
    source = generator(seed)
    layers: list[nn.Module] = []
    for wide, narrow in itertools.pairwise(widths):
        layer = nn.Linear(wide, narrow).double()
        with torch.no_grad():
            layer.weight.copy_(torch.randn(narrow, wide, generator=source) / wide**0.5)
            layer.bias.copy_(0.3 * torch.randn(narrow, generator=source))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).eval()


def _draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=generator(seed)).double()


def _around(network: nn.Module, radius: float) -> dict[str, Interval]:
    return {
        name: Interval.around(value.detach(), radius)
        for name, value in network.named_parameters()
    }


def _assert_inside(inner: Value, outer: Value, slack: float = 1e-9) -> None:
    assert bool((inner.lower >= outer.lower - slack).all())  # type: ignore[operator]
    assert bool((inner.upper <= outer.upper + slack).all())  # type: ignore[operator]


@pytest.mark.parametrize(
    "widths", [(3, 5, 2), (4, 7, 6, 3), (2, 6, 6, 6, 2), (5, 70, 80, 66, 2)]
)
@pytest.mark.parametrize("radius", [0.05, 0.6])
def test_bounds_of_relu_networks_are_those_of_crown_by_loops(
    widths: tuple[int, ...], radius: float
) -> None:
    network, x = _mlp(*widths).requires_grad_(requires_grad=False), _draw(3, widths[0])
    found = evaluate(network, LinearRelaxation.around(x, radius))
    layers = [
        (layer.weight.detach().numpy(), layer.bias.detach().numpy())
        for layer in network
        if isinstance(layer, nn.Linear)
    ]
    for example, point in enumerate(x.numpy()):
        low, high = crown(layers, point - radius, point + radius)[-1]
        assert torch.allclose(found.lower[example], torch.from_numpy(low), 1e-11, 1e-12)
        assert torch.allclose(found.upper[example], torch.from_numpy(high), 1e-11, 1e-12)


def test_a_hidden_layer_by_hand() -> None:
    """The network max(0, x + y) + max(0, x − y) on [−1, 1] × [0, 1].

    Both pre-activations reach from −1 (−2) to 2 (1). Above, chords 2/3 (h + 1) and 1/3 (h + 2);
    below, h for the first and 0 for the second: x + y ≤ z ≤ x + y / 3 + 4 / 3.
    """
    network = _mlp(2, 2, 1)
    _set(network[0], torch.tensor([[1.0, 1.0], [1.0, -1.0]]), torch.zeros(2))
    _set(network[2], torch.ones(1, 2), torch.zeros(1))
    box = Interval(torch.tensor([[-1.0, 0.0]]).double(), torch.ones(1, 2).double())
    found = evaluate(network, LinearRelaxation.of(box))
    assert found.lower.item() == pytest.approx(0.0)  # of the interval; x + y ≥ −1
    assert found.upper.item() == pytest.approx(8 / 3)
    assert LinearRelaxation(found.node).at_least(torch.ones(1, 1)).item() == pytest.approx(0.0)
    assert evaluate(network, box).upper.item() == pytest.approx(3.0)


class Joined(nn.Module):
    """An affine network that uses its input several times."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 4, 3, stride=2)
        self.up = nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1)
        self.norm, self.last = nn.BatchNorm2d(2), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.first(x)) - 0.5 * x
        y = y + functional.pad(self.up(self.second(y)), (2, 0, 0, 2), value=0.3)
        y = torch.cat([y[:, :, ::2], x.flip((2,))[:, :, ::2]], dim=1)
        y = functional.avg_pool2d(y, (1, 2)).movedim(1, 3)
        y = torch.stack([y.mean(dim=1), y.sum(dim=1)], dim=1).flatten(1)
        return self.last(3 - y)


def test_affine_networks_are_exact_for_inputs() -> None:
    """Each output is least at the corner that the signs of its gradient pick."""
    network, x, radius = Joined().double().eval(), _draw(2, 2, 4, 4), 0.1
    network.norm.running_var = torch.full((2,), 0.4).double()
    found = evaluate(network, LinearRelaxation.around(x, radius))
    for logit in range(3):
        point = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(network(point)[:, logit].sum(), point)
        for sign, bound in ((1, found.upper), (-1, found.lower)):
            corner = network(x + sign * radius * slope.sign())[:, logit]
            assert torch.allclose(bound[:, logit], corner, rtol=1e-11, atol=1e-12)
    assert bool(
        (found.width < evaluate(network, Interval.around(x, radius)).width - 1e-3).all()
    )


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), (2, 4, 10)),
        (nn.Conv1d(2, 3, 3, padding="same"), (2, 2, 7)),
        (nn.Conv2d(4, 6, 3, dilation=2, groups=2), (2, 4, 7, 7)),
        (nn.Conv2d(2, 3, (3, 2), stride=(3, 2), padding=(1, 0)), (2, 2, 8, 7)),
        (nn.ConvTranspose1d(3, 5, 3, stride=2, output_padding=1), (2, 3, 6)),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, groups=2), (2, 4, 5, 5)),
        (nn.AdaptiveAvgPool2d(2), (2, 3, 5, 5)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (2, 1, 3, 3)),
        (nn.PixelShuffle(2), (2, 4, 2, 2)),
        (nn.Linear(4, 3), (2, 5, 4)),
    ],
)
def test_affine_layers_are_pulled_back_exactly(
    layer: nn.Module, shape: tuple[int, ...]
) -> None:
    """A difference of the layer with itself is 0, for substitution but not for intervals."""
    layer, x = layer.double(), _draw(*shape)

    class Twice(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return layer(x) - 0.75 * layer(x)

    found = evaluate(Twice(), LinearRelaxation.around(x, 0.2))
    alone = evaluate(layer, Interval.around(x, 0.2))
    assert torch.allclose(found.lower, 0.25 * alone.lower, rtol=1e-10, atol=1e-12)
    assert torch.allclose(found.upper, 0.25 * alone.upper, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in networks() if name != "cnn4_conv"])
@pytest.mark.parametrize("boxes", [0.0, 0.01])
def test_never_wider_than_intervals(name: str, boxes: float) -> None:
    network, x = networks()[name]()
    parameters = _around(network, boxes) if boxes else None
    interval = evaluate(network, Interval.around(x, 0.05), parameters)
    full = evaluate(network, LinearRelaxation.around(x, 0.05), parameters)
    mixed = evaluate(
        network, LinearRelaxation.around(x, 0.05, intermediate="interval"), parameters
    )
    _assert_inside(full, interval)
    _assert_inside(mixed, interval)
    if "norm" not in name and "softmax" not in name:
        assert float(full.width.detach().mean()) < 0.98 * float(interval.width.detach().mean())


def test_weight_boxes_are_exact_behind_one_layer_of_nonnegative_inputs() -> None:
    """A layer whose product with itself cancels: ±r |h| has the slope of h, and no more."""
    layer, x = nn.Linear(3, 2, bias=False).double(), _draw(4, 3).abs() + 0.5
    box = {"weight": Interval.around(layer.weight.detach(), 0.1)}
    found = evaluate(
        nn.Sequential(layer), LinearRelaxation.around(x, 0.2), {"0.weight": box["weight"]}
    )
    difference = found.bound(torch.tensor([[1.0, -1.0]]).double())
    weight = layer.weight.detach()
    row = weight[0] - weight[1]
    for sign, bound in ((1, difference.upper), (-1, difference.lower)):
        corners = [
            (x + 0.2 * torch.tensor(signs).double()) @ (row + sign * 0.2)
            for signs in itertools.product((-1.0, 1.0), repeat=3)
        ]
        best = torch.stack(corners).amax(0) if sign > 0 else torch.stack(corners).amin(0)
        assert torch.allclose(bound[:, 0], best)


def test_weight_boxes_on_inputs_of_both_signs_hold_all_vertices() -> None:
    """No vertex is below the bound, nor is the bound further below than 2 r max |h|."""
    weight, x = _draw(2, 2), torch.tensor([[0.1, -0.05]]).double()
    layer = nn.Linear(2, 2, bias=False)
    box = {"weight": Interval.around(weight, 0.3)}
    found = evaluate(layer.double(), LinearRelaxation.around(x, 0.2), box)
    row = torch.tensor([[1.0, -1.0]]).double()
    least = found.at_least(row).item()
    signs = [torch.tensor(each).double() for each in itertools.product((-1, 1), repeat=6)]
    vertices = [
        (row @ (weight + 0.3 * each[2:].reshape(2, 2)) @ (x[0] + 0.2 * each[:2])).item()
        for each in signs
    ]
    assert least <= min(vertices) + 1e-12
    assert least >= min(vertices) - 0.3 * 2 * float((x.abs() + 0.2).sum())


@pytest.mark.parametrize("intermediate", ["relaxed", "interval"])
def test_vertices_of_inputs_and_parameters_are_inside(intermediate: str) -> None:
    network, x, source = _mlp(3, 6, 5, 2), _draw(4, 3), generator(9)
    boxes = _around(network, 0.05)
    value = LinearRelaxation.around(x, 0.1, intermediate=intermediate)
    found = evaluate(network, value, boxes)
    for _ in range(300):
        corners = {
            name: torch.where(torch.rand(box.shape, generator=source) < 0.5, *box.parts)
            for name, box in boxes.items()
        }
        point = torch.where(torch.rand(x.shape, generator=source) < 0.5, x - 0.1, x + 0.1)
        assert found.contains(torch.func.functional_call(network, corners, (point,)), 1e-12)


def test_combinations_are_bounded_tighter_than_their_terms() -> None:
    network, x, radius = _mlp(4, 8, 8, 3), _draw(5, 4), 0.2
    found = evaluate(network, LinearRelaxation.around(x, radius))
    rows = torch.eye(3).double()[:1] - torch.eye(3).double()[1:]
    margins = found.bound(rows)
    by_terms = found.lower[:, :1] - found.upper[:, 1:]
    assert bool((margins.lower >= by_terms - 1e-12).all())
    assert float((margins.lower - by_terms).detach().mean()) > 0.01
    elided = evaluate(nn.Sequential(*network, _fixed(rows)), LinearRelaxation.around(x, radius))
    assert torch.allclose(margins.lower, elided.lower)
    assert torch.allclose(margins.upper, elided.upper)
    assert torch.allclose(found.at_least(rows), margins.lower)


def _fixed(weight: Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False).double()
    layer.weight.data.copy_(weight)
    return layer


def test_each_example_may_have_its_own_combinations() -> None:
    network, x = _mlp(4, 8, 3), _draw(3, 4)
    found = evaluate(network, LinearRelaxation.around(x, 0.2))
    rows = _draw(3, 2, 3, seed=7)
    together = found.bound(rows)
    for example in range(3):
        alone = found.bound(rows[example])
        assert torch.allclose(together.lower[example], alone.lower[example])
        assert torch.allclose(together.upper[example], alone.upper[example])


def test_slopes_are_found_that_bound_better() -> None:
    """Of max(0, x) + max(0, 0.6 − x) on [−1, 0.8] the least value is 0.6.

    With slopes 0 and 1 (the choice in the middle) the lower bound is min(0.6 − x) = −0.2, with
    two slopes a the bound is min(a x + a (0.6 − x)) = 0.6 a.
    """
    network = _mlp(1, 2, 1)
    _set(network[0], torch.tensor([[1.0], [-1.0]]), torch.tensor([0.0, 0.6]))
    _set(network[2], torch.tensor([[1.0, 1.0]]), torch.zeros(1))
    box = Interval(torch.tensor([[-1.0]]).double(), torch.tensor([[0.8]]).double())
    found = evaluate(network, LinearRelaxation.of(box))
    assert found.node.origin is not None
    assert found.bound(torch.ones(1, 1)).lower.item() == pytest.approx(0.0)  # the interval's
    best = optimised(found, steps=60, rate=0.1)
    assert best.lower.item() == pytest.approx(0.6, abs=0.02)
    assert best.upper.item() == pytest.approx(found.upper.item())


def test_optimised_bounds_are_sound_and_no_wider() -> None:
    network, x, source = _mlp(4, 10, 10, 3), _draw(3, 4), generator(4)
    found = evaluate(network, LinearRelaxation.around(x, 0.4))
    best = optimised(found, steps=10)
    _assert_inside(best, found)
    assert float(best.width.mean()) < 0.97 * float(found.width.detach().mean())
    for _ in range(200):
        point = x + 0.4 * (2 * torch.rand(x.shape, generator=source) - 1)
        assert best.contains(network(point), 1e-12)
    rows = _draw(2, 3, seed=3)
    assert optimised(found, rows, steps=2).shape == (3, 2)
    affine = evaluate(network[0], LinearRelaxation.around(x, 0.1))
    assert torch.allclose(optimised(affine).lower, affine.lower)


def _set(layer: nn.Module, weight: Tensor, bias: Tensor) -> None:
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)


def test_memory_is_spent_in_portions_that_change_nothing() -> None:
    network = LeNet((2, 3), (8,))(IMAGES, generator(0)).double().eval()
    x = torch.rand(2, 1, 16, 16, generator=generator(2)).double()
    whole = evaluate(network, LinearRelaxation.around(x, 0.05))
    portions = evaluate(network, LinearRelaxation.around(x, 0.05, budget=1))
    assert torch.allclose(whole.lower, portions.lower)
    assert torch.allclose(whole.upper, portions.upper)


@pytest.mark.parametrize("boxes", [0.0, 0.01])
def test_windows_of_images_bound_like_whole_images(
    boxes: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = nn.Sequential(
        Standardize((0.4, 0.6), (0.3, 0.2), axes=3),
        nn.Conv2d(2, 3, 3, padding=1, bias=False),
        nn.BatchNorm2d(3),
        nn.SiLU(),
        nn.Conv2d(3, 4, (4, 3), stride=2, padding=(1, 0), dilation=(1, 2)),
        nn.Tanh(),
        nn.Conv2d(4, 4, 2, groups=2),
        nn.Tanh(),
    )
    network = network.double().eval()
    x = torch.rand(2, 2, 14, 15, generator=generator(1)).double()
    parameters = _around(network, boxes) if boxes else None
    used: list[bool] = []

    def counted(node: Node) -> ReceptiveFields | None:
        found = of(node)
        used.append(found is not None)
        return found

    of = ReceptiveFields.of
    monkeypatch.setattr(ReceptiveFields, "of", counted)
    windows = evaluate(network, LinearRelaxation.around(x, 0.05), parameters).settled()
    assert used[-2:] == [True] * 2
    monkeypatch.setattr(ReceptiveFields, "of", _without_windows)
    whole = evaluate(network, LinearRelaxation.around(x, 0.05), parameters).settled()
    assert torch.allclose(windows.lower, whole.lower, rtol=1e-10, atol=1e-12)
    assert torch.allclose(windows.upper, whole.upper, rtol=1e-10, atol=1e-12)


def _without_windows(_: Node) -> None:
    """No node has windows."""


def test_a_batch_is_bounded_like_each_example() -> None:
    for name in ("residual", "cnn4", "linear, layer norm"):
        network, x = networks()[name]()
        together = evaluate(network, LinearRelaxation.around(x, 0.02))
        for index in range(len(x)):
            alone = evaluate(network, LinearRelaxation.around(x[index : index + 1], 0.02))
            assert torch.allclose(together.lower[index : index + 1], alone.lower, atol=1e-10)
            assert torch.allclose(together.upper[index : index + 1], alone.upper, atol=1e-10)


class Places(nn.Module):
    """Folds an axis of places into that of examples, and out again."""

    def __init__(self) -> None:
        super().__init__()
        self.each, self.last = nn.Linear(2, 3), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.each(x.reshape(-1, 2)))
        return self.last(h.reshape(-1, 6))


def test_axes_folded_into_the_examples_are_followed() -> None:
    network, x = Places().double().eval(), _draw(3, 2, 2)
    plain = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)).double()
    zero = torch.zeros(3, 2).double()
    each = network.each.weight.detach()
    weight = torch.cat([torch.cat([each, zero], dim=1), torch.cat([zero, each], dim=1)])
    _set(plain[0], weight, network.each.bias.detach().repeat(2))
    _set(plain[2], network.last.weight.detach(), network.last.bias.detach())
    found = evaluate(network, LinearRelaxation.around(x, 0.3))
    expected = evaluate(plain, LinearRelaxation.around(x.flatten(1), 0.3))
    assert torch.allclose(found.lower, expected.lower)
    assert torch.allclose(found.upper, expected.upper)


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x.flip((0,)),
        lambda x: x - x.mean(dim=0, keepdim=True),
        lambda x: x.t() @ x,
        lambda x: torch.stack([x, x]).sum(0),
        lambda x: x[1:] + x[:-1],
        lambda x: x.permute(1, 0).relu().permute(1, 0),
        lambda x: x.sum(),
        lambda x: x * x,
        lambda x: torch.maximum(x, x.flip((0,))),
    ],
)
def test_what_mixes_examples_is_still_enclosed(mix: Callable[..., Tensor]) -> None:
    first, last = _mlp(4, 4), _mlp(4, 4, seed=5)

    class Mixed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * mix(last(first(x).relu()))

    x, source = _draw(4, 4), generator(8)
    found = evaluate(Mixed(), LinearRelaxation.around(x, 0.2))
    for _ in range(50):
        point = x + 0.2 * (2 * torch.rand(x.shape, generator=source) - 1)
        assert found.contains(Mixed()(point), 1e-12)


def test_gradients_of_bounds_are_right() -> None:
    network = _mlp(2, 4, 3, 2)
    x, size = _draw(2, 2), torch.full((2, 2), 0.15).double()
    weight = network.get_parameter("2.weight").detach()

    def bounds(x: Tensor, size: Tensor, weight: Tensor, spread: Tensor) -> Tensor:
        value = LinearRelaxation.of(Interval.computed(x - size, x + size))
        boxes = {"2.weight": Interval.computed(weight - spread, weight + spread)}
        found = evaluate(network, value, boxes)
        return torch.cat([found.lower, found.upper])

    arguments = (x, size, weight.clone(), 0.02 + 0.01 * weight.abs())
    assert torch.autograd.gradcheck(bounds, [each.requires_grad_() for each in arguments])
    loss = evaluate(network, LinearRelaxation.around(x.detach(), 0.1)).width.sum()
    loss.backward()
    gradient = network.get_parameter("0.weight").grad
    assert gradient is not None
    assert float(gradient.abs().max()) > 0


def test_many_networks_at_once_give_what_each_gives() -> None:
    network, x = _mlp(4, 6, 5, 3), _draw(3, 4)
    weights = _draw(4, 6, 4)

    def bounds(weight: Tensor) -> tuple[Tensor, Tensor]:
        value = LinearRelaxation.around(x, 0.1, intermediate="interval")
        found = evaluate(network, value, {"0.weight": weight})
        return found.lower, found.upper

    lower, upper = torch.func.vmap(bounds)(weights)
    for index, weight in enumerate(weights):
        low, high = bounds(weight)
        assert torch.allclose(lower[index], low)
        assert torch.allclose(upper[index], high)


def test_single_precision_agrees_with_double() -> None:
    network, x = networks()["cnn4"]()
    double = evaluate(network, LinearRelaxation.around(x, 0.02)).lower
    single = evaluate(network.float(), LinearRelaxation.around(x.float(), 0.02))
    assert single.lower.dtype == torch.float32
    assert torch.allclose(single.lower.double(), double, atol=1e-4)


def test_nothing_is_certified_by_nan() -> None:
    everything = torch.full((1, 2), torch.inf)
    found = evaluate(
        _mlp(2, 3, 2).float(), LinearRelaxation.of(Interval(-everything, everything))
    )
    assert not bool((found.upper < 1e30).any())
    assert not bool((found.lower > -1e30).any())


def test_a_cut_ignores_bounds_that_are_nan_or_cross() -> None:
    known = Interval(torch.tensor([0.0, 0.0, 0.0]), torch.tensor([1.0, 1.0, 1.0]))
    found = known.cut(torch.tensor([torch.nan, 0.4, 0.7]), torch.tensor([0.8, torch.nan, 0.6]))
    assert torch.equal(found.lower, torch.tensor([0.0, 0.4, 0.0]))
    assert torch.equal(found.upper, torch.tensor([0.8, 1.0, 1.0]))


def test_functions_in_place_change_what_others_see() -> None:
    class InPlace(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x - 0.1
            functional.relu(y, inplace=True)
            y.clamp_(max=0.5)
            functional.softplus(y)
            y += 1
            return y

    x = _draw(5, 3)
    found = evaluate(InPlace(), LinearRelaxation.around(x, 0.0))
    assert torch.allclose(found.lower, InPlace()(x))
    assert torch.allclose(found.upper, InPlace()(x))


def test_bad_settings_are_refused() -> None:
    x = torch.zeros(2, 3)
    with pytest.raises(ShapeError, match="unsqueeze"):
        LinearRelaxation.around(x[0], 0.1)
    with pytest.raises(SettingError, match="'crown'"):
        LinearRelaxation.around(x, 0.1, intermediate="crown")
    with pytest.raises(SettingError, match="budget"):
        LinearRelaxation.around(x, 0.1, budget=0)
    with pytest.raises(SettingError, match="radius"):
        LinearRelaxation.around(x, -0.1)
    found = LinearRelaxation.around(x, 0.1)
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        found.bound(torch.ones(2, 4))
    with pytest.raises(ShapeError, match="2 examples"):
        found.bound(torch.ones(5, 1, 3))
    with pytest.raises(UnsupportedOperationError, match=r"Dropout.*eval"):
        evaluate(nn.Dropout(), found)
