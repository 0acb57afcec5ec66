"""Configurations: the same keys in a file, on the command line and in Python."""

from pathlib import Path
from typing import Any

import pytest

from gnomon.catalog import ACTIVATIONS, ARCHITECTURES, DATA, OPTIMIZERS, SCHEDULES
from gnomon.config import data_source, describe, experiment, input_set, override, read_config
from gnomon.data import ArrayFile, DoubleSpiral, ImageFolder
from gnomon.errors import SettingError, UnknownNameError
from gnomon.records import read_toml, write_toml
from gnomon.sets import L2, InputSet, Linf

SMALL: dict[str, Any] = {"data": {"name": "spiral"}, "network": {"architecture": "mlp"}}
EXAMPLES = sorted((Path(__file__).parent.parent.parent / "examples").glob("*.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_can_be_read(path: Path) -> None:
    experiment(read_config(path))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_described_experiment_is_read_back_the_same(path: Path, tmp_path: Path) -> None:
    described = describe(experiment(read_config(path)))
    write_toml(tmp_path / "config.toml", described)
    assert describe(experiment(read_toml(tmp_path / "config.toml"))) == described


def test_a_description_has_every_default() -> None:
    described = describe(experiment(SMALL))
    assert described["seed"] == 0
    assert described["network"]["hidden"] == [50, 50, 50, 50, 50]
    assert described["training"]["schedule"]["name"] == "cosine"
    assert described["training"]["batch_size"] == 128


@pytest.mark.parametrize(
    ("table", "key", "names"),
    [
        ("network", "activation", ACTIVATIONS),
        ("training", "optimizer", OPTIMIZERS),
        ("training", "schedule", SCHEDULES),
    ],
)
def test_every_name_is_a_value(table: str, key: str, names: dict[str, type]) -> None:
    for name, kind in names.items():
        planned = experiment(override(SMALL, [f"{table}.{key}={name}"]))
        assert type(getattr(getattr(planned, table), key)) is kind


def test_every_architecture_and_data_set_has_its_name() -> None:
    for name, kind in ARCHITECTURES.items():
        assert (
            type(experiment(override(SMALL, [f"network.architecture={name}"])).network) is kind
        )
    for name in set(DATA) - {"npz", "parquet", "image_folder"}:
        assert type(data_source(name)) is DATA[name]


@pytest.mark.parametrize(
    ("setting", "place", "value"),
    [
        ("training.epochs=3", ("training", "epochs"), 3),
        ("training.learning_rate = 1e-2", ("training", "learning_rate"), 1e-2),
        ("data.name=digits", ("data", "name"), "digits"),
        ('data.name="digits"', ("data", "name"), "digits"),
        ("network.hidden=[8, 8]", ("network", "hidden"), [8, 8]),
        ("training.schedule.final=1", ("training", "schedule"), {"name": "cosine", "final": 1}),
        ("seed=7", ("seed",), 7),
    ],
)  # fmt: skip
def test_a_setting_is_put_in_its_place(
    setting: str, place: tuple[str, ...], value: object
) -> None:
    changed: Any = override({**SMALL, "training": {"schedule": "cosine"}}, [setting])
    for key in place:
        changed = changed[key]
    assert changed == value


def test_overriding_leaves_the_original_alone() -> None:
    original: dict[str, Any] = {"training": {"epochs": 3}}
    override(original, ["training.epochs=5", "training.batch_size=8"])
    assert original == {"training": {"epochs": 3}}


@pytest.mark.parametrize("setting", ["training.epochs", "=3", "seed.value=3"])
def test_a_malformed_setting_is_refused(setting: str) -> None:
    with pytest.raises(SettingError, match="--set"):
        override({"seed": 0}, [setting])


def test_a_path_is_a_name_of_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    assert data_source("mine.npz") == ArrayFile(tmp_path / "mine.npz")
    assert data_source({"name": "images"}) == ImageFolder(tmp_path / "images")
    assert data_source({"name": "spiral", "turns": 2.0}) == DoubleSpiral(turns=2.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linf:0.1", Linf(0.1, (0.0, 1.0))),
        ("linf:2/255", Linf(2 / 255, (0.0, 1.0))),
        ("l2:1e-1", L2(0.1, (0.0, 1.0))),
    ],
)
def test_a_set_is_named_by_norm_and_radius(text: str, expected: InputSet) -> None:
    assert input_set(text, (0.0, 1.0)) == expected


@pytest.mark.parametrize("text", ["linf", "linf:", "linf:a", "linf:1/0", "linf:1/2/3"])
def test_a_radius_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="expected linf:RADIUS"):
        input_set(text, None)


def test_an_unknown_norm_gets_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'linf'"):
        input_set("lint:0.1", None)
