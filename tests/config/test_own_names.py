"""Things of a user's own, named package.module:name wherever a name is read."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from gnomon.audit import read_json
from gnomon.cli.main import app
from gnomon.errors import GnomonError, SettingError, ShapeError
from gnomon.networks import Signature
from gnomon.records import write_toml
from gnomon.seeds import generator
from gnomon.training import Constant, describe
from gnomon.words.config import data_source, experiment, override, read_config
from gnomon.words.names import NAMES
from gnomon.words.request import Request, prepare, probe_kinds
from gnomon.words.targets import load_network, open_target

MODULE = '''
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from gnomon.activations import Activation
from gnomon.audit import Finding
from gnomon.data import DoubleSpiral
from gnomon.training import Loss, Standard


@dataclass(frozen=True)
class Mine:
    size: float = 0.5

    def loss(self, network, batch, generator):
        return Standard(self.size).loss(network, batch, generator)


READY = Mine(0.25)


class Bent(Activation):
    def __init__(self, slope: float = 0.5):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, x):
        return torch.where(x > 0, x, self.slope * x)


class Small(nn.Module):
    def __init__(self, width=4, classes=2):
        super().__init__()
        self.first, self.last = nn.Linear(2, width), nn.Linear(width, classes)

    def forward(self, x):
        return self.last(self.first(x).relu())


def make(width: int = 3) -> nn.Module:
    return Small(width)


def half(step, steps):
    return 0.5


@dataclass(frozen=True)
class Points:
    count: int = 60

    def __call__(self, seed, store):
        return DoubleSpiral(points=self.count)(seed, store)


@dataclass(frozen=True)
class Widest:
    topic: ClassVar[str] = "widest"
    names: ClassVar[tuple[str, ...]] = ("largest_coordinate",)
    times: float = 1.0

    def __call__(self, subject, generator):
        value = self.times * float(subject.inputs.abs().max())
        return (Finding("widest", "largest_coordinate", value, "", None, "The largest."),)


class Wrong:
    """Neither a method nor a network."""


def broken():
    raise ValueError("not today")
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package that stands in the working folder, under a name that no other test uses."""
    name = f"own_{tmp_path.name}".replace("-", "_")
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "parts.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield f"{name}.parts"
    _forget(name)


def _forget(package: str) -> None:
    """Lets Python import the package anew."""
    root = package.partition(".")[0]
    for module in [each for each in sys.modules if each.partition(".")[0] == root]:
        del sys.modules[module]


def _config(package: str, **training: object) -> dict[str, Any]:
    return {
        "data": {"name": f"{package}:Points", "count": 80},
        "network": {"architecture": f"{package}:Small", "width": 5},
        "training": {"epochs": 1, "batch_size": 16, **training},
    }


def test_every_part_of_a_configuration_may_be_ones_own(package: str, tmp_path: Path) -> None:
    planned = experiment(
        _config(
            package,
            method={"name": f"{package}:Mine", "size": 0.1},
            schedule=f"{package}:half",
        )
    )
    assert cast("Any", planned.training.method).size == 0.1
    assert planned.training.schedule(1, 2) == 0.5
    network = planned.network(Signature((2,), 2, (0.0,), (1.0,)), generator(3))
    assert cast("Any", network).first.out_features == 5
    write_toml(tmp_path / "config.toml", describe(planned))
    assert describe(experiment(read_config(tmp_path / "config.toml"))) == describe(planned)


def test_a_word_alone_a_ready_thing_and_an_override_are_understood(package: str) -> None:
    config = _config(package) | {"network": f"{package}:make"}
    named = experiment(override(config, [f"training.method={package}:Mine"]))
    assert cast("Any", named.training.method).size == 0.5
    sized = ["network.width=7", f"training.method={package}:Mine", "training.method.size=0.2"]
    planned = experiment(override(config, sized))
    assert cast("Any", planned.training.method).size == 0.2
    assert describe(planned)["network"] == {"architecture": f"{package}:make", "width": 7}
    ready = experiment(override(config, [f"training.method={package}:READY"]))
    assert describe(ready)["training"]["method"] == {"name": f"{package}:Mine", "size": 0.25}


def test_an_activation_of_ones_own_keeps_its_coefficient(package: str) -> None:
    table = {"architecture": "mlp", "hidden": [3],
             "activation": {"name": f"{package}:Bent", "slope": 0.25}}  # fmt: skip
    planned = experiment(_config(package) | {"network": table})
    assert describe(planned)["network"]["activation"] == table["activation"]
    network = planned.network(Signature((2,), 2, (0.0,), (1.0,)), generator(3))
    assert any(name.endswith("slope") for name, _ in network.named_parameters())


def test_weights_of_ones_own_network_depend_on_the_generator_alone(package: str) -> None:
    planned, signature = experiment(_config(package)), Signature((2,), 2, (0.0,), (1.0,))
    before = torch.random.get_rng_state()
    one, same, other = (planned.network(signature, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    weights = [network.state_dict()["first.weight"] for network in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_run_with_names_of_ones_own_is_trained_and_audited_later(
    package: str, tmp_path: Path
) -> None:
    write_toml(tmp_path / "mine.toml", _config(package, method=f"{package}:Mine"))
    runner = CliRunner()
    trained = runner.invoke(app, ["train", "mine.toml", "-o", "run", "--device", "cpu"])
    assert trained.exit_code == 0, trained.stderr
    probes = f"accuracy,{package}:Widest"
    audited = runner.invoke(app, ["audit", "run", "--probes", probes, "--device", "cpu"])
    assert audited.exit_code == 0, audited.stderr
    named = {
        each.name: each.value for each in read_json(tmp_path / "run/audit/audit.json").findings
    }
    target = open_target("run")
    subject, _ = prepare(Request(target="run", device="cpu"))
    assert named["largest_coordinate"] == float(subject.inputs.abs().max())
    assert set(named) == {"clean_accuracy", "largest_coordinate"}
    assert (
        load_network(tmp_path / "run").state_dict().keys() == target.network.state_dict().keys()
    )
    _forget(package)
    (tmp_path / package.partition(".")[0]).rename(tmp_path / "elsewhere")
    with pytest.raises(GnomonError, match=f"expected an importable module .*{package}:Small"):
        open_target("run")


def test_settings_of_a_probe_of_ones_own_are_read(package: str) -> None:
    kinds = probe_kinds(("accuracy", f"{package}:Widest"))
    assert [each.__name__ for each in kinds] == ["CleanAccuracy", "Widest"]
    request = Request(
        target=f"{package}:Small",
        data="spiral",
        probes=(f"{package}:Widest",),
        probe_settings={f"{package}:Widest": {"times": 2}},
        device="cpu",
    )
    assert cast("Any", prepare(request)[1][0]).times == 2.0


def test_data_of_ones_own_are_named_on_the_command_line(package: str) -> None:
    assert cast("Any", data_source({"name": f"{package}:Points", "count": 9})).count == 9
    request = Request(target=f"{package}:Small", data=f"{package}:Points", device="cpu")
    assert prepare(request)[0].data.name == "spiral"


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("nowhere.module:Mine", "importable module .* got nowhere.module:Mine: No module"),
        ("{}:Mini", "name in it, got .*:Mini: module .* has no attribute 'Mini'"),
        ("{}:Wrong", "expected a training method, got Wrong"),
        ("{}:half", "expected a training method, got half"),
        ("{}:Points", "expected a training method, got Points"),
        ({"name": "{}:Mine", "sise": 1}, "training.method.sise: there is no such key. Did you"),
        ({"name": "{}:Mine", "size": "a"}, "training.method.size: expected"),
        ({"name": "{}:READY", "size": 1}, "expected no settings, since .*:READY is a training"),
    ],
)  # fmt: skip
def test_a_name_that_is_no_method_is_refused(
    package: str, method: str | dict[str, object], message: str
) -> None:
    table = {"name": method} if isinstance(method, str) else method
    named = {**table, "name": str(table["name"]).format(package)}
    with pytest.raises(SettingError, match=message):
        experiment(_config(package, method=named))


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("schedule", "Wrong", "expected a schedule, got Wrong"),
        (
            "schedule",
            "Small",
            r"expected a schedule, whose __call__ takes \(step, steps\), got",
        ),
        ("schedule", "make", r"takes \(step, steps\), got make, which takes \(width"),
        (
            "augmentation",
            "Points",
            r"takes \(inputs, generator\), got Points, which takes \(seed",
        ),
    ],
)
def test_what_takes_other_arguments_is_refused(
    package: str, kind: str, name: str, message: str
) -> None:
    with pytest.raises(SettingError, match=message):
        experiment(_config(package, **{kind: f"{package}:{name}"}))


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (
            {"classes": 3},
            ShapeError,
            r"expected logits of the shape .* = \(2, 2\), got \(2, 3\)",
        ),
        ({"width": "wide"}, SettingError, "a call with width = 'wide', got TypeError"),
        ({"depth": 3}, SettingError, "a call with depth = 3, got TypeError"),
        ({"architecture": "{}:broken"}, SettingError, "got ValueError: not today"),
        ({"architecture": "{}:Points"}, SettingError, "expected an architecture or a torch.nn"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(
    package: str, table: dict[str, Any], error: type[Exception], message: str
) -> None:
    named = {"architecture": "{}:Small"} | table
    named["architecture"] = named["architecture"].format(package)
    with pytest.raises(error, match=message):
        _built(_config(package) | {"network": named})


def _built(config: dict[str, Any]) -> nn.Module:
    return experiment(config).network(Signature((2,), 2, (0.0,), (1.0,)), generator(0))


def test_a_network_for_other_inputs_is_refused(package: str) -> None:
    planned = experiment(_config(package))
    with pytest.raises(ShapeError, match=r"inputs of the shape \(1, 8, 8\), got an error"):
        planned.network(Signature((1, 8, 8), 2, (0.0,), (1.0,)), generator(0))


@pytest.mark.parametrize(
    ("name", "message"),
    [("{}:half", "expected the class of a probe"), ("{}:Mine", "expected the class of a probe"),
     ("accurcy", "no probe 'accurcy'. Did you mean 'accuracy'")],
)  # fmt: skip
def test_a_name_that_is_no_probe_is_refused(package: str, name: str, message: str) -> None:
    request = Request(
        target=f"{package}:Small", data="spiral", probes=(name.format(package),), device="cpu"
    )
    with pytest.raises(SettingError, match=message):
        prepare(request)


def test_what_no_file_can_name_is_not_written() -> None:
    @dataclass(frozen=True)
    class Local(Constant): ...

    planned = experiment({"data": "spiral", "network": "mlp"})
    changed = replace(planned, training=replace(planned.training, schedule=Local()))
    with pytest.raises(SettingError, match=r"defined within a function\. Define it at the top"):
        NAMES.write(changed)
    assert describe(changed)["training"]["schedule"].endswith("<locals>.Local")
