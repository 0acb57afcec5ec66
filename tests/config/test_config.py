"""Configurations: the same keys in a file, on the command line and in Python."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
import torch
from torch import nn

from gnomon.activations import ACTIVATIONS
from gnomon.data import SOURCES, ArrayFile, DoubleSpiral, ImageFolder
from gnomon.errors import SettingError, UnknownNameError
from gnomon.networks import ARCHITECTURES
from gnomon.records import read_toml, write_toml
from gnomon.sets import (
    INPUT_SETS,
    L2,
    PARAMETER_SETS,
    InputSet,
    Linf,
    balls,
    parameters,
    radius,
)
from gnomon.sets.balls import L1
from gnomon.sets.parameters import ParameterBall, ParameterBox, ParameterSet
from gnomon.sets.radius import RADIUS_LAWS, Constant, RadiusLaw, Relative, Tanh
from gnomon.study.axes import ListedAxis
from gnomon.study.study import Study
from gnomon.study.trials import trials_of
from gnomon.training import METHODS, OPTIMIZERS, SCHEDULES, SGD, Batch, Loss, describe
from gnomon.words.config import (
    data_source,
    experiment,
    input_set,
    override,
    parameter_set,
    read_config,
)
from gnomon.words.names import NAMES

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
    for name in set(SOURCES) - {"npz", "parquet", "image_folder"}:
        assert type(data_source(name)) is SOURCES[name]


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
        ("l1:12", L1(12.0, (0.0, 1.0))),
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("constant:0.01", ParameterBox(Constant(0.01))),
        ("relative:2/255", ParameterBox(Relative(2 / 255))),
        ("relative:0", ParameterBox(Relative(0.0))),
        ("tanh:0.01", ParameterBox(Tanh(0.01))),
        ("tanh:0.01:100", ParameterBox(Tanh(0.01, 100.0))),
        ("tanh:0.01:10:3.16", ParameterBox(Tanh(0.01, 10.0, 3.16))),
        ("ball:5e-3", ParameterBall(0.005)),
    ],
)
def test_a_set_of_parameters_is_named_by_law_and_size(
    text: str, expected: ParameterSet
) -> None:
    assert parameter_set(text) == expected
    assert parameter_set(str(expected)).size == pytest.approx(expected.size, rel=1e-5)


@pytest.mark.parametrize(
    "text",
    ["relative", "relative:", "relative:a", "relative:1/0", "relative:1:2", "tanh:1:2:3:4",
     "tanh::10", "ball:1:1"],
)  # fmt: skip
def test_numbers_that_do_not_fit_the_law_are_refused(text: str) -> None:
    name = text.partition(":")[0]
    with pytest.raises(SettingError, match=f"--parameters {text}: expected {name}:SIZE"):
        parameter_set(text)


@pytest.mark.parametrize("text", ["relative:-0.01", "constant:nan", "tanh:0.1:0", "ball:inf"])
def test_numbers_out_of_the_range_of_the_law_are_refused(text: str) -> None:
    with pytest.raises(SettingError, match="expected a finite"):
        parameter_set(text)


def test_an_unknown_law_gets_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="Known: ball, box, constant, relative, tanh"):
        parameter_set("relativ:0.1")


def test_a_box_is_named_by_its_law() -> None:
    with pytest.raises(SettingError, match="expected box without numbers, got '0"):
        parameter_set("box:0.1")


def test_every_set_and_law_has_its_name() -> None:
    def public(module: ModuleType, method: str) -> set[type]:
        """The classes with the method that the module shows, without protocols."""
        classes = {each for each in vars(module).values() if isinstance(each, type)}
        return {
            each
            for each in classes
            if hasattr(each, method) and not getattr(each, "_is_protocol", False)
        }

    # A box for inputs has numbers per coordinate, which no name could say.
    assert set(INPUT_SETS.values()) == public(balls, "around") - {balls.Box}
    assert set(RADIUS_LAWS.values()) == public(radius, "with_size")
    assert set(PARAMETER_SETS.values()) == public(parameters, "of")


@pytest.mark.parametrize(
    "record",
    [
        ParameterBox(Tanh(0.01, 100.0, 3.0), biases=False, only=("0.*",)),
        ParameterBox(Relative(0.01), detached=True),
        ParameterBall(0.005),
    ],
    ids=str,
)
def test_a_set_of_parameters_in_a_file_is_read_back_the_same(record: ParameterSet) -> None:
    assert NAMES.read(ParameterSet, NAMES.write(record)) == record


@pytest.mark.parametrize(
    "plain", [{"name": "tanh", "size": 0.01, "slope": 100}, "tanh:0.01:100"]
)
def test_a_law_in_a_file_is_named(plain: object) -> None:
    assert NAMES.read(RadiusLaw, plain) == Tanh(0.01, 100.0)


@dataclass(frozen=True)
class Pushed:
    """A method with every kind of set; it is never trained with."""

    within: InputSet
    law: RadiusLaw
    parameters: ParameterSet

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        raise NotImplementedError


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A configuration with that method, its sets written as texts."""
    monkeypatch.setitem(METHODS, "pushed", Pushed)
    method = {"name": "pushed", "within": "linf:8/255", "law": "tanh:0.01:10",
              "parameters": "relative:0.01"}  # fmt: skip
    return {**SMALL, "training": {"method": method}}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], Pushed(Linf(8 / 255), Tanh(0.01, 10.0), ParameterBox(Relative(0.01)))),
        (
            ["within.radius=0.25", "law.divisor=3", "parameters.size=0.02"],
            Pushed(Linf(0.25), Tanh(0.01, 10.0, 3.0), ParameterBox(Relative(0.02))),
        ),
        (
            ["within=l2:0.5", "within.domain=[0, 1]", "parameters=ball:1/50", "law=relative:1",
             "parameters.biases=false"],
            Pushed(L2(0.5, (0.0, 1.0)), Relative(1.0), ParameterBall(0.02, biases=False)),
        ),
        (
            ["within=l1", "within.radius=3", "parameters.only=['0.*']",
             "parameters.detached=true"],
            Pushed(
                L1(3.0),
                Tanh(0.01, 10.0),
                ParameterBox(Relative(0.01), only=("0.*",), detached=True),
            ),
        ),
    ],
    ids=["as written", "numbers", "other sets", "name alone"],
)  # fmt: skip
def test_settings_go_into_the_texts_of_sets(
    pushed: dict[str, Any], settings: list[str], expected: Pushed
) -> None:
    planned = experiment(override(pushed, [f"training.method.{each}" for each in settings]))
    assert planned.training.method == expected
    assert experiment(describe(planned)).training == planned.training


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["within=linf:1:2"], r"training\.method\.within: expected linf:RADIUS, .* got '1:2'"),
        (["within=linf:a", "within.domain=[0, 1]"], r"--set .* expected linf:RADIUS"),
        (["within=linf:-1"], r"\[training\.method\.within\] Linf: expected a finite radius"),
        (["within.size=1"], r"training\.method\.within\.size: .* Known: domain, radius"),
        (["within=linfinity:1"], r"training\.method\.within: .* Known: l1, l2, linf"),
        (
            ["parameters.radius=1"],
            r"training\.method\.parameters\.radius: there is no such key",
        ),
        (["law=relative"], r"training\.method\.law: expected relative:SIZE, .* got no number"),
    ],
    ids=str,
)
def test_a_set_that_does_not_fit_is_named_with_its_place(
    pushed: dict[str, Any], settings: list[str], message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        experiment(override(pushed, [f"training.method.{each}" for each in settings]))


def test_an_axis_goes_into_the_text_of_a_set(pushed: dict[str, Any]) -> None:
    study = Study(
        "t", "q", pushed, (0,), (ListedAxis("training.method.within.radius", (0.1, 0.2)),)
    )
    methods = [trial.planned.training.method for trial in trials_of(study)]
    assert [cast("Pushed", each).within for each in methods] == [Linf(0.1), Linf(0.2)]


def test_a_setting_below_a_path_of_data_is_put_beside_it() -> None:
    changed = override({"data": "C:/mine.npz"}, ["data.validation_share=0.2"])
    assert changed == {"data": {"name": "C:/mine.npz", "validation_share": 0.2}}


def test_an_architecture_written_as_a_word_keeps_its_tag() -> None:
    planned = experiment(override({"data": "spiral", "network": "mlp"}, ["network.hidden=[4]"]))
    assert describe(planned)["network"]["hidden"] == [4]


@pytest.mark.parametrize(
    "path",
    sorted((Path(__file__).parents[2] / "examples").glob("*.toml")),
    ids=lambda path: path.stem,
)
def test_the_first_edit_of_an_example_works(path: Path) -> None:
    """Fewer epochs than the example has: snapshots beyond them are no mistake."""
    planned = experiment(read_config(path, ["training.epochs=2"]))
    assert planned.training.epochs == 2


def test_momentum_is_read_as_gradient_descent_with_momentum() -> None:
    for table in ("momentum", {"name": "momentum", "momentum": 0.9, "nesterov": False}):
        planned = experiment({**SMALL, "training": {"optimizer": table}})
        assert planned.training.optimizer == SGD(0.9)
    assert describe(planned)["training"]["optimizer"]["name"] == "sgd"
