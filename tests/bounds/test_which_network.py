"""Bounds are of the network that was evaluated: of what it computes, not of its modules."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune

import gnomon as gn
from gnomon.activations import ReLU
from gnomon.algebra import Value
from gnomon.bounds import BoundMethod, evaluate_head
from gnomon.errors import UnsupportedOperationError
from gnomon.seeds import generator

RADIUS = 0.2
SLACK = 1e-5
"""Of bounds rounded to nearest in float32, on logits below 20 with five terms each."""

METHODS = {
    "IBP": gn.IBP(),
    "CROWN": gn.CROWN(),
    "CROWN-IBP": gn.CROWN(intermediate="interval"),
    "rounded IBP": gn.IBP(gn.Outward(level=gn.algebra.Deployed(torch.float32))),
    "rounded CROWN": gn.CROWN(gn.algebra.Outward()),
}
SHIFT = torch.tensor([0.0, 3.0, -3.0])


class Network(nn.Module):
    """Features, a last layer, and a function of what that returned."""

    def __init__(
        self,
        last: nn.Module,
        after: Callable[[Tensor, Tensor], Tensor] = lambda y, _: y,
    ) -> None:
        super().__init__()
        self.first, self.last, self.after = nn.Linear(4, 5), last, after

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.first(x))
        return self.after(self.last(h), h)


class Adapted(nn.Linear):
    """A linear layer with an adapter of low rank beside it."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        return super().forward(input) + 3 * input[:, :1] * SHIFT


class Masked(nn.Linear):
    """A linear layer some of whose weights are not used."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        return functional.linear(input, self.weight * (self.weight > 0), self.bias)


class Scaled(nn.Linear):
    """A linear layer with a temperature inside."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        return super().forward(input) / 0.1


class Scratch(nn.Linear):
    """A linear layer that uses its memory again after the product."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        weight = self.weight * 1
        y = functional.linear(input, weight, self.bias)
        weight.zero_()
        return y


class Flipped(ReLU):
    """An activation that inherits the facts of another function."""

    def forward(self, x: Tensor) -> Tensor:
        return 3.0 - super().forward(x)


def hooked(*, before: bool = False) -> nn.Module:
    layer = nn.Linear(5, 3)
    if before:
        layer.register_forward_pre_hook(lambda _, args: (args[0] * 3 - 1,))
    else:
        layer.register_forward_hook(lambda *given: given[2] + SHIFT)
    return layer


def hooked_activation() -> nn.Module:
    activation = ReLU()
    activation.register_forward_hook(lambda *given: given[2] + SHIFT)
    return nn.Sequential(nn.Linear(5, 3), activation)


def pruned() -> nn.Module:
    layer = nn.Linear(5, 3)
    prune.l1_unstructured(layer, "weight", 0.5)
    return layer


def shifted(y: Tensor, _: Tensor) -> Tensor:
    y += SHIFT
    return y


def tempered(y: Tensor, _: Tensor) -> Tensor:
    return y.div_(0.1)


def squared(y: Tensor, _: Tensor) -> Tensor:
    y **= 2
    return y


def one_class_written(y: Tensor, _: Tensor) -> Tensor:
    y[:, 1] = 3.0
    return y


def a_part_moved(y: Tensor, _: Tensor) -> Tensor:
    y[:, 1:] += 3.0
    return y


def features_written_later(y: Tensor, h: Tensor) -> Tensor:
    h.mul_(0.0)
    return y


def converted(y: Tensor, _: Tensor) -> Tensor:
    z = y.double()
    z.neg_()
    return y + 0 * z.float()


def copied(y: Tensor, _: Tensor) -> Tensor:
    z = y.clone()
    z.neg_()
    return y + 0 * z


def rounded_to_whole_numbers(y: Tensor, _: Tensor) -> Tensor:
    return (y * 2).to(torch.int32).float() + 0.1 * y


def in_half_precision(y: Tensor, _: Tensor) -> Tensor:
    return y.bfloat16().float()


def probabilities(y: Tensor, _: Tensor) -> Tensor:
    return functional.softmax(8 * y, dim=1)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "adapter": lambda: Network(Adapted(5, 3)),
    "masked weight": lambda: Network(Masked(5, 3)),
    "temperature inside": lambda: Network(Scaled(5, 3)),
    "weight written later": lambda: Network(Scratch(5, 3)),
    "hook": lambda: Network(hooked()),
    "hook before": lambda: Network(hooked(before=True)),
    "hook on an activation": lambda: Network(hooked_activation()),
    "formula with foreign facts": lambda: Network(nn.Sequential(nn.Linear(5, 3), Flipped())),
    "pruned": lambda: Network(pruned()),
    "inplace activation": lambda: Network(
        nn.Sequential(nn.Linear(5, 3), nn.ReLU(inplace=True))
    ),
    "dropout after": lambda: Network(nn.Sequential(nn.Linear(5, 3), nn.Dropout())),
    **{
        function.__name__: lambda function=function: Network(nn.Linear(5, 3), function)
        for function in (
            *(shifted, tempered, squared, one_class_written, a_part_moved, probabilities),
            *(features_written_later, converted, copied, rounded_to_whole_numbers),
            in_half_precision,
        )
    },
}


def made(name: str) -> nn.Module:
    network = NETWORKS[name]()
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator(1, name))
    return network.eval().requires_grad_(requires_grad=False)


def last_weight(network: Network) -> Tensor:
    weight = network.last.weight
    assert isinstance(weight, Tensor)
    return weight


def members(x: Tensor) -> Tensor:
    """Members of the balls, and many corners: draws × examples × coordinates."""
    draws = torch.rand((400, *x.shape), generator=generator(2)) * 2 - 1
    draws[:200] = draws[:200].sign()
    return x + RADIUS * draws


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("name", NETWORKS)
def test_no_member_exceeds_the_margins(name: str, method: BoundMethod) -> None:
    network, x = made(name), torch.randn(6, 4, generator=generator(3))
    labels = network(x).argmax(dim=1)
    upper = method(network, x, labels, gn.Linf(RADIUS), None).upper
    for point in members(x):
        logits = network(point)
        gap = logits - logits.gather(1, labels[:, None])
        assert bool((gap <= upper + SLACK * logits.abs().amax().clamp_min(1)).all())


@pytest.mark.parametrize(
    "after",
    [
        lambda y, _: y,
        lambda y, _: functional.dropout(y, 0.5, training=False),
        lambda y, _: y.clone(),
        lambda y, _: y.float(),
        lambda y, h: y.to(h),
    ],
)
def test_a_last_matrix_is_seen_through_what_copies_its_result(
    after: Callable[[Tensor, Tensor], Tensor],
) -> None:
    network = Network(nn.Linear(5, 3), after).requires_grad_(requires_grad=False)
    x = torch.randn(2, 4, generator=generator(4))
    head = evaluate_head(network, gn.Interval.around(x, RADIUS))
    assert head.features is not None
    assert isinstance(head.weight, Tensor)
    assert torch.equal(head.weight, last_weight(network))


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_the_label_is_bounded_together_with_its_rivals(method: BoundMethod) -> None:
    """Both logits move by 1, their difference not at all."""
    network = nn.Sequential(nn.Linear(1, 2)).requires_grad_(requires_grad=False)
    network[0].weight.data, network[0].bias.data = torch.ones(2, 1), torch.tensor([0.1, 0.0])
    margins = method(network, torch.zeros(1, 1), torch.tensor([0]), gn.Linf(1.0), None)
    assert float(margins.worst) == pytest.approx(-0.1, abs=1e-5)


def test_parameters_that_a_module_computes_its_weight_from_are_put_back() -> None:
    for made_of in (pruned(), parametrizations.weight_norm(nn.Linear(5, 3))):
        network = Network(made_of).requires_grad_(requires_grad=False)
        before = {name: id(each) for name, each in network.named_parameters()}
        weight = last_weight(network).clone()
        region = gn.ParameterBox(gn.radius.Constant(0.1)).of(network)
        x = torch.randn(2, 4, generator=generator(5))
        try:
            gn.evaluate(network, x, region)
        except UnsupportedOperationError:
            assert isinstance(made_of, nn.Linear)
        assert {name: id(each) for name, each in network.named_parameters()} == before
        assert torch.equal(last_weight(network), weight)


ALGEBRAS: dict[str, Callable[[Tensor], Value]] = {
    "interval": lambda x: gn.Interval.around(x, RADIUS),
    "affine": lambda x: gn.Zonotope.around(x, RADIUS),
    "relaxed": lambda x: gn.LinearRelaxation.around(x, RADIUS),
    "rounded": lambda x: gn.Interval.around(x, RADIUS, arithmetic=gn.Outward()),
    "rounded relaxed": lambda x: gn.LinearRelaxation.around(
        x, RADIUS, arithmetic=gn.algebra.Outward()
    ),
}


def trained_on(network: nn.Module) -> None:
    for parameter in network.parameters():
        parameter.sub_(parameter.sign() * 0.3)


def loaded(network: nn.Module) -> None:
    network.load_state_dict({key: each * 0.2 for key, each in network.state_dict().items()})


def converted_and_back(network: nn.Module) -> None:
    network.half().double()


@pytest.mark.parametrize("change", [trained_on, loaded, converted_and_back])
@pytest.mark.parametrize("algebra", ALGEBRAS)
def test_bounds_stay_those_of_the_network_that_was_evaluated(
    algebra: str, change: Callable[[nn.Module], None]
) -> None:
    layers = nn.Sequential(
        nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.PReLU(8), nn.Linear(8, 3)
    )
    network = layers.double().requires_grad_(requires_grad=False)
    x = torch.randn(3, 4, generator=generator(6)).double()
    at_once = gn.evaluate(network, ALGEBRAS[algebra](x))
    expected = (at_once.lower.clone(), at_once.upper.clone())
    centre = x.clone()
    later = gn.evaluate(network, ALGEBRAS[algebra](centre))
    change(network)
    centre.add_(1.0)
    assert torch.equal(later.lower, expected[0])
    assert torch.equal(later.upper, expected[1])
