"""A study from beginning to end: what is done is kept, and only the rest is done."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow.compute as pc
import pytest
import torch
from fsspec.core import url_to_fs
from fsspec.implementations.memory import MemoryFileSystem

import gnomon as gn
from gnomon.audit import read_json
from gnomon.errors import ClusterError, FolderError, SettingError
from gnomon.study.axes import ListedAxis
from gnomon.study.engines import Engine, Inline
from gnomon.study.forecast import foresee
from gnomon.study.run import Prospect, StudyObserver, run_study, survey
from gnomon.study.tasks import Task, TrialOutcome, carry_out, give_up
from gnomon.study.trial_store import TrialStore
from gnomon.study.trials import trials_of
from reference.small_study import CONFIG, DIVERGING, STUDY, results, stamps, weights


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> TrialStore:
    store = TrialStore(str(tmp_path_factory.mktemp("study") / "out"))
    run_study(STUDY, store, Inline())
    return store


@pytest.fixture
def store(finished: TrialStore, tmp_path: Path) -> TrialStore:
    """A copy of the finished study."""
    shutil.copytree(finished.address, tmp_path / "out")
    return TrialStore(str(tmp_path / "out"))


@dataclass
class Heard:
    """An observer that remembers."""

    prospects: list[Prospect] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    outcomes: list[TrialOutcome] = field(default_factory=list)

    def planned(self, prospect: Prospect) -> None:
        self.prospects.append(prospect)

    def started(self, task: Task) -> None:
        self.tasks.append(task)

    def ended(self, outcome: TrialOutcome) -> None:
        self.outcomes.append(outcome)


def test_the_table_has_a_row_for_each_trial_and_finding(finished: TrialStore) -> None:
    table = results(finished)
    assert table.column_names[:3] == ["trial", "seed", "network.activation"]
    accuracy = table.filter(pc.field("finding") == "clean_accuracy").to_pylist()
    assert len(accuracy) == 6
    assert {(row["seed"], row["network.activation"]) for row in accuracy} == {
        (seed, name) for seed in (0, 1, 2) for name in ("relu", "tanh")
    }
    layers = set(table.column("finding").to_pylist())
    assert "frobenius_norm/layers/linear2.weight/frobenius_norm" in layers


def test_each_row_is_what_an_audit_of_that_trials_network_says(finished: TrialStore) -> None:
    for row in results(finished).to_pylist():
        audit = read_json(Path(finished.address) / "trials" / row["trial"] / "audit.json")
        found = {each.title: each for each in audit.findings}
        if row["finding"] in found:
            assert row["value"] == found[row["finding"]].value


def test_trials_are_those_that_training_one_by_one_gives(
    finished: TrialStore, tmp_path: Path
) -> None:
    """The trained network of a trial is that of `gnomon train` with its configuration."""
    trial = trials_of(STUDY)[4]
    data = trial.planned.data(trial.seed, gn.Store.default(download=False))
    alone = gn.train(trial.planned, data, tmp_path / "run", device="cpu")
    together = gn.load_network(Path(finished.address) / "trials" / trial.id)
    for name, tensor in alone.network.state_dict().items():
        torch.testing.assert_close(tensor, together.state_dict()[name], rtol=1e-4, atol=1e-5)


def test_a_finished_study_does_nothing_again(store: TrialStore) -> None:
    before, heard = stamps(store), Heard()
    remains = run_study(STUDY, store, Inline(), heard)
    assert isinstance(heard, StudyObserver)
    assert heard.tasks == []
    assert heard.outcomes == []
    assert stamps(store) == before
    assert len(remains.done) == 6


def test_seeds_and_values_that_are_added_are_done_alone(store: TrialStore) -> None:
    before, heard = stamps(store), Heard()
    more = replace(STUDY, seeds=(0, 1, 2, 3))
    run_study(more, store, Inline(), heard)
    assert len(heard.outcomes) == 2
    wider = replace(more, axes=(ListedAxis("network.activation", ("relu", "tanh", "silu")),))
    run_study(wider, store, Inline(), heard)
    assert len(heard.outcomes) == 2 + 4
    after = stamps(store)
    assert len(after) == 12
    assert before.items() <= after.items()
    assert len(set(results(store).column("trial").to_pylist())) == 12


def test_another_examination_trains_nothing_again(store: TrialStore) -> None:
    before = weights(store)
    asked = replace(STUDY.examine, probes=("accuracy",), details=(), samples=20)
    heard = Heard()
    run_study(replace(STUDY, examine=asked), store, Inline(), heard)
    assert all(task.trained == {trial.id for trial in task.trials} for task in heard.tasks)
    assert weights(store) == before
    assert set(results(store).column("finding").to_pylist()) == {"clean_accuracy"}


def test_a_damaged_trial_is_done_again_with_the_same_result(store: TrialStore) -> None:
    before, table = weights(store), results(store)
    damaged = trials_of(STUDY)[2].id
    (Path(store.address) / "trials" / damaged / "model.safetensors").write_bytes(b"cut")
    heard = Heard()
    run_study(STUDY, store, Inline(), heard)
    assert [outcome.trial for outcome in heard.outcomes] == [damaged]
    assert (Path(store.address) / "quarantine" / f"{damaged}-1").is_dir()
    assert weights(store).keys() == before.keys()
    assert results(store).column("trial") == table.column("trial")


class StopError(Exception):
    """A stop from outside."""


@dataclass(frozen=True)
class Stopping:
    """Stops after so many trials."""

    after: int

    def workers(self) -> int:
        return 1

    def run(self, tasks: Iterable[Task]) -> Iterator[TrialOutcome]:
        count = 0
        for task in tasks:
            for outcome in carry_out(task):
                count += 1
                if count > self.after:
                    raise StopError
                yield outcome


def test_a_study_that_was_stopped_goes_on_to_the_same_end(
    finished: TrialStore, tmp_path: Path
) -> None:
    store = TrialStore(str(tmp_path / "out"))
    with pytest.raises(StopError):
        run_study(STUDY, store, Stopping(2))
    there = stamps(store)
    assert 2 <= len(there) < 6
    assert len(set(results(store).column("trial").to_pylist())) == len(there)
    run_study(STUDY, store, Inline())
    assert there.items() <= stamps(store).items()
    assert weights(store) == weights(finished)
    assert results(store).drop_columns("gnomon") == results(finished).drop_columns("gnomon")


def test_failed_trials_are_kept_with_their_reason_and_retried_on_request(
    tmp_path: Path,
) -> None:
    store, heard = TrialStore(str(tmp_path / "out")), Heard()
    remains = run_study(DIVERGING, store, Inline(), heard)
    assert len(remains.done) == 3
    assert len(remains.failed) == 3
    assert all("learning_rate" in reason for reason in remains.failed.values())
    failing = {
        trial.id
        for trial in trials_of(DIVERGING)
        if trial.settings["training.learning_rate"] == 1e30
    }
    assert set(remains.failed) == failing
    assert len(heard.outcomes) == 6
    run_study(DIVERGING, store, Inline(), heard)
    assert len(heard.outcomes) == 6
    run_study(DIVERGING, store, Inline(), heard, retry=True)
    assert {outcome.trial for outcome in heard.outcomes[6:]} == failing


def test_an_examination_that_fails_fails_its_trial(tmp_path: Path) -> None:
    study = replace(STUDY, examine=replace(STUDY.examine, details=("clean_accuracy/nothing",)))
    remains = run_study(study, TrialStore(str(tmp_path)), Inline())
    assert len(remains.failed) == 6
    assert all("no part 'nothing'" in reason for reason in remains.failed.values())
    assert len(run_study(STUDY, TrialStore(str(tmp_path)), Inline()).done) == 6


def test_trials_whose_workers_died_fail_and_those_in_the_store_do_not(
    store: TrialStore,
) -> None:
    trials = trials_of(replace(STUDY, seeds=(0, 1, 2, 3)))
    task = Task(trials, frozenset(), STUDY.examine, store, "0")
    outcomes = give_up(task, "Its worker died.")
    failed = {outcome.trial for outcome in outcomes if outcome.status == "failed"}
    assert failed == {trial.id for trial in trials if trial.seed == 3}
    assert store.failures().keys() == failed


def test_a_worker_of_another_version_is_refused(tmp_path: Path) -> None:
    task = Task((), frozenset(), STUDY.examine, TrialStore(str(tmp_path)), "0.0.9+00000000")
    with pytest.raises(ClusterError, match=r"expected Gnomon 0.0.9\+00000000 on every worker"):
        list(carry_out(task))


def test_a_disk_that_cannot_be_written_stops_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    store = TrialStore(str(tmp_path / "out"))
    with monkeypatch.context() as patched:
        patched.setattr("gnomon.study.file_stores.FolderStore.publish", full)
        with pytest.raises(FolderError, match=r"No space left.*start the same study again"):
            run_study(STUDY, store, Inline())
    assert len(run_study(STUDY, store, Inline()).done) == 6


def test_a_store_elsewhere_holds_the_same(finished: TrialStore) -> None:
    MemoryFileSystem.store.clear()
    store = TrialStore("memory://study")
    try:
        run_study(STUDY, store, Inline())
        assert {r.id for r in store.records()} == set(weights(finished))
        one, other = list(store.records()), list(finished.records())
        assert [record.rows for record in one] == [record.rows for record in other]
        files, root = url_to_fs(store.address)
        assert files.cat_file(f"{root}/results.parquet")[:4] == b"PAR1"
        asked = replace(STUDY.examine, details=())
        assert len(run_study(replace(STUDY, examine=asked), store, Inline()).done) == 6
    finally:
        MemoryFileSystem.store.clear()
        shutil.rmtree(store.files.scratch, ignore_errors=True)


def test_a_dry_run_measures_and_leaves_nothing(tmp_path: Path) -> None:
    store = TrialStore(str(tmp_path / "out"))
    expected = foresee(survey(STUDY, store), STUDY.examine, workers=2)
    assert expected.seconds == pytest.approx((expected.training + expected.examining) / 2)
    assert expected.size > 6 * 500
    assert expected.tried == 2
    assert not (tmp_path / "out").exists()
    lines = expected.lines()
    assert "shared by 2 workers" in lines[0]
    assert "epoch" in lines[-1]


def test_nothing_left_takes_no_time(store: TrialStore) -> None:
    expected = foresee(survey(STUDY, store), STUDY.examine)
    assert (expected.seconds, expected.size) == (0, 0)
    assert expected.lines()[0].startswith("nothing is left to do")


def test_a_dry_run_leaves_out_what_cannot_be_trained_and_refuses_what_cannot_be_asked(
    tmp_path: Path,
) -> None:
    store = TrialStore(str(tmp_path / "out"))
    expected = foresee(survey(DIVERGING, store), DIVERGING.examine)
    assert expected.tried == 1
    assert expected.size > 0
    asked = replace(STUDY.examine, details=("clean_accuracy/nothing",))
    study = replace(STUDY, examine=asked)
    with pytest.raises(SettingError, match=r"would fail: .*no part 'nothing'"):
        foresee(survey(study, store), study.examine)


def test_networks_that_train_alone_take_part(tmp_path: Path) -> None:
    """bfloat16 is not for groups."""
    config = {**CONFIG, "training": {**CONFIG["training"], "precision": "bfloat16"}}
    study = replace(STUDY, config=config, seeds=(0,))
    assert all(trial.replicas is None for trial in trials_of(study))
    assert len(run_study(study, TrialStore(str(tmp_path)), Inline()).done) == 2


def test_engines_are_engines() -> None:
    assert isinstance(Inline(), Engine)
