"""Ranges of functions of one coordinate against dense grids; normalisations, samples."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ACTIVATIONS
from gnomon.algebra import Interval, evaluate

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    **{name: make() for name, make in ACTIVATIONS.items()},
    "gelu by tanh": nn.GELU("tanh"),
    "hardswish": nn.Hardswish(),
    "relu6": nn.ReLU6(),
    "hardtanh": nn.Hardtanh(-0.5, 2.0),
    "celu": nn.CELU(0.7),
    "softsign": nn.Softsign(),
    "tanhshrink": nn.Tanhshrink(),
    "rising prelu": lambda x: functional.prelu(x, torch.tensor(0.2).double()),
    "falling prelu": lambda x: functional.prelu(x, torch.tensor(-0.6).double()),
    "abs": torch.abs,
    "square": torch.square,
    "cube": lambda x: x**3,
    "exp": torch.exp,
    "clamp": lambda x: x.clamp(-1, 0.5),
}


class Apply(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(
    ends=st.tuples(st.floats(-6, 6), st.floats(-6, 6)),
    scale=st.sampled_from([0.01, 0.3, 1.0, 4.0]),
)
def test_the_range_is_exact(name: str, ends: tuple[float, float], scale: float) -> None:
    low, high = sorted(scale * end for end in ends)
    box = Interval(torch.tensor([low]).double(), torch.tensor([high]).double())
    found = evaluate(Apply(FUNCTIONS[name]), box)
    values = FUNCTIONS[name](torch.linspace(low, high, 4001).double()).detach()
    # An extremum between two points of the grid is missed by at most their distance times the
    # slope beside it, which is below 50 for all that turn here.
    missed = 50 * (high - low) / 4000 + 1e-9
    rounding = 1e-12 * (1 + float(values.abs().max()))
    assert float(found.lower.detach()) <= float(values.min()) + rounding
    assert float(found.upper.detach()) >= float(values.max()) - rounding
    assert float(found.lower.detach()) >= float(values.min()) - missed
    assert float(found.upper.detach()) <= float(values.max()) + missed


def test_a_reciprocal_of_what_may_be_zero_is_anything() -> None:
    box = Interval(torch.tensor([-1.0, 0.5, -4.0]), torch.tensor([1.0, 2.0, -2.0]))
    found = evaluate(Apply(torch.reciprocal), box)
    assert found.lower.tolist() == [-torch.inf, 0.5, -0.5]
    assert found.upper.tolist() == [torch.inf, 2.0, -0.25]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_only_two_factors_that_are_nonnegative_give_one(sign: float) -> None:
    """A product with a factor of any sign is not taken for nonnegative by the next layer."""
    first = Interval(torch.zeros(1, 1), torch.ones(1, 1), nonnegative=True)
    second = Interval(torch.full((1, 1), -3.0), torch.full((1, 1), -1.0))
    found = evaluate(Apply(lambda x: (x * second) @ torch.tensor([[sign]])), first)
    assert sorted([found.lower.item(), found.upper.item()]) == sorted([-3.0 * sign, 0.0 * sign])
    weight = Interval(torch.full((1, 1), 1.0), torch.full((1, 1), 2.0))
    layer = nn.Linear(1, 1, bias=False)
    boxed = evaluate(
        nn.Sequential(Apply(lambda x: x * second), layer), first, {"1.weight": weight}
    )
    assert boxed.lower.item() <= -6.0


def test_the_softmax_of_a_box_is_exact() -> None:
    source = torch.Generator().manual_seed(0)
    low = torch.randn(4, 3, generator=source).double()
    box = Interval(low, low + torch.rand(4, 3, generator=source).double())
    found = evaluate(nn.Softmax(dim=1), box)
    for own in range(3):
        best, worst = box.lower.clone(), box.upper.clone()
        best[:, own], worst[:, own] = box.upper[:, own], box.lower[:, own]
        assert torch.allclose(found.upper[:, own], best.softmax(dim=1)[:, own])
        assert torch.allclose(found.lower[:, own], worst.softmax(dim=1)[:, own])


@pytest.mark.parametrize(
    "layer",
    [nn.LayerNorm(5), nn.RMSNorm(5), nn.GroupNorm(1, 5)],
    ids=lambda x: type(x).__name__,
)
@pytest.mark.parametrize("radius", [1e-4, 0.1, 3.0])
def test_normalised_values_stay_inside_and_under_their_cap(
    layer: nn.Module, radius: float
) -> None:
    layer = layer.double()
    source = torch.Generator().manual_seed(1)
    x = torch.randn(6, 5, generator=source).double()
    found = evaluate(layer, Interval.around(x, radius))
    for _ in range(300):
        signs = 2 * torch.rand(6, 5, generator=source).double() - 1
        with torch.no_grad():
            assert found.contains(layer(x + radius * signs.sign()), 1e-9)
            assert found.contains(layer(x + radius * signs), 1e-9)
    most = 5**0.5 if isinstance(layer, nn.RMSNorm) else 2.0
    assert float(found.upper.detach().max()) <= most + 1e-9
    if radius < 1e-3:
        assert float(found.width.detach().max()) < 0.05
