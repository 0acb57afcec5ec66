"""The learning-rate range test, on a loss whose behaviour at every rate is known."""

import copy
import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import nn

from gnomon.data import Split
from gnomon.errors import SettingError
from gnomon.training import SGD, Batch, LearningRateRangeTest, Loss, Training, build
from reference.small_experiments import RANDOM, data_of, small

CURVATURE = 2.0


@dataclass(frozen=True)
class Parabola:
    """The loss λ θ²/2 of the first parameter: a step at rate η multiplies θ by 1 − η λ."""

    breaks_at: float = math.inf

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:  # noqa: ARG002
        theta = next(network.parameters()).reshape(-1)[0]
        value = CURVATURE * theta**2 / 2
        if value.item() > self.breaks_at:
            value = value * math.nan
        return Loss(value.expand(len(batch)), torch.zeros(len(batch), dtype=torch.bool))


def parabola(start: float = 1.0) -> nn.Module:
    """A network whose first parameter is `start`."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, start)
    return network


SPLIT = Split(torch.zeros(4, 1), torch.zeros(4, dtype=torch.int64))


def training(method: Parabola) -> Training:
    return Training(method=method, optimizer=SGD(), batch_size=2)


def test_losses_are_those_of_the_formula() -> None:
    test = LearningRateRangeTest(low=0.01, high=0.5, steps=12, smoothing=0.0)
    curve = test(parabola(), SPLIT, training(Parabola()))
    theta, expected = 1.0, []
    for rate in curve.rates:
        expected.append(CURVATURE * theta**2 / 2)
        theta *= 1 - rate * CURVATURE
    # Twelve float32 steps.
    assert curve.losses == pytest.approx(expected, rel=1e-5)
    assert curve.smoothed == pytest.approx(curve.losses)
    assert curve.stopped == "completed"
    ratios = [b / a for a, b in pairwise(curve.rates)]
    assert ratios == pytest.approx([50 ** (1 / 11)] * 11)
    assert (curve.rates[0], curve.rates[-1]) == pytest.approx((0.01, 0.5))


def test_the_average_forgets_at_its_rate_and_starts_without_bias() -> None:
    test = LearningRateRangeTest(low=0.01, high=0.5, steps=5, smoothing=0.7)
    curve = test(parabola(), SPLIT, training(Parabola()))
    average, weight = 0.0, 0.0
    for loss, smooth in zip(curve.losses, curve.smoothed, strict=True):
        average, weight = 0.7 * average + 0.3 * loss, 0.7 * weight + 0.3
        assert smooth == pytest.approx(average / weight)


def test_the_sweep_stops_once_steps_overshoot() -> None:
    test = LearningRateRangeTest(low=1e-3, high=100.0, steps=200)
    curve = test(parabola(), SPLIT, training(Parabola()))
    assert curve.stopped == "rose"
    # |1 − η λ| > 1 beyond η = 2/λ = 1, so nothing grows before.
    assert curve.rates[-1] > 2 / CURVATURE
    assert curve.smoothed[-1] > 4 * min(curve.smoothed)
    before = curve.smoothed[:-1]
    assert all(value <= 4 * min(before[: i + 1]) for i, value in enumerate(before))


def test_the_suggestion_is_where_the_loss_falls_most_steeply() -> None:
    test = LearningRateRangeTest(low=1e-3, high=0.5, steps=400, smoothing=0.0)
    curve = test(parabola(), SPLIT, training(Parabola()))
    # Many steps: θ = exp(−λ ∫η dk) with ∫η dk = η/r and r = log(500)/399 per step, so against
    # log η the loss exp(−2 λ η/r)·const is steepest where 2 λ η/r = 1.
    expected = math.log(500) / 399 / (2 * CURVATURE)
    assert curve.suggestion == pytest.approx(expected, rel=0.05)


def test_a_loss_that_only_rises_suggests_nothing() -> None:
    test = LearningRateRangeTest(low=1.5, high=3.0, steps=20)
    assert test(parabola(), SPLIT, training(Parabola())).suggestion is None


def test_a_loss_that_is_no_number_ends_the_sweep() -> None:
    test = LearningRateRangeTest(low=1.5, high=50.0, steps=50, rise=1e9)
    curve = test(parabola(), SPLIT, training(Parabola(breaks_at=100.0)))
    assert curve.stopped == "not finite"
    assert math.isnan(curve.losses[-1])
    assert all(math.isfinite(loss) for loss in curve.losses[:-1])


def test_everything_is_left_as_it_was_and_the_seed_decides() -> None:
    experiment = small(network=RANDOM)
    data = data_of(experiment)
    network = build(experiment, data).eval()
    before, randomness = copy.deepcopy(network.state_dict()), torch.random.get_rng_state()
    test = LearningRateRangeTest(steps=20, high=1.0)
    first, again, other = (test(network, data.train, experiment.training, s) for s in (0, 0, 1))
    assert first == again != other
    assert not network.training
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(randomness, torch.random.get_rng_state())
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"low": 1.0, "high": 0.5}, "low, high"),
        ({"low": 0.0}, "low, high"),
        ({"steps": 1}, "steps"),
        ({"smoothing": 1.0}, "smoothing"),
        ({"rise": 1.0}, "rise"),
    ],
)
def test_a_value_out_of_range_is_named(settings: dict[str, float], names: str) -> None:
    with pytest.raises(SettingError, match=f"^{names}: expected"):
        LearningRateRangeTest(**settings)  # pyright: ignore[reportArgumentType]
