"""Schedules against their closed forms and against torch's own schedulers."""

import math

import pytest
import torch
from hypothesis import given, strategies as st
from torch.optim import lr_scheduler

from gnomon.errors import SettingError
from gnomon.training import (
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    Piecewise,
    Schedule,
    Training,
    Triangular,
)

STEPS = 40


def torch_rates(make: object, base: float = 1.0) -> list[float]:
    """The rates that one of torch's schedulers gives over STEPS steps."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    scheduler = make(optimizer)  # pyright: ignore[reportCallIssue]
    rates: list[float] = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


CASES = [
    (Constant(), lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
    (
        Piecewise((0.25, 0.5), factor=0.3),
        lambda o: lr_scheduler.MultiStepLR(o, [10, 20], gamma=0.3),
    ),
    (Exponential(0.02), lambda o: lr_scheduler.ExponentialLR(o, gamma=0.02 ** (1 / STEPS))),
    (Cosine(), lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=STEPS)),
    (
        Cosine(restarts=3, final=0.1),
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=STEPS // 4, eta_min=0.1),
    ),
    (
        OneCycle(peak=0.25, start=0.1, final=0.1),
        lambda o: lr_scheduler.CyclicLR(
            o, base_lr=0.1, max_lr=1.0, step_size_up=10, step_size_down=30, cycle_momentum=False
        ),
    ),
]


@pytest.mark.parametrize(("schedule", "make"), CASES, ids=lambda case: type(case).__name__)
def test_the_rates_are_those_of_torchs_scheduler(schedule: Schedule, make: object) -> None:
    rates = [schedule(step, STEPS) for step in range(STEPS)]
    # Torch multiplies up its rates step by step: 40 roundings of relative size 1e-16.
    assert rates == pytest.approx(torch_rates(make), rel=1e-13)


@pytest.mark.parametrize(
    ("schedule", "progress", "factor"),
    [
        (Piecewise(), 0.49, 1.0),
        (Piecewise(), 0.5, 0.1),
        (Piecewise(), 0.75, 0.01),
        (Exponential(0.01), 0.5, 0.1),
        (Cosine(), 0.5, 0.5),
        (Cosine(), 1 / 3, 0.75),
        (Cosine(restarts=1), 0.5, 1.0),
        (Cosine(restarts=1, final=0.2), 0.75, 0.6),
        (OneCycle(peak=0.4, start=0.0), 0.0, 0.0),
        (OneCycle(peak=0.4, start=0.0), 0.2, 0.5),
        (OneCycle(peak=0.4, start=0.0), 0.4, 1.0),
        (OneCycle(peak=0.4, start=0.0, final=0.5), 0.7, 0.75),
        (Triangular(peak=0.4), 0.2, 0.5),
        (Triangular(peak=0.4), 0.7, 0.5),
    ],
)
def test_the_factor_has_its_closed_form(
    schedule: Schedule, progress: float, factor: float
) -> None:
    steps = 300
    assert schedule(round(progress * steps), steps) == pytest.approx(factor, rel=1e-12)


@given(st.integers(1, 500), st.integers(0, 4), st.floats(0, 1))
def test_a_cosine_stays_between_its_ends(steps: int, restarts: int, final: float) -> None:
    rates = [Cosine(restarts, final)(step, steps) for step in range(steps)]
    assert rates[0] == 1
    assert all(final - 1e-12 <= rate <= 1 for rate in rates)


def test_warm_up_rises_linearly_and_the_schedule_takes_the_rest() -> None:
    training = Training(
        epochs=4, learning_rate=2.0, warmup_epochs=1.5, schedule=Cosine(), batch_size=1
    )
    rates = [training.learning_rate_at(step, 10) for step in range(40)]
    assert rates[:15] == pytest.approx([2 * (k + 1) / 15 for k in range(15)])
    assert rates[15:] == pytest.approx(
        [1 + math.cos(math.pi * (k - 15) / 25) for k in range(15, 40)]
    )


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: Piecewise((0.5, 0.25)), "milestones"),
        (lambda: Piecewise((0.0,)), "milestones"),
        (lambda: Piecewise((1.0,)), "milestones"),
        (lambda: Piecewise(factor=0.0), "factor"),
        (lambda: Exponential(0.0), "final"),
        (lambda: Cosine(restarts=-1), "restarts"),
        (lambda: Cosine(final=-0.1), "final"),
        (lambda: OneCycle(peak=1.0), "peak"),
        (lambda: Triangular(peak=0.0), "peak"),
        (lambda: OneCycle(start=-1.0), "start"),
        (lambda: OneCycle(final=math.nan), "final"),
    ],
)
def test_a_value_out_of_range_is_named(make: object, names: str) -> None:
    with pytest.raises(SettingError, match=f"^{names}: expected"):
        make()  # pyright: ignore[reportCallIssue]
