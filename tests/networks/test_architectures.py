"""Architectures against the literature, and against what a user may ask."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ACTIVATIONS, SELU, ReLU, SiLU, Softplus, Tanh
from gnomon.errors import SettingError, ShapeError
from gnomon.networks import (
    ARCHITECTURES,
    CNN4,
    MLP,
    VGG,
    Architecture,
    CNN4Conv,
    LeNet,
    ResNet,
    Signature,
    gain,
    weight_layers,
)
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


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [(VGG(), 551_466), (ResNet(), 293_546), (ResNet(blocks=9), 878_186)],
    ids=["vgg", "resnet20", "resnet56"],
)
def test_deep_networks_have_the_size_that_is_said(
    architecture: Architecture, parameters: int
) -> None:
    assert _parameters(architecture(CIFAR, generator(0))) == parameters


@pytest.mark.parametrize("n", [1, 3])
def test_a_resnet_has_6n_plus_2_layers_and_published_parameters_beside_its_shortcuts(
    n: int,
) -> None:
    layers = weight_layers(ResNet(blocks=n)(CIFAR, generator(0)))
    shortcuts = [each for name, each in layers.items() if name.endswith("shortcut")]
    assert len(layers) - len(shortcuts) == 6 * n + 2
    # He et al. count 0.27 million for n = 3, with shortcuts that have no parameters.
    assert [_parameters(each) for each in shortcuts] == [16 * 9 * 32 + 32, 32 * 9 * 64 + 64]


def test_a_resnet_computes_its_definition() -> None:
    network = ResNet(channels=(3, 5), blocks=2, activation=Softplus())(MNIST, generator(0))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.3, generator=generator(1))
    x = torch.rand(4, 1, 28, 28, generator=generator(2))
    weights = network.state_dict()

    def convolved(name: str, x: Tensor, stride: int = 1) -> Tensor:
        own = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return functional.conv2d(x, *own, stride=stride, padding=1)

    def activated(name: str, x: Tensor) -> Tensor:
        own = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return functional.softplus(functional.batch_norm(x, None, None, *own, training=True))

    h = activated("normalization1", convolved("conv1", (x - 0.13) / 0.31))
    for number, stride in ((2, 1), (3, 1), (4, 2), (5, 1)):
        block = f"residual{number}"
        shortcut = convolved(f"{block}.shortcut", h, 2) if stride == 2 else h
        inner = convolved(f"{block}.body.conv1", h, stride)
        inner = activated(f"{block}.body.normalization1", inner)
        h = activated(
            f"normalization{number}", shortcut + convolved(f"{block}.body.conv2", inner)
        )
    expected = functional.linear(
        h.mean(dim=(2, 3)), weights["linear6.weight"], weights["linear6.bias"]
    )
    assert h.shape[1:] == (5, 14, 14)
    torch.testing.assert_close(network(x), expected)


def test_a_vgg_has_the_layers_of_its_definition() -> None:
    network = VGG(channels=(4, 6), linear=7, dropout=(0.0, 0.3, 0.4))(CIFAR, generator(0))
    block = ["Conv2d", "BatchNorm2d", "ReLU"] * 2
    assert [type(layer).__name__ for layer in network] == [
        "Standardize",
        *block, "MaxPool2d",
        *block, "MaxPool2d", "Dropout",
        "Flatten", "Linear", "ReLU", "Dropout", "Linear",
    ]  # fmt: skip
    assert network.get_parameter("linear5.weight").shape == (7, 6 * 8 * 8)
    assert [network.get_submodule(f"dropout{n}").p for n in (4, 5)] == [0.3, 0.4]


def test_layers_within_blocks_get_the_gain_of_what_they_receive() -> None:
    activation = SiLU()
    network = ResNet(channels=(16, 32), activation=activation)(CIFAR, generator(0))
    for name, layer in weight_layers(network).items():
        weight = network.get_parameter(f"{name}.weight").detach()
        expected = (1.0 if name == "conv1" else gain(activation)) / weight[0].numel() ** 0.5
        # The standard error of a standard deviation of n values is 1/√(2n) of it.
        tolerance = 4 / math.sqrt(2 * weight.numel())
        assert float(weight.square().mean().sqrt()) == pytest.approx(expected, rel=tolerance)
        assert isinstance(layer.bias, Tensor)
        assert not layer.bias.any()


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
    dropout = (0.25,) * 4 if architecture == "vgg" else 0.25
    build: Architecture = ARCHITECTURES[architecture](
        normalization=normalization, dropout=dropout, activation=Tanh()
    )
    network = build(signature, generator(0)).eval()
    assert network(torch.rand(4, *signature.shape)).shape == (4, 10)
    kinds = {type(layer).__name__ for layer in network.children()}
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


@pytest.mark.parametrize(
    "architecture", [CNN4(), VGG(), ResNet()], ids=["cnn4", "vgg", "resnet"]
)
def test_images_are_needed_by_convolutions(architecture: Architecture) -> None:
    with pytest.raises(ShapeError, match="expected images"):
        architecture(PLANE, generator(0))


def test_images_that_are_too_small_are_refused() -> None:
    with pytest.raises(ShapeError, match="5 × 5 window, got 4 × 4 before block 2"):
        LeNet()(Signature((1, 8, 8), 10, (0.0,), (1.0,)), generator(0))
    with pytest.raises(ShapeError, match="2 × 2 window, got 1 × 1 before block 7"):
        VGG()(Signature((1, 4, 5), 10, (0.0,), (1.0,)), generator(0))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (MLP, {"hidden": (5, 0)}, "MLP: expected widths ≥ 1, got 0"),
        (CNN4, {"dropout": 1.0}, "CNN4: expected 0 ≤ dropout < 1"),
        (CNN4Conv, {"width": -1}, "CNN4Conv: expected widths"),
        (LeNet, {"channels": (0, 3)}, "LeNet: expected widths"),
        (VGG, {"channels": (8, 8, 0)}, "VGG: expected widths"),
        (VGG, {"dropout": (0.1, 0.1, 0.1, 1.5)}, "VGG: expected 0 ≤ dropout < 1, got 1.5"),
        (VGG, {"channels": (8, 8)}, "VGG: expected 3 probabilities .* 2 blocks .* got 4"),
        (ResNet, {"blocks": 0}, "ResNet: .* got 3 stages of 0 blocks"),
        (ResNet, {"channels": ()}, "ResNet: .* got 0 stages of 3 blocks"),
        (ResNet, {"dropout": -0.1}, "ResNet: expected 0 ≤ dropout < 1"),
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
