"""Which tensors are the weights of a network, whether they are stored or computed."""

import copy
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

from gnomon.errors import SubjectError
from gnomon.networks.weights import call_with, check_finite, held_tensors, weights_of
from gnomon.seeds import generator
from gnomon.sets.parameters.names import is_bias, own_name


def _older(function: Callable[[nn.Module], nn.Module], layer: nn.Module) -> nn.Module:
    """Of torch's hooks that it advises against, and still has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return function(layer)


COMPUTED: dict[str, Callable[[], nn.Module]] = {
    "weight norm": lambda: parametrizations.weight_norm(nn.Linear(3, 4)),
    "spectral norm": lambda: parametrizations.spectral_norm(nn.Linear(3, 4)),
    "orthogonal": lambda: parametrizations.orthogonal(nn.Linear(3, 4)),
    "older weight norm": lambda: _older(weight_norm, nn.Linear(3, 4)),
    "older spectral norm": lambda: _older(spectral_norm, nn.Linear(3, 4)),
    "pruned": lambda: prune.l1_unstructured(nn.Linear(3, 4), "weight", 2),
    "stored": lambda: nn.Linear(3, 4),
}


def network_with(kind: str) -> nn.Sequential:
    """A layer of that kind, a normalisation of matrices, and a plain layer."""
    return nn.Sequential(
        COMPUTED[kind](),
        nn.Unflatten(1, (2, 2)),
        nn.LayerNorm([2, 2]),
        nn.Flatten(),
        nn.Linear(4, 2),
    ).eval()


@pytest.mark.parametrize("kind", COMPUTED)
def test_the_weights_are_what_inputs_are_multiplied_by(kind: str) -> None:
    """Neither the two-dimensional scale and shift of a normalisation nor a direction."""
    network = network_with(kind)
    assert set(weights_of(network)) == {"0.weight", "4.weight"}
    held = held_tensors(network)
    assert set(held) == {
        f"{place}.{name}" for place in (0, 2, 4) for name in ("weight", "bias")
    }
    x = torch.eye(3)
    found = (network[0](x) - network[0](torch.zeros(3, 3))).T
    torch.testing.assert_close(held["0.weight"].value(), found, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", COMPUTED)
def test_a_weight_is_replaced_and_put_back(kind: str) -> None:
    network, x = network_with(kind), torch.rand(5, 3, generator=generator(0))
    before = {name: each.clone() for name, each in network.state_dict().items()}
    own = network(x)
    weights = {name: each.value().detach() for name, each in weights_of(network).items()}
    torch.testing.assert_close(call_with(network, weights, x), own, rtol=1e-5, atol=1e-6)
    plain = network_with("stored")
    plain.load_state_dict({k: before[k] for k in before if k[0] in "24"}, strict=False)
    with torch.no_grad():
        plain.get_parameter("0.weight").copy_(3 * weights["0.weight"])
        plain.get_parameter("0.bias").copy_(network.get_parameter("0.bias"))
    tripled = call_with(network, {"0.weight": 3 * weights["0.weight"]}, x)
    torch.testing.assert_close(tripled, plain(x), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(tripled, own, rtol=0, atol=1e-4)
    assert torch.equal(network(x), own)
    after = network.state_dict()
    assert all(torch.equal(each, after[name]) for name, each in before.items())
    assert set(after) == set(before)


@pytest.mark.parametrize("kind", COMPUTED)
def test_a_replaced_weight_is_differentiated(kind: str) -> None:
    network, x = network_with(kind), torch.rand(5, 3, generator=generator(0))
    leaf = weights_of(network)["0.weight"].value().detach().requires_grad_()
    call_with(network, {"0.weight": leaf}, x).square().sum().backward()
    plain = network_with("stored")
    plain.load_state_dict(
        {k: each for k, each in network.state_dict().items() if k[0] in "24"}, strict=False
    )
    with torch.no_grad():
        plain.get_parameter("0.weight").copy_(leaf)
        plain.get_parameter("0.bias").copy_(network.get_parameter("0.bias"))
    plain(x).square().sum().backward()
    assert leaf.grad is not None
    torch.testing.assert_close(
        leaf.grad, plain.get_parameter("0.weight").grad, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("kind", COMPUTED)
def test_nothing_is_left_behind_by_a_call_that_fails(kind: str) -> None:
    network = network_with(kind)
    weight = weights_of(network)["0.weight"].value().detach()
    x = torch.rand(5, 3, generator=generator(0))
    own = network(x)
    with pytest.raises(RuntimeError):
        call_with(network, {"0.weight": weight[:, :2]}, x)
    assert torch.equal(network(x), own)


def test_asking_for_weights_does_not_move_an_iteration() -> None:
    network = network_with("spectral norm").train()
    before = copy.deepcopy(network.state_dict())
    weights_of(network)
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())


class Own(nn.Module):
    """A layer of one's own, with a matrix, a shared matrix, a table of shifts and a scale."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(3))
        self.again = nn.Linear(3, 3)
        self.again.weight = self.matrix
        self.shift_bias = nn.Parameter(torch.zeros(3, 3))
        self.scale = nn.Parameter(torch.ones(3))
        self.attention = nn.MultiheadAttention(4, 2, add_bias_kv=True)
        self.recurrent = nn.GRU(3, 2)
        self.table = nn.Embedding(5, 3)
        self.slopes = nn.PReLU(3)
        self.normal = nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.matrix


def test_weights_of_other_layers() -> None:
    assert set(weights_of(Own())) == {
        "matrix",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
        "recurrent.weight_ih_l0",
        "recurrent.weight_hh_l0",
        "table.weight",
    }


def test_names_say_what_a_parameter_is() -> None:
    assert own_name("head.weight") == own_name("weight") == "weight"
    assert own_name("a.b.parametrizations.weight.original1") == "weight"
    assert own_name("parametrizations.bias.original") == "bias"
    assert is_bias("x.parametrizations.bias.0.shift")
    assert not is_bias("bias_free.weight")


def test_broken_tensors_are_refused_by_name() -> None:
    check_finite("fine", torch.ones(3))
    with pytest.raises(SubjectError, match="head: expected finite numbers, got 2 infinite"):
        check_finite("head", torch.tensor([1.0, torch.inf, torch.nan]))
