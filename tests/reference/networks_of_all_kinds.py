"""Networks that between them call every operation an algebra should know, in float64."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ACTIVATIONS
from gnomon.networks import ARCHITECTURES, MLP, VGG, Architecture, LeNet, ResNet, Signature
from gnomon.seeds import generator

IMAGES = Signature((1, 16, 16), 3, (0.4,), (0.3,))
VECTORS = Signature((4,), 3, (0.1,) * 4, (1.5,) * 4)

SMALL: dict[str, Architecture] = {
    "vgg": VGG(channels=(2, 3), linear=6, dropout=(0.1, 0.1, 0.1)),
    "resnet20": ResNet(channels=(2, 3), blocks=1),
}
"""Those that are too large as they are for bounds on parameters."""


class Residual(nn.Module):
    """Convolutions with a join, a concatenation, padding, indexing and global pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 3, 2, stride=2)
        self.last = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x))
        x = x + functional.silu(self.second(x))
        x = torch.cat([x[:, :, ::2], -functional.max_pool2d(x, (2, 1))], dim=1)
        x = functional.pad(x, (1, 0), value=0.5) * 2 - 1
        x = self.up(x).mean(dim=(2, 3))
        return self.last(x.reshape(len(x), -1).unsqueeze(1).squeeze(1) / 3)


def _sequential(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


VECTOR_LAYERS: dict[str, Callable[[], nn.Module]] = {
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
    "hardsigmoid": nn.Hardsigmoid,
    "hardtanh": nn.Hardtanh,
    "elu": nn.ELU,
    "celu": nn.CELU,
    "gelu": nn.GELU,
    "gelu by tanh": lambda: nn.GELU("tanh"),
    "leaky relu": lambda: nn.LeakyReLU(0.2, inplace=True),
    "prelu": lambda: nn.PReLU(6, init=-0.3),
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "logsigmoid": nn.LogSigmoid,
    "tanhshrink": nn.Tanhshrink,
    "softmax": lambda: nn.Softmax(dim=1),
    "layer norm": lambda: nn.LayerNorm(6),
    "rms norm": lambda: nn.RMSNorm(6),
    "group norm": lambda: nn.GroupNorm(2, 6),
    "batch norm": lambda: nn.BatchNorm1d(6),
    "dropout": nn.Dropout,
}


def networks() -> dict[str, Callable[[], tuple[nn.Module, Tensor]]]:
    """By name: makes a network in evaluation mode and a few inputs of it."""
    made: dict[str, Callable[[], tuple[nn.Module, Tensor]]] = {}
    for name, architecture in ARCHITECTURES.items():
        if name != "mlp":
            build: Architecture = SMALL.get(name) or architecture()
            made[name] = lambda build=build: _images(build(IMAGES, generator(1)))
    for name, activation in ACTIVATIONS.items():
        made[f"mlp, {name}"] = lambda kind=activation: _vectors(
            MLP(hidden=(8, 6), activation=kind())(VECTORS, generator(1))
        )
    for kind in ("batch", "layer", "instance", "group"):
        made[f"lenet, {kind} norm"] = lambda norm=kind: _images(
            LeNet((2, 3), (8,), normalization=norm, dropout=0.1)(IMAGES, generator(1))
        )
    for name, layer in VECTOR_LAYERS.items():
        made[f"linear, {name}"] = lambda make=layer: _vectors(
            _sequential(nn.Linear(4, 6), make(), nn.Linear(6, 3))
        )
    made["residual"] = lambda: _images(Residual())
    return made


def _vectors(network: nn.Module) -> tuple[nn.Module, Tensor]:
    return _drawn(network), torch.randn(3, 4, generator=generator(2)).double()


def _images(network: nn.Module) -> tuple[nn.Module, Tensor]:
    return _drawn(network), torch.rand(2, 1, 16, 16, generator=generator(2)).double()


def _drawn(network: nn.Module) -> nn.Module:
    """The same random weights in every run, and running statistics other than 0 and 1."""
    source = generator(3)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1:
                size = 1.5 / math.sqrt(parameter[0].numel())
                parameter.copy_(size * torch.randn(parameter.shape, generator=source))
            elif parameter.numel() > 1:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=source))
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(0.3 * torch.randn(buffer.shape, generator=source))
            elif name.endswith("running_var"):
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=source))
    return network.double().eval()
