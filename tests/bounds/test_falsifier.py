"""A search against bounds: wrong bounds are caught, right ones are not, and exact ones met."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import Interval, LinearRelaxation, Value, Zonotope, enclose, evaluate
from gnomon.bounds import CROWN, IBP, BoundMethod, Falsifier, Margins
from gnomon.errors import SettingError, ShapeError
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Box, InputSet, Linf, ParameterBall, ParameterBox
from gnomon.sets.radius import Relative
from reference.networks_of_all_kinds import networks

NETWORKS = networks()
X = torch.randn(4, 3, generator=generator(0)).double()
SEARCHES = {
    "members": Falsifier(members=20, corners=0, steps=0),
    "corners": Falsifier(members=0, corners=20, steps=0),
    "ascent": Falsifier(members=0, corners=0, steps=5),
}


def _network() -> nn.Sequential:
    network = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2)).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(1)))
    return network


def _narrowed(bounds: Interval, share: float) -> Interval:
    reach = bounds.radius * share
    return Interval(bounds.centre - reach, bounds.centre + reach)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("vary", ["inputs", "parameters"])
def test_each_search_catches_a_wrong_bound_and_shows_how(name: str, vary: str) -> None:
    """A bound that forgot the perturbation holds the centre's output alone."""
    network = _network()
    within = Linf(0.2) if vary == "inputs" else None
    region = ParameterBox(Relative(0.1)).of(network) if vary == "parameters" else None
    point = Interval.point(network(X).detach())
    found = SEARCHES[name](network, X, point, within, region, generator(2))
    assert found.beaten
    assert found.search == name
    assert found.excess > 0.01
    shown = found.inputs[None]
    values = torch.func.functional_call(network, found.parameters, (shown,))[0].detach()
    off = (values - point.upper[found.example])[found.output].abs()
    assert float(off) == pytest.approx(found.excess)
    if within is None:
        assert region is not None
        assert torch.equal(shown[0], X[found.example])
        assert region.contains(found.parameters)
    else:
        assert not found.parameters
        assert float((shown[0] - X[found.example]).abs().max()) <= 0.2


@pytest.mark.parametrize("side", ["lower", "upper"])
@pytest.mark.parametrize("name", SEARCHES)
def test_one_wrong_side_of_one_output_of_one_example_is_enough(name: str, side: str) -> None:
    network = _network()
    right = evaluate(network, Interval.around(X, 0.2))
    middle, lower, upper = network(X).detach(), right.lower.clone(), right.upper.clone()
    (lower if side == "lower" else upper)[2, 1] = middle[2, 1]
    found = SEARCHES[name](network, X, Interval(lower, upper), Linf(0.2), None, generator(2))
    assert found.beaten
    assert (found.example, found.output) == (2, 1)


@pytest.mark.parametrize("within", [Linf(0.2), L2(0.3), L1(0.4), Box(-0.1, 0.3)], ids=str)
def test_an_exact_bound_is_met_by_ascent_and_never_beaten(within: InputSet) -> None:
    """Of one affine layer, whose worst members are where the slope points."""
    layer = _network()[0]
    claimed = evaluate(layer, enclose(X, within))
    found = SEARCHES["ascent"](layer, X, claimed, within, None, generator(3))
    assert not found.beaten
    assert torch.allclose(found.tightness, torch.ones_like(found.tightness), atol=1e-6)
    assert abs(found.excess) < 1e-9


def test_ascent_of_parameters_meets_an_exact_bound() -> None:
    layer = _network()[0]
    for law in (ParameterBox(Relative(0.1)), ParameterBall(0.1)):
        region = law.of(layer)
        x = X[:1]  # one network fits one example
        found = Falsifier(members=0, corners=0, steps=20)(
            layer, x, evaluate(layer, x, region), None, region, generator(3)
        )
        assert not found.beaten
        assert float(found.tightness.min()) > 0.999


@pytest.mark.parametrize("method", [IBP(), CROWN()], ids=repr)
def test_margins_are_searched_too(method: BoundMethod) -> None:
    network, labels = _network(), torch.tensor([0, 1, 0, 1])
    within = L2(0.3)
    right = method(network, X, labels, within, None)
    found = Falsifier()(network, X, right, within, None, generator(4))
    assert not found.beaten
    assert bool((found.attained.upper <= right.upper + 1e-9).all())
    wrong = Margins(found.attained.upper - 0.05, labels)
    again = Falsifier()(network, X, wrong, within, None, generator(4))
    assert again.beaten
    assert again.excess == pytest.approx(0.05)


def _relaxed(box: Interval) -> Value:
    return LinearRelaxation.of(box)


ALGEBRAS: dict[str, Callable[[Interval], Value]] = {
    "interval": lambda box: box,
    "affine": Zonotope.of,
    "relaxed": _relaxed,
}
FEW = ("mlp, relu", "mlp, gelu", "linear, softmax", "linear, layer norm", "linear, prelu")


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("algebra", ALGEBRAS)
@pytest.mark.parametrize("within", [Linf(0.05), L2(0.1), L1(0.1)], ids=str)
def test_no_algebra_is_beaten(name: str, algebra: str, within: InputSet) -> None:
    network, x = NETWORKS[name]()
    region = ParameterBox(Relative(0.02)).of(network)
    claimed = evaluate(network, ALGEBRAS[algebra](enclose(x, within)), region)
    bounds = Interval(claimed.lower.detach(), claimed.upper.detach())
    falsifier = Falsifier(members=5, corners=10, steps=4)
    found = falsifier(network, x, bounds, within, region, generator(5))
    assert not found.beaten
    assert bool((found.tightness > 0).all())
    narrow = _narrowed(Interval(found.attained.lower, found.attained.upper), 0.9)
    assert falsifier(network, x, narrow, within, region, generator(5)).beaten


def test_float32_bounds_are_searched_in_float64_with_the_slack_said() -> None:
    """(1 + δ) − 1 in float32 is 0 for δ = 1e-8; the truth is δ."""

    class Cancelling(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x + 1) - 1

    x = torch.zeros(1, 1)
    claimed = evaluate(Cancelling(), Interval.around(x, 1e-8))
    assert float(claimed.upper) == 0
    loose = Falsifier()(Cancelling(), x, claimed, Linf(1e-8), None, generator(0))
    assert not loose.beaten
    assert loose.excess == pytest.approx(1e-8)
    assert float(loose.slack) == pytest.approx(1000 * torch.finfo(torch.float32).eps)
    strict = Falsifier(ulps=0.0)(Cancelling(), x, claimed, Linf(1e-8), None, generator(0))
    assert strict.beaten


def test_a_bound_that_says_nothing_is_not_beaten() -> None:
    network = _network()
    nothing = torch.full((4, 2), torch.nan).double()
    everything = torch.full((4, 2), torch.inf).double()
    for claimed in (Interval.computed(nothing, nothing), Interval(-everything, everything)):
        found = Falsifier(steps=2)(network, X, claimed, Linf(0.1), None, generator(0))
        assert not found.beaten
        assert bool(found.tightness.isnan().all())
        assert bool(found.attained.upper.isfinite().all())


def test_the_network_is_left_alone_and_examined_in_evaluation_mode() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.9)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    x = X.float()
    outputs = network.eval()(x).detach()
    network.train()
    claimed = Interval(outputs - 100, outputs + 100)
    found = Falsifier(steps=1)(network, x, claimed, None, None, generator(0))
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(p.requires_grad and p.dtype == torch.float32 for p in network.parameters())
    assert torch.allclose(found.attained.upper.float(), outputs, atol=1e-6)


def test_wrong_settings_and_shapes_are_refused() -> None:
    with pytest.raises(SettingError, match="Ask for a search"):
        Falsifier(members=0, corners=0, steps=0)
    with pytest.raises(SettingError, match="≥ 0"):
        Falsifier(ulps=-1.0)
    wrong = Interval.point(torch.zeros(4, 3).double())
    with pytest.raises(ShapeError, match="output's shape"):
        Falsifier()(_network(), X, wrong, None, None, generator(0))
