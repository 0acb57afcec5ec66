"""The report of a study: one self-contained page, tables and figures for publication."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import pyarrow as pa

import gnomon
from gnomon.audit.report.definitions import GLOSSARY
from gnomon.files import replacing, write_text
from gnomon.report.definition import Definition
from gnomon.report.page import render_page
from gnomon.report.picture import Picture, house_style
from gnomon.study.report.claims import Claim, claims_of
from gnomon.study.report.tables import Table, settings_of, tables_of
from gnomon.study.report.terms import TERMS
from gnomon.study.report.texts import latex, markdown
from gnomon.study.report.words import effect, p_value, ranges
from gnomon.study.statistics.hypotheses import shown
from gnomon.study.statistics.results import Results, Trial
from gnomon.study.statistics.verdict import Role, Verdict

_ROLES: Mapping[Role, str] = {
    "claim": "for the claim",
    "opposite": "for the opposite",
    "negligible": "for an effect too small to matter",
}
_FEW_TABLES = 6


@dataclass(frozen=True)
class Words:
    """What a report says about itself.

    Attributes:
        title: of the page.
        question: that it answers.
        notes: paragraphs at its top.
        kicker: the kind of report.
    """

    title: str
    question: str = ""
    notes: tuple[str, ...] = ()
    kicker: str = "Study"


def write_study_report(
    folder: Path,
    table: pa.Table,
    axes: Sequence[str],
    verdicts: Sequence[Verdict],
    title: str,
    question: str = "",
    notes: Sequence[str] = (),
) -> Path:
    """Writes the report of a study; returns the path of the page.

    In the folder: `report.html`, which loads nothing; `tables/`, as LaTeX (booktabs) and
    Markdown; `figures/`, one for each hypothesis, as PDF, SVG and PNG. The page comes last, so
    that where it is, the rest is whole.

    Args:
        folder: is made where it is not there.
        table: of results, with a row for each trial and finding.
        axes: the keys of the study's axes.
        verdicts: what `judge` says about the hypotheses.
        title: of the page.
        question: that the study asks.
        notes: paragraphs at the top: trials that failed, versions that differ.

    Raises:
        DataError: a column of the table is missing.
    """
    words = Words(title, question, tuple(notes))
    return write_page(folder, Results(table, tuple(axes)), verdicts, words)


def write_page(
    folder: Path,
    results: Results,
    verdicts: Sequence[Verdict],
    words: Words,
    overview: Sequence[Picture] = (),
) -> Path:
    """Writes the page with further figures below the claims, and the files beside it."""
    claims, tables = claims_of(verdicts), tables_of(results)
    for each in tables:
        write_text(folder / "tables" / f"{each.key}.tex", latex(each))
        write_text(folder / "tables" / f"{each.key}.md", markdown(each))
    for picture in [*overview, *(claim.picture for claim in claims)]:
        if picture is not None:
            picture.save(folder / "figures")
            _save_pdf(picture, folder / "figures")
    page = folder / "report.html"
    write_text(page, render(results, claims, tables, words, overview))
    return page


def render(
    results: Results,
    claims: Sequence[Claim],
    tables: Sequence[Table],
    words: Words,
    overview: Sequence[Picture] = (),
) -> str:
    """The page as text: it loads nothing, from this machine or another."""
    first, others = _in_order(tables, claims)
    return render_page(
        "gnomon.study.report",
        "study",
        filters={"effect": effect, "p_value": p_value},
        version=gnomon.__version__,
        kicker=words.kicker,
        title=words.title,
        question=words.question,
        notes=words.notes,
        about=_about(results),
        claims=claims,
        overview=overview,
        roles=_ROLES,
        trials_behind=_trials_behind,
        first_tables=first,
        other_tables=others,
        axes=results.axes,
        settings=_settings(results),
        versions=_versions(results),
        terms={term.key: term.term for term in (*GLOSSARY, *TERMS)},
        glossary=_glossary(claims, overview),
    )


def _glossary(claims: Sequence[Claim], overview: Sequence[Picture]) -> list[Definition]:
    """The terms that the page uses; those of audits where a figure shows what they define."""
    shown = {picture.definition for picture in overview} - {term.key for term in TERMS}
    return [
        *(term for term in TERMS if claims or term.key == "interval"),
        *(term for term in GLOSSARY if term.key in shown),
    ]


def _about(results: Results) -> str:
    count = len(results.trials)
    axes = ", ".join(
        f"{len(results.combinations((key,)))} values of {key}" for key in results.axes
    )
    seeds = ranges(list(results.seeds))
    return f"{count} trials: {axes or 'one setting'}; seeds {seeds or 'none'}"


def _in_order(
    tables: Sequence[Table], claims: Sequence[Claim]
) -> tuple[list[Table], list[Table]]:
    """The tables of what the claims are about, or all if they are few; then the others."""
    if len(tables) <= _FEW_TABLES:
        return list(tables), []
    named = {each.verdicts[0].hypothesis.finding for each in claims}
    first = [table for table in tables if named & set(table.findings)]
    return first, [table for table in tables if table not in first]


def _settings(results: Results) -> list[tuple[int, tuple[str, ...], list[Trial]]]:
    """Every setting with its number, its values and its trials in the order of seeds."""
    found: dict[tuple[object, ...], list[Trial]] = {}
    for trial in results.trials.values():
        found.setdefault(tuple(trial.settings[key] for key in results.axes), []).append(trial)
    return [
        (place, tuple(map(shown, setting)), sorted(found[setting], key=lambda t: t.seed))
        for setting, place in settings_of(results).items()
    ]


def _trials_behind(verdict: Verdict) -> list[str]:
    return [each for seed in verdict.blocks.trials for level in seed for each in level]


def _versions(results: Results) -> str:
    counts: dict[str, int] = {}
    for trial in results.trials.values():
        counts[trial.version] = counts.get(trial.version, 0) + 1
    if len(counts) <= 1:
        return next(iter(counts), "of no version")
    return ", ".join(f"{name} ({count} trials)" for name, count in counts.items())


def _save_pdf(picture: Picture, folder: Path) -> None:
    """KEY.pdf with its fonts, without a date."""
    with (
        house_style(),
        mpl.rc_context({"pdf.fonttype": 42}),
        replacing(folder / f"{picture.key}.pdf") as temporary,
    ):
        picture.figure.savefig(
            temporary,
            format="pdf",
            metadata={"CreationDate": None, "Creator": None, "Producer": None},
        )
