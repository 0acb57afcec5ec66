"""The settings of a training: what they refuse, and how they are written in a file."""

import math
from typing import Any

import pytest

from gnomon.errors import SettingError
from gnomon.records import Choice, Names
from gnomon.training import (
    SGD,
    Adam,
    AdamW,
    Constant,
    Cosine,
    EarlyStopping,
    Exponential,
    OneCycle,
    OptimizerRule,
    Piecewise,
    Schedule,
    Standard,
    Training,
    TrainingMethod,
)

NAMES = Names(
    {
        TrainingMethod: Choice({"standard": Standard}),
        OptimizerRule: Choice(
            {"sgd": SGD, "adam": Adam, "adamw": AdamW},
            shorthands={"momentum": ("sgd", {"momentum": 0.9})},
        ),
        Schedule: Choice(
            {
                "constant": Constant,
                "piecewise": Piecewise,
                "exponential": Exponential,
                "cosine": Cosine,
                "one_cycle": OneCycle,
            }
        ),
    }
)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": math.inf}, "learning_rate"),
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"weight_decay": -1e-4}, "weight_decay"),
        ({"epochs": 3, "warmup_epochs": 3.0}, "warmup_epochs"),
        ({"warmup_epochs": -1.0}, "warmup_epochs"),
        ({"gradient_clip": 0.0}, "gradient_clip"),
        ({"snapshots": [-1]}, "snapshots"),
        ({"early_stopping": {"patience": 0}}, "patience"),
        ({"early_stopping": {"min_delta": -0.1}}, "min_delta"),
        ({"method": {"name": "standard", "label_smoothing": 1.0}}, "label_smoothing"),
    ],
)
def test_a_value_out_of_range_is_named(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingError, match=rf"(^|\] ){key}: expected"):
        NAMES.read(Training, settings, "training")


@pytest.mark.parametrize("precision", ["float64", 32])
def test_a_precision_that_does_not_exist_is_named(precision: object) -> None:
    with pytest.raises(
        SettingError, match=r"training.precision: expected 'float32', 'bfloat16'"
    ):
        NAMES.read(Training, {"precision": precision}, "training")


@pytest.mark.parametrize(
    "training",
    [
        Training(),
        Training(
            method=Standard(0.1),
            epochs=7,
            optimizer=SGD(0.9, nesterov=True),
            schedule=Piecewise((0.3, 0.6), 0.2),
            warmup_epochs=0.5,
            gradient_clip=1.0,
            early_stopping=EarlyStopping(3, 0.01, "validation_accuracy"),
            snapshots=(0, 7),
            precision="bfloat16",
        ),
        Training(optimizer=AdamW(0.8), schedule=OneCycle(0.3)),
        Training(optimizer=SGD(), schedule=Exponential(0.5)),
        Training(schedule=Cosine(restarts=2)),
    ],
)
def test_settings_survive_a_file(training: Training) -> None:
    assert NAMES.read(Training, NAMES.write(training), "training") == training
