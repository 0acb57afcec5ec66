"""Random networks of all that networks do to their data: the unusual as often as the usual.

Layers of their own class, hooks, work in place, views, copies, conversions, masks, joins, and
logits of any width. Every network is a list of steps drawn from one generator, so that its
number is enough to make it again.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ELU, GELU, LeakyReLU, Mish, ReLU, Sigmoid, SiLU, Softplus, Tanh
from gnomon.seeds import generator

Step = Callable[[Tensor], Tensor]

CLASSES = 3
LARGEST = 6
"""The most units of a layer."""


class Draw:
    """Random choices of one network."""

    def __init__(self, number: int) -> None:
        self.random = generator(11, "network", str(number))

    def below(self, most: int) -> int:
        """A whole number from 0 up to, and without, `most`."""
        return int(torch.randint(most, (1,), generator=self.random))

    def one_of(self, things: list[Step] | list[str] | list[float]) -> object:
        """One of several things."""
        return things[self.below(len(things))]

    def tensor(self, *shape: int, scale: float = 1.0) -> Tensor:
        """Normally distributed numbers in float64."""
        return scale * torch.randn(shape, generator=self.random, dtype=torch.float64)


class Adapted(nn.Linear):
    """A layer with something beside it."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) - 0.7 * x[:, :1]


class Halved(nn.Linear):
    """A layer every second weight of which is used."""

    def forward(self, x: Tensor) -> Tensor:
        used = torch.arange(self.weight.numel()).reshape(self.weight.shape) % 2 == 0
        return functional.linear(x, self.weight * used, self.bias)


class Tempered(nn.Linear):
    """A layer that divides what it returns, in place."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).div_(0.4)


class Turned(Tanh):
    """An activation with the facts of another one."""

    def forward(self, x: Tensor) -> Tensor:
        return 1.0 - super().forward(x)


class Steps(nn.Module):
    """Modules and functions, one after the other."""

    def __init__(self, steps: list[nn.Module | Step]) -> None:
        super().__init__()
        self.steps = steps
        self.held = nn.ModuleList(each for each in steps if isinstance(each, nn.Module))

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x)
        return x


def random_network(number: int, dtype: torch.dtype) -> tuple[nn.Module, Tensor]:
    """Returns a network of three classes in evaluation mode, and a batch of its inputs.

    Args:
        number: which network.
        dtype: float32 or float64.
    """
    draw = Draw(number)
    width = inputs = 2 + draw.below(3)
    steps: list[nn.Module | Step] = []
    for _ in range(1 + draw.below(3)):
        units = 2 + draw.below(LARGEST - 1)
        steps.append(_layer(draw, width, units))
        width = units
        for _ in range(1 + draw.below(3)):
            step, width = _step(draw, width)
            steps.append(step)
    steps.append(_layer(draw, width, CLASSES))
    for _ in range(draw.below(3)):
        steps.append(_last(draw))
    network = Steps(steps).to(dtype).eval().requires_grad_(requires_grad=False)
    x = draw.tensor(2, inputs).to(dtype)
    return network, x


def _layer(draw: Draw, width: int, units: int) -> nn.Module:
    kind = (nn.Linear, nn.Linear, Adapted, Halved, Tempered)[draw.below(5)]
    layer = kind(width, units)
    scale = (1.0, 1.0, 1.0, 30.0)[draw.below(4)] / math.sqrt(width)
    layer.weight.data = draw.tensor(units, width, scale=scale)
    layer.bias.data = draw.tensor(units)
    hook = draw.below(8)
    if hook == 0:
        layer.register_forward_hook(lambda *given: given[2] * 0.5 + 0.25)
    elif hook == 1:
        layer.register_forward_pre_hook(lambda _, given: (given[0] - 0.5,))
    elif hook == 2:
        layer.register_forward_hook(lambda *given: given[2].add_(0.5))
    return layer


def _step(draw: Draw, width: int) -> tuple[nn.Module | Step, int]:
    """A step that keeps the number of units, or one that changes it, and the new number."""
    kind = draw.below(5)
    if kind == 0:
        return _activation(draw), width
    if kind == 1:
        return _in_place(draw, width), width
    if kind == 2:
        return _copy_or_conversion(draw), width
    if kind == 3:
        return _normalised(draw, width), width
    return _moved(draw, width)


def _activation(draw: Draw) -> nn.Module:
    made: list[Callable[[], nn.Module]] = [
        *(ReLU, LeakyReLU, ELU, GELU, SiLU, Mish, Tanh, Sigmoid, Softplus, Turned),
        *(nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.ELU, nn.Hardtanh, nn.ReLU6),
        *(nn.Hardswish, nn.Softsign, nn.Tanhshrink, nn.LogSigmoid, nn.PReLU, nn.CELU),
        lambda: nn.ReLU(inplace=True),
        lambda: nn.LeakyReLU(0.2, inplace=True),
        lambda: nn.Hardtanh(-0.5, 2.0, inplace=True),
        lambda: nn.Softplus(2.0, 1.5),
        lambda: nn.GELU(approximate="tanh"),
        lambda: nn.Softmax(dim=1),
    ]
    module = made[draw.below(len(made))]()
    if draw.below(4) == 0:
        module.register_forward_hook(lambda *given: given[2] * 2 - 0.5)
    return module


def _in_place(draw: Draw, width: int) -> Step:
    shift, factor = draw.tensor(width), 1 + draw.tensor(width).abs()
    part = 1 + draw.below(width)

    def added(x: Tensor) -> Tensor:
        x += shift.to(x)
        return x

    def divided(x: Tensor) -> Tensor:
        return x.div_(factor.to(x))

    def raised(x: Tensor) -> Tensor:
        y = x
        y **= 2
        return x

    def written(x: Tensor) -> Tensor:
        x[:, part - 1] = 0.5
        return x

    def a_part_added(x: Tensor) -> Tensor:
        x[:, :part] += 0.75
        return x

    def cut(x: Tensor) -> Tensor:
        x.clamp_(-1.0, 2.0)
        return x

    def through_another_name(x: Tensor) -> Tensor:
        y = x * 1.0
        z = y
        z.neg_()
        return y

    def masked(x: Tensor) -> Tensor:
        return x.masked_fill_(shift > 0.5, -0.25)

    choices = [added, divided, raised, written, a_part_added, cut, through_another_name, masked]
    return choices[draw.below(len(choices))]


def _copy_or_conversion(draw: Draw) -> Step:
    def a_copy_is_written(x: Tensor) -> Tensor:
        y = x.clone()
        y.neg_()
        return x

    def the_original_is_written(x: Tensor) -> Tensor:
        y = x.clone()
        x.neg_()
        return y

    def a_conversion_is_written(x: Tensor) -> Tensor:
        other = torch.float32 if x.dtype == torch.float64 else torch.float64
        y = x.to(other)
        y.mul_(3.0)
        return x + 0 * y.to(x.dtype)

    def whole(x: Tensor) -> Tensor:
        return (3 * x).to(torch.int32).to(x.dtype) / 3 + 0.1 * x

    def eight_bits(x: Tensor) -> Tensor:
        return (x.clamp(0.0, 3.0) * 50).byte().to(x.dtype) / 50

    def half(x: Tensor) -> Tensor:
        return x.bfloat16().to(x.dtype)

    def positive(x: Tensor) -> Tensor:
        return x + x.relu().bool().to(x.dtype)

    choices = [
        *(a_copy_is_written, the_original_is_written, a_conversion_is_written),
        *(whole, eight_bits, half, positive),
    ]
    return choices[draw.below(len(choices))]


def _normalised(draw: Draw, width: int) -> nn.Module | Step:
    kind = draw.below(6)
    if kind == 0:
        return nn.LayerNorm(width)
    if kind == 1:
        norm = nn.BatchNorm1d(width)
        norm.running_mean = draw.tensor(width)
        norm.running_var = draw.tensor(width).square() + 0.1
        return norm
    if kind == 2:
        scale = (1.0, 10.0, 200.0)[draw.below(3)]
        return lambda x: functional.softmax(scale * x, dim=1)
    bound = draw.tensor(width)
    if kind == 3:
        return lambda x: torch.clamp(x, max=bound.to(x))
    if kind == 4:
        return lambda x: torch.clamp(0.5 * x, min=x - 1.0, max=bound.to(x).abs())
    return lambda x: torch.where(bound > 0, x, 0.5 - x)


def _moved(draw: Draw, width: int) -> tuple[Step, int]:
    kind = draw.below(6)
    if kind == 0:
        return lambda x: x + torch.tanh(x), width
    if kind == 1:
        return lambda x: torch.cat([x, x.relu()], dim=1), 2 * width
    if kind == 2:
        return lambda x: x[:, : max(1, width - 1)], max(1, width - 1)
    if kind == 3:
        return lambda x: x.T.flip(0).T.reshape(len(x), -1), width
    if kind == 4:
        return lambda x: torch.stack([x, -x], dim=1).amax(dim=1), width
    return lambda x: x * torch.sigmoid(x.flip(1)), width


def _last(draw: Draw) -> nn.Module | Step:
    """What is done to logits."""
    kind = draw.below(6)
    if kind == 0:
        return lambda x: x.float().to(x.dtype)
    if kind == 1:
        scale = (100.0, 1e4)[draw.below(2)]
        return lambda x: x.mul_(scale)
    if kind == 2:
        return nn.Softmax(dim=1)
    if kind == 3:
        return lambda x: functional.dropout(x, 0.5, training=False)
    if kind == 4:
        return _in_place(draw, CLASSES)
    return nn.ReLU(inplace=True)
