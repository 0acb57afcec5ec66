"""Networks that convert between float32 and float64 on the way, as they are executed."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import (
    REAL,
    Deployed,
    Interval,
    Level,
    LinearRelaxation,
    Outward,
    enclose,
    evaluate,
)
from gnomon.algebra.library import TORCH
from gnomon.bounds import CROWN, IBP
from gnomon.errors import SettingError
from gnomon.seeds import generator
from gnomon.sets import Box, Linf

SINGLE, DOUBLE = torch.float32, torch.float64
FINE, COARSE = Deployed(DOUBLE), Deployed(SINGLE)


def _drawn(module: nn.Module, seed: int = 0) -> nn.Module:
    source = generator(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=source))
    return module.eval().requires_grad_(requires_grad=False)


class There(nn.Module):
    """A network in float64, part of which is computed in float32."""

    def __init__(self, inside: Callable[[Any, nn.Module], Any]) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 6).double(), nn.Linear(6, 3).double()
        self.single = nn.Linear(6, 6)
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.inside(torch.tanh(self.first(x)), self.single))


INSIDE: dict[str, Callable[[Any, nn.Module], Any]] = {
    "float, double": lambda h, _: h.float().double(),
    "to": lambda h, _: h.to(SINGLE).to(DOUBLE),
    "to, by name": lambda h, _: h.to(dtype=SINGLE).to(dtype=DOUBLE),
    "sums in float32": lambda h, _: h.float().cumsum(1).double(),
    "a layer in float32": lambda h, layer: torch.sigmoid(layer(h.float())).double(),
    "like another": lambda h, _: h.type_as(h[:, :1].float()).double(),
    "a tensor like a value": lambda h, _: (
        h.float() * torch.full((6,), 0.1, dtype=DOUBLE).type_as(h.float())
    ).double(),
    "both types meet": lambda h, _: h + h.float(),
    "joined": lambda h, _: torch.cat([h[:, :3], h[:, 3:].float()], 1),
    "a table in float32": lambda h, layer: (
        h.float() * layer.get_parameter("weight")[0] - h.flip(1)
    ),
}


def _intervals(centre: Tensor, radius: float, *, level: Level = REAL) -> Interval:
    return Interval.around(centre, radius, arithmetic=Outward(level))


def _relaxed(centre: Tensor, radius: float, *, level: Level = REAL) -> LinearRelaxation:
    return LinearRelaxation.around(centre, radius, arithmetic=Outward(level))


def _level(value: Any) -> Level:  # noqa: ANN401 - a value
    return value.arithmetic.level


AROUND = [_intervals, _relaxed]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("name", INSIDE)
def test_executions_that_round_on_the_way_lie_inside(
    name: str, around: Callable[..., Any]
) -> None:
    network = _drawn(There(INSIDE[name]))
    x = torch.randn(200, 4, generator=generator(1), dtype=DOUBLE)
    executed = network(x)
    found = evaluate(network, around(x, 0.0, level=FINE))
    assert found.contains(executed)
    assert 1e-9 < float(found.width.max()) < 1e-3
    # As if all went on in float64, one rounding of float32 would be far outside.
    real = evaluate(network, around(x, 0.0, level=REAL))
    assert float(real.width.max()) < 1e-11


@pytest.mark.parametrize("around", AROUND)
def test_what_is_converted_back_is_computed_in_float64_again(
    around: Callable[..., Any],
) -> None:
    """Numbers that float32 holds lose nothing there, and what follows is as fine as before."""
    x = torch.tensor([[0.5, 3.0]], dtype=DOUBLE)
    weight = torch.tensor([[0.1, 0.3]], dtype=DOUBLE)

    def after(value: Any) -> Any:  # noqa: ANN401 - a value
        return nn.functional.linear(value, weight)

    box = around(x, 0.0, level=COARSE)
    assert float(after(box.double()).width.max()) < 1e-14
    assert float(after(box).width.max()) > 1e-8
    back = around(x, 0.0, level=FINE).float().double()
    assert _level(back) == FINE
    assert _level(around(x, 0.0, level=FINE).float()) == COARSE
    assert _level(around(x, 0.0, level=REAL).float()) == REAL


def test_values_of_other_libraries_are_not_mixed() -> None:
    x = torch.ones(1, 2)
    here, there = (
        Interval.point(x, arithmetic=Outward(level=level))
        for level in (COARSE, Deployed(DOUBLE, TORCH))
    )
    with pytest.raises(SettingError, match="one level"):
        _ = here + there


METHODS = {
    "rounded IBP": lambda level: IBP(Outward(level=level)),
    "rounded CROWN": lambda level: CROWN(Outward(level)),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, SINGLE, DOUBLE], ids=str)
@pytest.mark.parametrize("level", [COARSE, FINE], ids=["float32", "float64"])
def test_networks_in_other_numbers_are_refused(
    level: Deployed, dtype: torch.dtype, method: Callable[[Level], Any]
) -> None:
    network = _drawn(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))).to(dtype)
    x, labels = torch.rand(2, 4, generator=generator(3)), torch.tensor([0, 1])
    given = x.to(level.dtype)
    assert method(REAL)(network, given, labels, Linf(0.1)).upper.isfinite().all()
    if dtype == level.dtype:
        assert method(level)(network, given, labels, Linf(0.1)).upper.isfinite().all()
        return
    with pytest.raises(SettingError, match=rf"{level.dtype}, got 0.weight in {dtype}.*REAL"):
        method(level)(network, given, labels, Linf(0.1))


def test_a_buffer_in_half_precision_is_refused() -> None:
    network = _drawn(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)))
    network.get_submodule("1").running_mean = torch.zeros(4).bfloat16()
    with pytest.raises(SettingError, match=r"got 1.running_mean in torch.bfloat16"):
        evaluate(network, Interval.point(torch.ones(1, 4), arithmetic=Outward(level=COARSE)))


def test_inputs_in_half_precision_are_refused_and_coarser_ones_remembered() -> None:
    x = torch.ones(1, 4)
    for within in (None, Linf(0.1), Box(-0.1, 0.1)):
        with pytest.raises(SettingError, match="float16"):
            enclose(x.half(), within, Outward(level=COARSE))
        assert enclose(x.half(), within, Outward()).arithmetic.level == REAL
        assert enclose(x, within, Outward(level=FINE)).arithmetic.level == COARSE
        assert enclose(x.double(), within, Outward(level=FINE)).arithmetic.level == FINE
        assert enclose(x.double(), within, Outward(level=COARSE)).arithmetic.level == COARSE


def test_a_network_whose_first_layers_are_in_float32_is_bounded_as_such() -> None:
    class Widened(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.double()

    first = nn.Linear(40, 8)
    network = _drawn(nn.Sequential(first, nn.Tanh(), Widened(), nn.Linear(8, 3).double()))
    x = torch.randn(50, 40, generator=generator(5))
    for around, given in itertools.product(AROUND, (x, x.double())):
        found = evaluate(network, around(given, 0.0, level=FINE))
        assert found.contains(network(x))
