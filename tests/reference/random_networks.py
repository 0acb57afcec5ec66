"""Random networks of all that networks do to their data: the unusual as often as the usual.

Layers of their own class, hooks, work in place, views, copies, conversions, masks, joins, and
logits of any width. Every network is a list of steps drawn from one generator, so that its
number is enough to make it again.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ELU, GELU, LeakyReLU, Mish, ReLU, Sigmoid, SiLU, Softplus, Tanh
from gnomon.seeds import generator

Step = Callable[[Tensor], Tensor]
Made = TypeVar("Made")

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

    def one_of(self, things: Sequence[Made]) -> Made:
        """One of several things."""
        return things[self.below(len(things))]

    def tensor(self, *shape: int, scale: float = 1.0) -> Tensor:
        """Normally distributed numbers in float64."""
        return scale * torch.randn(shape, generator=self.random, dtype=torch.float64)


@dataclass(frozen=True)
class Numbers:
    """Constants of a step: one for each unit, the number of a unit from 1 on, and a scale."""

    each: Tensor
    part: int
    scale: float


class Adapted(nn.Linear):
    """A layer with something beside it."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        return super().forward(input) - 0.7 * input[:, :1]


class Halved(nn.Linear):
    """A layer every second weight of which is used."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        used = torch.arange(self.weight.numel()).reshape(self.weight.shape) % 2 == 0
        return functional.linear(input, self.weight * used, self.bias)


class Tempered(nn.Linear):
    """A layer that divides what it returns, in place."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        return super().forward(input).div_(0.4)


class Turned(Tanh):
    """An activation with the facts of another one."""

    def forward(self, x: Tensor) -> Tensor:
        return 1.0 - super().forward(x)


class Steps(nn.Module):
    """Modules and functions, one after the other."""

    def __init__(self, steps: Sequence[nn.Module | Step]) -> None:
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
    steps += [_layer(draw, width, CLASSES), *(_last(draw) for _ in range(draw.below(3)))]
    network = Steps(steps).to(dtype).eval().requires_grad_(requires_grad=False)
    return network, draw.tensor(2, inputs).to(dtype)


def _layer(draw: Draw, width: int, units: int) -> nn.Module:
    layer = draw.one_of((nn.Linear, nn.Linear, Adapted, Halved, Tempered))(width, units)
    scale = draw.one_of((1.0, 1.0, 1.0, 30.0)) / math.sqrt(width)
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
        return _normalisation(draw, width), width
    if kind == 2:
        function, units = draw.one_of(WIDTHS)
        return function, units(width)
    return _with_numbers(draw, width, draw.one_of((IN_PLACE, COPIES, OTHERS))), width


def _last(draw: Draw) -> nn.Module | Step:
    """What is done to logits."""
    kind = draw.below(4)
    if kind == 0:
        return _with_numbers(draw, CLASSES, draw.one_of((IN_PLACE, COPIES, OTHERS)))
    if kind == 1:
        factor = draw.one_of((100.0, 1e4))
        return lambda x: x.mul_(factor)
    return draw.one_of((nn.Softmax(dim=1), nn.ReLU(inplace=True), nn.Dropout()))


def _with_numbers(
    draw: Draw, width: int, functions: Sequence[Callable[[Tensor, Numbers], Tensor]]
) -> Step:
    scale = draw.one_of((1.0, 10.0, 200.0))
    numbers = Numbers(draw.tensor(width), 1 + draw.below(width), scale)
    function = draw.one_of(functions)
    return lambda x: function(x, numbers)


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
    module = draw.one_of(made)()
    if draw.below(4) == 0:
        module.register_forward_hook(lambda *given: given[2] * 2 - 0.5)
    return module


def _normalisation(draw: Draw, width: int) -> nn.Module:
    if draw.below(6) == 0:
        return nn.LayerNorm(width)
    norm = nn.BatchNorm1d(width)
    norm.running_mean = draw.tensor(width)
    norm.running_var = draw.tensor(width).square() + 0.1
    return norm


def _added(x: Tensor, numbers: Numbers) -> Tensor:
    x += numbers.each.to(x)
    return x


def _divided(x: Tensor, numbers: Numbers) -> Tensor:
    return x.div_(1 + numbers.each.abs().to(x))


def _raised(x: Tensor, _: Numbers) -> Tensor:
    y = x
    y **= 2
    return x


def _written(x: Tensor, numbers: Numbers) -> Tensor:
    x[:, numbers.part - 1] = 0.5
    return x


def _added_to_a_part(x: Tensor, numbers: Numbers) -> Tensor:
    x[:, : numbers.part] += 0.75
    return x


def _cut(x: Tensor, _: Numbers) -> Tensor:
    x.clamp_(-1.0, 2.0)
    return x


def _turned_by_another_name(x: Tensor, _: Numbers) -> Tensor:
    y = x * 1.0
    z = y
    z.neg_()
    return y


def _masked(x: Tensor, numbers: Numbers) -> Tensor:
    return x.masked_fill_(numbers.each > 0.5, -0.25)


def _copy_written(x: Tensor, _: Numbers) -> Tensor:
    y = x.clone()
    y.neg_()
    return x


def _original_written(x: Tensor, _: Numbers) -> Tensor:
    y = x.clone()
    x.neg_()
    return y


def _conversion_written(x: Tensor, _: Numbers) -> Tensor:
    other = torch.float32 if x.dtype == torch.float64 else torch.float64
    y = x.to(other)
    y.mul_(3.0)
    return x + 0 * y.to(x)


def _in_float32(x: Tensor, numbers: Numbers) -> Tensor:
    y = x.float() * numbers.each.float()
    return y.to(numbers.each.dtype).to(x)


def _whole(x: Tensor, _: Numbers) -> Tensor:
    return (3 * x).to(torch.int32).to(x) / 3 + 0.1 * x


def _in_eight_bits(x: Tensor, _: Numbers) -> Tensor:
    return (x.clamp(0.0, 3.0) * 50).byte().to(x) / 50


def _in_half_precision(x: Tensor, _: Numbers) -> Tensor:
    return x.bfloat16().to(x)


def _where_positive(x: Tensor, _: Numbers) -> Tensor:
    return x + x.relu().bool().to(x)


def _softmax(x: Tensor, numbers: Numbers) -> Tensor:
    return functional.softmax(numbers.scale * x, dim=1)


def _clamped_by_a_tensor(x: Tensor, numbers: Numbers) -> Tensor:
    return torch.clamp(x, max=numbers.each.to(x))


def _clamped_by_itself(x: Tensor, numbers: Numbers) -> Tensor:
    return torch.clamp(0.5 * x, min=x - 1.0, max=numbers.each.to(x).abs())


def _chosen(x: Tensor, numbers: Numbers) -> Tensor:
    return torch.where(numbers.each > 0, x, 0.5 - x)


def _joined_again(x: Tensor, _: Numbers) -> Tensor:
    return x + torch.tanh(x)


def _turned_round(x: Tensor, _: Numbers) -> Tensor:
    return x.T.flip(0).T.reshape(len(x), -1)


def _folded(x: Tensor, _: Numbers) -> Tensor:
    return torch.stack([x, -x], dim=1).amax(dim=1)


def _gated(x: Tensor, _: Numbers) -> Tensor:
    return x * torch.sigmoid(x.flip(1))


IN_PLACE = (
    *(_added, _divided, _raised, _written),
    *(_added_to_a_part, _cut, _turned_by_another_name, _masked),
)
COPIES = (
    *(_copy_written, _original_written, _conversion_written, _in_float32),
    *(_whole, _in_eight_bits, _in_half_precision, _where_positive),
)
OTHERS = (
    *(_softmax, _clamped_by_a_tensor, _clamped_by_itself, _chosen),
    *(_joined_again, _turned_round, _folded, _gated),
)
WIDTHS: tuple[tuple[Step, Callable[[int], int]], ...] = (
    (lambda x: torch.cat([x, x.relu()], dim=1), lambda width: 2 * width),
    (lambda x: x[:, : max(1, x.shape[1] - 1)], lambda width: max(1, width - 1)),
)
