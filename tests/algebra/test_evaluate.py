"""Evaluation puts values in place of parameters, takes them out again, and names what fails."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ReLU
from gnomon.algebra import Interval, evaluate
from gnomon.errors import (
    SettingError,
    ShapeError,
    UnknownNameError,
    UnsupportedOperationError,
)


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), ReLU(), nn.Linear(4, 2)).eval()


def _box(shape: tuple[int, ...] = (5, 3), radius: float = 0.1) -> Interval:
    centre = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    return Interval.around(centre, radius)


def _around(network: nn.Module, radius: float) -> dict[str, Interval]:
    return {
        name: Interval.around(parameter.detach(), radius)
        for name, parameter in network.named_parameters()
    }


def test_parameters_are_back_in_their_place_and_order_even_after_an_error() -> None:
    network = _network()
    before = list(network.named_parameters())
    evaluate(network, _box(), _around(network, 0.1))
    with pytest.raises(RuntimeError):
        evaluate(network, _box((5, 7)), _around(network, 0.1))
    after = list(network.named_parameters())
    assert [name for name, _ in after] == [name for name, _ in before]
    assert all(a is b for (_, a), (_, b) in zip(after, before, strict=True))
    assert "weight" not in vars(network[0])


def test_only_parameters_may_vary() -> None:
    network, x = _network(), _box().centre
    found = evaluate(
        network, x, {"2.bias": Interval.around(network.get_parameter("2.bias").detach(), 0.5)}
    )
    expected = network(x).detach()
    assert torch.allclose(found.lower, expected - 0.5, atol=1e-6)
    assert torch.allclose(found.upper, expected + 0.5, atol=1e-6)


def test_a_parameter_may_be_replaced_by_a_tensor() -> None:
    network, x = _network(), _box().centre
    changed = {"0.weight": torch.zeros(4, 3)}
    expected = torch.func.functional_call(network, changed, (x,))
    assert torch.equal(evaluate(network, x, changed), expected)


def test_a_shared_parameter_is_replaced_everywhere() -> None:
    network = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    network[1].weight = network[0].weight
    identity = Interval.point(torch.eye(3))
    found = evaluate(network, _box(), {"0.weight": identity})
    assert torch.allclose(found.lower, _box().lower)


def test_gradients_reach_centres_radii_and_the_networks_own_parameters() -> None:
    network = _network().double()
    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(1)).double()
    weight = network.get_parameter("0.weight").detach()

    def bounds(centre: Tensor, radius: Tensor, weight: Tensor, spread: Tensor) -> Tensor:
        box = Interval.computed(centre - radius, centre + radius)
        values = {"0.weight": Interval.computed(weight - spread, weight + spread)}
        found = evaluate(network, box, values)
        return torch.cat([found.lower, found.upper])

    arguments = [
        each.clone().requires_grad_()
        for each in (x, torch.full_like(x, 0.3), weight, 0.05 + 0.1 * weight.abs())
    ]
    assert torch.autograd.gradcheck(bounds, arguments)
    evaluate(network, _double(_box()), None).lower.sum().backward()
    assert network.get_parameter("0.weight").grad is not None


def _double(x: Interval) -> Interval:
    return Interval.computed(x.lower.double(), x.upper.double())


def test_many_networks_at_once_give_what_each_gives() -> None:
    network, box = _network(), _box()
    source = torch.Generator().manual_seed(2)
    weights = torch.randn(6, 4, 3, generator=source)

    def bounds(weight: Tensor) -> tuple[Tensor, Tensor]:
        values = {"0.weight": Interval.around(weight, 0.1 * weight.abs())}
        found = evaluate(network, box, values)
        return found.lower, found.upper

    lower, upper = torch.func.vmap(bounds)(weights)
    for index, weight in enumerate(weights):
        low, high = bounds(weight)
        assert torch.allclose(lower[index], low, atol=1e-6)
        assert torch.allclose(upper[index], high, atol=1e-6)


class Shrunk(nn.Module):
    """Calls a function that intervals have no rule for."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft(x).real


def test_an_operation_without_a_rule_is_named_with_its_module() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Sequential(Shrunk()))
    with pytest.raises(UnsupportedOperationError, match=r"1\.0 \(Shrunk\).*fft.*linear"):
        evaluate(network, _box())


@pytest.mark.parametrize(
    "module", [nn.Dropout(), nn.BatchNorm1d(3), nn.Sequential(nn.Dropout(0.2))]
)
def test_a_random_forward_is_refused(module: nn.Module) -> None:
    with pytest.raises(UnsupportedOperationError, match="eval"):
        evaluate(module.train(), _box())


def test_wrong_parameters_are_refused() -> None:
    network = _network()
    with pytest.raises(UnknownNameError, match=r"0\.weight"):
        evaluate(network, _box(), {"0.wieght": _box()})
    with pytest.raises(ShapeError, match=r"\(4, 3\)"):
        evaluate(network, _box(), {"0.weight": _box()})


def test_boxes_that_are_none_are_refused() -> None:
    low, high = torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0])
    with pytest.raises(SettingError, match=r"1 and 0 at index \[1\]"):
        Interval(low, high)
    with pytest.raises(SettingError, match="nan"):
        Interval(torch.tensor([torch.nan]), torch.tensor([1.0]))
    with pytest.raises(ShapeError):
        Interval(low, torch.ones(3))
    with pytest.raises(SettingError, match="radius ≥ 0"):
        Interval.around(low, -0.1)
    with pytest.raises(SettingError, match="radius ≥ 0"):
        Interval.around(low, float("nan"))
    with pytest.raises(ShapeError, match="radius"):
        Interval.around(low, torch.ones(3))
    with pytest.raises(SettingError, match=r"centre in \[0, 0.5\]"):
        Interval.around(low, 0.1, (0.0, 0.5))


def test_activations_in_place_change_what_others_see() -> None:
    class InPlace(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x + 0
            functional.relu(y, inplace=True)
            y.clamp_(max=0.5)
            y += 1
            return y

    x = torch.randn(50, generator=torch.Generator().manual_seed(0))
    found = evaluate(InPlace(), Interval.point(x))
    assert torch.equal(found.lower, InPlace()(x))
    assert torch.equal(found.upper, found.lower)


def test_every_name_of_a_value_sees_what_was_added_in_place() -> None:
    class Alias(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x * 1
            z = y
            y += 1
            y *= 2
            return z

    found = evaluate(Alias(), Interval.point(torch.zeros(3)))
    assert found.lower.tolist() == [2.0] * 3


@pytest.mark.parametrize("branch", [lambda x: x > 0, lambda x: 1 if x.sum() else 0])
def test_a_branch_on_values_is_refused(branch: Callable[[Tensor], object]) -> None:
    class Branch(nn.Module):
        def forward(self, x: Tensor) -> object:
            return branch(x)

    with pytest.raises(UnsupportedOperationError, match="Branch"):
        evaluate(Branch(), _box())


def test_nothing_is_certified_by_nan() -> None:
    everything = torch.full((1, 1), torch.inf)
    box = Interval.computed(-everything, everything)
    found = evaluate(nn.Linear(1, 1), box)
    assert not bool((found.upper < 0).any())
    assert not bool((found.lower > 0).any())


class Waiting(nn.Module):
    """A layer that lets another thread begin while its own evaluation is under way."""

    def __init__(self, barrier: threading.Event) -> None:
        super().__init__()
        self.layer, self.barrier = nn.Linear(1, 1, bias=False), barrier

    def forward(self, x: Tensor) -> Tensor:
        weight = self.layer.weight
        self.barrier.wait(0.2)  # the other thread would put its own weights here
        self.barrier.set()
        assert self.layer.weight is weight
        return self.layer(x)


def test_one_network_is_evaluated_by_one_thread_at_a_time() -> None:
    network = Waiting(threading.Event())

    def bound(size: float) -> float:
        weights = {"layer.weight": Interval.around(torch.zeros(1, 1), size)}
        return float(evaluate(network, torch.ones(1, 1), weights).upper)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(bound, (1.0, 2.0))) == [1.0, 2.0]
    assert isinstance(network.layer.weight, nn.Parameter)
