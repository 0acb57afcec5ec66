"""A relative box of weights is a wider box of inputs: exact, at the cost of a tensor."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import Interval, evaluate
from gnomon.algebra.bilinear import LINEAR
from gnomon.algebra.interval import RelativeBox
from gnomon.algebra.interval.operands import together
from gnomon.algebra.interval.products import product
from gnomon.algebra.lift import lift
from gnomon.sets.parameters import ParameterBox, TensorBox, TensorSet
from gnomon.sets.radius import Constant, Relative
from reference.interval_products import exact_convolution, exact_linear

F64 = torch.float64


def _inputs(kind: str, *shape: int) -> Interval | Tensor:
    source = torch.Generator().manual_seed(1)
    centre = torch.randn(shape, generator=source, dtype=F64)
    radius = torch.rand(shape, generator=source, dtype=F64)
    if kind == "tensor":
        return centre
    if kind == "nonnegative":
        return Interval(centre.abs(), centre.abs() + radius, nonnegative=True)
    return Interval(centre - radius, centre + radius)


def _ends(x: Interval | Tensor | TensorSet) -> tuple[Tensor, Tensor]:
    if isinstance(x, Tensor):
        return x, x
    assert isinstance(x, Interval | TensorBox)
    return x.lower, x.upper


KINDS = ("tensor", "any sign", "nonnegative")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.4, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_matrices_have_their_exact_range(kind: str, share: float) -> None:
    layer = nn.Linear(7, 5).double()
    region, x = ParameterBox(Relative(share)).of(layer), _inputs(kind, 3, 7)
    bias = _ends(region["bias"])
    low, high = exact_linear(_ends(x), _ends(region["weight"]))
    found = evaluate(layer, x, region)
    torch.testing.assert_close(found.lower, low + bias[0])
    torch.testing.assert_close(found.upper, high + bias[1])


@pytest.mark.parametrize("kind", KINDS)
def test_convolutions_have_their_exact_range_at_each_place(kind: str) -> None:
    layer = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False).double()
    region, x = ParameterBox(Relative(0.3)).of(layer), _inputs(kind, 2, 3, 7, 6)
    low, high = exact_convolution(_ends(x), _ends(region["weight"]), 3, stride=2, padding=1)
    found = evaluate(layer, x, region)
    torch.testing.assert_close(found.lower.flatten(2), low)
    torch.testing.assert_close(found.upper.flatten(2), high)


@pytest.mark.parametrize("detached", [False, True])
def test_gradients_are_those_of_the_same_box_without_the_knowledge(*, detached: bool) -> None:
    """Inputs and weights both: the radius is differentiated too, unless it is detached."""
    layer = nn.Linear(7, 5).double()
    x = _inputs("any sign", 3, 7)
    assert isinstance(x, Interval)
    source = torch.Generator().manual_seed(2)
    slopes = torch.randn(2, 3, 5, generator=source, dtype=F64)

    def gradients(*, known: bool) -> tuple[Tensor, ...]:
        low, high = x.lower.clone().requires_grad_(), x.upper.clone().requires_grad_()
        region = ParameterBox(Relative(0.1), detached=detached).of(layer)
        boxes = {
            name: box if known else Interval.computed(*_ends(box))
            for name, box in region.items()
        }
        found = evaluate(layer, Interval.computed(low, high), boxes)
        value = (found.lower * slopes[0] + found.upper * slopes[1]).sum()
        return torch.autograd.grad(value, (low, high, *layer.parameters()))

    for ours, plain in zip(gradients(known=True), gradients(known=False), strict=True):
        torch.testing.assert_close(ours, plain)


def test_only_boxes_that_are_proportional_to_the_parameter_are_taken_for_such() -> None:
    layer, beside = nn.Linear(3, 2), torch.zeros(1, 3)

    def kind(box: ParameterBox) -> type:
        return type(lift(box.of(layer)["weight"], beside))

    assert kind(ParameterBox(Relative(0.5))) is RelativeBox
    assert kind(ParameterBox(Relative(1.5))) is Interval  # signs change
    assert kind(ParameterBox(Relative(0.5), detached=True)) is Interval
    assert kind(ParameterBox(Constant(0.5))) is Interval
    detached = ParameterBox(Relative(0.5)).of(layer).detach()["weight"]
    assert type(lift(detached, beside)) is RelativeBox


def test_infinite_inputs_reach_what_they_are_multiplied_with() -> None:
    layer = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 1.0], [1.0, 1.0]]))
    x = Interval(torch.tensor([[0.0, 1.0]]), torch.tensor([[torch.inf, 2.0]]))
    found = evaluate(layer, x, ParameterBox(Relative(0.5)).of(layer))
    assert found.lower.tolist() == [[0.5, 0.5]]
    assert found.upper.tolist() == [[3.0, torch.inf]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_product_costs_two_whatever_the_sign_of_its_inputs(kind: str) -> None:
    """Centre and radius, as with weights without a box."""
    calls: list[tuple[int, ...]] = []

    def multiply(x: Tensor, w: Tensor) -> Tensor:
        calls.append(w.shape)
        return nn.functional.linear(x, w)

    weight = torch.ones(5, 7, dtype=F64)
    box = RelativeBox(weight, 0.1)
    x, _ = together(_inputs(kind, 3, 7), box)
    product(replace(LINEAR, multiply=multiply), x, box, 7)
    assert calls == [(5, 7), (5, 7)]
