"""What is added to bounds of rounded intervals is needed: errors that nothing else hides."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import REAL, Deployed, Interval, LinearRelaxation, Outward, evaluate
from gnomon.algebra.lift import lift
from gnomon.seeds import generator
from gnomon.sets.parameters import TensorBall
from reference.exact_rationals import Rationals, rationals

FLOATS = [torch.float32, torch.float64]
TERMS = 400


def _normal(seed: int, rows: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(rows, TERMS, generator=generator(seed), dtype=dtype)


def _product(x: Interval, w: Interval) -> tuple[Rationals, Rationals]:
    """The bounds of x Wᵀ."""
    found: Interval = functional.linear(x, w)  # type: ignore[arg-type]
    return rationals(found.lower), rationals(found.upper)


def _box(low: Tensor, high: Tensor) -> Interval:
    """Between two bounds that are different objects: it is not seen to be a point."""
    return Interval(low.clone(), high.clone(), arithmetic=Outward())


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
    """One factor is centred at 0 and the other a point: the range is ± Σ r |p|.

    A one, and numbers behind it that are lost when they are added to it, again and again.
    """
    sizes = torch.full((4, TERMS), torch.finfo(dtype).eps / 4, dtype=dtype)
    sizes[:, ::133] = 1
    signs = _normal(4, 12, dtype).sign()
    x, w = (sizes, signs) if wide == "inputs" else (signs, sizes)
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
    box = Interval.point(x, arithmetic=Outward(dtype=dtype))
    ball = lift(TensorBall(torch.zeros(3, TERMS, dtype=dtype), reach), box)
    assert isinstance(ball, Interval)
    lower, upper = _product(box, ball)
    square = (rationals(reach.reshape(1))[0] ** 2 * (rationals(x) ** 2).sum(-1))[:, None]
    assert bool((np.minimum(upper, -lower) ** 2 >= square).all())
    slack = 1 + 8 * TERMS * torch.finfo(dtype).eps
    assert bool((np.maximum(upper, -lower) ** 2 <= square * slack**2).all())


SINGLE = Deployed(torch.float32)
OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
}


def _inside(executed: Tensor, found: Interval) -> bool:
    return found.contains(executed.double())


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_of_single_numbers_lies_inside_at_the_level_of_executions(
    name: str,
) -> None:
    """The operands are points, and bounds are computed in float64: one rounding counts."""
    x, y = _normal(6, 5, torch.float32), _normal(7, 5, torch.float32)
    points = [Interval.point(each, arithmetic=Outward(level=SINGLE)) for each in (x, y)]
    executed = OPERATIONS[name](x, y)
    assert _inside(executed, OPERATIONS[name](*points))
    real = [Interval.point(each, arithmetic=Outward()) for each in (x, y)]
    assert not _inside(executed, OPERATIONS[name](*real))


@pytest.mark.parametrize("form", ["as written", "in two steps"])
def test_executions_of_a_batch_normalisation_lie_inside(form: str) -> None:
    """As (x − μ) / √(v + ε) · γ + β, and as x α + (β − μ α)."""
    norm = nn.BatchNorm1d(TERMS).eval().requires_grad_(requires_grad=False)
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    for seed, part in enumerate((norm.weight, norm.bias, mean, variance)):
        part.copy_(_normal(8 + seed, 1, torch.float32)[0])
    variance.square_()
    x, root = _normal(12, 8, torch.float32), (variance + norm.eps).sqrt()
    scale = norm.weight / root
    executed = {
        "as written": (x - mean) / root * norm.weight + norm.bias,
        "in two steps": x * scale + (norm.bias - mean * scale),
    }[form]
    assert _inside(
        executed, evaluate(norm, Interval.point(x, arithmetic=Outward(level=SINGLE)))
    )
    assert not _inside(executed, evaluate(norm, Interval.point(x, arithmetic=Outward())))


def test_relaxations_count_executions_of_a_batch_normalisation_whose_terms_cancel() -> None:
    """At x = 0 with β = μ α, rounded: what is left of (0 − μ) / √(v + ε) γ + β is rounding."""
    norm = nn.BatchNorm1d(TERMS).eval().requires_grad_(requires_grad=False)
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    for seed, part in enumerate((norm.weight, mean, variance)):
        part.copy_(_normal(14 + seed, 1, torch.float32)[0])
    variance.square_()
    root, x = (variance + norm.eps).sqrt(), torch.zeros(1, TERMS)
    norm.bias.copy_(mean * (norm.weight / root))
    executed = ((x - mean) / root * norm.weight + norm.bias).double()
    for level, held in ((SINGLE, True), (REAL, False)):
        box = Interval.point(x, arithmetic=Outward(level))
        found = evaluate(norm, LinearRelaxation.of(box)).bound(torch.eye(TERMS))
        assert found.contains(executed) is held
