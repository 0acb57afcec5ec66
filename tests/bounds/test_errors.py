"""What bounds say of networks, inputs and labels that they cannot do: one sentence each."""

from collections.abc import Callable
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

import gnomon as gn
from gnomon.bounds import BoundMethod
from gnomon.errors import GnomonError
from gnomon.seeds import generator
from reference.refused_networks import NETWORKS, Apply, X

Y = torch.tensor([0, 1, 0])
WITHIN = gn.Linf(0.1)
METHODS: dict[str, BoundMethod] = {
    "IBP": gn.IBP(),
    "CROWN": gn.CROWN(),
    "rounded IBP": gn.IBP(gn.Outward()),
    "rounded CROWN": gn.CROWN(gn.algebra.Outward()),
}


@pytest.fixture(autouse=True)
def without_shape_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As users run it: the checks of shapes and types are those of tests."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> BoundMethod:
    return METHODS[request.param]


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_that_cannot_be_bounded(name: str, method: BoundMethod) -> None:
    case = NETWORKS[name]
    network = case.network()
    with pytest.raises(GnomonError, match=f"(?s)expected.*{case.remedy}") as caught:
        method(network, X, Y, WITHIN, None)
    assert caught.match(case.expected)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (Y[:2], r"3 whole numbers.*got shape \(2,\)"),
        (Y.int(), r"got torch.int32.*labels.long\(\)"),
        (Y + 1, r"below 2.*got 1 … 2"),
        (Y - 1, r"below 2.*got -1 … 0"),
    ],
)
def test_labels_that_are_none(labels: Tensor, said: str, method: BoundMethod) -> None:
    with pytest.raises(GnomonError, match=said):
        method(nn.Linear(2, 2), X, labels, WITHIN, None)


def test_no_examples_have_no_margins(method: BoundMethod) -> None:
    margins = method(nn.Linear(2, 4), X[:0], Y[:0], WITHIN, None)
    assert margins.upper.shape == (0, 4)
    assert margins.certified.shape == (0,)


def test_regions_that_are_no_boxes() -> None:
    with pytest.raises(GnomonError, match=r"expected boxes of inputs, got Tensor.*enclose"):
        gn.bounds.IntervalJacobian("L2")(nn.Linear(2, 2), X, X)  # type: ignore[arg-type]


COMMON: dict[str, Callable[[Apply, Tensor], Tensor]] = {
    "a constant made like the input": lambda m, x: m.fc(x - torch.zeros(2).to(x)),
    "a constant in its type": lambda m, x: m.fc(
        x * torch.ones(2, dtype=torch.int64).to(x.dtype)
    ),
    "clamp at a value": lambda m, x: torch.clamp(m.fc(x), max=x),
    "clamp between tensors": lambda m, x: m.fc(x).clamp(-torch.ones(2), torch.ones(2)),
    "clip from below by a value": lambda m, x: m.fc(x).clip(min=x),
    "a constant clamped by a value": lambda m, x: torch.zeros(2).clamp(min=m.fc(x)),
    "a column turned twice": lambda m, x: m.fc(m.fc(x)[:, :1].T.T.expand(-1, 2)),
    "there and back": lambda m, x: m.fc(x) + x.double().float(),
}


@pytest.mark.parametrize("function", COMMON.values(), ids=COMMON)
def test_common_idioms_are_bounded(
    function: Callable[[Any, Any], Any], method: BoundMethod
) -> None:
    network = Apply(function).requires_grad_(requires_grad=False)
    upper = method(network, X, Y, WITHIN, None).upper
    random = generator(2)
    for _ in range(100):
        logits = network(X + 0.1 * (2 * torch.rand(X.shape, generator=random) - 1))
        assert bool((logits - logits.gather(1, Y[:, None]) <= upper + 1e-5).all())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_the_network_is_left_as_it_was(name: str) -> None:
    network = NETWORKS[name].network()
    if not isinstance(network, Apply):
        pytest.skip("refused before it runs")
    before = {key: dict(vars(each)) for key, each in network.named_modules()}
    region = gn.ParameterBox(gn.radius.Constant(0.1)).of(network)
    with pytest.raises(GnomonError):
        gn.IBP()(network, X, Y, WITHIN, region)
    assert {key: dict(vars(each)) for key, each in network.named_modules()} == before


def test_a_pruned_network_keeps_its_tensors() -> None:
    network = nn.Sequential(nn.Linear(2, 2))
    prune.l1_unstructured(network[0], "weight", 0.5)
    weight = network[0].weight
    gn.IBP()(network, X, Y, WITHIN, gn.ParameterBox(gn.radius.Constant(0.1)).of(network))
    assert network[0].weight is weight
