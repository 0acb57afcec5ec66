"""Relaxations with an account of rounding, on networks of all kinds and at the edges."""

from collections.abc import Callable
from typing import Any

import mpmath
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ELU, GELU, SELU, Activation, Mish, Sigmoid, SiLU, Softplus, Tanh
from gnomon.algebra import NEAREST, Interval, LinearRelaxation, Outward, evaluate
from gnomon.algebra.rounding import Deployed
from gnomon.errors import SettingError, ShapeError, UnsupportedOperationError
from gnomon.seeds import generator
from reference.networks_of_all_kinds import networks

SINGLE, DOUBLE = torch.float32, torch.float64
Number = Any
"""Of forty digits; mpmath states no types."""
NETWORKS = networks()
OWN_STATISTICS = [name for name in NETWORKS if "norm" in name and "batch" not in name]
FEW = [name for name in NETWORKS if name not in {"cnn4_conv", "cnn4", *OWN_STATISTICS}]


def _case(name: str) -> tuple[nn.Module, Tensor]:
    """Weights and inputs that coefficients of torch.float32."""
    network, x = NETWORKS[name]()
    return network.requires_grad_(requires_grad=False), x.float().double()


# Behind an activation, maxima are taken of intervals here, of tighter bounds there: no "vgg".
@pytest.mark.parametrize("name", [name for name in FEW if name != "vgg"])
def test_never_wider_than_rounded_intervals_and_hardly_wider_than_plain_ones(name: str) -> None:
    """Than plain relaxations by rounding only: 10⁵ eps of the outputs' size at most.

    Where slopes are found by search, other roundings may find others: hence two allowances.
    """
    network, x = _case(name)
    plain = evaluate(network, LinearRelaxation.around(x, 0.05)).settled()
    found = evaluate(network, LinearRelaxation.around(x, 0.05, arithmetic=Outward())).settled()
    box = evaluate(network, Interval.around(x, 0.05, arithmetic=Outward()))
    assert bool((found.lower >= box.lower).all())
    assert bool((found.upper <= box.upper).all())
    scale = 1 + plain.lower.abs().maximum(plain.upper.abs()).max()
    gap = (plain.lower - found.lower).maximum(found.upper - plain.upper) / scale
    assert float(gap.max()) < (1e-8 if name == "linear, hardswish" else 1e5 * 2.0**-53)
    if "relu" in name:
        assert float(gap.min()) > 0


@pytest.mark.parametrize("name", FEW)
def test_points_in_other_precisions_lie_inside(name: str) -> None:
    """Float64 outputs are the truth for bounds in float32; float32 outputs are executions."""
    network, x = _case(name)
    truth = network(x)
    network = network.float()
    found = evaluate(network, LinearRelaxation.around(x, 0.0, arithmetic=Outward(dtype=SINGLE)))
    assert found.precision == SINGLE
    assert found.contains(truth)
    assert float(found.width.max()) < 0.05
    level = Deployed(SINGLE)
    executed = evaluate(network, LinearRelaxation.around(x, 0.0, arithmetic=Outward(level)))
    assert executed.precision == DOUBLE
    assert executed.contains(network(x.float()).double())
    assert executed.contains(truth)


@pytest.mark.parametrize("name", OWN_STATISTICS)
def test_statistics_of_the_example_start_afresh(name: str) -> None:
    network, x = _case(name)
    found = evaluate(network, LinearRelaxation.around(x, 0.01, arithmetic=Outward()))
    assert found.contains(network(x))
    with pytest.raises(UnsupportedOperationError, match="orm"):
        evaluate(
            network.float(),
            LinearRelaxation.around(x, 0.01, arithmetic=Outward(Deployed(SINGLE))),
        )


def _phi(x: Number) -> Number:
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


SMOOTH: dict[str, tuple[Activation, Callable[[Number], Number]]] = {
    "tanh": (Tanh(), mpmath.tanh),
    "sigmoid": (Sigmoid(), lambda x: 1 / (1 + mpmath.exp(-x))),
    "gelu": (GELU(), lambda x: x * _phi(x)),
    "silu": (SiLU(), lambda x: x / (1 + mpmath.exp(-x))),
    "mish": (Mish(), lambda x: x * mpmath.tanh(mpmath.log1p(mpmath.exp(x)))),
    "elu": (ELU(), lambda x: x if x > 0 else mpmath.expm1(x)),
    "selu": (
        SELU(),
        lambda x: (
            mpmath.mpf(1.0507009873554804934193349852946)
            * (x if x > 0 else mpmath.mpf(1.6732632423543772848170429916717) * mpmath.expm1(x))
        ),
    ),
    "softplus": (Softplus(5.0), lambda x: mpmath.log1p(mpmath.exp(5 * x)) / 5),
}


class WithItself(nn.Module):
    """The inputs and an activation of them, side by side."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.activation(x)], dim=1)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
def test_lines_around_smooth_functions_hold_at_forty_digits(
    name: str, dtype: torch.dtype
) -> None:
    """F(t) − a t for slopes near those of the lines: on wide intervals, narrow ones, points."""
    function, exact = SMOOTH[name]
    source = generator(6, name)
    centre = 3 * torch.randn(24, 1, generator=source)
    radius = torch.tensor([0.0, 2.0**-20, 0.1, 2.0]).repeat(6)[:, None]
    value = LinearRelaxation.around(centre, radius, arithmetic=Outward(dtype=dtype))
    found = evaluate(WithItself(function), value)
    slopes = [0.0, 0.3125, 1.0]
    rows = torch.tensor([[-slope, 1.0] for slope in slopes])
    bounds = found.bound(rows)
    with mpmath.workdps(40):
        for example in range(24):
            middle, reach = (mpmath.mpf(float(each[example])) for each in (centre, radius))
            for share in (-1.0, -0.5, 0.0, 0.7, 1.0):
                at = middle + share * reach
                for index, slope in enumerate(slopes):
                    true = exact(at) - slope * at
                    assert float(bounds.lower[example, index]) <= true
                    assert true <= float(bounds.upper[example, index])


class Again(nn.Module):
    """Uses its input several times: rows over it are added, where they cancel nearly."""

    def forward(self, x: Tensor) -> Tensor:
        large = x * 1048577.0
        return (large + x / 3 - x * 1048576.0).sum(dim=1, keepdim=True) - x[:, [0, 0, 1]] / 7


def test_rows_that_meet_and_cancel_are_accounted_for() -> None:
    """In float32; the truth in float64 is 4/3 Σ x − x_i / 7, to 1e-9."""
    x = torch.randn(50, 4, generator=generator(7))
    found = evaluate(Again(), LinearRelaxation.around(x, 0.0, arithmetic=Outward(dtype=SINGLE)))
    plain = evaluate(Again(), LinearRelaxation.around(x, 0.0)).settled()
    y = x.double()
    truth = 4 / 3 * y.sum(dim=1, keepdim=True) - y[:, [0, 0, 1]] / 7
    assert bool(((found.lower <= truth - 1e-9) & (truth + 1e-9 <= found.upper)).all())
    assert not bool(((plain.lower <= truth) & (truth <= plain.upper)).all())


class Moved(nn.Module):
    """Moves, repeats, pads, averages and sums coordinates of images."""

    def forward(self, x: Tensor) -> Tensor:
        y = functional.pad(x.flip((3,)), (1, 1), value=0.1).permute(0, 1, 3, 2)
        y = torch.cat([y, y.roll(1, 2)], dim=1) * 1.1
        y = functional.avg_pool2d(y, 2) + functional.adaptive_avg_pool2d(y, (3, 2))[:, :, :, :1]
        y = y.sum(dim=3).cumsum(dim=2)
        y = torch.stack([y, y.expand(y.shape) / 3], dim=1).flatten(1)
        return y[:, [0, 5, 5, 7]] - y.mean(dim=1, keepdim=True)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=str)
def test_moved_and_averaged_coordinates(dtype: torch.dtype) -> None:
    x = torch.randn(3, 2, 4, 4, generator=generator(8))
    truth = Moved()(x.double())
    found = evaluate(Moved(), LinearRelaxation.around(x, 0.0, arithmetic=Outward(dtype=dtype)))
    assert found.contains(truth)
    assert float(found.width.max()) < (1e-2 if dtype == SINGLE else 1e-11)
    value = LinearRelaxation.around(x[:, :1], 0.1, arithmetic=Outward(dtype=dtype))
    assert torch.equal(value.expand_as(torch.empty(x.shape)).lower[:, 1:], value.lower)
    wide = evaluate(Moved(), LinearRelaxation.around(x, 0.1, arithmetic=Outward(dtype=dtype)))
    plain = evaluate(Moved().double(), LinearRelaxation.around(x.double(), 0.1))
    assert torch.allclose(wide.lower.double(), plain.lower, atol=1e-3)
    level = Deployed(SINGLE)
    executed = evaluate(Moved(), LinearRelaxation.around(x, 0.0, arithmetic=Outward(level)))
    assert executed.contains(Moved()(x).double())


def _linear(weight: float) -> nn.Module:
    network = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)).float()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(weight)
    return network.requires_grad_(requires_grad=False)


@pytest.mark.parametrize("weight", [1e20, float("nan"), float("inf")])
def test_what_overflows_or_is_no_number_is_unknown(weight: float) -> None:
    network, x = _linear(weight), torch.ones(2, 2)
    found = evaluate(network, LinearRelaxation.around(x, 0.1, arithmetic=Outward(dtype=SINGLE)))
    rows = torch.ones(1, 1)
    assert found.at_least(rows).tolist() == [[-torch.inf]] * 2
    assert found.bound(rows).upper.tolist() == [[torch.inf]] * 2
    if weight == 1e20:  # which float64 holds, and executions in float32 do not
        assert bool(
            (
                evaluate(network, LinearRelaxation.around(x, 0.1, arithmetic=Outward())).lower
                > 1e39
            ).all()
        )
        level = Deployed(SINGLE)
        deployed = evaluate(network, LinearRelaxation.around(x, 0.1, arithmetic=Outward(level)))
        assert deployed.at_least(rows).tolist() == [[-torch.inf]] * 2


def test_portions_and_interval_bounds_inside() -> None:
    network, x = _case("mlp, gelu")
    whole = evaluate(network, LinearRelaxation.around(x, 0.02, arithmetic=Outward())).settled()
    parts = evaluate(
        network, LinearRelaxation.around(x, 0.02, arithmetic=Outward(), budget=2**10)
    ).settled()
    assert torch.allclose(whole.lower, parts.lower, atol=1e-9)
    mixed = evaluate(
        network, LinearRelaxation.around(x, 0.02, arithmetic=Outward(), intermediate="interval")
    ).settled()
    assert mixed.contains(network(x))
    assert float(whole.width.mean()) < float(mixed.width.mean())


def test_what_is_refused() -> None:
    x = torch.ones(2, 3)
    with pytest.raises(ShapeError, match="first of two axes"):
        LinearRelaxation.around(x[0], 0.1, arithmetic=Outward())
    with pytest.raises(SettingError, match="float32 or float64"):
        LinearRelaxation.around(x, 0.1, arithmetic=Outward(dtype=torch.bfloat16))
    with pytest.raises(SettingError, match="intermediate"):
        LinearRelaxation.around(x, 0.1, arithmetic=Outward(), intermediate="affine")
    value = LinearRelaxation.around(x, 0.1, arithmetic=Outward())
    with pytest.raises(SettingError, match="autocast"), torch.autocast("cpu"):
        evaluate(nn.Linear(3, 2), value)
    with pytest.raises(ShapeError, match="one coefficient per coordinate"):
        value.bound(torch.ones(1, 4))
    single = LinearRelaxation.around(x, 0.1, arithmetic=Outward(dtype=SINGLE))
    with pytest.raises(SettingError, match=r"coefficients of torch\.float32"):
        single.bound(torch.full((1, 3), 0.3).double() + 1e-12)


def test_bounds_can_be_differentiated() -> None:
    network, x = _case("mlp, relu")
    slopes: list[Tensor] = []
    for arithmetic in (NEAREST, Outward()):
        radius = torch.tensor(0.05, dtype=DOUBLE, requires_grad=True)
        found = evaluate(network, LinearRelaxation.around(x, radius, arithmetic=arithmetic))
        (slope,) = torch.autograd.grad(found.width.sum(), radius)
        slopes.append(slope)
    plain, rounded = slopes
    assert torch.allclose(rounded, plain, rtol=1e-6)


def test_settings_of_kernels_are_put_back() -> None:
    before = (torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled)
    value = LinearRelaxation.around(torch.ones(2, 3), 0.1, arithmetic=Outward())
    assert isinstance(evaluate(nn.Linear(3, 2), value).settled(), Interval)
    assert before == (torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled)
