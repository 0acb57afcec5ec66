"""Which parameters a set perturbs, how it samples them, and what it refuses."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gnomon.errors import SettingError, ShapeError, UnknownNameError
from gnomon.seeds import generator
from gnomon.sets.parameters import ParameterBall, ParameterBox, TensorBall, TensorBox
from gnomon.sets.radius import Constant, Relative


def _network() -> nn.Module:
    shared = nn.Linear(3, 3)
    return nn.Sequential(nn.Linear(2, 3), shared, nn.BatchNorm1d(3), shared)


def test_shared_parameters_appear_once_and_buffers_never() -> None:
    assert list(ParameterBox(Constant(0.1)).of(_network())) == [
        "0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [lambda **more: ParameterBox(Constant(0.1), **more),
                                  lambda **more: ParameterBall(0.1, **more)])  # fmt: skip
def test_parameters_are_chosen_by_name(
    kind: Callable[..., ParameterBox | ParameterBall],
) -> None:
    network = _network()
    assert list(kind(biases=False).of(network)) == ["0.weight", "1.weight", "2.weight"]
    assert list(kind(only=("1.*", "0.weight")).of(network)) == [
        "0.weight", "1.weight", "1.bias"
    ]  # fmt: skip
    assert list(kind(only=("[01].*",), biases=False).of(network)) == ["0.weight", "1.weight"]


def test_biases_are_known_by_their_names() -> None:
    attention = nn.MultiheadAttention(4, 2)
    assert list(ParameterBox(Constant(0.1), biases=False).of(attention)) == [
        "in_proj_weight", "out_proj.weight"
    ]  # fmt: skip


def test_a_pattern_that_matches_nothing_gets_the_nearest_name() -> None:
    allowed = ParameterBox(Constant(0.1), only=("0.weight", "1.wieght"))
    with pytest.raises(UnknownNameError, match=r"'1\.wieght'\. Did you mean '1\.weight'"):
        allowed.of(_network())


def test_a_set_without_parameters_is_refused() -> None:
    with pytest.raises(SettingError, match="expected a parameter to perturb, got none of 6"):
        ParameterBox(Constant(0.1), biases=False, only=("*.bias",)).of(_network())
    with pytest.raises(SettingError, match="got none of 0"):
        ParameterBall(0.1).of(nn.ReLU())


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("allowed", [ParameterBox(Constant(0.1)), ParameterBox(Relative(0.1)),
                                     ParameterBall(0.1)], ids=str)  # fmt: skip
def test_a_parameter_that_is_no_number_is_named(
    allowed: ParameterBox | ParameterBall, bad: float
) -> None:
    network = _network()
    with torch.no_grad():
        network[1].weight[2, 1] = bad  # pyright: ignore[reportIndexIssue]
    with pytest.raises(SettingError, match=r"1\.weight: .*finite centre"):
        allowed.of(network)


class _PerRow(Relative):
    """A law that forgets the shape of its parameter."""

    def __call__(self, parameter: Tensor) -> Tensor:
        return parameter.flatten(1).norm(dim=1) if parameter.dim() > 1 else parameter.abs()


class _Negative(Constant):
    """A law that gives a negative radius."""

    def __call__(self, parameter: Tensor) -> Tensor:
        return torch.full_like(parameter, -0.1)


def test_a_law_of_the_users_own_is_checked() -> None:
    with pytest.raises(SettingError, match=r"0\.weight: .*radii in \[-0.1, -0.1\]"):
        ParameterBox(_Negative(0.1)).of(_network())


def test_a_radius_of_another_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"^0\.weight: TensorBox: expected one radius per"):
        ParameterBox(_PerRow(0.1)).of(_network())
    with pytest.raises(ShapeError, match=r"one radius per coordinate of \(2, 3\), got shape"):
        TensorBox(torch.zeros(2, 3), torch.zeros(3))
    with pytest.raises(ShapeError, match="expected one radius, got shape"):
        TensorBall(torch.zeros(2, 3), torch.zeros(2, 3))


@pytest.mark.parametrize("radius", [-0.1, math.nan, math.inf])
def test_an_impossible_radius_is_refused(radius: float) -> None:
    with pytest.raises(SettingError, match="finite radii ≥ 0"):
        TensorBox(torch.zeros(2), torch.tensor([0.1, radius]))
    with pytest.raises(SettingError, match="finite radius ≥ 0"):
        TensorBall(torch.zeros(2), torch.tensor(radius))


@pytest.mark.parametrize("size", [-0.1, math.nan, math.inf])
def test_an_impossible_size_of_a_ball_is_refused(size: float) -> None:
    with pytest.raises(SettingError, match="ParameterBall: expected a finite size ≥ 0"):
        ParameterBall(size)


def test_bounds_are_the_centre_plus_and_minus_the_radius() -> None:
    box = TensorBox(torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.25]))
    assert box.lower.tolist() == [0.5, -2.25]
    assert box.upper.tolist() == [1.5, -1.75]
    assert torch.equal(box.steepest(torch.tensor([3.0, -1.0])), torch.tensor([1.5, -2.25]))
    assert float(box.support(torch.tensor([3.0, -1.0]))) == 3 * 1.5 + 2.25


def test_bounds_are_differentiated_through_the_radius_unless_it_is_detached() -> None:
    network = nn.Linear(2, 1)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0, -2.0]]))
    slopes: list[list[float]] = []
    for detached in (False, True):
        box = ParameterBox(Relative(0.25), detached=detached).of(network)["weight"]
        assert isinstance(box, TensorBox)
        slopes += torch.autograd.grad(box.upper.sum(), network.weight)[0].tolist()
    assert slopes == [[1.25, 0.75], [1.0, 1.0]]


def test_a_ball_is_differentiated_through_its_radius_unless_it_is_detached() -> None:
    network = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[3.0, -4.0]]))
    for detached, slope in ((False, [0.3, -0.4]), (True, None)):
        ball = ParameterBall(0.5, detached=detached).of(network)["weight"]
        assert isinstance(ball, TensorBall)
        assert ball.radius.detach().item() == 2.5
        assert ball.radius.requires_grad is not detached
        if slope:
            (gradient,) = torch.autograd.grad(ball.radius, network.weight)
            torch.testing.assert_close(gradient, torch.tensor([slope]))


def test_a_ball_around_zero_has_no_undefined_slope() -> None:
    network = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(network.weight)
    region = ParameterBall(0.1).of(network)
    (slope,) = torch.autograd.grad(region.sample(generator(0))["weight"].sum(), network.weight)
    assert slope.tolist() == [[1.0, 1.0]]


def test_samples_of_a_box_are_uniform() -> None:
    count = 40_000
    radius = torch.tensor([0.5, 2.0]).repeat(count, 1)
    samples = TensorBox(torch.ones(count, 2), radius).sample(generator(0)).double()
    share = (samples - 1) / radius
    # Five standard errors: Var U[−1, 1] = 1/3, and Var U² = 4/45.
    assert float(share.mean(dim=0).abs().max()) < 5 * math.sqrt(1 / 3 / count)
    assert float((share.square().mean(dim=0) - 1 / 3).abs().max()) < 5 * math.sqrt(
        4 / 45 / count
    )


def test_samples_of_a_ball_are_uniform() -> None:
    """The share of the ball's volume inside a sample is uniform in [0, 1]."""
    ball, random, count = TensorBall(torch.ones(3), torch.tensor(0.5)), generator(0), 4000
    steps = torch.stack([ball.sample(random) - 1 for _ in range(count)]).double()
    volume = (steps.norm(dim=1) / 0.5) ** 3
    assert float(volume.mean()) == pytest.approx(0.5, abs=5 / math.sqrt(12 * count))
    assert float(volume.min()) < 0.01
    assert float(volume.max()) > 0.99
    # Var δ_i = r² / (n + 2) in every direction, and no direction is preferred.
    error = 5 * math.sqrt(0.05 / count)
    assert float(steps.mean(dim=0).abs().max()) < error
    torch.testing.assert_close(
        steps.T @ steps / count, torch.eye(3).double() * 0.05, rtol=0, atol=error * 0.5
    )


def test_corners_of_a_box_are_equally_likely() -> None:
    count = 40_000
    vertex = TensorBox(torch.zeros(count), torch.ones(count)).vertex(generator(0))
    assert float(vertex.mean().abs()) < 5 / math.sqrt(count)


def test_a_box_can_be_used_for_many_networks_at_once() -> None:
    """`torch.func.vmap` hides the numbers: nothing is checked, everything is computed."""

    def upper(weights: Tensor) -> Tensor:
        box = TensorBox(weights, Relative(0.1)(weights))
        return box.project(weights + 1)

    weights = torch.randn(4, 3, generator=generator(0))
    together = torch.func.vmap(upper)(weights)
    assert torch.equal(together, torch.stack([upper(each) for each in weights]))


def test_a_set_says_what_it_is() -> None:
    assert str(ParameterBox(Relative(0.01))) == "relative:0.01"
    assert str(ParameterBall(0.005)) == "ball:0.005"
    assert repr(ParameterBox(Constant(0.1)).of(nn.Linear(1, 1))) == (
        "ParameterRegion(weight, bias)"
    )
