"""What is added to products of rounded intervals is needed: sums whose errors nothing hides."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra import RoundedInterval
from gnomon.seeds import generator
from gnomon.sets.parameters import TensorBall
from reference.exact_rationals import Rationals, rationals

FLOATS = [torch.float32, torch.float64]
TERMS = 400


def _normal(seed: int, rows: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(rows, TERMS, generator=generator(seed), dtype=dtype)


def _product(x: RoundedInterval, w: RoundedInterval) -> tuple[Rationals, Rationals]:
    """The bounds of x Wᵀ."""
    found: RoundedInterval = functional.linear(x, w)  # type: ignore[arg-type]
    return rationals(found.lower), rationals(found.upper)


def _box(low: Tensor, high: Tensor) -> RoundedInterval:
    """Between two bounds that are different objects: it is not seen to be a point."""
    return RoundedInterval(low.clone(), high.clone())


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_points_among_boxes_are_widened_by_the_error_of_the_centre(dtype: torch.dtype) -> None:
    """All radii are 0, so that the radius is what rounding can have done to the centre."""
    x, w = _normal(1, 4, dtype), _normal(2, 12, dtype)
    exact = rationals(x) @ rationals(w).T
    computed = rationals(functional.linear(x, w))
    lower, upper = _product(_box(x, x), _box(w, w))
    assert bool((lower <= exact).all())
    assert bool((exact <= upper).all())
    assert bool((exact != computed).any())  # so that a radius of 0 is wrong


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("wide", ["inputs", "weights"])
def test_radii_are_widened_by_the_error_of_their_sum(dtype: torch.dtype, wide: str) -> None:
    """One factor is centred at 0 and the other a point: the range is ± Σ r |p|."""
    x, w = _normal(3, 4, dtype), _normal(4, 12, dtype)
    boxes = (
        (_box(-x.abs(), x.abs()), _box(w, w))
        if wide == "inputs"
        else (_box(x, x), _box(-w.abs(), w.abs()))
    )
    exact = abs(rationals(x)) @ abs(rationals(w)).T
    lower, upper = _product(*boxes)
    assert bool((lower <= -exact).all())
    assert bool((exact <= upper).all())
    slack = (TERMS + 16) * 30 * torch.finfo(dtype).eps
    assert bool((upper <= exact * (1 + slack)).all())


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_balls_reach_as_far_as_the_furthest_member(dtype: torch.dtype) -> None:
    """At the centre 0 the range is ± r ‖x‖₂, and nothing else widens it."""
    x, reach = _normal(5, 6, dtype), torch.tensor(0.37, dtype=dtype)
    box = RoundedInterval.point(x, dtype=dtype)
    ball = box.lifted(TensorBall(torch.zeros(3, TERMS, dtype=dtype), reach))
    assert isinstance(ball, RoundedInterval)
    lower, upper = _product(box, ball)
    square = (rationals(reach.reshape(1))[0] ** 2 * (rationals(x) ** 2).sum(-1))[:, None]
    assert bool((np.minimum(upper, -lower) ** 2 >= square).all())
    slack = 1 + 8 * TERMS * torch.finfo(dtype).eps
    assert bool((np.maximum(upper, -lower) ** 2 <= square * slack**2).all())
