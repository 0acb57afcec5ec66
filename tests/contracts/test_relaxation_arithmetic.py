"""Relaxations in every arithmetic: one set of rules, and an account of what rounding does.

Without allowances, bounds are those of ordinary rounding; with them they are never narrower,
and hold what programs compute.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import (
    Arithmetic,
    Deployed,
    Interval,
    LinearRelaxation,
    Outward,
    evaluate,
)
from gnomon.bounds import CROWN
from gnomon.seeds import generator
from gnomon.sets import L1, L2, InputSet, Linf, ParameterBall, ParameterBox
from gnomon.sets.parameters import ParameterRegion, ParameterSet
from gnomon.sets.radius import Relative
from reference.networks_of_all_kinds import networks

SINGLE = torch.float32


class Unallowed(Arithmetic):
    """Takes the way of outward rounding, and allows for nothing on it."""

    @property
    def outwards(self) -> bool:
        """True, so that accounts are kept: of nothing."""
        return True

    def beside(self, other: Arithmetic | Tensor) -> Arithmetic:
        """The same."""
        del other
        return self


NETWORKS = networks()
FLAT = [name for name, make in NETWORKS.items() if make()[1].ndim == 2]
BENT = [name for name in FLAT if "relu" in name or "hardtanh" in name or "dropout" in name]
"""Networks of straight pieces: which lines are chosen is no matter of a search."""
REGIONS = [None, ParameterBox(Relative(0.01)), ParameterBall(0.05)]
WITHIN = [Linf(0.03), L2(0.1), L1(0.1), Linf(0.03, domain=(-9.0, 9.0))]


def _case(name: str) -> tuple[nn.Module, Tensor, Tensor]:
    network, x = NETWORKS[name]()
    network = network.requires_grad_(requires_grad=False).eval()
    return network, x.float().double(), network(x).argmax(dim=1)


def _uppers(
    arithmetics: tuple[Arithmetic, ...],
    name: str,
    within: InputSet,
    region: ParameterSet | None,
) -> list[Tensor]:
    network, x, labels = _case(name)
    around = None if region is None else region.of(network)
    return [CROWN(each)(network, x, labels, within, around).upper for each in arithmetics]


@pytest.mark.parametrize("region", REGIONS, ids=str)
@pytest.mark.parametrize("name", FLAT)
def test_without_allowances_bounds_are_those_of_ordinary_rounding(
    name: str, region: ParameterSet | None
) -> None:
    """To 1e-9 of their size: expressions differ in their order, and slopes are searched for.

    Where the weight of `rms_norm` varies, it encloses the ε of float32 and of float64.
    """
    plain, free = _uppers((Arithmetic(), Unallowed()), name, Linf(0.03), region)
    allowed = 1e-6 if "rms" in name and region is not None else 1e-9
    assert float((free - plain).abs().max()) < allowed * (1 + float(plain.abs().max()))


@pytest.mark.parametrize(
    ("name", "within"),
    [(name, within) for name in FLAT for within in WITHIN[: None if name in BENT else 2]],
    ids=str,
)
def test_with_allowances_bounds_are_never_narrower_and_hardly_wider(
    name: str, within: InputSet
) -> None:
    free, found = _uppers((Unallowed(), Outward()), name, within, None)
    scale = 1 + float(free.abs().max())
    wider = (found - free) / scale
    assert float(wider.max()) < 1e-9
    assert float(wider.min()) >= (-16 * 2.0**-53 if name in BENT else -1e-9)


def _members(
    network: nn.Module, x: Tensor, within: InputSet, region: ParameterRegion, count: int
) -> list[Tensor]:
    """Logits of members of both sets, at vertices as often as inside."""
    source, around = generator(11, "members"), within.around(x)
    logits: list[Tensor] = []
    for index in range(count):
        weights = region.vertex(source) if index % 2 else region.sample(source)
        direction = torch.randn(x.shape, generator=source, dtype=x.dtype)
        step = around.steepest(direction) if index % 2 else around.sample(source)
        point = around.perturb(step)
        logits.append(torch.func.functional_call(network, dict(weights), (point,)))
    return logits


@pytest.mark.parametrize("region", REGIONS[1:], ids=str)
@pytest.mark.parametrize("within", WITHIN, ids=str)
@pytest.mark.parametrize("name", ["mlp, relu", "mlp, gelu", "linear, batch norm"])
def test_executions_over_both_sets_lie_inside(
    name: str, within: InputSet, region: ParameterSet
) -> None:
    """In float32 and in float64, of members of sets 0.1 % smaller: rounding leaves none."""
    network, x, labels = _case(name)
    network, x = network.float(), x.float()
    level = Deployed(SINGLE)
    found = CROWN(Outward(level))(network, x, labels, within, region.of(network)).upper
    inner = within.with_radius(0.999 * within.radius)
    for dtype in (SINGLE, torch.float64):
        network = network.to(dtype)
        smaller = region.with_size(0.999 * region.size).of(network)
        for logits in _members(network, x.to(dtype), inner, smaller, 20):
            margins = (logits - logits.gather(1, labels[:, None])).double()
            assert bool((margins <= found).all())


@pytest.mark.parametrize(
    "operation",
    [
        lambda x: x / 0.4,
        lambda x: x.div(0.7),
        lambda x: x * 0.4,
        lambda x: x + 0.1,
        lambda x: 0.1 - x,
        lambda x: x.sub(0.3, alpha=0.7),
    ],
)
@pytest.mark.parametrize("bent", [False, True])
def test_numbers_of_python_are_doubles(operation: Callable[[Any], Any], bent: bool) -> None:  # noqa: FBT001
    """A number such as 0.4 is no number of float32, in which it would be 6e-9 off."""

    class Network(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return operation((3 * x).to(torch.int32).to(x) / 3 + 0.1 * x if bent else x)

    x = torch.rand(2, 3, generator=generator(1), dtype=torch.float64) + 4
    plain = evaluate(Network(), LinearRelaxation.of(Interval.around(x, 0.2)))
    box = Interval.around(x, 0.2, arithmetic=Outward())
    sound = evaluate(Network(), LinearRelaxation.of(box))
    assert bool((sound.lower <= plain.lower).all() and (sound.upper >= plain.upper).all())
    assert float((sound.upper - plain.upper).max()) < 1e-12
