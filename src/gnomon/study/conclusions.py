"""What the trials of a study say: verdicts, and the report with the figures behind them."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyarrow import parquet

from gnomon.audit import Audit, LossFlatness, read_json
from gnomon.report.picture import Picture
from gnomon.study.axes import Settings
from gnomon.study.report.landscapes import MOST_NETWORKS, landscape_pictures
from gnomon.study.report.report import Words, write_page
from gnomon.study.run import RESULTS, Prospect
from gnomon.study.statistics import Results, Verdict, judge
from gnomon.study.statistics.hypotheses import shown
from gnomon.study.store import TrialStore
from gnomon.study.study import Study
from gnomon.words.request import probe_kinds


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
        words = Words(study.title, study.question, _notes(remains))
        page = write_page(
            folder, Results(table, axes), verdicts, words, _landscapes(study, store, remains)
        )
        if store.local is None:
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    store.put(file, str(file.relative_to(folder)))
    return Conclusions(verdicts, f"{store.address.rstrip('/')}/{page.name}")


def _landscapes(study: Study, store: TrialStore, remains: Prospect) -> list[Picture]:
    """Loss landscapes of one network for each setting, where the study asks for them."""
    probes = study.examine.probes
    if not probes or LossFlatness not in probe_kinds(probes):
        return []
    done = [trial for trial in remains.trials if trial.id in remains.done]
    first: dict[str, str] = {}
    for label, trial in zip(_labels([each.settings for each in done]), done, strict=True):
        first.setdefault(label or study.title, trial.id)
    note = "Each network is that of the first seed of its setting."
    if len(first) > MOST_NETWORKS:
        note += f" The first {MOST_NETWORKS} of {len(first)} settings are shown."
    chosen = list(first.items())[:MOST_NETWORKS]
    return landscape_pictures([(label, _audit(store, id_)) for label, id_ in chosen], note)


def _labels(settings: Sequence[Settings]) -> list[str]:
    """What tells the settings apart: as few values as do, and names of tables if these do."""
    whole = [tuple(map(shown, each.values())) for each in settings]
    named = [tuple(map(_name, each.values())) for each in settings]
    for values in (named, whole):
        for count in range(1, len(values[0]) + 1 if values else 0):
            labels = [", ".join(each[:count]) for each in values]
            if len(set(labels)) == len(set(whole)):
                return labels
    return [", ".join(each) for each in whole]


def _name(value: Any) -> str:  # noqa: ANN401 - any plain value
    """The name of what a table describes, else the value."""
    named = isinstance(value, Mapping) and "name" in value
    return str(value["name"]) if named else shown(value)


def _audit(store: TrialStore, trial: str) -> Audit:
    with tempfile.TemporaryDirectory() as scratch:
        store.get(f"trials/{trial}/audit.json", Path(scratch) / "audit.json")
        return read_json(Path(scratch) / "audit.json")


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
