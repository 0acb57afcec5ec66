"""Bounds that are found where they still matter, against those found everywhere."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import NEAREST, Arithmetic, Interval, Outward, enclose, evaluate
from gnomon.algebra.relaxation import LinearRelaxation, intermediate_bounds
from gnomon.algebra.relaxation.forms import Node, signed_bounds
from gnomon.algebra.relaxation.receptive_fields import ReceptiveFields
from gnomon.seeds import generator
from gnomon.sets import L2


class Block(nn.Module):
    """A residual block with two different paths."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.short = nn.Conv2d(4, 6, 1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.norm(self.first(x)))
        return torch.relu(self.second(h) + self.short(x))


def _plain() -> list[nn.Module]:
    return [nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 4, 2, 1), nn.ReLU()]


def _residual() -> list[nn.Module]:
    return [nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), Block()]


def _grouped() -> list[nn.Module]:
    layers = _plain()
    layers[2] = nn.Conv2d(4, 6, (3, 2), 2, (0, 1), groups=2)
    return layers


def _padded_without_activation() -> list[nn.Module]:
    return [nn.Conv2d(2, 4, 1, bias=True), nn.Conv2d(4, 4, 3, padding=2), *_plain()[1:]]


def _leaky() -> list[nn.Module]:
    layers = _plain()
    return [*layers[:1], nn.LeakyReLU(0.1), *layers[2:3], nn.LeakyReLU(0.2)]


KINDS = {
    "plain": _plain,
    "residual": _residual,
    "grouped": _grouped,
    "padded": _padded_without_activation,
    "leaky": _leaky,
}


def _network(layers: Callable[[], list[nn.Module]]) -> tuple[nn.Module, Tensor]:
    body = layers()
    source = generator(3)
    x = torch.rand(2, 2, 12, 13, generator=source).double()
    network = nn.Sequential(*body, nn.Conv2d(6, 3, 3), nn.ReLU(), nn.Flatten())
    with torch.no_grad():
        width = network(x.float()).shape[1]
        network.append(nn.Linear(width, 4))
        for value in network.parameters():
            fan = max(1, value[0].numel())
            value.copy_(torch.randn(value.shape, generator=source) / fan**0.5)
    return network.double().eval().requires_grad_(requires_grad=False), x


def _everywhere(node: Node, _: intermediate_bounds.Undecided | None, budget: int) -> Interval:
    """Both bounds of all coordinates, by forms over the whole expression."""
    return intermediate_bounds.tightened(node, None, budget)


@pytest.mark.parametrize("arithmetic", [NEAREST, Outward()], ids=["nearest", "outward"])
@pytest.mark.parametrize("kind", KINDS)
def test_bounds_found_where_they_matter_are_those_found_everywhere(
    kind: str, arithmetic: Arithmetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, x = _network(KINDS[kind])
    used: list[bool] = []
    of = ReceptiveFields.of

    def counted(node: Node) -> ReceptiveFields | None:
        found = of(node)
        used.append(found is not None)
        return found

    monkeypatch.setattr(ReceptiveFields, "of", counted)
    value = LinearRelaxation.around(x, 0.002, arithmetic=arithmetic)
    found = evaluate(network, value).settled()
    assert any(used)
    monkeypatch.setattr(ReceptiveFields, "of", _none)
    monkeypatch.setattr("gnomon.algebra.relaxation.linear_relaxation.tightened", _everywhere)
    expected = evaluate(network, value).settled()
    assert torch.allclose(found.lower, expected.lower, rtol=1e-9, atol=1e-11)
    assert torch.allclose(found.upper, expected.upper, rtol=1e-9, atol=1e-11)
    assert float(expected.width.max()) > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_wide_bounds_hold_and_are_not_wider_than_intervals(kind: str) -> None:
    network, x = _network(KINDS[kind])
    found = evaluate(network, LinearRelaxation.around(x, 0.1)).settled()
    rounded = evaluate(network, LinearRelaxation.around(x, 0.1, arithmetic=Outward())).settled()
    plain = evaluate(network, Interval.around(x, 0.1))
    assert bool((found.lower >= plain.lower - 1e-9).all())
    assert bool((found.upper <= plain.upper + 1e-9).all())
    source = generator(5)
    for _ in range(30):
        point = x + 0.1 * torch.randn(x.shape, generator=source).sign().double()
        assert found.contains(network(point), 1e-10)
        assert rounded.contains(network(point))


def test_what_follows_a_decided_activation_gets_both_of_its_bounds() -> None:
    network, x = _network(_plain)
    layers = list(network.children())
    pooled = nn.Sequential(*layers[:6], nn.MaxPool2d(2))
    found = evaluate(pooled, LinearRelaxation.around(x, 0.02)).settled()
    each = evaluate(nn.Sequential(*layers[:5]), LinearRelaxation.around(x, 0.02)).settled()
    highest = nn.functional.max_pool2d(each.upper.clamp_min(0), 2)
    assert torch.allclose(found.upper, highest, rtol=1e-9, atol=1e-11)


def test_the_forms_of_windows_stay_in_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = _network(_plain)
    budget = 2**16
    sizes: list[int] = []

    def counted(node: Node, rows: Tensor, signs: Tensor, arithmetic: Arithmetic) -> Tensor:
        sizes.append(6 * 8 * node.breadth * signs.numel())
        return signed_bounds(node, rows, signs, arithmetic)

    monkeypatch.setattr(intermediate_bounds, "signed_bounds", counted)
    some = evaluate(network, LinearRelaxation.around(x, 0.01, budget=budget)).settled()
    assert len(sizes) > 2
    assert max(sizes) <= budget
    most = evaluate(network, LinearRelaxation.around(x, 0.01)).settled()
    assert torch.allclose(some.lower, most.lower)
    assert torch.allclose(some.upper, most.upper)


def _none(_: Node) -> None:
    """No node has windows."""


def test_a_ball_of_images_joins_places_and_has_no_windows() -> None:
    """Of affine layers the range is ± r ‖∂z/∂x‖₂; windows would take the ball as its box."""
    source = generator(9, "ball")
    network = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
    ).double()
    x = torch.randn(2, 1, 12, 12, generator=source, dtype=torch.float64)
    value = evaluate(network, LinearRelaxation.of(enclose(x, L2(0.3))))
    assert ReceptiveFields.of(value.node) is None
    assert (
        ReceptiveFields.of(evaluate(network, LinearRelaxation.around(x, 0.3)).node) is not None
    )
    slopes = torch.func.jacrev(network)(x[:1]).flatten(-4).norm(dim=-1)
    assert torch.allclose(value.upper, network(x) + 0.3 * slopes, rtol=0, atol=1e-9)
    assert torch.allclose(value.lower, network(x) - 0.3 * slopes, rtol=0, atol=1e-9)


@pytest.mark.parametrize("budget", [1, 2**12, 2**25])
def test_a_shift_of_each_example_is_its_own_in_every_portion(budget: int) -> None:
    """Against the same examples one by one."""
    source = generator(10, "shift")
    first, second = nn.Linear(6, 8).double(), nn.Linear(8, 5).double()
    x = torch.randn(4, 6, generator=source, dtype=torch.float64)
    shift = torch.randn(4, 5, generator=source, dtype=torch.float64)

    def settled(part: slice) -> Interval:
        value = LinearRelaxation.around(x[part], 0.2, budget=budget)
        found: LinearRelaxation = second(torch.relu(first(value))) + shift[part]
        return found.settled()

    whole = settled(slice(None))
    for index in range(len(x)):
        single = settled(slice(index, index + 1))
        assert torch.allclose(whole.lower[index], single.lower[0], rtol=0, atol=1e-12)
        assert torch.allclose(whole.upper[index], single.upper[0], rtol=0, atol=1e-12)
