"""The shipped studies: read, planned, small where they say so, about findings that exist."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from gnomon.errors import SettingError, UnknownNameError
from gnomon.study.axes import Axis, ListedAxis, ZippedAxis
from gnomon.study.engines import Inline
from gnomon.study.run import run_study
from gnomon.study.shipped import locate, shipped_studies
from gnomon.study.statistics import Above, Below
from gnomon.study.study import Examination, Study, read_study, write_study
from gnomon.study.trial_store import TrialStore
from gnomon.study.trials import count_trials, trials_of
from reference.small_study import results

NAMES = (
    "app-table",
    "fast-at",
    "image-activations",
    "mnist-brackets",
    "spiral-adversarial",
    "spiral-codimension",
    "spiral-eigenvalues",
    "spiral-mapping",
    "spiral-noise",
    "spiral-norms",
    "spiral-size",
)
DEAR = {"app-table", "fast-at", "mnist-brackets", "spiral-adversarial"}
"""Seconds to train and examine one network; all but the last read real images."""

LEAST_SEEDS = {("app-table", "small"): 2, ("mnist-brackets", "small"): 1}
"""Of forms that show figures and, as their files say, decide no claim; else six."""

MOST_EPOCHS = 8000
"""Of all trials of a small form together: minutes on two cores."""


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["full", "small"])
def form(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def study(name: str, form: str) -> Study:
    return read_study(locate(name), small=form == "small")


def test_these_are_shipped_and_found_by_name() -> None:
    assert tuple(shipped_studies()) == NAMES
    with pytest.raises(UnknownNameError, match="spiral-norms"):
        locate("spiral-norm")


def test_who_browses_the_repository_finds_them_among_the_examples(name: str) -> None:
    examples = Path(__file__).parents[2] / "examples" / "studies"
    assert (examples / f"{name}.toml").samefile(locate(name))


def test_every_form_is_planned_and_survives_its_file(
    name: str, form: str, study: Study, tmp_path: Path
) -> None:
    trials = trials_of(study)
    assert len(trials) >= len(study.seeds) >= LEAST_SEEDS.get((name, form), 6)
    assert len({trial.id for trial in trials}) == len(trials)
    (tmp_path / "study.toml").write_text(write_study(study), encoding="utf-8")
    assert read_study(tmp_path / "study.toml") == study


def test_every_claim_is_named_once_said_in_words_and_about_values_that_are_there(
    study: Study,
) -> None:
    assert study.question
    assert len({each.name for each in study.hypotheses}) == len(study.hypotheses) > 0
    settings = [settings for axis in study.axes for settings in axis.settings()]
    for hypothesis in study.hypotheses:
        assert hypothesis.name
        assert hypothesis.claim
        there = [each[hypothesis.axis] for each in settings if hypothesis.axis in each]
        for value in getattr(hypothesis, "values", ()):
            assert value in there


def test_small_forms_are_small_and_ask_the_same(name: str) -> None:
    full, small = (read_study(locate(name), small=small) for small in (False, True))
    assert small.hypotheses == full.hypotheses
    epochs = [trial.config["training"]["epochs"] for trial in trials_of(small)]
    assert sum(epochs) <= MOST_EPOCHS
    assert len(epochs) < count_trials(full)


@pytest.mark.parametrize(
    "name",
    [pytest.param(each, marks=pytest.mark.slow if each in DEAR else ()) for each in NAMES],
)
def test_every_claim_is_about_findings_that_networks_have(name: str, tmp_path: Path) -> None:
    study = shrunk(read_study(locate(name), small=True))
    store = TrialStore(str(tmp_path / "out"))
    remains = run_study(study, store, Inline())
    assert not remains.failed
    findings = set(results(store).column("finding").to_pylist())
    for hypothesis in study.hypotheses:
        assert hypothesis.finding in findings
        if isinstance(hypothesis, Above | Below) and isinstance(hypothesis.than, str):
            assert hypothesis.than in findings


def shrunk(study: Study) -> Study:
    """One trial of one epoch on few examples; of each axis the first value."""
    config = copy.deepcopy(dict(study.config))
    config["training"] |= {"epochs": 1, "snapshots": [0, 1]}
    if config["data"]["name"] == "spiral":
        config["data"]["points"] = 60
    if config["data"]["name"] == "cifar10":
        config["data"]["train_share"] = 0.002
    return replace(
        study,
        config=config,
        seeds=(0,),
        axes=tuple(first_of(axis) for axis in study.axes),
        examine=replace(study.examine, samples=10),
    )


def first_of(axis: Axis) -> Axis:
    (settings, *_) = axis.settings()
    if "training.epochs" in settings:
        settings = {**settings, "training.epochs": 1, "training.snapshots": [0, 1]}
    if len(settings) > 1:
        return ZippedAxis(tuple(settings), (tuple(settings.values()),))
    ((key, value),) = settings.items()
    return ListedAxis(key, (value,))


def test_settings_of_probes_are_refused_before_anything_is_trained() -> None:
    with pytest.raises(SettingError, match=r"settings\.noise.*expected a probe that is asked"):
        Examination(settings={"noise": {"draws": 2}})
    with pytest.raises(SettingError, match=r"settings\.noise\.draw.*draws"):
        Examination(probes=("noise",), settings={"noise": {"draw": 2}})
    with pytest.raises(SettingError, match=r"settings\.attacks\.within"):
        Examination(probes=("attacks",), settings={"attacks": {"within": []}})
    with pytest.raises(UnknownNameError, match="fgsm"):
        Examination(probes=("attacks",), settings={"attacks": {"attacks": ["fgsn"]}})
    with pytest.raises(UnknownNameError, match="accuracy"):
        Examination(probes=("acuracy",))


def test_settings_of_probes_reach_them(tmp_path: Path) -> None:
    study = Study(
        title="Attacks",
        config={
            "data": {"name": "spiral", "points": 60},
            "network": {"architecture": "mlp", "hidden": [8]},
            "training": {"epochs": 1, "batch_size": 20},
        },
        question="",
        seeds=(0,),
        examine=Examination(
            probes=("attacks",),
            inputs=("linf:0.5",),
            settings={"attacks": {"attacks": [{"name": "bim", "steps": 3}], "multiples": []}},
            details=("attacked_accuracy[linf:0.5]/by_attack/*",),
        ),
    )
    store = TrialStore(str(tmp_path / "out"))
    run_study(study, store, Inline())
    figure = "attacked_accuracy[linf:0.5]"
    # Whether a second opinion is asked, too, is decided by what the network does.
    assert set(results(store).column("finding").to_pylist()) - {
        f"{figure}/by_attack/second opinion"
    } == {figure, f"{figure}/by_attack/BIM-3", f"{figure}/by_attack/random point"}
