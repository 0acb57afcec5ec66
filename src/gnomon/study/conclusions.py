"""What the trials of a study say: verdicts, and the report with the figures behind them."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from pyarrow import parquet

from gnomon.study.report import write_study_report
from gnomon.study.run import RESULTS, Prospect
from gnomon.study.statistics import Verdict, judge
from gnomon.study.store import TrialStore
from gnomon.study.study import Study


@dataclass(frozen=True)
class Conclusions:
    """The end of a study.

    Attributes:
        verdicts: on its hypotheses.
        page: where the report lies.
    """

    verdicts: tuple[Verdict, ...]
    page: str


def conclude(study: Study, store: TrialStore, remains: Prospect) -> Conclusions:
    """Judges the hypotheses on the results in the store, and writes the report there.

    Args:
        study: the question.
        store: with results.parquet.
        remains: what is done and what has failed, for the report's notes.
    """
    axes = tuple(key for axis in study.axes for key in axis.varied)
    with tempfile.TemporaryDirectory() as scratch:
        folder = store.local or Path(scratch)
        if store.local is None:
            store.get(RESULTS, folder / RESULTS)
        table = parquet.read_table(folder / RESULTS)
        verdicts = judge(table, axes, study.hypotheses)
        page = write_study_report(
            folder, table, axes, verdicts, study.title, study.question, _notes(remains)
        )
        if store.local is None:
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    store.put(file, str(file.relative_to(folder)))
    return Conclusions(verdicts, f"{store.address.rstrip('/')}/{page.name}")


def _notes(remains: Prospect) -> tuple[str, ...]:
    """What a reader must know beside the figures."""
    notes: list[str] = []
    missing = len(remains.trials) - len(remains.done)
    if missing:
        notes.append(
            f"{len(remains.done)} of {len(remains.trials)} trials are in this report; "
            f"{len(remains.failed)} failed."
        )
        notes += [f"Failed: {reason}" for reason in sorted(set(remains.failed.values()))[:5]]
    if len(remains.versions) > 1:
        versions = ", ".join(sorted(remains.versions))
        notes.append(f"The trials come from different versions of Gnomon: {versions}.")
    return tuple(notes)
