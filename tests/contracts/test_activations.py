"""What every activation promises: facts that hold, right gradients, a name to return by."""

import copy
import math

import numpy as np
import pytest
import torch

from gnomon.activations import (
    ACTIVATIONS,
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    Mish,
    PReLU,
    Profile,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Swish,
    Tanh,
)
from gnomon.errors import SettingError
from gnomon.words.names import NAMES
from reference import facts

MEMBERS = [
    ReLU(),
    LeakyReLU(),
    LeakyReLU(0.2),
    ELU(),
    ELU(0.5),
    ELU(2.0),
    SELU(),
    GELU(),
    SiLU(),
    Mish(),
    Tanh(),
    Sigmoid(),
    Softplus(),
    Softplus(5.0),
    PReLU(),
    PReLU(-0.5),
    PReLU(1.7),
    Swish(),
    Swish(2.5),
    Swish(-0.7),
]


def profile_of(activation: Activation) -> Profile:
    profile = activation.profile()
    assert profile is not None
    return profile


def numbers(values: tuple[float | torch.Tensor, ...]) -> list[float]:
    """The facts that there are: a channel without one has it at ±∞."""
    return [float(value) for value in values if math.isfinite(float(value))]


@pytest.fixture(params=MEMBERS, ids=lambda item: str(NAMES.write(item)))
def activation(request: pytest.FixtureRequest) -> Activation:
    return copy.deepcopy(request.param)


def test_every_activation_is_in_the_table() -> None:
    assert {type(member) for member in MEMBERS} == set(ACTIVATIONS.values())


def test_it_turns_exactly_at_its_turning_points(activation: Activation) -> None:
    found = facts.sign_changes_of_the_slope(activation)
    turns = numbers(profile_of(activation).turning_points)
    assert len(found) == len(turns)
    np.testing.assert_allclose(found, turns, atol=2 * facts.STEP)


def test_the_slope_vanishes_at_turning_points(activation: Activation) -> None:
    for point in numbers(profile_of(activation).turning_points):
        if point in profile_of(activation).breakpoints:
            continue  # it turns there with a jump of its slope
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(activation(x), x)
        assert abs(float(slope)) < 1e-7  # coefficients are kept in float32
        assert any(activation.parameters()) or abs(float(slope)) < 1e-14  # a few roundings


def test_its_derivatives_jump_exactly_at_its_breakpoints(activation: Activation) -> None:
    assert facts.jumps_of_a_derivative(activation) == numbers(
        profile_of(activation).breakpoints
    )
    assert profile_of(activation).smooth == (not profile_of(activation).breakpoints)


def test_its_lipschitz_constant_is_the_largest_slope(activation: Activation) -> None:
    steepest, constant = (
        np.abs(facts.slopes(activation)).max(),
        profile_of(activation).lipschitz,
    )
    assert steepest <= float(constant) * (1 + 1e-7)  # never exceeded, up to rounding
    assert steepest >= float(constant) * (1 - 1e-2)  # and reached, up to the grid and |x| ≤ 30


def test_it_rises_everywhere_if_monotone(activation: Activation) -> None:
    never_falls = bool((facts.slopes(activation) >= -1e-12).all())
    monotone = profile_of(activation).monotone
    assert never_falls == monotone or (never_falls and any(activation.parameters()))


def test_it_scales_if_homogeneous(activation: Activation) -> None:
    x = facts.grid()
    scales = torch.allclose(activation(3.5 * x), 3.5 * activation(x), rtol=1e-12, atol=0)
    assert scales == profile_of(activation).homogeneous


def test_its_gradient_is_right(activation: Activation) -> None:
    x = torch.linspace(-5, 5, 41, dtype=torch.float64) + 0.013  # off the kinks
    assert torch.autograd.gradcheck(activation, (x.requires_grad_(),))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_large_inputs_give_finite_values_and_slopes(
    activation: Activation, dtype: torch.dtype
) -> None:
    x = torch.tensor(
        [-1e30, -1e4, -100.0, 0.0, 100.0, 1e4, 1e30], dtype=dtype, requires_grad=True
    )
    value = activation(x)
    (slope,) = torch.autograd.grad(value.sum(), x)
    assert bool(value.isfinite().all())
    assert bool(slope.isfinite().all())


def test_a_round_trip_through_its_name_keeps_it(activation: Activation) -> None:
    again = NAMES.read(Activation, NAMES.write(activation))
    assert type(again) is type(activation)
    x = facts.grid()
    assert torch.equal(again(x), activation(x))


def test_shape_and_precision_are_kept(activation: Activation) -> None:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        x = torch.zeros(2, 3, 4, dtype=dtype)
        assert activation(x).shape == x.shape
        assert activation(x).dtype == dtype


@pytest.mark.parametrize(
    ("torchs", "ours"),
    [
        (torch.nn.ReLU(), ReLU()),
        (torch.nn.LeakyReLU(0.2), LeakyReLU(0.2)),
        (torch.nn.ELU(0.5), ELU(0.5)),
        (torch.nn.SELU(), SELU()),
        (torch.nn.GELU(), GELU()),
        (torch.nn.SiLU(), SiLU()),
        (torch.nn.Mish(), Mish()),
        (torch.nn.Tanh(), Tanh()),
        (torch.nn.Sigmoid(), Sigmoid()),
        (torch.nn.Softplus(2.0, threshold=1e9), Softplus(2.0)),
    ],
)
def test_it_is_the_function_torch_means(torchs: torch.nn.Module, ours: Activation) -> None:
    x = torch.linspace(-8, 8, 1001, dtype=torch.float64)
    torch.testing.assert_close(ours(x), torchs(x), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("kind", "value"), [(LeakyReLU, 1.0), (LeakyReLU, -0.1), (ELU, 0.0), (Softplus, -1.0)]
)
def test_settings_outside_their_range_are_refused(kind: type[Activation], value: float) -> None:
    with pytest.raises(SettingError, match=kind.__name__):
        kind(value)
