"""Studies on a real Ray cluster: the results of one process, whatever dies on the way."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import psutil
import pytest

from gnomon.errors import ClusterError, SettingError
from gnomon.study.engines import Engine, Inline, RayEngine
from gnomon.study.engines.ray import outcomes_of
from gnomon.study.run import Prospect, run_study
from gnomon.study.tasks import Task, TrialOutcome
from gnomon.study.trial_store import TrialStore
from gnomon.study.trials import trials_of
from reference.small_study import LONG, STUDY, results, stamps, weights

pytestmark = pytest.mark.slow
ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")


@runtime_checkable
class _Cluster(Protocol):
    """What of Ray's cluster for tests is used here."""

    address: str

    def add_node(self, *, num_cpus: int) -> Any: ...  # noqa: ANN401 - Ray's own

    def remove_node(self, node: Any, *, allow_graceful: bool) -> None: ...  # noqa: ANN401


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Ends whatever a test started, however the test ended, each process by its id."""
    before = set(psutil.Process().children(recursive=True))
    yield
    # Asked for before Ray's own processes end: theirs are no longer found through them then.
    started = set(psutil.Process().children(recursive=True)) - before
    ray.shutdown()
    _ended(started)


def _ended(processes: Iterable[psutil.Process]) -> None:
    """Kills those that still run, and waits until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(list(processes))


@pytest.fixture
def cluster(nothing_is_left: None) -> Iterator[_Cluster]:
    """A head without workers and two nodes of one core each, on this machine."""
    made = cluster_utils.Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "include_dashboard": False},
    )
    try:
        yield made
    finally:
        started = psutil.Process().children(recursive=True)
        made.shutdown()
        _ended(started)


def _until_idle(cluster: _Cluster) -> None:
    """Waits until no task holds a core: Ray stops those whose driver has died."""
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        while ray.available_resources().get("CPU", 0) < ray.cluster_resources()["CPU"]:
            time.sleep(0.1)
    finally:
        ray.shutdown()


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> TrialStore:
    store = TrialStore(str(tmp_path_factory.mktemp("inline") / "out"))
    run_study(LONG, store, Inline())
    return store


def _same(store: TrialStore, other: TrialStore) -> None:
    """The same networks and figures, to the last bit."""
    assert weights(store) == weights(other)
    assert results(store) == results(other)


def test_processes_of_this_machine_give_the_same_bits(tmp_path: Path) -> None:
    """Groups and single networks."""
    study = replace(STUDY, seeds=(0, 1, 2, 3))
    one, two = TrialStore(str(tmp_path / "one")), TrialStore(str(tmp_path / "two"))
    run_study(study, one, Inline())
    engine = RayEngine(processes=2)
    assert isinstance(engine, Engine)
    run_study(study, two, engine)
    _same(one, two)
    assert not ray.is_initialized()


def test_a_node_that_dies_loses_nothing(
    cluster: _Cluster, inline: TrialStore, tmp_path: Path
) -> None:
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    store = TrialStore(str(tmp_path / "out"))

    class Killing:
        """Kills a node after the first trial."""

        def __init__(self) -> None:
            self.ended_trials: list[str] = []

        def planned(self, prospect: Prospect) -> None:
            pass

        def started(self, task: Task) -> None:
            pass

        def ended(self, outcome: TrialOutcome) -> None:
            self.ended_trials.append(outcome.trial)
            if len(self.ended_trials) == 1:
                cluster.remove_node(nodes[0], allow_graceful=False)

    heard = Killing()
    remains = run_study(LONG, store, RayEngine(cluster.address), heard)
    assert len(remains.done) == 8
    assert sorted(heard.ended_trials) == sorted(remains.done)
    _same(store, inline)


def test_a_driver_that_dies_is_started_again_and_nothing_runs_twice(
    cluster: _Cluster, inline: TrialStore, tmp_path: Path
) -> None:
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    store = TrialStore(str(tmp_path / "out"))
    command = [sys.executable, "-m", "reference.study_driver", store.address, cluster.address]
    place = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    driver = subprocess.run(command, env=place, capture_output=True, text=True, check=False)
    assert driver.returncode == -signal.SIGKILL, driver.stderr
    _until_idle(cluster)
    there = stamps(store)
    # Two ended; four were in Ray's hands, and the other two never were.
    assert 2 <= len(there) <= 6
    run_study(LONG, store, RayEngine(cluster.address))
    assert there.items() <= stamps(store).items()
    _same(store, inline)


def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(
    inline: TrialStore, tmp_path: Path
) -> None:
    store = TrialStore(str(tmp_path / "out"))

    class Interrupting:
        """Ctrl-C after two trials."""

        count = 0

        def planned(self, prospect: Prospect) -> None: ...

        def started(self, task: Task) -> None: ...

        def ended(self, outcome: TrialOutcome) -> None:
            assert outcome.status == "finished"
            self.count += 1
            if self.count == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(LONG, store, RayEngine(processes=2), Interrupting())
    assert not ray.is_initialized()
    there = stamps(store)
    assert 2 <= len(there) < 8
    run_study(LONG, store, RayEngine(processes=2))
    assert there.items() <= stamps(store).items()
    _same(store, inline)


def test_trials_that_kill_their_workers_fail_in_the_end(tmp_path: Path) -> None:
    store = TrialStore(str(tmp_path))
    task = Task(trials_of(STUDY)[:2], frozenset(), STUDY.examine, store, "0")

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    ray.init(num_cpus=1, log_to_driver=False, include_dashboard=False)
    try:
        killing = ray.remote(max_retries=1)(die).remote()
        outcomes = outcomes_of(ray, killing, task)
    finally:
        ray.shutdown()
    assert [outcome.status for outcome in outcomes] == ["failed", "failed"]
    assert all("Its worker died" in record.reason for record in store.failures().values())
    assert len(store.failures()) == 2


def test_a_cluster_that_does_not_answer_is_refused_soon(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"127\.0\.0\.1:1: expected a cluster that answers"):
        run_study(STUDY, TrialStore(str(tmp_path)), RayEngine("127.0.0.1:1"))


def test_a_card_that_no_node_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"expected room for one task of 1 core and 0.25"):
        run_study(STUDY, TrialStore(str(tmp_path)), RayEngine(processes=1, gpus=0.25))


@pytest.mark.parametrize(
    "settings",
    [{"processes": 0}, {"processes": 2, "address": "auto"}, {"gpus": -1.0}],
    ids=["none", "both", "negative"],
)
def test_wrong_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(SettingError, match="expected"):
        RayEngine(**settings)  # pyright: ignore[reportArgumentType]
