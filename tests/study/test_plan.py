"""From a study's file to its trials."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import gnomon as gn
from gnomon.errors import DataError, SettingError
from gnomon.study.axes import ListedAxis, ZippedAxis
from gnomon.study.study import Study, read_study, write_study
from gnomon.study.trials import Trial, count_trials, grouped, trials_of

FILE = """
title = "Two activations"
seeds = 3

[config]
data = { name = "spiral", points = 60 }
network = { architecture = "mlp", hidden = [8] }
training = { epochs = 2, batch_size = 20 }

[[axes]]
key = "network.activation"
values = ["relu", "tanh"]

[[axes]]
key = "training.learning_rate"
low = 1e-3
high = 1e-1
count = 3
scale = "log"

[examine]
probes = ["accuracy", "weights"]
details = ["frobenius_norm/layers/*/frobenius_norm"]

[[hypotheses]]
kind = "rises"
name = "H1"
finding = "frobenius_norm"
along = "training.learning_rate"
per = ["network.activation"]

[small]
seeds = [5]
config.training.epochs = 1
"""


def _study(tmp_path: Path, text: str = FILE, **options: bool) -> Study:
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    return read_study(path, **options)


def test_every_combination_is_trained_with_every_seed(tmp_path: Path) -> None:
    study = _study(tmp_path)
    trials = trials_of(study)
    assert len(trials) == count_trials(study) == 2 * 3 * 3
    assert len({trial.id for trial in trials}) == 18
    seen = {(t.seed, *t.settings.values()) for t in trials}
    assert len(seen) == 18
    first = trials[0]
    assert first.settings == {"network.activation": "relu", "training.learning_rate": 1e-3}
    assert first.config["training"]["learning_rate"] == 1e-3
    assert first.config["seed"] == 0
    assert gn.describe(gn.experiment(first.config)) == first.config


def test_the_id_is_that_of_what_is_trained(tmp_path: Path) -> None:
    """A default that is written out changes nothing; every other setting does."""
    ids = {trial.id for trial in trials_of(_study(tmp_path))}
    written = FILE.replace("batch_size = 20", "batch_size = 20, weight_decay = 0.0")
    assert {trial.id for trial in trials_of(_study(tmp_path, written))} == ids
    changed = FILE.replace("batch_size = 20", "batch_size = 20, weight_decay = 0.1")
    assert not {trial.id for trial in trials_of(_study(tmp_path, changed))} & ids
    more = FILE.replace("seeds = 3", "seeds = 4").replace('"tanh"]', '"tanh", "silu"]')
    assert {trial.id for trial in trials_of(_study(tmp_path, more))} > ids


def test_the_small_form_replaces_what_it_names(tmp_path: Path) -> None:
    small = _study(tmp_path, small=True)
    assert small.seeds == (5,)
    assert small.config["training"] == {"epochs": 1, "batch_size": 20}
    assert small.axes == _study(tmp_path).axes


def test_what_is_written_is_read_the_same(tmp_path: Path) -> None:
    study = _study(tmp_path)
    assert _study(tmp_path, write_study(study)) == study


def test_a_base_is_found_beside_the_study(tmp_path: Path) -> None:
    base = "seed = 3\n[data]\nname = 'spiral'\n[network]\narchitecture = 'mlp'\n"
    (tmp_path / "base.toml").write_text(base, encoding="utf-8")
    study = _study(tmp_path, 'base = "base.toml"\nconfig.network.hidden = [4]\nseeds = 2')
    assert study.config == {
        "data": {"name": "spiral"},
        "network": {"architecture": "mlp", "hidden": [4]},
    }
    assert [trial.seed for trial in trials_of(study)] == [0, 1]


def test_trials_that_may_train_together_do(tmp_path: Path) -> None:
    trials = trials_of(_study(tmp_path))
    keys = {trial.replicas for trial in trials}
    assert len(keys) == 2  # the two activations; rates and seeds are rows
    largest = {key: 4 for key in keys if key is not None}
    groups = grouped(trials, largest)
    assert list(map(len, groups)) == [3, 3, 3, 3, 3, 3]
    assert sorted(t.id for group in groups for t in group) == sorted(t.id for t in trials)
    assert all(len({trial.replicas for trial in group}) == 1 for group in groups)
    assert list(map(len, grouped(trials, dict.fromkeys(largest, 64)))) == [9, 9]
    assert len(grouped(trials, {})) == 18
    assert grouped((), {}) == ()


def test_many_trials_of_a_kind_leave_work_for_every_worker() -> None:
    config = {"data": {"name": "spiral"}, "network": {"architecture": "mlp"}}
    trials = trials_of(Study("t", "", config, tuple(range(300))))
    key = trials[0].replicas
    assert key is not None
    assert list(map(len, grouped(trials[:40], {key: 64}))) == [13, 13, 14]
    assert list(map(len, grouped(trials, {key: 64}))) == [37, 38] * 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("network.activation", "network.activaton", "activaton: .*Did you mean 'activation'"),
        (
            'values = ["relu", "tanh"]',
            'values = ["relu", "tahn"]',
            "'tahn'.*Did you mean 'tanh'",
        ),
        ("seeds = 3", "seeds = 0", "seeds: expected a count from 1"),
        ("seeds = 3", "seeds = [1, 1]", "seeds: expected a count from 1"),
        ("seeds = 3", "sedes = 3", "no key 'sedes'. Did you mean 'seeds'"),
        ("[config]", "[config]\nseed = 1", r"config.seed: expected the seeds beside"),
        ("probes", "porbes", "examine.porbes: .*Did you mean 'probes'"),
        (
            'along = "training.learning_rate"',
            'along = "training.rate"',
            "expected a key on an axis",
        ),
        ('kind = "rises"', 'kind = "rise"', "nothing is named 'rise'.*Did you mean 'rises'"),
    ],
    ids=range(9),
)
def test_a_wrong_study_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = FILE.replace(old, new)
    with pytest.raises(SettingError, match=message):
        trials_of(_study(tmp_path, text))


def test_two_ways_to_the_same_configuration_are_refused() -> None:
    config = {"data": {"name": "spiral"}, "network": {"architecture": "mlp"}}
    same = ListedAxis("network.activation", ("relu", {"name": "relu"}))
    with pytest.raises(SettingError, match="expected different configurations"):
        trials_of(Study("t", "", config, (0,), (same,)))


def test_a_study_without_a_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a table"):
        _study(tmp_path, "seeds = 1")


def test_ten_thousand_trials_are_planned_with_few_readings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A combination is read once, however many seeds it has."""
    config = {"data": {"name": "spiral"}, "network": {"architecture": "mlp"}}
    axis = ListedAxis("training.learning_rate", tuple(1e-3 * (1 + i) for i in range(10)))
    read = 0
    original = gn.experiment

    def counted(plain: Mapping[str, Any]) -> gn.Experiment:
        nonlocal read
        read += 1
        return original(plain)

    monkeypatch.setattr("gnomon.study.trials.experiment", counted)
    trials = trials_of(Study("t", "", config, tuple(range(1000)), (axis,)))
    assert len(trials) == 10_000
    assert read == 10
    assert isinstance(trials[-1], Trial)


def test_a_key_may_change_a_table_that_another_key_sets(tmp_path: Path) -> None:
    table = {"architecture": "mlp", "hidden": [4], "dropout": 0.5}
    axis = ZippedAxis(("network", "network.activation"), ((table, "relu"), (table, "tanh")))
    study = Study("Tables", "", _study(tmp_path).config, (0,), (axis,))
    trials = trials_of(study)
    assert [each.config["network"]["activation"] for each in trials] == ["relu", "tanh"]
    assert [each.config["network"]["dropout"] for each in trials] == [0.5, 0.5]
    # What is shown for a key is what the file says of it.
    for trial in trials:
        assert trial.settings["network"].keys() == {"architecture", "hidden", "dropout"}
