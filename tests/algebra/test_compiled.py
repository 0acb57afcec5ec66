"""Intervals under `torch.func.vmap`, and compiled: the same numbers, and the same gradients."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from gnomon.algebra import Exact, Interval, evaluate
from gnomon.seeds import generator

Bounds = Callable[..., tuple[Tensor, Tensor]]


def _dyadic(*shape: int, source: torch.Generator) -> Tensor:
    """Multiples of 1/8: all that is computed of them is exact, in whatever order."""
    return (8 * torch.randn(shape, generator=source)).round().double() / 8


X = _dyadic(5, 4, source=generator(0))


def _network() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).eval()


def _weights(members: int) -> list[Tensor]:
    source = generator(1)
    parameters = _network().parameters()
    return [_dyadic(members, *each.shape, source=source) for each in parameters]


def _bounds(box: Callable[[Tensor, Tensor], Interval]) -> Bounds:
    network = _network()
    names = [name for name, _ in network.named_parameters()]

    def bounds(lower: Tensor, upper: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        boxes = {
            name: box(each - each.abs() / 64, each + each.abs() / 64)
            for name, each in zip(names, weights, strict=True)
        }
        found = evaluate(network, Interval.computed(lower, upper), boxes)
        return found.lower, found.upper

    return bounds


def _differentiated(bounds: Bounds, weights: list[Tensor]) -> list[Tensor]:
    """Both bounds, and the gradients of their widths."""
    leaves = [each.clone().requires_grad_() for each in weights]
    lower, upper = bounds(X - 0.125, X + 0.125, *leaves)
    gradients = torch.autograd.grad((upper - lower).sum(), leaves)
    return [lower.detach(), upper.detach(), *gradients]


@pytest.mark.parametrize("box", [Interval, Interval.computed, Exact])
def test_many_networks_at_once_give_what_each_gives_bit_for_bit(
    box: Callable[[Tensor, Tensor], Interval],
) -> None:
    bounds, weights = _bounds(box), _weights(6)
    members = [[each[index] for each in weights] for index in range(6)]
    with torch.no_grad():
        together = torch.func.vmap(bounds, in_dims=(None, None, 0, 0, 0, 0))(
            X - 0.125, X + 0.125, *weights
        )
        apart = [bounds(X - 0.125, X + 0.125, *member) for member in members]
    for index, each in enumerate(apart):
        assert torch.equal(together[0][index], each[0])
        assert torch.equal(together[1][index], each[1])


def test_gradients_of_many_networks_are_those_of_each_bit_for_bit() -> None:
    bounds, weights = _bounds(Interval.computed), _weights(6)

    def width(*given: Tensor) -> Tensor:
        lower, upper = bounds(X - 0.125, X + 0.125, *given)
        return (upper - lower).sum()

    slopes = torch.func.grad(width, argnums=(0, 1, 2, 3))
    together = torch.func.vmap(slopes)(*weights)
    for index in range(6):
        member = [each[index] for each in weights]
        expected = _differentiated(bounds, member)[2:]
        for mine, theirs in zip(together, expected, strict=True):
            assert torch.equal(mine[index], theirs)


def test_a_traced_evaluation_is_an_ordinary_graph() -> None:
    bounds, weights = _bounds(Interval.computed), [each[0] for each in _weights(1)]
    traced = make_fx(bounds)(X - 0.125, X + 0.125, *weights)
    other = [2 * each for each in weights]  # the numbers it was traced with are not in it
    for mine, theirs in zip(
        _differentiated(traced, other), _differentiated(bounds, other), strict=True
    ):
        assert torch.equal(mine, theirs)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, about itself
@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_a_traced_evaluation_can_be_compiled_in_one_piece(backend: str) -> None:
    bounds, weights = _bounds(Interval.computed), [each[0] for each in _weights(1)]
    expected = _differentiated(bounds, weights)
    traced = make_fx(bounds)(X - 0.125, X + 0.125, *weights)
    torch.compiler.reset()
    compiled = torch.compile(traced, backend=backend, fullgraph=True)
    found = _differentiated(compiled, weights)
    for mine, theirs in zip(found, expected, strict=True):
        assert torch.equal(mine, theirs)
