"""The report of a study: one self-contained page, tables and figures for publication."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from gnomon.audit.topics import GLOSSARY
from gnomon.report.definition import Definition
from gnomon.report.numbers import p_value, ranges
from gnomon.report.picture import Picture
from gnomon.report.results_page import (
    INTERVAL,
    Heading,
    ResultsPage,
    SettingTrials,
    write_results_page,
)
from gnomon.study.axis_values import shown
from gnomon.study.report.claims import Claim, claims_of
from gnomon.study.report.glossary import TERMS
from gnomon.study.report.labels import effect
from gnomon.study.report.tables import tables_of
from gnomon.study.results import Results
from gnomon.study.statistics.verdict import Role, Verdict

_ROLES: Mapping[Role, str] = {
    "claim": "for the claim",
    "opposite": "for the opposite",
    "negligible": "for an effect too small to matter",
}


def write_study_report(
    folder: Path,
    results: Results,
    verdicts: Sequence[Verdict],
    heading: Heading,
    overview: Sequence[Picture] = (),
) -> Path:
    """Writes the report of a study; returns the path of the page.

    In the folder: `report.html`, which loads nothing; `tables/`, as LaTeX (booktabs) and
    Markdown; `figures/`, one for each hypothesis, as PDF, SVG and PNG.

    Args:
        folder: is made where it is not there.
        results: of the study.
        verdicts: what `judge` says about the hypotheses.
        heading: title, question and notes.
        overview: further figures below the claims.
    """
    claims = claims_of(verdicts)
    page = ResultsPage(
        heading=heading,
        about=_about(results),
        tables=tables_of(results),
        axes=results.axes,
        settings=_settings(results),
        versions=_versions(results),
        overview=overview,
        glossary=_glossary(claims, overview),
        foremost=frozenset(claim.hypothesis.finding for claim in claims),
    )
    return write_results_page(
        folder,
        page,
        "gnomon.study.report",
        "study",
        pictures=[claim.picture for claim in claims if claim.picture],
        filters={"effect": effect, "p_value": p_value},
        claims=claims,
        roles=_ROLES,
    )


def _about(results: Results) -> str:
    """The number of trials, of values of each axis, and the seeds."""
    count = len(results.trials)
    axes = ", ".join(f"{results.trials[key].nunique()} values of {key}" for key in results.axes)
    return f"{count} trials: {axes or 'one setting'}; seeds {ranges(results.seeds) or 'none'}"


def _settings(results: Results) -> list[SettingTrials]:
    """Every setting with its values in words and its trials in the order of seeds."""
    by_setting: dict[tuple[object, ...], list[tuple[int, str]]] = {}
    columns = results.trials[["seed", *results.axes]]
    for trial, seed, *setting in columns.itertuples(name=None):
        by_setting.setdefault(tuple(setting), []).append((seed, trial))
    return [
        SettingTrials(tuple(map(shown, setting)), tuple(sorted(trials, key=lambda row: row[0])))
        for setting, trials in by_setting.items()
    ]


def _versions(results: Results) -> str:
    counts = Counter(results.trials.loc[:, "gnomon"])
    if len(counts) <= 1:
        return next(iter(counts), "of no version")
    return ", ".join(f"{name} ({count} trials)" for name, count in counts.items())


def _glossary(claims: Sequence[Claim], overview: Sequence[Picture]) -> list[Definition]:
    """The terms that the page uses; those of audits where a figure shows what they define."""
    drawn = {picture.definition for picture in overview} - {term.key for term in TERMS}
    return [
        *(TERMS if claims else (INTERVAL,)),
        *(term for term in GLOSSARY if term.key in drawn),
    ]
