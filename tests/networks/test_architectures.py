"""Architectures against the literature, and against what a user may ask."""

import pytest
import torch
from torch import nn

from gnomon.activations import SELU, ReLU, Tanh
from gnomon.catalog import ACTIVATIONS, ARCHITECTURES
from gnomon.errors import SettingError, ShapeError
from gnomon.networks import CNN4, MLP, Architecture, CNN4Conv, LeNet, Signature, gain
from gnomon.networks.chain import Normalization
from gnomon.seeds import generator

CIFAR = Signature((3, 32, 32), 10, (0.5, 0.4, 0.3), (0.25, 0.2, 0.3))
MNIST = Signature((1, 28, 28), 10, (0.13,), (0.31,))
PLANE = Signature((2,), 2, (0.1, -0.2), (6.0, 5.0))


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [(CNN4(width=2), 267_426), (CNN4(width=8), 1_085_802), (CNN4Conv(width=2), 337_298)],
)
def test_the_certified_training_networks_have_their_published_size(
    architecture: Architecture, parameters: int
) -> None:
    assert _parameters(architecture(CIFAR, generator(0))) == parameters


def test_lenet_on_mnist_has_lenet_5s_layers() -> None:
    network = LeNet()(MNIST, generator(0))
    shapes = [
        tuple(p.shape) for name, p in network.named_parameters() if name.endswith("weight")
    ]
    assert shapes == [(6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84)]


def test_an_mlp_has_the_widths_asked_for() -> None:
    network = MLP(hidden=(50,) * 5, activation=Tanh())(PLANE, generator(0))
    assert [name for name, _ in network.named_children()][:4] == [
        "standardize", "linear1", "activation1", "linear2",
    ]  # fmt: skip
    shapes = [
        tuple(p.shape) for name, p in network.named_parameters() if name.endswith("weight")
    ]
    assert shapes == [(50, 2), *[(50, 50)] * 4, (2, 50)]


def test_a_network_standardises_its_input() -> None:
    network = MLP(hidden=())(PLANE, generator(0))
    x = torch.tensor([[6.1, -0.2], [0.1, 4.8]])
    units = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    torch.testing.assert_close(network(x), network.get_submodule("linear1")(units))


@pytest.mark.parametrize("normalization", ["none", "batch", "layer", "instance", "group"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("signature", [CIFAR, MNIST], ids=["cifar", "mnist"])
def test_every_architecture_takes_every_option(
    architecture: str, normalization: Normalization, signature: Signature
) -> None:
    build: Architecture = ARCHITECTURES[architecture](
        normalization=normalization, dropout=0.25, activation=Tanh()
    )
    network = build(signature, generator(0)).eval()
    assert network(torch.rand(4, *signature.shape)).shape == (4, 10)
    kinds = {type(layer).__name__ for layer in network}
    assert {"Tanh", "Dropout"} <= kinds
    assert any("Norm" in kind for kind in kinds) == (normalization != "none")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_fits_in(activation: str) -> None:
    network = MLP(hidden=(8, 8), activation=ACTIVATIONS[activation]())(PLANE, generator(0))
    assert bool(network(torch.randn(4, 2)).isfinite().all())


def test_layers_do_not_share_their_activation() -> None:
    network = MLP(hidden=(8, 8))(PLANE, generator(0))
    assert network.activation1 is not network.activation2


def test_weights_depend_on_the_generator_alone() -> None:
    first, again, other = (CNN4()(MNIST, generator(seed)) for seed in (0, 0, 1))
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )
    assert not torch.equal(
        first.get_parameter("conv1.weight"), other.get_parameter("conv1.weight")
    )


def test_gains_of_known_functions() -> None:
    assert gain(ReLU()) == pytest.approx(2**0.5, rel=1e-9)
    assert gain(SELU()) == pytest.approx(1, abs=1e-4)  # the self-normalising fixed point


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_initial_weights_keep_the_variance_through_ten_layers(activation: str) -> None:
    function = ACTIVATIONS[activation]()
    network = MLP(hidden=(400,) * 10, activation=function)
    signature = Signature((400,), 10, (0.0,) * 400, (1.0,) * 400)
    x = torch.randn(500, 400, generator=generator(0, "inputs"))
    layers = network(signature, generator(0))
    with torch.no_grad():
        for name, layer in layers.named_children():
            x = layer(x)
            if name == "linear10":
                # A layer of width 400 scatters by up to √(5/400) ≈ 0.11, ten of them by 0.35.
                assert 0.5 < float(x.square().mean()) < 2.0


def test_images_are_needed_by_convolutions() -> None:
    with pytest.raises(ShapeError, match="expected images"):
        CNN4()(PLANE, generator(0))


def test_images_that_are_too_small_are_refused() -> None:
    with pytest.raises(ShapeError, match="5 × 5 window, got 4 × 4 before block 2"):
        LeNet()(Signature((1, 8, 8), 10, (0.0,), (1.0,)), generator(0))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (MLP, {"hidden": (5, 0)}, "MLP: expected widths ≥ 1, got 0"),
        (CNN4, {"dropout": 1.0}, "CNN4: expected 0 ≤ dropout < 1"),
        (CNN4Conv, {"width": -1}, "CNN4Conv: expected widths"),
        (LeNet, {"channels": (0, 3)}, "LeNet: expected widths"),
    ],
)
def test_settings_outside_their_range_are_refused(
    kind: type, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        kind(**settings)


@pytest.mark.parametrize("width", [2, 3, 6, 8, 50, 256])
def test_no_group_of_a_vector_has_a_single_member(width: int) -> None:
    signature = Signature((4,), 3, (0.0,) * 4, (1.0,) * 4)
    network = MLP(hidden=(width,), normalization="group")(signature, generator(0))
    (norm,) = (each for each in network if isinstance(each, nn.GroupNorm))
    assert norm.num_channels // norm.num_groups >= 2
