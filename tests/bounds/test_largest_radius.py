"""How far each example is certified: by closed forms, and every value by itself."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from gnomon.bounds import CROWN, IBP, BoundMethod, LargestRadius, Margins
from gnomon.errors import SettingError
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Box, InputSet, Linf, ParameterBall, ParameterBox, ParameterSet
from gnomon.sets.radius import Constant, Relative
from gnomon.shapes import Inputs, Labels

X = torch.randn(6, 3, generator=generator(0)).double()
DUAL = {"Linf": 1.0, "L2": 2.0, "L1": torch.inf}
METHODS = [IBP(), CROWN()]


def _drawn(network: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(1)))
    return network.double().eval()


def _layer(classes: int = 4) -> nn.Linear:
    layer = _drawn(nn.Linear(3, classes))
    assert isinstance(layer, nn.Linear)
    return layer


def _deep() -> tuple[nn.Module, Tensor]:
    network = _drawn(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 3)))
    with torch.no_grad():
        return network, network(X).argmax(dim=1)


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("within", [Linf(8.0), L2(8.0), L1(8.0)], ids=str)
def test_of_one_layer_it_is_the_distance(within: InputSet, method: BoundMethod) -> None:
    """The least over j of (z_y − z_j) / ‖w_y − w_j‖*; nothing a step beyond is certified."""
    layer = _layer()
    with torch.no_grad():
        logits = layer(X)
        labels = logits.argmax(dim=1)
        lead = logits.gather(1, labels[:, None]) - logits
        rows = layer.weight[labels][:, None] - layer.weight[None]
        apart = torch.linalg.vector_norm(rows, ord=DUAL[within.norm], dim=2)
    distance = (lead / apart).nan_to_num(torch.inf).amin(dim=1).clamp_max(8.0)
    found = LargestRadius(12, method)(layer, X, labels, within)
    assert bool((found <= distance).all())
    assert torch.allclose(found, distance, rtol=0, atol=8 * 2.0**-12)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_of_one_layer_the_largest_box_of_weights_is_known(method: BoundMethod) -> None:
    """With W ± λ z_y − z_j falls by 2 λ ‖x‖₁ at most, and by 2 λ (‖x‖₁ + 1) with biases."""
    layer = _layer(2)
    with torch.no_grad():
        logits = layer(X)
        labels = logits.argmax(dim=1)
        lead = (logits[:, 0] - logits[:, 1]).abs()
    for biases in (True, False):
        parameters = ParameterBox(Constant(2.0), biases=biases)
        expected = lead / (2 * (X.abs().sum(dim=1) + biases))
        found = LargestRadius(12, method)(layer, X, labels, parameters=parameters)
        assert bool((found <= expected + 1e-12).all())
        assert torch.allclose(found, expected.clamp_max(2.0), atol=2 * 2.0**-12)


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize(
    "within", [Linf(0.5), L2(0.5), L1(0.5), Box(-0.1, 0.2, radius=3.0)], ids=str
)
def test_each_radius_is_itself_certified(within: InputSet, method: BoundMethod) -> None:
    network, labels = _deep()
    found = LargestRadius(6, method)(network, X, labels, within)
    assert len(found.unique()) > 2
    for example, radius in enumerate(found.tolist()):
        one = slice(example, example + 1)
        margins = method(network, X[one], labels[one], within.with_radius(radius), None)
        assert bool(margins.certified)
        assert 0 <= radius <= within.radius


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("family", [ParameterBox(Relative(0.5)), ParameterBall(0.3)], ids=str)
def test_each_size_is_itself_certified_with_inputs_that_vary_too(
    family: ParameterSet, method: BoundMethod
) -> None:
    network, labels = _deep()
    alone = LargestRadius(6, method)(network, X, labels, parameters=family)
    both = LargestRadius(6, method)(network, X, labels, L2(0.02), parameters=family)
    assert float((alone - both).max()) > 0
    for example, size in enumerate(both.tolist()):
        parameters = family.with_size(size).of(network)
        one = slice(example, example + 1)
        margins = method(network, X[one], labels[one], L2(0.02), parameters)
        assert bool(margins.certified) or size == 0


def test_a_box_of_parameters_shrinks_the_largest_radius() -> None:
    network, labels = _deep()
    region = ParameterBox(Relative(0.02)).of(network)
    free = LargestRadius()(network, X, labels, Linf(1.0))
    boxed = LargestRadius()(network, X, labels, Linf(1.0), region)
    assert bool((boxed <= free).all())
    assert float((free - boxed).max()) > 0


def test_a_wrong_example_has_radius_0_and_none_is_beyond_the_most() -> None:
    layer = _layer(2)
    labels = layer(X).argmax(dim=1)
    assert not LargestRadius()(layer, X, 1 - labels, Linf(8.0)).any()
    assert not LargestRadius()(layer, X, 1 - labels, parameters=ParameterBall(1.0)).any()
    small = LargestRadius()(layer, X, labels, Linf(1e-6))
    assert small.tolist() == [1e-6] * len(X)
    assert LargestRadius()(layer, X[:0], labels[:0], Linf(1.0)).shape == (0,)


@dataclass(frozen=True)
class Windows:
    """Certifies where the radius is in [0, 0.1] or [0.5, 0.6] only: not monotone."""

    value: float = -1.0
    name: str = "windows"
    kind: str = "none"

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet | None,
        parameters: object,
    ) -> Margins:
        del network, parameters
        assert within is not None
        good = within.radius <= 0.1 or 0.5 <= within.radius <= 0.6
        upper = torch.full((len(inputs), 2), self.value if good else torch.nan)
        return Margins(upper.scatter(1, labels[:, None], 0.0), labels)


def test_monotony_is_not_assumed_and_nan_never_certifies() -> None:
    labels = torch.zeros(6, dtype=torch.long)
    found = LargestRadius(10, Windows())(nn.Identity(), X, labels, Linf(1.0))
    assert bool(((found >= 0.5) & (found <= 0.6)).all())
    assert bool((found > 0.598).all())
    nothing = LargestRadius(10, Windows(torch.nan))(nn.Identity(), X, labels, Linf(1.0))
    assert not nothing.any()


def test_radii_are_what_was_certified_in_float32_too() -> None:
    layer = _layer(2).float()
    x = X.float()
    labels = layer(x).argmax(dim=1)
    found = LargestRadius(steps=24)(layer, x, labels, Linf(7.0))
    for example, radius in enumerate(found.tolist()):
        one = slice(example, example + 1)
        assert bool(IBP()(layer, x[one], labels[one], Linf(radius), None).certified)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(SettingError, match="steps ≥ 1"):
        LargestRadius(steps=0)
    network, labels = _deep()
    ball = ParameterBall(0.3)
    with pytest.raises(SettingError, match="whose radius is searched"):
        LargestRadius()(network, X, labels)
    with pytest.raises(SettingError, match="no region"):
        LargestRadius()(network, X, labels, None, ball.of(network), parameters=ball)
