"""Conclusions from the trials of a study: its verdicts, and the report with their figures."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gnomon.audit import Audit, LossFlatness, read_json
from gnomon.audit.topics.flatness.landscapes import MOST_NETWORKS, landscape_pictures
from gnomon.report.picture import Picture
from gnomon.report.results_page import Heading
from gnomon.study.axes import Settings
from gnomon.study.axis_values import shown
from gnomon.study.file_stores import writing
from gnomon.study.report.page import write_study_report
from gnomon.study.results import Results
from gnomon.study.run import RESULTS, Prospect
from gnomon.study.statistics import Verdict, judge
from gnomon.study.study import Study
from gnomon.study.trial_store import TrialStore
from gnomon.words.request import probe_kinds


@dataclass(frozen=True)
class Conclusions:
    """The end of a study.

    Attributes:
        verdicts: the verdicts on its hypotheses.
        page: path or URL of the report.
    """

    verdicts: tuple[Verdict, ...]
    page: str


def conclude(study: Study, store: TrialStore, remains: Prospect) -> Conclusions:
    """Judges the hypotheses on the results in the store, and writes the report there.

    Args:
        study: the question.
        store: has results.parquet.
        remains: the trials that are done and that have failed, for the report's notes.
    """
    axes = tuple(key for axis in study.axes for key in axis.varied)
    with writing(store.address), store.files.mirrored(RESULTS) as folder:
        results = Results(pd.read_parquet(folder / RESULTS), axes)
        verdicts = judge(results, study.hypotheses)
        heading = Heading(study.title, study.question, _notes(remains))
        landscapes = _landscapes(study, store, remains)
        page = write_study_report(folder, results, verdicts, heading, landscapes)
    return Conclusions(verdicts, f"{store.address.rstrip('/')}/{page.name}")


def _landscapes(study: Study, store: TrialStore, remains: Prospect) -> list[Picture]:
    """Loss landscapes of one network for each setting, if the study asks for them."""
    probes = study.examine.probes
    if not probes or LossFlatness not in probe_kinds(probes):
        return []
    done = [trial for trial in remains.trials if trial.id in remains.done]
    first: dict[str, str] = {}
    for label, trial in zip(_labels([trial.settings for trial in done]), done, strict=True):
        first.setdefault(label or study.title, trial.id)
    note = "Each network is that of the first seed of its setting."
    if len(first) > MOST_NETWORKS:
        note += f" The first {MOST_NETWORKS} of {len(first)} settings are shown."
    chosen = list(first.items())[:MOST_NETWORKS]
    return landscape_pictures([(label, _audit(store, id_)) for label, id_ in chosen], note)


def _labels(settings: Sequence[Settings]) -> list[str]:
    """Labels that tell the settings apart, with as few values as possible, and short ones."""
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
        store.files.get(f"trials/{trial}/audit.json", Path(scratch) / "audit.json")
        return read_json(Path(scratch) / "audit.json")


def _notes(remains: Prospect) -> tuple[str, ...]:
    """Remarks that a reader needs beside the figures: missing trials, different versions."""
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
