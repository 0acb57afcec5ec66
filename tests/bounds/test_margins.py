"""Margins by intervals: exact for one layer, never below what is found inside the set."""

import itertools

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import Interval, Outward, evaluate
from gnomon.bounds import (
    CROWN,
    IBP,
    BoundMethod,
    Margins,
    evaluate_head,
)
from gnomon.seeds import generator
from gnomon.sets import L1, L2, InputSet, Linf
from reference.networks_of_all_kinds import networks

NETWORKS = networks()


def _layer(classes: int = 3) -> nn.Linear:
    layer = nn.Linear(2, classes).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(1)))
    return layer


def _boxes(network: nn.Module, radius: float) -> dict[str, Interval]:
    return {
        name: Interval.around(value.detach(), radius)
        for name, value in network.named_parameters()
    }


X = torch.randn(4, 2, generator=generator(0)).double()
Y = torch.tensor([0, 1, 2, 1])


def _margins(logits: Tensor, labels: Tensor) -> Tensor:
    return logits - logits.gather(1, labels[:, None])


@pytest.mark.parametrize("spread", [0.0, 0.2])
def test_one_layer_is_exact_over_inputs_and_parameters(spread: float) -> None:
    """Against every corner of the box of inputs, weights and biases."""
    layer = _layer(2)
    labels = torch.tensor([0, 1, 0, 1])
    boxes = _boxes(layer, spread)
    found = IBP()(layer, X, labels, Linf(0.3), boxes if spread else None)
    best = torch.full_like(found.upper, -torch.inf)
    sizes = [X[0].numel(), *(box.numel() for box in boxes.values())]
    for signs in itertools.product((-1.0, 1.0), repeat=sum(sizes)):
        parts = torch.tensor(signs).double().split(sizes)
        point = X + 0.3 * parts[0]
        weights = {
            name: box.centre + box.radius * part.reshape(box.shape)
            for (name, box), part in zip(boxes.items(), parts[1:], strict=True)
        }
        logits = torch.func.functional_call(layer, weights, (point,))
        best = best.maximum(_margins(logits, labels).detach())
    assert torch.allclose(found.upper, best)


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor]:
    return NETWORKS[request.param]()


@pytest.mark.parametrize("method", [IBP(), CROWN(), CROWN(intermediate="interval")], ids=repr)
def test_margins_found_inside_are_below_the_bound(
    case: tuple[nn.Module, Tensor], method: BoundMethod
) -> None:
    network, x = case
    labels = torch.arange(len(x)) % 3
    boxes = _boxes(network, 0.01)
    found = method(network, x, labels, Linf(0.02), boxes)
    source = generator(3)
    for draw in range(20):
        parts = [
            torch.rand(each.shape, generator=source).double() for each in (x, *boxes.values())
        ]
        parts = [part.round() for part in parts] if draw % 2 else parts
        point = x + 0.02 * (2 * parts[0] - 1)
        weights = {
            name: box.lower + part * box.width
            for (name, box), part in zip(boxes.items(), parts[1:], strict=True)
        }
        with torch.no_grad():
            logits = torch.func.functional_call(network, weights, (point,))
        slack = 1e-9 * (1 + float(found.upper.detach().abs().max()))
        assert bool((_margins(logits, labels) <= found.upper + slack).all())


def test_differences_of_rows_are_never_wider_than_differences_of_bounds(
    case: tuple[nn.Module, Tensor],
) -> None:
    network, x = case
    labels = torch.arange(len(x)) % 3
    boxes = _boxes(network, 0.01)
    found = IBP()(network, x, labels, Linf(0.02), boxes).upper
    logits = evaluate(network, Interval.around(x, 0.02), boxes)
    plain = logits.upper - logits.lower.gather(1, labels[:, None])
    plain = plain.scatter(1, labels[:, None], 0.0)
    # Five products are exact for a sum only off the straddling pairs: up to 1.1716 there.
    assert bool((found <= plain.clamp_min(0) * 1.1716 + plain.abs() * 0.1716 + 1e-9).all())
    assert float((plain - found).detach().max()) > 0


def test_relaxations_are_never_wider_than_intervals_and_mostly_tighter(
    case: tuple[nn.Module, Tensor],
) -> None:
    network, x = case
    labels = torch.arange(len(x)) % 3
    wide = IBP()(network, x, labels, Linf(0.02), _boxes(network, 0.01)).upper
    tight = CROWN()(network, x, labels, Linf(0.02), _boxes(network, 0.01)).upper
    assert bool((tight <= wide).all())


@pytest.mark.parametrize("method", [CROWN(), CROWN(Outward())], ids=["plain", "rounded"])
def test_relaxations_are_cut_with_margins_of_intervals(method: BoundMethod) -> None:
    """z_1 − z_0 = −relu(x_1): the line x_1 lies below relu, and says 1 where 0 is the bound.

    Of the logits' own bounds the difference is 5.5, as both depend on relu(x_2).
    """
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        network.get_parameter("0.weight").copy_(torch.eye(2))
        network.get_parameter("2.weight").copy_(torch.tensor([[1.0, 5.0], [0.0, 5.0]]))
    x = torch.full((1, 2), 0.05).double()
    found = method(network.double(), x, torch.tensor([0]), Linf(1.05), None)
    assert float(found.upper.detach()[0, 1]) == pytest.approx(0.0, abs=1e-12)


def test_relaxations_of_one_layer_are_exact_too() -> None:
    layer = _layer()
    found = CROWN()(layer, X, Y, Linf(0.3), None).upper
    assert torch.allclose(found, IBP()(layer, X, Y, Linf(0.3)).upper)


def test_relaxations_certify_what_intervals_cannot() -> None:
    """X − relu(x) is at most 0 for every x, which intervals do not see."""

    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(2, 2).double()
            with torch.no_grad():
                self.last.weight.copy_(torch.tensor([[1.0, -1.0], [0.0, 0.0]]))
                self.last.bias.copy_(torch.tensor([-0.6, 0.0]))

        def forward(self, x: Tensor) -> Tensor:
            return self.last(torch.cat([x, x.relu()], dim=1))

    x, label = torch.full((1, 1), 0.2).double(), torch.tensor([1])
    # At most 0 − 0.6: over [−0.8, 1.2] the line x is the better one of those below relu.
    assert not bool(IBP()(Joined(), x, label, Linf(1.0)).certified)
    assert bool(CROWN()(Joined(), x, label, Linf(1.0)).certified)


def test_elision_needs_a_matrix_at_the_very_end() -> None:
    inner = nn.Linear(2, 3).double()

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) * 2

    box = Interval.around(X, 0.1)
    features = evaluate_head(nn.Sequential(inner), box).features
    assert isinstance(features, Interval)
    assert features.lower is box.lower
    assert evaluate_head(Scaled(), box).features is None
    assert evaluate_head(nn.Sequential(inner, nn.Softmax(dim=1)), box).features is None
    assert not vars(inner)["_forward_hooks"]


def test_batches_of_label_differences_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = _layer(7)
    labels = torch.tensor([6, 0, 3, 3])
    whole = IBP()(layer, X, labels, Linf(0.1), _boxes(layer, 0.1)).upper
    monkeypatch.setattr("gnomon.bounds.ibp._MOST_NUMBERS", 30)
    again = IBP()(layer, X, labels, Linf(0.1), _boxes(layer, 0.1)).upper
    assert torch.allclose(again, whole)


def test_without_a_set_the_margins_are_those_of_the_network() -> None:
    layer = _layer()
    found = IBP()(layer, X, Y)
    assert torch.allclose(found.upper, _margins(layer(X), Y))
    assert torch.equal(found.certified, layer(X).argmax(dim=1) == Y)


@pytest.mark.parametrize("method", [IBP(), CROWN()], ids=repr)
@pytest.mark.parametrize(("within", "dual"), [(L2(0.2), 2.0), (L1(0.2), torch.inf)])
def test_balls_are_bounded_by_the_dual_norm(
    method: BoundMethod, within: InputSet, dual: float
) -> None:
    """One layer: z_j − z_y moves by r ‖w_j − w_y‖*, exactly."""
    layer = _layer()
    rows = layer.weight[None] - layer.weight[Y][:, None]
    reach = within.radius * torch.linalg.vector_norm(rows, ord=dual, dim=2)
    expected = _margins(layer(X), Y) + reach
    assert torch.allclose(method(layer, X, Y, within, None).upper, expected)


def test_a_tie_and_a_nan_are_not_certified() -> None:
    upper = torch.tensor([[0.0, -1.0], [0.0, 0.0], [0.0, torch.nan], [-1.0, 0.0]])
    found = Margins(upper, torch.tensor([0, 0, 0, 1]))
    assert found.certified.tolist() == [True, False, False, True]
    assert found.worst[3].item() == -1
