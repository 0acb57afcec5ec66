"""The stages of a network, whatever form the network has."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ReLU
from gnomon.networks import MLP, ResNet, Signature, stages, undisturbed, weight_layers
from gnomon.seeds import generator
from reference.small_subjects import FirstCoordinate

SMALL_IMAGES = Signature((1, 8, 8), 3, (0.5,), (0.3,))
X = torch.randn(7, 4, generator=torch.Generator().manual_seed(3))


def _layers() -> tuple[nn.Linear, nn.Linear, nn.Linear]:
    first, second, third = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, 3)
    return first, second, third


class Functional(nn.Module):
    """Activations as functions, one of them in place, and a residual connection."""

    def __init__(self, layers: tuple[nn.Linear, nn.Linear, nn.Linear]) -> None:
        super().__init__()
        self.first, self.second, self.third = layers

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.first(x), inplace=True)
        return self.third(h + functional.relu(self.second(h)))


def test_a_stage_is_what_the_next_weight_layer_receives() -> None:
    network = MLP(hidden=(5, 6))(Signature((4,), 3, (0.5,) * 4, (2.0,) * 4), generator(0))
    found = stages(network, X)
    assert [stage.name for stage in found] == ["input", "hidden1", "hidden2", "output"]
    assert [stage.receiver for stage in found] == ["linear1", "linear2", "linear3", ""]
    assert [stage.giver for stage in found] == ["", "linear1", "linear2", "linear3"]
    before = network[:2](X)
    assert torch.equal(found[0].values, X)
    assert found[1].preactivation is not None
    assert torch.equal(found[1].preactivation, before)
    assert torch.equal(found[1].values, before.relu())
    assert torch.equal(found[3].values, network(X))


def test_both_paths_of_a_residual_block_receive_its_input() -> None:
    network = ResNet(channels=(3, 4), blocks=1)(SMALL_IMAGES, generator(0)).eval()
    images = torch.rand(2, 1, 8, 8, generator=generator(1))
    found = {stage.receiver: stage for stage in stages(network, images)}
    assert list(found) == [
        "conv1",
        "residual2.body.conv1", "residual2.body.conv2",
        "residual3.shortcut", "residual3.body.conv1", "residual3.body.conv2",
        "linear4", "",
    ]  # fmt: skip
    block = network[: list(dict(network.named_children())).index("residual3")](images)
    assert torch.equal(found["residual3.shortcut"].values, block)
    assert torch.equal(found["residual3.body.conv1"].values, block)
    assert torch.equal(found[""].values, network(images))


def test_activations_called_as_functions_and_in_place_are_seen_through() -> None:
    first, second, third = layers = _layers()
    found = stages(Functional(layers), X)
    hidden = first(X).relu()
    assert [stage.receiver for stage in found] == ["first", "second", "third", ""]
    assert torch.equal(found[1].values, hidden)
    assert torch.equal(found[2].values, hidden + second(hidden).relu())
    assert found[1].preactivation is not None
    # Untouched by the activation that works in place.
    assert torch.equal(found[1].preactivation, first(X))
    assert torch.equal(found[3].values, third(found[2].values))


def test_stages_can_be_differentiated_through_every_path() -> None:
    first, second, _ = layers = _layers()
    x = X.clone().requires_grad_()
    _, hidden, later, _ = stages(Functional(layers), x)
    (gradient,) = torch.autograd.grad(later.values.sum(), hidden.values)
    slope = (second(first(X).relu()) > 0).float()
    assert torch.allclose(gradient, 1 + slope @ second.weight)


def test_a_normalisation_belongs_to_the_weights_it_follows_and_to_no_others() -> None:
    norm = nn.BatchNorm1d(5).eval()
    with torch.no_grad():
        norm.running_mean.fill_(3.0)  # type: ignore[union-attr]
    before = nn.Sequential(nn.Linear(4, 5), norm, ReLU(), nn.Linear(5, 3))
    after = nn.Sequential(nn.Linear(4, 5), ReLU(), norm, nn.Linear(5, 3))
    found = stages(before, X)[1]
    assert found.preactivation is not None
    assert torch.equal(found.preactivation, norm(before[0](X)))
    found = stages(after, X)[1]
    assert found.preactivation is not None
    assert torch.equal(found.preactivation, after[0](X))
    assert torch.equal(found.values, norm(after[0](X).relu()))


def test_a_layer_that_is_called_twice_gives_two_stages() -> None:
    shared = nn.Linear(4, 4)
    network = nn.Sequential(shared, nn.Tanh(), shared, nn.Tanh(), nn.Linear(4, 2))
    assert [stage.giver for stage in stages(network, X)] == ["", "0", "0", "4"]


def test_a_network_without_weight_layers_has_an_input_and_an_output() -> None:
    network = FirstCoordinate(4)
    assert weight_layers(network) == {}
    found = stages(network, X)
    assert [(stage.name, stage.receiver, stage.giver) for stage in found] == [
        ("input", "", ""),
        ("output", "", ""),
    ]


def test_a_network_that_is_one_layer_is_named() -> None:
    layer = nn.Linear(4, 2)
    assert weight_layers(layer) == {"network": layer}
    assert [stage.giver for stage in stages(layer, X)] == ["", "network"]


def test_no_hook_stays_behind_even_after_an_error() -> None:
    network = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(6, 3))
    with pytest.raises(RuntimeError):
        stages(network, X)
    hooks = [vars(module)["_forward_hooks"] for module in network.modules()]
    assert not any(hooks)


def test_undisturbed_restores_each_modules_mode_and_each_parameters_flag() -> None:
    network = nn.Sequential(nn.Linear(4, 5), nn.Dropout(), nn.Linear(5, 3))
    network[1].eval()
    network.get_parameter("0.weight").requires_grad = False
    with undisturbed(network):
        assert not any(module.training for module in network.modules())
        assert not any(parameter.requires_grad for parameter in network.parameters())
    assert [module.training for module in network.modules()] == [True, True, False, True]
    assert [p.requires_grad for p in network.parameters()] == [False, True, True, True]


class Named(nn.Module):
    """Calls its layers with named arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm = nn.Linear(3, 4), nn.LayerNorm(4)
        self.other = nn.Linear(4, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.other(input=self.norm(input=self.one(input=inputs)))


def test_layers_called_with_named_arguments_are_seen() -> None:
    network, inputs = Named(), torch.randn(5, 3, generator=generator(0))
    _, hidden, output = stages(network, inputs)
    assert torch.equal(hidden.values, network.norm(network.one(inputs)))
    assert torch.equal(output.values, network(inputs))
    assert hidden.preactivation is not None
    assert torch.equal(hidden.preactivation, hidden.values)


def test_a_layer_that_computes_its_weight_counts_and_is_not_moved() -> None:
    spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4))
    network = nn.Sequential(spectral, ReLU(), nn.Linear(4, 2)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert list(weight_layers(network)) == ["0", "2"]
    after = network.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    with undisturbed(network):
        assert [stage.giver for stage in stages(network, torch.ones(1, 3))] == ["", "0", "2"]
