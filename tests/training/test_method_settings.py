"""The settings of methods: none may be NaN, and steps are those that one asks for."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gnomon.errors import SettingError
from gnomon.networks import MLP, Signature
from gnomon.seeds import generator
from gnomon.sets import Linf, radius
from gnomon.training import METHODS, Batch, TrainingMethod, describe
from gnomon.training.adversaries import (
    AttackedInputs,
    LayerwiseAscent,
    RobustAscent,
    SmallBoxes,
)
from gnomon.training.methods import (
    APP,
    MART,
    RWP,
    SABR,
    TRADES,
    TRADESAWP,
    AWPTraining,
    GradAlign,
    IBPTraining,
    NoiseTraining,
    PGDTraining,
    RandomWeightPerturbation,
)
from gnomon.training.min_max import Composed, MinMax
from gnomon.training.ramps import LinearRamp
from gnomon.words.config import experiment, override

EPSILON = Linf(0.1)
NAN = math.nan
Kind = type[PGDTraining | TRADES | MART | AWPTraining | TRADESAWP | RWP | SABR]
SMALL: dict[str, Any] = {"data": {"name": "spiral"}, "network": {"architecture": "mlp"}}


def made() -> dict[str, TrainingMethod]:
    """One of every method that has a name."""
    given: dict[str, dict[str, Any]] = {"app": {"radius": radius.Relative(0.01)}}
    return {
        name: kind(
            **({"within": EPSILON} if "within" in {f.name for f in fields(kind)} else {}),
            **given.get(name, {}),
        )
        for name, kind in METHODS.items()
    }


def numbers_of(settings: object) -> Iterator[str]:
    """The names of its real numbers, and of those of what it is made of."""
    assert is_dataclass(settings)
    for each in fields(settings):
        value = getattr(settings, each.name)
        if isinstance(value, float) or str(each.type) == "float | None":
            yield each.name
        elif is_dataclass(value) and not isinstance(value, type):
            yield from (f"{each.name}.{inner}" for inner in numbers_of(value))


CASES = [(name, key) for name, method in made().items() for key in numbers_of(method)]


@pytest.mark.parametrize(("name", "key"), CASES, ids=[".".join(each) for each in CASES])
def test_no_setting_may_be_nan(name: str, key: str) -> None:
    """Nor one of a ramp, a set, or an adversary of it: it is refused as it is made."""
    method = made()[name]
    *path, last = key.split(".")

    def broken(settings: object, path: list[str]) -> object:
        assert is_dataclass(settings)
        assert not isinstance(settings, type)
        if not path:
            return replace(settings, **{last: NAN})
        head, *rest = path
        return replace(settings, **{head: broken(getattr(settings, head), rest)})

    with pytest.raises(SettingError, match="expected"):
        broken(method, path)


def test_the_settings_that_were_tried_are_those_that_there_are() -> None:
    assert {
        ("rwp", "threshold"),
        ("rwp", "size"),
        ("rwp", "relative_step"),
        ("sabr", "share"),
        ("trades", "weight"),
        ("ibp", "ramp.end"),
        ("pgd_at", "within.radius"),
        ("asam", "offset"),
        ("app", "radius.size"),
        ("standard", "label_smoothing"),
    } <= set(CASES)


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "rwp", "within": "linf:0.1", "threshold": NAN},
        {"name": "rwp", "within": "linf:0.1", "threshold": -1.0},
        {"name": "trades", "within": "linf:0.1", "weight": NAN},
        {"name": "ibp", "within": "linf:0.1", "ramp": {"name": "linear", "end": NAN}},
    ],
)
def test_a_configuration_with_nan_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="expected"):
        experiment({**SMALL, "training": {"method": settings}})


@pytest.mark.parametrize("threshold", [0.0, -1.0, NAN])
def test_a_threshold_below_which_there_is_no_loss_is_refused(threshold: float) -> None:
    with pytest.raises(SettingError, match="threshold"):
        RWP(EPSILON, threshold=threshold)
    with pytest.raises(SettingError, match="expected a threshold > 0"):
        RobustAscent(threshold=threshold)


@pytest.mark.parametrize("length", [0.0, -1.0, math.inf])
@pytest.mark.parametrize("kind", [PGDTraining, TRADES, MART, AWPTraining, TRADESAWP, RWP, SABR])
def test_a_step_has_a_finite_length(kind: Kind, length: float) -> None:
    with pytest.raises(SettingError, match="relative_step > 0"):
        kind(EPSILON, relative_step=length)


def attack_of(method: TrainingMethod) -> tuple[int, float | None]:
    """The steps of the attack on the inputs, and the length of each."""
    assert not isinstance(method, MinMax)
    inputs = method.composed().inputs  # pyright: ignore[reportAttributeAccessIssue]
    assert isinstance(inputs, AttackedInputs | SmallBoxes)
    return inputs.steps, inputs.relative_step


@pytest.mark.parametrize(
    "name", ["pgd_at", "trades", "mart", "at_awp", "trades_awp", "rwp", "sabr"]
)
def test_steps_and_their_length_are_set_in_a_file_and_on_the_command_line(name: str) -> None:
    table = {"method": {"name": name, "within": "linf:0.1", "steps": 3, "relative_step": 0.7}}
    planned = experiment({**SMALL, "training": table})
    assert attack_of(planned.training.method) == (3, 0.7)
    changed = override(
        {**SMALL, "training": table},
        ["training.method.steps=5", "training.method.relative_step=0.5"],
    )
    again = describe(experiment(changed))
    assert attack_of(experiment(again).training.method) == (5, 0.5)
    usual = experiment({**SMALL, "training": {"method": {"name": name, "within": "linf:0.1"}}})
    assert attack_of(usual.training.method)[1] is None


class Counting(nn.Module):
    """A network that counts the gradients which go through it."""

    def __init__(self) -> None:
        super().__init__()
        signature = Signature((3,), 4, (0.0,) * 3, (1.0,) * 3)
        self.inner, self.gradients = MLP(hidden=(8,))(signature, generator(0)), 0

    def forward(self, x: Tensor) -> Tensor:
        if x.requires_grad:
            self.gradients += 1
        return self.inner(x)


@pytest.mark.parametrize("kind", [PGDTraining, TRADES, MART, AWPTraining, TRADESAWP, RWP, SABR])
def test_so_many_steps_of_that_length_are_taken(kind: Kind) -> None:
    network = Counting()
    inputs = torch.full((6, 3), 0.5)
    batch = Batch(inputs, torch.arange(6) % 4, (0.0, 1.0))
    kind(EPSILON, steps=7, relative_step=0.01).loss(network, batch, generator(0))
    assert network.gradients == 7
    if kind is SABR:
        method = SABR(EPSILON, 0.5, steps=1, relative_step=1e-3)
    else:
        method = kind(EPSILON, steps=1, relative_step=1e-3)
    start = EPSILON.with_radius(0.05 if kind is SABR else 0.1).with_domain((0.0, 1.0))
    begun = inputs + start.around(inputs).sample(generator(3))
    found = method.composed().inputs(network, batch, generator(3)).points
    # One step of that share of its radius, but for what the border of the set cuts off.
    assert float((found - begun).abs().max()) == pytest.approx(1e-3 * start.radius, rel=1e-3)


@dataclass(frozen=True)
class Careless(Composed):
    """A method that looks at none of its settings."""

    factor: float = 1.0

    def composed(self) -> MinMax:
        return MinMax()


def test_a_method_need_not_look_for_nan_itself() -> None:
    with pytest.raises(SettingError, match="Careless: expected a number for factor, got nan"):
        Careless(NAN)
    assert Careless(math.inf).factor == math.inf


def test_other_settings_are_refused_as_they_are_made() -> None:
    for wrong in (
        lambda: GradAlign(EPSILON, weight=NAN),
        lambda: NoiseTraining(NAN),
        lambda: RandomWeightPerturbation(NAN),
        lambda: APP(EPSILON, radius.Relative(0.1), clean_weight=NAN),
        lambda: IBPTraining(EPSILON, ramp=LinearRamp(NAN, 0.5)),
        lambda: MinMax(parameters=LayerwiseAscent(NAN)),
    ):
        with pytest.raises(SettingError, match="expected"):
            wrong()
