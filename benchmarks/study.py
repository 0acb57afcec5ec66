"""What a study costs beside its trials: overhead, a second worker, ten thousand trials.

Prints

- the time that a study of tiny trials takes per trial, and how much of it is neither training
  nor examination,
- the ratio of throughputs of two Ray workers and one process on the same trials, each on one
  thread (medians of three rounds, interleaved; Ray's start is not counted),
- the time and memory it takes to plan 10,000 trials, and to collect their results.

Run: python benchmarks/study.py [overhead] [workers] [many]
"""

import json
import os
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from gnomon.study.axes import GridAxis
from gnomon.study.collect import write_results
from gnomon.study.engines import Engine, Inline, RayEngine
from gnomon.study.run import run_study
from gnomon.study.study import Examination, Study
from gnomon.study.trial_record import ResultRow, TrialRecord
from gnomon.study.trial_store import TrialStore
from gnomon.study.trials import trials_of

ROUNDS = 3
TINY = Study(
    title="Tiny trials",
    question="",
    config={
        "data": {"name": "spiral", "points": 60},
        "network": {"architecture": "mlp", "hidden": [8]},
        "training": {"epochs": 1, "batch_size": 20},
    },
    seeds=tuple(range(128)),
    examine=Examination(probes=("accuracy",)),
)
LONG = replace(
    TINY,
    title="Trials of a few seconds, each alone",
    config={
        "data": {"name": "spiral", "points": 500},
        "network": {"architecture": "mlp", "hidden": [200, 200, 200]},
        "training": {"epochs": 25, "batch_size": 20, "precision": "bfloat16"},
    },
    seeds=tuple(range(8)),
)
MANY = replace(
    TINY,
    seeds=tuple(range(10)),
    axes=(GridAxis("training.learning_rate", 1e-4, 1e-1, 1000, "log"),),
)


def main() -> None:
    """Prints what the words on the command line ask for, or everything."""
    torch.set_num_threads(1)
    parts = {"overhead": overhead, "workers": workers, "many": many}
    for name in sys.argv[1:] or parts:
        parts[name]()


def overhead() -> None:
    """Of a study of tiny trials."""
    run(replace(TINY, seeds=(0,)), Inline())
    seconds, records = run(TINY, Inline())
    spent = sum(record.seconds for record in records)
    count = len(records)
    print(
        f"{count} tiny trials: {1e3 * seconds / count:.1f} ms each, of which "
        f"{1e3 * (seconds - spent) / count:.1f} ms are neither training nor examination"
    )


def workers() -> None:
    """Two against one."""
    import ray  # noqa: PLC0415 - optional

    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    run(LONG, RayEngine())  # starts the worker processes
    ratios: list[float] = []
    for _ in range(ROUNDS):
        one, two = (run(LONG, engine)[0] for engine in (Inline(), RayEngine()))
        ratios.append(one / two)
        print(f"  {len(LONG.seeds)} trials: one process {one:.1f} s, two workers {two:.1f} s")
    print(f"two workers: {statistics.median(ratios):.2f} × the throughput of one process")
    ray.shutdown()


def many() -> None:
    """Ten thousand trials."""
    before, begun = peak(), time.perf_counter()
    trials = trials_of(MANY)
    planned = time.perf_counter() - begun
    print(f"{len(trials):,} trials planned in {planned:.1f} s, {peak() - before:.0f} MB more")
    with tempfile.TemporaryDirectory() as folder:
        store = TrialStore(folder)
        for trial in trials:
            write_trial(Path(folder) / "trials" / trial.id, trial.id, trial.seed)
        before, begun = peak(), time.perf_counter()
        path = Path(folder) / "results.parquet"
        count = write_results(path, trials, store.records([trial.id for trial in trials]))
        seconds = time.perf_counter() - begun
        print(
            f"{count:,} trials with 30 figures each collected in {seconds:.1f} s, "
            f"{peak() - before:.0f} MB more, into {path.stat().st_size / 1e6:.1f} MB"
        )


def run(study: Study, engine: Engine) -> tuple[float, list[TrialRecord]]:
    """Seconds that a study takes, and what its trials left."""
    with tempfile.TemporaryDirectory() as folder:
        store = TrialStore(folder)
        begun = time.perf_counter()
        run_study(study, store, engine)
        return time.perf_counter() - begun, list(store.records())


def write_trial(folder: Path, trial: str, seed: int) -> None:
    """A finished trial with 30 figures, as the store has it."""
    folder.mkdir(parents=True)
    rows = tuple(
        ResultRow(f"finding{i}", "probe", i / 7, None, None, "share") for i in range(30)
    )
    record = TrialRecord(trial, seed, "finished", "", "e", "0", 1.0, 1.0, rows)
    plain = {**vars(record), "rows": [vars(row) for row in rows]}
    (folder / "trial.json").write_text(json.dumps(plain), encoding="utf-8")


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
