"""Directions whose squares over- or underflow are directions all the same."""

import pytest
import torch

from gnomon.seeds import generator
from gnomon.sets import L2
from gnomon.sets.lengths import length, unit
from gnomon.sets.parameters import TensorBall

SCALES = [2.0**-120, 2.0**-80, 1.0, 2.0**80, 2.0**120]
"""Powers of two, which round nothing; squares of all but 1 leave float32."""


@pytest.fixture
def direction() -> torch.Tensor:
    return torch.randn(4, 3, 5, generator=generator(0))


@pytest.mark.parametrize("scale", SCALES)
def test_a_direction_has_no_scale(direction: torch.Tensor, scale: float) -> None:
    assert torch.equal(unit(direction * scale), unit(direction))
    assert torch.equal(length(direction * scale), length(direction) * scale)
    wanted = direction.double().flatten(1).norm(dim=1)
    torch.testing.assert_close(length(direction).double(), wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize("scale", SCALES)
def test_the_steepest_member_of_a_ball_has_the_radius(
    direction: torch.Tensor, scale: float
) -> None:
    """Rounding of the length of 15 numbers and of their products: a few units of 6e-8."""
    small = direction * scale
    step = L2(0.5).steepest(small, 0.5)
    assert torch.equal(step, L2(0.5).steepest(direction, 0.5))
    member = L2(0.5).around(torch.zeros_like(direction)).steepest(small)
    for found in (step, member):
        torch.testing.assert_close(
            found.flatten(1).norm(dim=1), torch.full((4,), 0.5), rtol=1e-6, atol=0
        )
    ball = TensorBall(torch.zeros(3, 5), torch.tensor(0.5))
    torch.testing.assert_close(
        ball.steepest(small[0]), ball.steepest(direction[0]), rtol=1e-6, atol=0
    )
    assert float(ball.steepest(small[0]).norm()) == pytest.approx(0.5, rel=1e-6)
    support = float(ball.support(direction[0]))
    assert float(ball.support(small[0]).double() / scale) == pytest.approx(support, rel=1e-6)


def test_no_direction_leads_nowhere() -> None:
    assert torch.equal(unit(torch.zeros(2, 3)), torch.zeros(2, 3))
    assert torch.equal(length(torch.zeros(2, 3)), torch.zeros(2))
    assert torch.equal(unit(torch.tensor([-4.0])), torch.tensor([-1.0]))
